"""`emoview baseline`: what the networks say of one person in general."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import DeviceOption, Modality, ModalityOption, QuietOption
from emoview.pipeline.device import Device

if TYPE_CHECKING:
    from emoview.media.probe import Stretch


def baseline(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT", help="Recordings of one person: files, folders, globs, or lists, as for batch."
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.json", help="Where the baseline goes.")
    ],
    modality: ModalityOption = Modality.BOTH,
    device: DeviceOption = Device.AUTO,
    quiet: QuietOption = False,
) -> None:
    """Learn what is usual of one person, to be taken away with --baseline.

    Some look angry at rest, some sound sad whatever they say. Give eight or
    more recordings in which the person shows what that person shows in your
    study; no labels are needed.

    Examples:
      emoview baseline participant7 -o participant7.json

      emoview batch participant7 -o results --baseline participant7.json
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.batch.inputs import clips_of
        from emoview.batch.storage import fetched
        from emoview.cli import render
        from emoview.output.files import write_whole
        from emoview.pipeline.analysis import measure_baseline
        from emoview.timeline.results import Options

        clips = clips_of(inputs)
        options = Options(modality=modality.value, device=cast(Literal["auto"], device.value))

        def recordings() -> Iterator[tuple[Path, Stretch]]:
            for clip in clips:
                with fetched(clip.path) as path:
                    yield path, clip.stretch

        with render.progress(terminal.console, quiet=quiet) as on_event:
            made = measure_baseline(recordings(), options=options, total=len(clips), on_event=on_event)
        write_whole(output, made.text)
        if not quiet:
            render.show_baseline(terminal.console, made, output)
