"""`emoview plot`: results as figures for print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal


def plot(
    results: Annotated[list[Path], typer.Argument(metavar="RESULT.json...", help="What analyze wrote.")],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="FILE", help="Picture to write: .png, .svg or .pdf."),
    ] = Path("timeline.png"),
    compare: Annotated[
        bool, typer.Option(help="Plot only the fused result, so that several results fit on a page.")
    ] = False,
) -> None:
    """Draw timelines: probabilities, labels, valence and arousal; several above each other on one axis.

    Examples:
      emoview plot interview.json -o timeline.svg

      emoview plot before.json after.json --compare -o both.pdf
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.files import write_whole
        from emoview.output.plot import plot_file
        from emoview.output.read import read_json

        analyses = [read_json(path) for path in results]
        write_whole(output, plot_file(analyses, output, compare=compare))
        render.show_written(terminal.console, [output])
