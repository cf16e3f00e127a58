"""Windows of speech, of which the network says whose voice it is."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

WINDOW: Final = round(1.5 * TICK_HZ)
"""Ticks of a window: less says too little of a voice, more holds two of them."""
HOP: Final = round(0.4 * TICK_HZ)
"""Ticks from one window to the next."""

Cut = tuple[int, int]


def runs(flags: NDArray[np.bool_]) -> list[Cut]:
    """Give `(first, after the last)` of every run of set flags `(n,)`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def windows_of(speech: NDArray[np.bool_]) -> list[Cut]:
    """Cut stretches of speech, `(ticks,)`, into windows that overlap; a short stretch is one by itself."""
    cuts: list[Cut] = []
    for first, last in runs(speech):
        starts = range(first, max(first + 1, last - WINDOW + 1), HOP)
        cuts += [(start, min(last, start + WINDOW)) for start in starts]
        if cuts[-1][1] < last:
            cuts.append((last - WINDOW, last))
    return cuts


def heard_in(values: NDArray[np.float32], cuts: list[Cut]) -> NDArray[np.float32]:
    """Cut windows out of `(ticks, n)` values: `(windows, WINDOW, n)`.

    A short one is repeated.  The mean of the first value, the level, is no trait of a voice: without it.
    """
    steps = np.arange(WINDOW)
    places = np.array([first + steps % (last - first) for first, last in cuts]).reshape(-1, WINDOW)
    result = values[places].astype(np.float32)
    return without_level(result)


def without_level(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Take the mean of the first of `(windows, ticks, n)` values away."""
    result = values.copy()
    result[..., 0] -= result[..., 0].mean(axis=-1, keepdims=True)
    return result
