"""Curves of conditions over time and around events, with bands over participants."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
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
_CHARACTERS: Final = 36
_MOST_LINES: Final = 3
_LONGEST: Final = 24
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


def curves_figure(rows: Sequence[PlanRow], ticks: pandas.DataFrame) -> Any:
    """Draw the curves of all conditions from the start of the clip, a panel for each column that is followed.

    Args:
        rows: The plan.
        ticks: As in `ticks_table`.
    """
    figure, panels = panels_of(followed_in(ticks), share_x=True)
    for place, name in enumerate(conditions_of(rows)):
        seconds, people = people_of(rows, ticks, name)
        for axis, values in zip(panels, people, strict=True):
            draw_curve(axis, place, seconds, values, labelled(name, len(values)))
    for axis in panels[-3:]:
        axis.set_xlabel("time, s")
    legend_below(figure, panels)
    return figure


def draw_curve(axis: Any, place: int, seconds: Floats, people: Floats, label: str) -> None:
    """Draw the mean of participants with its band, in the style of a condition's place.

    Args:
        axis: Where.
        place: Of the condition among those that are drawn.
        seconds: `(bins,)`, starts of the bins.
        people: `(participants, bins)`.
        label: For the legend.
    """
    if not len(people):
        return
    mean, low, high = band_of(people)
    axis.plot(seconds, mean, color=COLOURS[place], linestyle=DASHES[place], linewidth=1, label=label)
    axis.fill_between(seconds, low, high, color=COLOURS[place], alpha=0.2, linewidth=0)


def labelled(condition: str, people: int | None = None) -> str:
    """Write a condition for a legend, with its number of participants if that is given."""
    return wrapped(condition if people is None else f"{condition} ({people})", _CHARACTERS)


def wrapped(name: str, width: int) -> str:
    """Break a name into lines of so many characters; of one that is far too long, the ends are left."""
    text = name_of(name)
    lines = textwrap.wrap(text, width, break_on_hyphens=False) or [text]
    return "\n".join(lines if len(lines) <= _MOST_LINES else [*lines[: _MOST_LINES - 1], f"…{lines[-1]}"])


def shortened(name: str) -> str:
    """Write the ends of a name that is long for one line."""
    text = name_of(name)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]}…{text[-_LONGEST // 2 :]}"


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
        styled(axis)
    return figure, panels


def styled(axis: Any) -> None:
    """Give a panel thin lines and small numbers."""
    axis.tick_params(length=2.5, width=0.6, labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)


def legend_below(figure: Any, panels: Sequence[Any]) -> None:
    """Name the conditions of all panels below them."""
    named: dict[str, Any] = {}
    for axis in panels:
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True):
            named.setdefault(label, handle)
    figure.legend(named.values(), named, loc="outside lower center", ncols=3, frameon=False, fontsize=7)


def conditions_of(rows: Sequence[PlanRow]) -> list[str]:
    """Name the conditions that are drawn, in the order of the plan."""
    return list(dict.fromkeys(row.condition for row in rows))[:MOST_CONDITIONS]


def people_of(
    rows: Sequence[PlanRow], ticks: pandas.DataFrame, condition: str, *, event: str | None = None
) -> tuple[Floats, Floats]:
    """Give the starts of bins in seconds, and `(columns, participants, bins)` means of a condition.

    Participants of whom nothing is known are left out.

    Args:
        rows: The plan.
        ticks: As in `ticks_table`.
        condition: Whose clips are taken.
        event: Time counts from events of this name, against the second before; else from the start.
    """
    around_events = event is not None
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
        seconds = [one.start_s for one in row.events if one.name == event] if around_events else [0.0]
        for start in (round(one * TICK_HZ) for one in seconds):
            means = _binned(part["tick"].to_numpy(), part[columns].to_numpy(float), start + edges)
            if around_events:
                means = _changes(means, edges[:-1] < 0)
            found.setdefault(row.participant, []).append(means)
    people = [_mean(np.stack(one)) for one in found.values()]
    known = [one for one in people if np.isfinite(one).any()]
    none = np.empty((len(columns), 0, len(edges) - 1))
    return edges[:-1] / TICK_HZ, np.stack(known, axis=1) if known else none


def _changes(means: Floats, before: NDArray[np.bool_]) -> Floats:
    """Hold `(columns, bins)` against the mean of the bins before; NaN where nothing is known behind them."""
    level = _mean(means[:, before].T)
    known = np.isfinite(means[:, ~before]).any(axis=1)
    changes: Floats = means - np.where(known, level, np.nan)[:, None]
    return changes


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
