"""Clusters of embeddings: how many voices there are, and which stretch of speech is whose."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 300
"""So many stretches are compared each with each other; more are first put together in parts."""
THRESHOLD: Final = 1.7
"""Distance from which on two clusters are two voices; chosen on conversations of strangers."""
COUNTED: Final = 6
"""More stretches make a cluster no heavier: else, the longer a recording, the more voices it had."""


def unit(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Bring `(n, m)` vectors to length 1."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-9), np.float32)


def cluster(
    embeddings: NDArray[np.float32],
    counts: NDArray[np.int64] | None = None,
    *,
    threshold: float = THRESHOLD,
) -> NDArray[np.int64]:
    """Join what is nearest as long as it is near, by Ward's distance (1963, JASA 58, 236-244).

    It grows with the size of both clusters, up to `COUNTED`.  Memory and time are those of `MOST`: of more,
    parts are clustered by themselves, and then what came of the parts.

    Args:
        embeddings: `(n, m)`, of length 1 or so.
        counts: `(n,)`, how many stretches each stands for; None for one.
        threshold: Distance from which on clusters stay apart.

    Returns:
        `(n,)` numbers from 0 on, by the first embedding of each.
    """
    points = np.asarray(embeddings, np.float32)
    counts = np.ones(len(points), np.int64) if counts is None else counts
    if len(points) <= MOST:
        return _renumbered(_joined(points, counts, threshold))
    labels = np.zeros(len(points), np.int64)
    middles: list[NDArray[np.float32]] = []
    sizes: list[int] = []
    for first in range(0, len(points), MOST):
        part, weights = points[first : first + MOST], counts[first : first + MOST]
        own = _joined(part, weights, threshold)
        labels[first : first + MOST] = own + len(middles)
        for i in range(own.max() + 1):
            chosen = own == i
            middles.append(np.average(part[chosen], axis=0, weights=weights[chosen]))
            sizes.append(int(weights[chosen].sum()))
    if len(middles) == len(points):
        # Nothing is near anything: each is a voice, and none will be heard for long enough.
        return labels
    above = cluster(np.stack(middles), np.array(sizes), threshold=threshold)
    return _renumbered(above[labels])


def _joined(points: NDArray[np.float32], counts: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    middles, sizes = points.astype(np.float64), counts.astype(np.float64)
    labels = np.arange(len(points))
    far = np.inf * np.ones((len(points), len(points)))
    for i in range(1, len(points)):
        far[i, :i] = _ward(middles[i], sizes[i], middles[:i], sizes[:i])
    while len(points) > 1:
        i, j = map(int, np.unravel_index(int(far.argmin()), far.shape))
        if not far[i, j] < threshold:
            break
        # j, the smaller, takes i in.
        total = sizes[i] + sizes[j]
        middles[j] = (sizes[i] * middles[i] + sizes[j] * middles[j]) / total
        sizes[j] = total
        labels[labels == i] = j
        far[i, :] = far[:, i] = np.inf
        left = np.unique(labels)
        before, behind = left[left < j], left[left > j]
        far[j, before] = _ward(middles[j], total, middles[before], sizes[before])
        far[behind, j] = _ward(middles[j], total, middles[behind], sizes[behind])
    return np.asarray(np.unique(labels, return_inverse=True)[1].ravel(), np.int64)


def _ward(
    middle: NDArray[np.float64], size: float, others: NDArray[np.float64], sizes: NDArray[np.float64]
) -> NDArray[np.float64]:
    one, other = min(size, COUNTED), np.minimum(sizes, COUNTED)
    squared: NDArray[np.float64] = np.square(others - middle).sum(axis=1)
    return np.asarray(np.sqrt(2 * one * other / (one + other) * squared))


def _renumbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters by where they first appear."""
    if not len(labels):
        return labels
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return np.asarray(order[inverse.ravel()], np.int64)
