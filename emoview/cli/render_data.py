"""What a person sees of a data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from emoview.cli.console import Terminal
from emoview.common.text import name_of
from emoview.datasets.overview import Holding
from emoview.evaluation.landmarks import Sampled
from emoview.face.fit import DOUBTFUL

_WORST = 8
# So wide a table is not shown, but measured.
_WIDEST = 10_000


def holding(terminal: Terminal, name: str, held: Holding) -> None:
    """Print what a data set holds of one kind, on standard output."""
    console = terminal.printer()
    total, weights = held.total, held.weights
    examples = sum(total.values())
    console.print(f"{name}: {held.kind}, layout {held.layout}, {examples:,} examples", soft_wrap=True)
    parts = held.counts if len(held.counts) > 1 else {}
    columns = {name: [f"{part.get(label, 0):,}" for label in total] for name, part in parts.items()}
    counts = [("all", [f"{count:,}" for count in total.values()])]
    if held.values is None:
        counts.append(("%", [f"{100 * count / examples:.1f}" for count in total.values()]))
        told = [f"{weights[label]:.2f}" if label in weights else "none" for label in total]
        counts.append(("class weight", told))
    _print_beside(console, list(total), [*columns.items(), *counts])
    if held.values is not None:
        for what, values in zip(("valence", "arousal"), held.values.T, strict=True):
            low, middle, high = np.percentile(values, [5, 50, 95])
            console.print(
                f"{what}: mean {values.mean():.2f}, deviation {values.std():.2f}, median {middle:.2f}, "
                f"5 to 95 % {low:.2f} to {high:.2f}",
                soft_wrap=True,
            )
    if held.people is not None:
        console.print(f"{held.people[0]}: {held.people[1]:,}")
    other = f", {held.contradicting:,} of them otherwise labelled" if held.contradicting else ""
    console.print(f"duplicates: {held.duplicates:,}{other}")
    if held.broken:
        console.print(f"cannot be decoded: {len(held.broken):,}, {held.broken[0]} first", soft_wrap=True)


def _print_beside(console: Console, rows: Sequence[str], columns: Sequence[tuple[str, list[str]]]) -> None:
    """Print columns of figures beside the names of their rows, in several tables where one is too wide."""
    left = list(columns)
    while left:
        fitting = 1
        while fitting < len(left) and _width(console, _table(rows, left[: fitting + 1])) <= console.width:
            fitting += 1
        console.print(_table(rows, left[:fitting]))
        left = left[fitting:]


def _width(console: Console, table: Table) -> int:
    return console.measure(table, options=console.options.update(width=_WIDEST)).maximum


def _table(rows: Sequence[str], columns: Sequence[tuple[str, list[str]]]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name, _ in columns:
        table.add_column(name_of(name), justify="right")
    for row in zip(rows, *(cells for _, cells in columns), strict=True):
        table.add_row(*row)
    return table


def landmarks(terminal: Terminal, sampled: Sampled) -> None:
    """Print how many landmarks are doubtful, and which are the worst, on standard output."""
    console = terminal.printer()
    console.print(
        f"landmarks: in {sampled.found} of {len(sampled.names)} pictures; {sampled.doubtful} are doubtful "
        f"(score above {DOUBTFUL})"
    )
    order = [i for i in np.argsort(-sampled.scores) if sampled.scores[i] > DOUBTFUL]
    for i in order[:_WORST]:
        console.print(f"{sampled.scores[i]:6.2f} {sampled.names[i]}", soft_wrap=True)
