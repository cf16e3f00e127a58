"""`emoview agree`: a result beside what a person annotated."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.common.text import json_of


class Answers(str, Enum):
    """Whose answers are compared."""

    FUSED = "fused"
    FACE = "face"
    VOICE = "voice"


def agree(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What emoview analyze wrote.")],
    annotation: Annotated[
        Path,
        typer.Argument(
            metavar="ANNOTATION.csv|.eaf",
            help="CSV: start_s and end_s, or time_s; and label, valence, arousal, or some of them.",
        ),
    ],
    tier: Annotated[
        str | None, typer.Option(help="Tier of the ELAN document.", show_default="the only one")
    ] = None,
    modality: Annotated[
        Answers, typer.Option(help="Predictions to compare with the annotation.")
    ] = Answers.FUSED,
    face: Annotated[
        int | None,
        typer.Option(
            metavar="ID", help="Number of the face to compare.", show_default="the one with most rows"
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON, too.")
    ] = None,
) -> None:
    """Measure how well RESULT agrees with a human ANNOTATION, tick by tick.

    Labels: Cohen's kappa, accuracy, unweighted average recall, confusion.
    Valence and arousal: CCC, PCC, RMSE. The 95 % intervals come from a bootstrap over
    seconds, because neighbouring ticks are not independent.

    Examples:
      emoview agree interview.json interview-coded.csv

      emoview agree interview.json interview.eaf --tier coder1 --modality face --json agreement.json
    """
    terminal = Terminal()
    with terminal.reporting():
        from dataclasses import asdict

        from emoview.cli.render_agreement import show_agreement
        from emoview.common.files import write_whole
        from emoview.evaluation.agreement import measure
        from emoview.evaluation.annotations import read_annotations
        from emoview.output.read import read_json

        found = measure(
            read_json(result), read_annotations(annotation, tier), modality=modality.value, face=face
        )
        show_agreement(terminal, found)
        if file is not None:
            figures = asdict(found)
            if found.uncertain_ticks is None:
                del figures["uncertain_ticks"]
            write_whole(file, json_of(figures, indent=2) + "\n")
