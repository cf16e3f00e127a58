"""Bootstrap samples, and the figures that they give."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.figures import Figure

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
Values = NDArray[np.floating[Any]]

DRAWS = 1000
"""Bootstrap samples behind an interval (Efron 1979)."""


def draws(count: int, seed: int) -> NDArray[np.int64]:
    """Give the positions of the examples of each bootstrap sample, `(DRAWS, count)`."""
    return np.random.default_rng(seed).integers(0, count, (DRAWS, count))


def samples(count: int, seed: int, block: int) -> Iterator[NDArray[np.int64]]:
    """Give the positions of all examples, then those of each bootstrap sample.

    The samples are of moving blocks of neighbours (Kuensch 1989), which with a block of 1 is the usual
    bootstrap.  They come one at a time: together, those of an hour of ticks would take gigabytes.
    """
    yield np.arange(count)
    block = min(block, count)
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        starts = random.integers(0, count - block + 1, -(-count // block))
        yield (starts[:, None] + np.arange(block)).ravel()[:count]


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
