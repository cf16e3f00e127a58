"""`emoview compare`: runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.common.text import name_of


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", exists=True, file_okay=False)],
    plot: Annotated[
        Path | None, typer.Option(help="PNG with accuracy against operations. [default: none]")
    ] = None,
    time: Annotated[bool, typer.Option(help="Measure milliseconds for one input, on one core.")] = False,
) -> None:
    """Lay RUNs over each other: figures, parameters, operations, size and time.

    Examples:
      emoview compare runs/image-landmark runs/shallow-deep --plot compared.png
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training
        from emoview.evaluation.comparison import compared
        from emoview.training.plots import plot_comparison

        rows = compared(runs, measure_time=time)
        render_training.comparison(terminal, rows)
        if plot is not None:
            points = [
                (row.name, float(row.flops), row.accuracy) for row in rows if row.flops and row.accuracy
            ]
            plot_comparison(points, plot)
            terminal.console.print(f"The plot is in {name_of(plot)}.")
