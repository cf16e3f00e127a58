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


def _pairs(values: list[str] | None) -> list[str] | None:
    for value in values or ():
        word, _, label = value.rpartition("=")
        if not word.strip() or not label.strip():
            raise typer.BadParameter(f"{value!r} is not WORD=LABEL, such as calm=neutral")
    return values


def agree(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What emoview analyze wrote.")],
    annotations: Annotated[
        list[Path],
        typer.Argument(
            metavar="ANNOTATION...",
            help="Table (CSV or Excel; start_s and end_s, or time_s; and label, valence, arousal, or some), "
            "ELAN document or export, Praat TextGrid, or BORIS export. Several are several raters.",
        ),
    ],
    tier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Tier, observation or subject to read. Repeat for several raters.",
            show_default="the only one",
        ),
    ] = None,
    words: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="WORD=LABEL",
            callback=_pairs,
            help="Read a word of the annotation as a label, such as calm=neutral. Repeat for several.",
        ),
    ] = None,
    modality: Annotated[
        Answers, typer.Option(help="Predictions to compare with the annotation.")
    ] = Answers.FUSED,
    face: Annotated[
        int | None,
        typer.Option(
            metavar="ID", help="Number of the face to compare.", show_default="that of the overall result"
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all figures as JSON, too.")
    ] = None,
) -> None:
    """Measure how well RESULT agrees with a human ANNOTATION, tick by tick.

    Labels: Cohen's kappa, accuracy, unweighted average recall, confusion; of each
    label, F1 and kappa. Several raters: Fleiss' kappa, Krippendorff's alpha.
    Valence and arousal: CCC, PCC, RMSE. The 95 % intervals come from a bootstrap
    over stretches of labels, because neighbouring ticks are not independent.

    Examples:
      emoview agree interview.json interview-coded.csv

      emoview agree interview.json interview.eaf --tier coder1 --modality face --json agreement.json

      emoview agree interview.json anna.csv ben.TextGrid --map calm=neutral
    """
    terminal = Terminal()
    with terminal.reporting():
        from dataclasses import asdict

        from emoview.cli.render_agreement import show_agreement
        from emoview.common.files import refuse_input, write_whole
        from emoview.common.text import name_of
        from emoview.evaluation.agreement import measure
        from emoview.evaluation.annotations import beyond_scale, read_all
        from emoview.output.read import read_json
        from emoview.timeline.in_file import in_file
        from emoview.timeline.shares import one_of_several

        refuse_input(file, result, *annotations)
        analysis = read_json(result)
        begin_s, end_s = (in_file(analysis, time_s) for time_s in (0.0, analysis.media.duration_s))
        said = read_all(annotations, tier, length_s=end_s, on_note=terminal.note)
        if (begin_s, end_s) != (0.0, analysis.media.duration_s):
            terminal.note(
                f"the result is of {begin_s:g} to {end_s:g} s of the recording, and annotations are taken to "
                "have the times of the recording, but tables of results those of the result"
            )
        mapping = dict(word.rsplit("=", 1) for word in words or ())
        if face is None and (several := one_of_several(analysis)) is not None:
            whose = name_of(analysis.who(several[0]))
            terminal.note(f"{whose} of {1 + len(several[1])} people is compared: --face names another")
        found = measure(analysis, said, modality=modality.value, face=face, mapping=mapping)
        for sentence in beyond_scale(said):
            terminal.note(sentence)
        show_agreement(terminal, found)
        if file is not None:
            figures = asdict(found)
            for name in ("uncertain_ticks", "raters"):
                if figures[name] is None:
                    del figures[name]
            write_whole(file, json_of(figures, indent=2) + "\n")
