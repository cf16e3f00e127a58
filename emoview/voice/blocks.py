"""Sound worked through in blocks, so that memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLES_PER_TICK, TICK_HZ, ticks_of

BLOCK_TICKS = 60 * TICK_HZ
# What openSMILE smooths and tracks over neighbouring frames is the same with them as without blocks.
_MARGIN_TICKS = 2 * TICK_HZ


class Samples(Protocol):
    """`(n,)` samples at 16 kHz mono, 1 for full scale, in memory or elsewhere."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> NDArray[np.float32]: ...


def in_blocks(
    samples: Samples, describe: Callable[[NDArray[np.float32], int], NDArray[np.float32]], width: int
) -> NDArray[np.float32]:
    """Describe every tick, by blocks of a minute with some of their surroundings.

    Args:
        samples: The sound.
        describe: From samples, and the ticks that they reach into, to `(ticks, width)`.
        width: Values a tick.

    Returns:
        `(ticks, width)`.  The last tick counts when it has begun.
    """
    ticks = ticks_of(len(samples))
    result = np.zeros((ticks, width), np.float32)
    # Hours of silence, such as a gap in a recording is filled with, are described once.
    silence: dict[int, NDArray[np.float32]] = {}
    for first in range(0, ticks, BLOCK_TICKS):
        last = min(first + BLOCK_TICKS, ticks)
        left, right = max(0, first - _MARGIN_TICKS), min(ticks, last + _MARGIN_TICKS)
        block = samples[left * SAMPLES_PER_TICK : right * SAMPLES_PER_TICK]
        if block.any():
            described = describe(block, right - left)
        else:
            if len(block) not in silence:
                silence[len(block)] = describe(block, right - left)
            described = silence[len(block)]
        result[first:last] = described[first - left : last - left]
    return result
