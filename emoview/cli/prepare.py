"""`emoview prepare`: faces for training, out of clips or another data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.common.text import name_of


def prepare(
    data: Annotated[
        Path,
        typer.Argument(exists=True, file_okay=False, help="Labelled clips, labelled pictures, or SEMAINE."),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="New folder: LABEL/NAME.png, index.csv.")],
    part: Annotated[str | None, typer.Option(help="Part of the data, such as train.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Take one face every N ticks of a clip.")] = 5,
    balance: Annotated[
        bool, typer.Option(help="Keep as many faces of each label as the rarest label has.")
    ] = False,
    sound: Annotated[
        bool, typer.Option("--sound", help="Of clips: write the 40 ms of sound of each face, NAME.wav.")
    ] = False,
    landmarks: Annotated[
        bool, typer.Option("--landmarks", help="Write the 68 landmarks of each face, NAME.csv.")
    ] = False,
    contempt: Annotated[
        bool, typer.Option("--contempt", help="Of pictures: keep contempt, the eighth label.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of selection and order.")] = 1,
) -> None:
    """Take aligned faces out of labelled clips, or check and rewrite labelled pictures.

    Examples:
      emoview prepare clips -o frames --every 5 --balance

      emoview prepare clips -o frames --every 1 --sound --landmarks
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training
        from emoview.training.prepare import Beside
        from emoview.training.prepare import prepare as run

        with render_training.live(terminal.console) as on_event:
            done = run(
                data, output, part=part, every=every, balance=balance, seed=seed,
                beside=Beside(sound, landmarks), contempt=contempt, on_event=on_event,
            )  # fmt: skip
        for line in done.broken:
            terminal.console.print(f"left out: {name_of(line)}", soft_wrap=True)
        for line in done.partial:
            terminal.console.print(f"taken in part: {name_of(line)}", soft_wrap=True)
        if done.unmarked:
            terminal.console.print(f"left out: {done.unmarked} pictures in which no landmarks are found")
        for label, count in done.counts.items():
            terminal.console.print(f"{count:6d} {name_of(label)}")
        terminal.console.print(f"The faces are in {name_of(output)}.")
