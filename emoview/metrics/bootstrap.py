"""Bootstrap samples, and the figures that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.figures import Figure

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
Values = NDArray[np.floating[Any]]

DRAWS = 1000
"""Bootstrap samples behind an interval (Efron 1979)."""

_FEWEST_BLOCKS = 5


def draws(count: int, seed: int) -> NDArray[np.int64]:
    """Give the positions of the examples of each bootstrap sample, `(DRAWS, count)`."""
    return np.random.default_rng(seed).integers(0, count, (DRAWS, count))


def samples(count: int, seed: int, block: int) -> Iterator[NDArray[np.int64]]:
    """Give the positions of all examples, then those of each bootstrap sample.

    The samples are of moving blocks of neighbours (Kuensch 1989), which with a block of 1 is the usual
    bootstrap.  Where there are few examples, blocks are shorter: of less than five, samples hardly differ.
    They come one at a time: together, those of an hour of ticks would take gigabytes.
    """
    yield np.arange(count)
    block = min(block, max(1, count // _FEWEST_BLOCKS))
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        starts = random.integers(0, count - block + 1, -(-count // block))
        yield (starts[:, None] + np.arange(block)).ravel()[:count]


def samples_of_groups(groups: Sequence[str], seed: int) -> Iterator[NDArray[np.int64]]:
    """Give the positions of all examples `(n,)`, then those of each bootstrap sample of whole groups.

    Such are the frames of a video, one of which is like the next.  Of a single group, examples are drawn.
    """
    _, number = np.unique(groups, return_inverse=True)
    if not number.any():
        yield from samples(len(groups), seed, 1)
        return
    yield np.arange(len(groups))
    parts = np.split(np.argsort(number, kind="stable"), np.cumsum(np.bincount(number))[:-1])
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        yield np.concatenate([parts[i] for i in random.integers(0, len(parts), len(parts))])


def figure(values: NDArray[np.floating[Any]], *, digits: int = 2) -> Figure:
    """Make a figure of the value, which stands first, and those of the bootstrap samples."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return Figure(*(round(float(v), digits) for v in (values[0], low, high)))


def mean_figure(values: Values, *, of: Callable[..., Any] = np.mean, seed: int = 0) -> Figure:
    """Make a figure of the mean, or another statistic, of measurements `(n,)`."""
    if not len(values):
        return Figure(float("nan"), float("nan"), float("nan"))
    every = np.concatenate([np.arange(len(values))[None], draws(len(values), seed)])
    return figure(of(values[every], axis=1))
