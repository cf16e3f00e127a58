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
    curves: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.png",
            help="PNG with loss and accuracy of training and validation over the epochs, of all networks.",
        ),
    ] = None,
    time: Annotated[bool, typer.Option(help="Measure milliseconds for one input, on one core.")] = False,
) -> None:
    """Compare RUNs: scores, parameters, operations, size and time.

    Examples:
      emoview compare runs/image-landmark runs/shallow-deep --plot compared.png

      emoview compare runs/* --curves curves.png
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training
        from emoview.errors import InputError
        from emoview.evaluation.comparison import compared
        from emoview.evaluation.comparison import curves as curves_of
        from emoview.output.plot import form_of
        from emoview.training.plots import plot_comparison, plot_training

        for file in filter(None, (plot, curves)):
            # Before times are measured, which takes a while.
            form_of(file)
        rows = compared(runs, measure_time=time)
        render_training.comparison(terminal, rows)
        if plot is not None:
            points = [
                (row.name, float(row.flops), row.accuracy) for row in rows if row.flops and row.accuracy
            ]
            if not points:
                raise InputError("none of the runs has an accuracy: there is nothing to plot")
            plot_comparison(points, plot)
            terminal.console.print(f"The plot is in {name_of(plot)}.")
        if curves is not None:
            plot_training(curves_of(runs), curves)
            terminal.console.print(f"The curves are in {name_of(curves)}.")
