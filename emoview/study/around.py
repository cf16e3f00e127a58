"""Curves around events: panels of their own for each of the most frequent names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from emoview.study.codebook import OF_PLAN, column_of
from emoview.study.figures import (
    conditions_of,
    draw_curve,
    labelled,
    legend_below,
    panels_of,
    people_of,
    styled,
    wrapped,
)
from emoview.study.plan import PlanRow
from emoview.study.tables import followed_in

if TYPE_CHECKING:
    import pandas

MOST_NAMES: Final = 4
"""Most names of events that are drawn."""
_CHARACTERS: Final = 72
_INCHES: Final = 0.95


def names_of_events(rows: Sequence[PlanRow]) -> list[str]:
    """Name what happens, the most frequent first, else in the order of the plan."""
    return [name for name, _ in Counter(event.name for row in rows for event in row.events).most_common()]


def counts_of_events(events: pandas.DataFrame) -> pandas.DataFrame:
    """Count the events by name and condition, the most frequent name first.

    Args:
        events: As in `events_table`.

    Returns:
        A row a name and condition: `events`, how many of them have values before and after (`used`), and the
        `participants` of these.
    """
    changes = [name for name in events if name.endswith("_change")]
    values = [name for name in changes if column_of("events.csv", name).meaning != OF_PLAN]
    used = events[values].notna().any(axis=1)
    table = events.assign(used=used, who=events["participant"].where(used))
    groups = table.groupby(["event", "condition"], sort=False)
    counts = groups.agg(events=("used", "size"), used=("used", "sum"), participants=("who", "nunique"))
    counts = counts.reset_index()
    totals = counts.groupby("event", sort=False)["events"].transform("sum")
    return counts.iloc[(-totals).argsort(kind="stable")]


def events_figure(rows: Sequence[PlanRow], ticks: pandas.DataFrame) -> Any:
    """Draw the curves of all conditions around events, against the second before.

    Events of one name are drawn as curves over time are; of several names, each of the most frequent has a
    column, with a row for each column of the ticks that is followed.

    Args:
        rows: The plan.
        ticks: As in `ticks_table`.
    """
    names, conditions, columns = names_of_events(rows), conditions_of(rows), followed_in(ticks)
    curves = {
        (event, name): people_of(rows, ticks, name, event=event)
        for event in names[:MOST_NAMES]
        for name in conditions
    }
    if len(names) == 1:
        figure, panels = panels_of(columns, share_x=True)
        grid = [[axis] for axis in panels]
        bottom = panels[-3:]
    else:
        figure, grid = _grid(columns, names[:MOST_NAMES])
        bottom = grid[-1]
        for axis, event in zip(grid[0], names[:MOST_NAMES], strict=True):
            counts = ", ".join(str(curves[event, name][1].shape[1]) for name in conditions)
            title = wrapped(event, _CHARACTERS // len(grid[0]))
            axis.set_title(f"{title}\n(participants: {counts})", fontsize=8)
    for number, line in enumerate(grid):
        for axis, event in zip(line, names[:MOST_NAMES], strict=True):
            for place, name in enumerate(conditions):
                seconds, people = curves[event, name]
                label = labelled(name, people.shape[1] if len(names) == 1 else None)
                draw_curve(axis, place, seconds, people[number], label)
            axis.axvline(0, color="#777777", linewidth=0.5)
    for axis in bottom:
        axis.set_xlabel("seconds after the event")
    legend_below(figure, [axis for line in grid for axis in line])
    return figure


def _grid(columns: Sequence[str], names: Sequence[str]) -> tuple[Any, list[list[Any]]]:
    """Make a row of panels for each column that is followed, with a panel for each name."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(7.2, 1.2 + _INCHES * len(columns)), layout="constrained")
    grid = figure.subplots(len(columns), len(names), sharex=True, sharey="row", squeeze=False)
    for line, column in zip(grid, columns, strict=True):
        line[0].set_ylabel(column.removeprefix("fused_"), fontsize=8)
        for axis in line:
            styled(axis)
    figure.align_ylabels()
    return figure, [list(line) for line in grid]
