"""`emoview overlay`: a result drawn on its video."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.formats import NameOption, with_names


def _mp4(value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() != ".mp4":
        raise typer.BadParameter("must end in .mp4")
    return value


def overlay(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What emoview analyze wrote.")],
    video: Annotated[
        Path | None,
        typer.Argument(
            metavar="VIDEO", show_default="where the result says", help="The video that was analysed."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            callback=_mp4,
            show_default="NAME-overlay.mp4 beside the result",
            help="The mp4 to write.",
        ),
    ] = None,
    names: NameOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Draw a result on its video: boxes, labels, probabilities and a running timeline, with the sound.

    Examples:
      emoview overlay interview.json                    # interview-overlay.mp4

      emoview overlay interview.json interview.mp4 -o shown.mp4
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.names import OVERLAY, named_after
        from emoview.errors import InputError
        from emoview.output.read import doubt_about_media, media_of
        from emoview.rendering.overlay import write_overlay

        analysis = with_names(result, names)
        video = video or media_of(analysis, result)
        if video is None:
            raise InputError(f"{analysis.media.path} was not found: name the video behind the result")
        output = output or named_after(result, OVERLAY)
        with render.progress(terminal.console, quiet=quiet) as on_event:
            write_overlay(analysis, video, output, on_event=on_event)
        # Always: a result looks right on any pictures of its size.
        doubt = doubt_about_media(analysis, video)
        render.warnings(terminal.console, [doubt] if doubt else [])
        if not quiet:
            render.show_written(terminal.console, [output])
