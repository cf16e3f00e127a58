"""Curves of conditions over time and around events, with bands over participants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of, shown
from emoview.output.plot import drawn
from emoview.study.plan import PlanRow
from emoview.study.tables import AFTER_S, BEFORE_S, followed_in
from emoview.timeline.clock import TICK_HZ

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

_BIN_TICKS: Final = 5
_MOST_BINS: Final = 1500
_RESAMPLES: Final = 1000
_FEWEST: Final = 2
_BAND: Final = (2.5, 97.5)
# Told apart without colour by their dashes, too (Okabe and Ito 2008).
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES: Final = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)))
MOST_CONDITIONS: Final = len(COLOURS)
"""Most conditions that are drawn."""


def band_of(people: Floats) -> tuple[Floats, Floats, Floats]:
    """Give the mean over participants, and a 95 % bootstrap band.

    Participants are drawn anew, never ticks: what follows each other in a person is no further evidence.

    Args:
        people: `(participants, bins)`; NaN where one has nothing.

    Returns:
        Mean, and lower and upper edge, `(bins,)`; no edges where there are less than two participants.
    """
    known = np.isfinite(people)
    filled, count = np.where(known, people, 0.0), known.sum(axis=0)
    each = np.full(len(people), 1 / len(people))
    resampled = np.random.default_rng(0).multinomial(len(people), each, _RESAMPLES)
    with np.errstate(invalid="ignore"):
        mean = filled.sum(axis=0) / count
        means = (resampled @ filled) / (resampled @ known)
    # Of a bin that few reach, some samples hold nobody.
    edges = np.percentile(np.where(np.isfinite(means), means, np.nan_to_num(mean)), _BAND, axis=0)
    low, high = np.where(count < _FEWEST, np.nan, edges)
    return mean, low, high


def curves_figure(rows: Sequence[PlanRow], ticks: pandas.DataFrame, *, around_events: bool) -> Any:
    """Draw the curves of all conditions, a panel for each column that is followed.

    Args:
        rows: The plan.
        ticks: As in `ticks_table`.
        around_events: Whether time counts from each event of the plan, against the second before; else
            from the start of the clip.
    """
    curves = {name: people_of(rows, ticks, name, around_events=around_events) for name in conditions_of(rows)}
    return _figure(curves, followed_in(ticks), around_events=around_events)


def both_forms(make: Callable[[], Any]) -> dict[str, bytes]:
    """Give the figure that `make` gives as PNG and SVG, by their endings."""
    made = cache(make)
    content = {".png": drawn(made, Path("figure.png"))}
    # It is laid out already, and that takes long.
    made().set_layout_engine("none")
    return {**content, ".svg": drawn(made, Path("figure.svg"))}


def panels_of(columns: Sequence[str], *, share_x: bool) -> tuple[Any, list[Any]]:
    """Make a figure with a panel for each of up to nine columns, by their names."""
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(7.2, 5.4), layout="constrained")
    panels = list(figure.subplots(3, 3, sharex=share_x).ravel())
    for axis in panels[len(columns) :]:
        axis.set_visible(False)
    panels = panels[: len(columns)]
    for axis, column in zip(panels, columns, strict=True):
        axis.set_title(column.removeprefix("fused_"), fontsize=8)
        axis.tick_params(length=2.5, width=0.6, labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, panels


def legend_below(figure: Any, axis: Any) -> None:
    """Name the conditions below all panels."""
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, fontsize=7)


def conditions_of(rows: Sequence[PlanRow]) -> list[str]:
    """Name the conditions that are drawn, in the order of the plan."""
    return list(dict.fromkeys(row.condition for row in rows))[:MOST_CONDITIONS]


def people_of(
    rows: Sequence[PlanRow], ticks: pandas.DataFrame, condition: str, *, around_events: bool = False
) -> tuple[Floats, Floats]:
    """Give the starts of bins in seconds, and `(columns, participants, bins)` means of a condition."""
    groups = dict(tuple(ticks.groupby("clip", sort=False)))
    columns = list(followed_in(ticks))
    found: dict[str, list[Floats]] = {}
    first = -round(BEFORE_S * TICK_HZ) if around_events else 0
    reach = round(AFTER_S * TICK_HZ) if around_events else int(ticks["tick"].max()) + 1
    # Of long clips bins are longer, so that none is cut.
    step = max(_BIN_TICKS, -(-(reach - first) // _MOST_BINS))
    edges = np.arange(first, reach + step, step)
    for row in rows:
        part = groups.get(shown(row.clip.name))
        if row.condition != condition or part is None:
            continue
        starts = [round(event.start_s * TICK_HZ) for event in row.events] if around_events else [0]
        for start in starts:
            means = _binned(part["tick"].to_numpy(), part[columns].to_numpy(float), start + edges)
            if around_events:
                with np.errstate(invalid="ignore"):
                    before = means[:, edges[:-1] < 0]
                    known = np.isfinite(before)
                    means = means - (np.where(known, before, 0).sum(axis=1) / known.sum(axis=1))[:, None]
            found.setdefault(row.participant, []).append(means)
    people = [_mean(np.stack(one)) for one in found.values()]
    none = np.full((1, len(columns), len(edges) - 1), np.nan)
    return edges[:-1] / TICK_HZ, np.stack(people, axis=1) if people else none.transpose(1, 0, 2)


def _binned(ticks: NDArray[np.int64], values: Floats, edges: NDArray[np.int64]) -> Floats:
    """Average `(ticks, columns)` over bins: `(columns, bins)`, NaN where nothing is said."""
    place = np.searchsorted(edges, ticks, side="right") - 1
    inside = (place >= 0) & (place < len(edges) - 1)
    values = values[inside]
    known = np.isfinite(values)
    sums, counts = np.zeros((2, len(edges) - 1, values.shape[1]))
    np.add.at(sums, place[inside], np.where(known, values, 0.0))
    np.add.at(counts, place[inside], known)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan).T


def _mean(several: Floats) -> Floats:
    known = np.isfinite(several)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, several, 0).sum(axis=0) / np.maximum(count, 1), np.nan)


def _figure(
    curves: Mapping[str, tuple[Floats, Floats]], columns: Sequence[str], *, around_events: bool
) -> Any:
    figure, panels = panels_of(columns, share_x=True)
    for number, axis in enumerate(panels):
        for (name, (seconds, people)), colour, dash in zip(curves.items(), COLOURS, DASHES, strict=False):
            mean, low, high = band_of(people[number])
            label = f"{name_of(name)} ({people.shape[1]})"
            axis.plot(seconds, mean, color=colour, linestyle=dash, linewidth=1, label=label)
            axis.fill_between(seconds, low, high, color=colour, alpha=0.2, linewidth=0)
        if around_events:
            axis.axvline(0, color="#777777", linewidth=0.5)
    for axis in panels[-3:]:
        axis.set_xlabel("seconds after the event" if around_events else "time, s")
    legend_below(figure, panels[0])
    return figure
