"""Blinks, from how far the eyes of one person are open in one tick after the other."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

# Of what is usual around, the eyes open to less than this in a blink, and from this on they are open again.
_CLOSED, _OPEN = 0.75, 0.85
# Lids fall within 0.16 s, and a blink lasts half a second at most (Stern et al. 1984, Psychophysiology 21).
_FALL_TICKS: Final = 4
_LONGEST_TICKS: Final = TICK_HZ // 2
# What is usual is the upper quartile of two seconds to both sides.
_AROUND_TICKS: Final = 2 * TICK_HZ


def blinks(ticks: NDArray[np.int64], opening: NDArray[np.floating[Any]]) -> list[tuple[int, int]]:
    """Find the blinks of a person.

    A blink begins where the eyes, open before to 85 % or more of what is usual around, close to less than
    75 % within 0.16 s; it ends where they are open to 85 % again, half a second later at most, or with the
    ticks.  Eyes that stay closed for longer, or close slowly as in a smile or a look down, do not blink.

    Args:
        ticks: `(n,)`, in order, in which the face was seen.
        opening: `(n,)`, mean opening of both eyes.

    Returns:
        Of each the first tick in which the eyes are no longer open, and the tick after the last.
    """
    found: list[tuple[int, int]] = []
    if not len(ticks):
        return found
    relative = opening / np.maximum(_usual(ticks, opening), 1e-6)
    is_open = relative >= _OPEN
    again = 0
    for low in map(int, np.flatnonzero(relative < _CLOSED)):
        if low < again:
            continue
        start = max(0, low - _FALL_TICKS)
        before = np.flatnonzero(is_open[start:low])
        behind = np.flatnonzero(is_open[low : low + _LONGEST_TICKS])
        ends = len(ticks) - low < _LONGEST_TICKS
        again = low + int(behind[0]) if len(behind) else len(ticks) if ends else low + 1
        if not len(before) or not (len(behind) or ends):
            continue
        first = start + int(before[-1]) + 1
        # Where the face is not seen within a blink, nothing is known of it.
        if ticks[again - 1] - ticks[first - 1] == again - first:
            found.append((int(ticks[first]), int(ticks[again - 1]) + 1))
    return found


def _usual(ticks: NDArray[np.int64], opening: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Give the upper quartile of the openings around each tick, looked at five times a second."""
    places = np.arange(0, len(ticks), TICK_HZ // 5)
    first = np.searchsorted(ticks, ticks[places] - _AROUND_TICKS)
    last = np.searchsorted(ticks, ticks[places] + _AROUND_TICKS, side="right")
    levels = [np.quantile(opening[a:b], 0.75) for a, b in zip(first, last, strict=True)]
    return np.asarray(np.interp(np.arange(len(ticks)), places, levels), np.float64)
