"""`emoview data`: what a data set holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import Truth
from emoview.common.text import name_of


def data(
    source: Annotated[
        Path, typer.Argument(metavar="DATA", exists=True, help="A data set: a folder, or a table for va.")
    ],
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Draw how often each label, valence and arousal occur: .png, .svg or .pdf."
        ),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Of faces: find the 68 landmarks in 300 pictures, and draw the worst and the best.",
        ),
    ] = None,
    truth: Annotated[
        Truth, typer.Option(help="Of faces: original labels, or the majority of FER+ votes.")
    ] = Truth.ORIGINAL,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of the pictures for --landmarks.")] = 0,
) -> None:
    """Say what a data set holds: kind and layout, labels by part, people, class weights, duplicates.

    Examples:
      emoview data fer2013 --plot labels.png

      emoview data fer2013 --truth votes

      emoview data my-faces --landmarks landmarks.png
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_data, render_training
        from emoview.common.files import write_whole
        from emoview.datasets.overview import overview
        from emoview.errors import InputError
        from emoview.output.plot import form_of

        for file in filter(None, (plot, landmarks)):
            form_of(file)
        with render_training.live(terminal.console) as on_event:
            holdings = overview(
                source, lambda done, of: on_event({"step": done, "of": of}), truth=truth.value
            )
        for holding in holdings:
            render_data.holding(terminal, name_of(source), holding)
        if landmarks is not None and all(holding.kind != "faces" for holding in holdings):
            raise InputError(f"--landmarks is for faces, and {name_of(source)} holds {holdings[0].kind}")
        if plot is not None:
            from emoview.datasets.plot import plot_holdings

            write_whole(plot, plot_holdings(holdings, plot))
            terminal.console.print(f"The plot is in {name_of(plot)}.")
        if landmarks is not None:
            from emoview.evaluation.landmarks import plot_landmarks, sample_landmarks

            with render_training.live(terminal.console) as on_event:
                sampled = sample_landmarks(source, seed=seed, on_event=on_event)
            write_whole(landmarks, plot_landmarks(sampled, landmarks))
            render_data.landmarks(terminal, sampled)
            terminal.console.print(f"The landmarks are in {name_of(landmarks)}.")
