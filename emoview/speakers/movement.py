"""Whether lips move as they do in speech, of every tick of a face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.speakers.windows import Cut
from emoview.timeline.clock import TICK_HZ

# Movement of the lips a tick, as a share of the height of the face: who listens has 0.0005 to 0.003 on
# average, who speaks 0.005 to 0.02.
_BETWEEN: Final = 0.0042
_STEEPNESS: Final = 2.0
_FURTHEST: Final = 2.5
_AROUND: Final = TICK_HZ
_LEAST_SEEN: Final = TICK_HZ // 4
_SEATS: Final = 3
_TAKES_OVER: Final = TICK_HZ // 2


def talking(ticks: NDArray[np.int64], opening: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Tell how much more a face looks as if it spoke than as if it did not, by the second around each tick.

    Args:
        ticks: `(n,)`, where it was seen.
        opening: `(n,)`, how far its lips were open.
        count: Ticks of the whole.

    Returns:
        `(count,)` log-odds, from -2.5 to 2.5; NaN where it was not seen for long enough.
    """
    together = np.flatnonzero(np.diff(ticks) == 1)
    together = together[ticks[together + 1] < count]
    moved, known = np.zeros(count), np.zeros(count)
    places = ticks[together + 1]
    moved[places] = np.abs(opening[together + 1] - opening[together])
    known[places] = 1.0
    window = np.ones(_AROUND)
    seen = np.convolve(known, window, "same")[:count] if count else known
    total = np.convolve(moved, window, "same")[:count] if count else moved
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = _STEEPNESS * np.log(np.maximum(total / seen, 1e-6) / _BETWEEN)
    result = np.full(count, np.nan)
    there = np.zeros(count, bool)
    there[ticks[ticks < count]] = True
    enough = there & (seen >= _LEAST_SEEN)
    result[enough] = np.clip(odds[enough], -_FURTHEST, _FURTHEST)
    return result


def apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    """Tell whether two faces are never seen together, but for half a second in which one takes over."""
    return int((~np.isnan(one) & ~np.isnan(other)).sum()) <= _TAKES_OVER


def lips_in(cuts: list[Cut], talks: Mapping[int, NDArray[np.float64]]) -> NDArray[np.float32]:
    """Tell whether lips move in windows of speech.

    Faces that are never seen together take the same seat: it may be one person who was lost and found again.

    Args:
        cuts: First tick of each window, and the one after its last.
        talks: By face, see `talking`.

    Returns:
        `(windows, seats)`, from -1 to 1; 0 where nobody is seen.
    """
    seats: list[NDArray[np.float64]] = []
    for odds in sorted(talks.values(), key=lambda odds: -int((~np.isnan(odds)).sum())):
        free = (seat for seat in seats if apart(seat, odds))
        seat = next(free, None)
        if seat is not None:
            seat[~np.isnan(odds)] = odds[~np.isnan(odds)]
        elif len(seats) < _SEATS:
            seats.append(odds.copy())
    result = np.zeros((len(cuts), len(seats)), np.float32)
    for place, seat in enumerate(seats):
        known = ~np.isnan(seat)
        total = np.concatenate([[0.0], np.cumsum(np.where(known, seat, 0.0))])
        count = np.concatenate([[0], np.cumsum(known)])
        for row, (first, last) in enumerate(cuts):
            seen = count[last] - count[first]
            if 2 * seen >= last - first:
                result[row, place] = (total[last] - total[first]) / seen / _FURTHEST
    return result
