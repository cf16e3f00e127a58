"""`emoview baseline`: what the networks say of one person in general."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import DeviceOption, FaceOption, Modality, ModalityOption, QuietOption
from emoview.pipeline.device import Device


def baseline(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Recordings of one person: files, folders, globs, or lists, as for batch.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.json",
            dir_okay=False,
            help="The baseline file to write.",
        ),
    ],
    modality: ModalityOption = Modality.BOTH,
    face: FaceOption = "largest",
    device: DeviceOption = Device.AUTO,
    quiet: QuietOption = False,
) -> None:
    """Learn a person's baseline, to be given with --baseline.

    Some look angry at rest, some sound sad whatever they say. Give eight or
    more recordings in which the person shows what that person shows in your
    study, not neutral ones alone; no labels are needed.

    Examples:
      emoview baseline participant7 -o participant7.json

      emoview batch participant7 -o results --baseline participant7.json
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.batch.baseline import baseline_of
        from emoview.batch.inputs import clips_of
        from emoview.cli import render
        from emoview.common.files import write_whole
        from emoview.timeline.options import Options

        options = Options(modality=modality.value, face=face, device=cast(Literal["auto"], device.value))
        notes: list[str] = []
        clips = clips_of(inputs, notes=notes)
        with render.progress(terminal.console, quiet=quiet) as on_event:
            made, warnings = baseline_of(clips, options=options, on_event=on_event)
        write_whole(output, made.text)
        if not quiet:
            render.show_baseline(terminal.console, made, [*notes, *warnings], output)
