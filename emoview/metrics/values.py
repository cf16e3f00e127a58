"""How good estimates of valence and arousal are: RMSE, and three correlations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Values, figure, samples, samples_of_groups
from emoview.metrics.figures import AffectFigures, RegressionFigures

_SAME: Final = 1e-12
"""Values that lie no farther apart, or so small a share of the largest, are one."""


def measure_values(
    estimated: Values, annotated: Values, *, block: int = 1, seed: int = 0
) -> RegressionFigures:
    """Measure estimates `(n,)` of a continuous annotation `(n,)`; `block` as in `measure_agreement`."""
    metrics: tuple[Callable[[Values, Values], float], ...] = (rmse, pcc, icc, ccc)
    table = np.array(
        [
            [metric(estimated[d], annotated[d]) for metric in metrics]
            for d in samples(len(annotated), seed, block)
        ]
    )
    return RegressionFigures(len(annotated), *(figure(column, digits=4) for column in table.T))


def measure_folds(
    estimated: Values,
    annotated: Values,
    folds: Sequence[NDArray[np.int64]],
    groups: Sequence[str],
    *,
    scale: float,
    seed: int = 0,
) -> AffectFigures:
    """Measure estimates `(n,)` of an annotation `(n,)` fold by fold: the means, and each fold's values.

    Args:
        estimated: In the annotation's unit.
        annotated: Reaches from -`scale` to `scale`.
        folds: Positions of each.
        groups: `(n,)`, such as videos, which are drawn with all that is of them.
        scale: Of the annotation.
        seed: Of the bootstrap, which draws within each fold.
    """
    metrics: dict[str, Callable[[Values, Values], float]] = {"rmse": rmse, "pcc": pcc, "icc": icc, "ccc": ccc}
    tables = np.array(
        [
            [
                [metric(estimated[fold[d]], annotated[fold[d]]) for metric in metrics.values()]
                for d in samples_of_groups([groups[i] for i in fold], seed)
            ]
            for fold in folds
        ]
    )
    rmse_, pcc_, icc_, ccc_ = (figure(column, digits=4) for column in tables.mean(axis=0).T)
    each = tuple(
        {name: round(float(value), 4) for name, value in zip(metrics, table[0], strict=True)}
        for table in tables
    )
    return AffectFigures(len(annotated), rmse_, pcc_, icc_, ccc_, scale, each)


def rmse(estimated: Values, annotated: Values) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean(np.square(estimated - annotated))))


def pcc(estimated: Values, annotated: Values) -> float:
    """Pearson's correlation; 0 where one of the two does not vary."""
    one, other, both = _variances(estimated, annotated)
    return both / float(np.sqrt(one * other)) if one and other else 0.0


def icc(estimated: Values, annotated: Values) -> float:
    """Intraclass correlation ICC(3,1): two raters, consistency (Shrout & Fleiss 1979).

    0 where neither varies.
    """
    one, other, both = _variances(estimated, annotated)
    return 2 * both / (one + other) if one + other else 0.0


def ccc(estimated: Values, annotated: Values) -> float:
    """Concordance correlation (Lin 1989): like ICC(3,1), less for a shift between the two.

    0 where neither varies, even if they are the same.
    """
    one, other, both = _variances(estimated, annotated)
    shift = float(estimated.mean() - annotated.mean()) ** 2
    return 2 * both / (one + other + shift) if one + other else 0.0


def _variances(one: Values, other: Values) -> tuple[float, float, float]:
    """Give the variance of each, and their covariance; of a constant they are 0, not what rounding leaves."""
    ones, others = (
        side - side.mean() if np.ptp(side) > _SAME * max(1.0, float(np.abs(side).max())) else 0 * side
        for side in (one, other)
    )
    return float(np.mean(ones**2)), float(np.mean(others**2)), float(np.mean(ones * others))
