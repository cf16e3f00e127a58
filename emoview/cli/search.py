"""`emoview search`: which options of a system do best."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.complete import systems_like
from emoview.cli.console import Terminal


def search(
    system: Annotated[
        str, typer.Argument(autocompletion=systems_like, help="A system of emoview train --list.")
    ],
    data: Annotated[Path, typer.Option(exists=True, help="The labelled data.")],
    grid: Annotated[
        Path,
        typer.Option(exists=True, dir_okay=False, help='JSON: {"batch": [32, 64], "plan.rate": [0.001]}.'),
    ],
    folder: Annotated[Path, typer.Option("-o", "--output", help="For the runs and search.json.")] = Path(
        "runs/search"
    ),
    random: Annotated[
        int | None, typer.Option(min=1, help="Try N random combinations instead of all.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(
            min=2,
            max=1000,
            help="Rank by so many folds, cross-validated. [default: 5; of faces, the validation part]",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="Train so many times each, with other seeds.")
    ] = 1,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="An option for all runs.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=9999, help="Of the draw.")] = 1,
) -> None:
    """Train a SYSTEM with many options and rank them by the validation part, or by folds.

    The table shows the mean and the deviation of folds or seeds.  Called again, it goes on.

    Examples:
      emoview search frame-cnn --data fer2013 --grid grid.json --random 8

      emoview search mfcc-cnn --data speech --grid grid.json --folds 3

      emoview search shallow-deep --data fer2013 --grid grid.json --seeds 3
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render_training
        from emoview.cli.train import given_changes
        from emoview.common.stored import read_json
        from emoview.training.memory import keep_memory
        from emoview.training.search import search as run_search
        from emoview.training.systems.catalog import system_named

        chosen = system_named(system)
        values = read_json(grid, dict[str, list[Any]], 'write {"OPTION": [VALUE, VALUE]}')
        shared = given_changes(None, changes or ())
        keep_memory()
        with render_training.live(terminal.console) as on_event:
            rows = run_search(
                chosen, data, values, folder, draws=random, seed=seed, folds=folds, seeds=seeds,
                changes=shared, on_event=on_event,
            )  # fmt: skip
        render_training.ranking(terminal, rows, chosen.ranked_by)
