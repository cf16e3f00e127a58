"""How far participants agree over time: inter-subject correlation in windows.

Hasson et al. 2004, Science 303, 1634-1640.  Its bootstrap draws participants, and leaves out pairs of one
with themselves (Chen et al. 2016, NeuroImage 142, 248-259).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emoview.study.figures import (
    COLOURS,
    DASHES,
    Floats,
    conditions_of,
    labelled,
    legend_below,
    panels_of,
    people_of,
)
from emoview.study.plan import PlanRow
from emoview.study.tables import FOLLOWED

if TYPE_CHECKING:
    import pandas

_SHARE: Final = 5
_SHORTEST_S, _LONGEST_S = 2.0, 10.0
_MOST_WINDOWS: Final = 60
_RESAMPLES: Final = 1000
_FEWEST: Final = 3
# Of what hardly moves, a correlation is that of noise.
_STILL: Final = 1e-4


def comparable(rows: Sequence[PlanRow], ticks: pandas.DataFrame) -> dict[str, tuple[Floats, Floats]]:
    """Give, as `people_of`, the conditions under which three participants or more were seen."""
    found = {name: people_of(rows, ticks, name) for name in conditions_of(rows)}
    return {
        name: (seconds, people)
        for name, (seconds, people) in found.items()
        if people.shape[1] >= _FEWEST and len(seconds) > 1
    }


def synchrony_figure(
    rows: Sequence[PlanRow], found: Mapping[str, tuple[Floats, Floats]], columns: Sequence[str] = FOLLOWED
) -> Any:
    """Draw the correlation of participants within each condition over time, a panel for each column.

    It says something where they saw the same at the same time.

    Args:
        rows: The plan.
        found: As `comparable` gives it.
        columns: What is followed.
    """
    figure, panels = panels_of(columns, share_x=True)
    for number, axis in enumerate(panels):
        axis.axhline(0, color="#777777", linewidth=0.5)
        for place, (name, colour, dash) in enumerate(zip(conditions_of(rows), COLOURS, DASHES, strict=False)):
            if name not in found:
                continue
            middles, mean, low, high = correlations(found[name][0], found[name][1][number])
            label = labelled(name, found[name][1].shape[1])
            marker = "o" if len(middles) == 1 else None
            axis.plot(
                middles + 0.02 * place, mean, color=colour, linestyle=dash, linewidth=1, marker=marker,
                markersize=3, label=label,
            )  # fmt: skip
            axis.fill_between(middles, low, high, color=colour, alpha=0.2, linewidth=0)
    for axis in panels[-3:]:
        axis.set_xlabel("time, s")
    legend_below(figure, panels)
    return figure


def correlations(seconds: Floats, people: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Correlate participants pair by pair in windows of a fifth of the time, of 2 to 10 s.

    Args:
        seconds: `(bins,)`, starts of the bins.
        people: `(participants, bins)`; NaN where one has nothing.

    Returns:
        Middles of the windows in seconds, the mean over pairs, and a 95 % bootstrap band over participants,
        each `(windows,)`; NaN where fewer than three move.
    """
    step = float(seconds[1] - seconds[0])
    length = len(seconds) * step
    width = min(len(seconds), round(min(max(length / _SHARE, _SHORTEST_S), _LONGEST_S) / step))
    last = len(seconds) - width
    starts = np.unique(np.linspace(0, last, min(_MOST_WINDOWS, last + 1)).round().astype(int))
    drawn = np.random.default_rng(0).multinomial(
        len(people), np.full(len(people), 1 / len(people)), _RESAMPLES
    )
    found = np.array([_of_window(people[:, start : start + width], drawn) for start in starts])
    return seconds[starts] + width * step / 2, *found.T


def _of_window(part: Floats, drawn: Any) -> tuple[float, float, float]:
    moving = np.zeros(len(part), bool)
    moving[np.isfinite(part).all(axis=1)] = True
    moving[moving] = part[moving].std(axis=1) > _STILL
    if moving.sum() < _FEWEST:
        return np.nan, np.nan, np.nan
    pairs = np.corrcoef(part[moving])
    np.fill_diagonal(pairs, 0)
    count = len(pairs)
    mean = pairs.sum() / (count * (count - 1))
    weights = drawn[:, moving].astype(float)
    of_pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    sums = np.einsum("ri,ri->r", weights @ pairs, weights)
    means = sums[of_pairs > 0] / of_pairs[of_pairs > 0]
    low, high = np.percentile(means, (2.5, 97.5))
    return float(mean), float(low), float(high)
