"""Receiver operating characteristics: how well the probability of a label ranks its examples first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, Values

_POINTS = 60
_TOGETHER = 50


def roc_areas(scores: Values, positive: NDArray[np.bool_], drawn: Labels) -> NDArray[np.float64]:
    """Give the area under the curve of all examples, then of each bootstrap sample.

    The area is the share of pairs, one example of the label and one of the others, in which the first has
    the higher score (Hanley & McNeil 1982, Radiology 143, 29-36); equal scores count half.

    Args:
        scores: `(n,)`, such as the probability of the label.
        positive: `(n,)`, which examples are of the label.
        drawn: `(d, n)`, positions of the examples of each sample.

    Returns:
        `(1 + d,)`, in [0, 1]; NaN where a sample has examples of one side alone.
    """
    ranks, place = np.unique(scores, return_inverse=True)
    cells = place * 2 + positive
    # All at once they would take gigabytes.
    some = (cells[drawn[start : start + _TOGETHER]] for start in range(0, len(drawn), _TOGETHER))
    return np.concatenate([_areas(each, len(ranks)) for each in (cells[None], *some)])


def _areas(cells: NDArray[np.int64], ranks: int) -> NDArray[np.float64]:
    rows = np.arange(len(cells))[:, None] * (2 * ranks)
    counts = np.bincount((cells + rows).ravel(), minlength=len(cells) * 2 * ranks).reshape(-1, ranks, 2)
    others, own = counts[..., 0].astype(float), counts[..., 1].astype(float)
    below = np.cumsum(others, axis=1) - others
    with np.errstate(invalid="ignore"):
        pairs = own.sum(axis=1) * others.sum(axis=1)
        return np.asarray((own * (below + others / 2)).sum(axis=1) / pairs)


def roc_curve(scores: Values, positive: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """Give the curve as points `(1 - specificity, sensitivity)`, from (0, 0) to (1, 1).

    Each point stands for a score from which on an example is said to be of the label.  Of a long curve,
    some 60 points are given; an empty one has no examples of the label, or of others.
    """
    if positive.all() or not positive.any():
        return ()
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.cumsum(positive[order])[last]
    alarms = 1 + last - hits
    x = np.append(0, alarms / (~positive).sum())
    y = np.append(0, hits / positive.sum())
    if len(x) > _POINTS:
        # Evenly along the curve, so that its steep beginning keeps its form.
        along = np.linspace(0, 2, _POINTS)
        kept = np.unique(np.searchsorted(x + y, along).clip(max=len(x) - 1))
        x, y = x[kept], y[kept]
    return tuple((round(float(a), 4), round(float(b), 4)) for a, b in zip(x, y, strict=True))
