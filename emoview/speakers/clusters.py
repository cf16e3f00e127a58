"""Clusters of embeddings: how many voices there are, and which window is whose."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

MOST: Final = 1000
"""So many embeddings are compared each with each other; more are first put together in parts."""
THRESHOLD: Final = 0.62
"""Mean cosine distance from which on two clusters are two voices; chosen on conversations of strangers."""
_FINER: Final = 0.75


def unit(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Bring `(n, m)` vectors to length 1."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.maximum(lengths, 1e-9), np.float32)


def cluster(embeddings: NDArray[np.float32], *, threshold: float = THRESHOLD) -> NDArray[np.int64]:
    """Put embeddings together as long as clusters are near: average linkage of cosine distances.

    Memory and time are those of `MOST` embeddings: of more, parts are clustered more finely, and then what
    came of the parts.

    Args:
        embeddings: `(n, m)`.
        threshold: Mean distance from which on clusters stay apart.

    Returns:
        `(n,)` numbers from 0 on, by the first embedding of each.
    """
    if len(embeddings) < 2:
        return np.zeros(len(embeddings), np.int64)
    points = unit(embeddings)
    if len(points) <= MOST:
        return _renumbered(_linked(points, threshold))
    parts = [points[first : first + MOST] for first in range(0, len(points), MOST)]
    labels: list[NDArray[np.int64]] = []
    middles: list[NDArray[np.float32]] = []
    count = 0
    for part in parts:
        own = _linked(part, _FINER * threshold)
        middles += [part[own == i].mean(axis=0) for i in range(own.max() + 1)]
        labels.append(own + count)
        count = len(middles)
    above = cluster(np.stack(middles), threshold=threshold)
    return _renumbered(above[np.concatenate(labels)])


def _linked(points: NDArray[np.float32], threshold: float) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(points) < 2:
        return np.zeros(len(points), np.int64)
    upper = np.triu_indices(len(points), 1)
    distances = np.maximum(1 - (points @ points.T)[upper], 0)
    return np.asarray(fcluster(linkage(distances, "average"), threshold, "distance"), np.int64) - 1


def _renumbered(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number clusters by where they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.argsort(first))
    return np.asarray(order[inverse.ravel()], np.int64)
