"""`emoview plot`: results as figures for print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import QuietOption


def plot(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT.json...", help="What analyze wrote.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            show_default="NAME-timeline.png beside the first result",
            help="Picture to write: .png, .svg or .pdf.",
        ),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Plot only the fused result, so that several results fit on a page."),
    ] = False,
    from_s: Annotated[
        float, typer.Option("--from", min=0, metavar="SECONDS", help="Where the time axis starts.")
    ] = 0.0,
    to_s: Annotated[
        float | None,
        typer.Option("--to", min=0, metavar="SECONDS", show_default="the end", help="Where it ends."),
    ] = None,
    rows: Annotated[
        int, typer.Option(min=1, max=24, metavar="N", help="Stretches of equal length below each other.")
    ] = 1,
    width: Annotated[float, typer.Option(min=2, max=60, metavar="INCHES", help="Width of the figure.")] = 7.2,
    smooth: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=3600,
            metavar="SECONDS",
            show_default="by length",
            help="Plot means over so long, and the spread of valence and arousal; 0 for every tick. By "
            "default 5 s for ten minutes, 30 s for an hour.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Draw timelines: probabilities, labels, valence and arousal; several above each other on one axis.

    Examples:
      emoview plot interview.json -o timeline.svg

      emoview plot talk.json --rows 6 -o talk.pdf

      emoview plot talk.json --from 120 --to 180 -o minute.png

      emoview plot before.json after.json --compare -o both.pdf
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.files import write_whole
        from emoview.common.names import TIMELINE, named_after
        from emoview.output.plot import View, plot_file
        from emoview.output.read import read_json

        output = output or named_after(results[0], TIMELINE)
        view = View(from_s, to_s, width, smooth, rows, compare)
        analyses = [read_json(path) for path in results]
        write_whole(output, plot_file(analyses, output, view))
        if not quiet:
            render.show_written(terminal.console, [output])
