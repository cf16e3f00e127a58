"""Calibration: how far confidence is from accuracy, and the number that brings them together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from emoview.fusion.late import log_softmax, softmax
from emoview.metrics.bootstrap import Values
from emoview.metrics.figures import CalibrationBin

_BINS = 10


def fit_scale(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Fit the number by the likelihood of the labels `(n,)` under the logits `(n, c)`."""
    rows = np.arange(len(labels))

    def loss(log_scale: float) -> float:
        return float(-log_softmax(np.exp(log_scale) * logits)[rows, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def calibrated_by_others(
    logits: NDArray[np.floating[Any]], labels: NDArray[np.int64], folds: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Give probabilities `(n, c)` of each fold, calibrated by the labels of all others.

    Args:
        logits: `(n, c)`.
        labels: `(n,)`.
        folds: Positions of each, together all of them.  A single one is left as it is: there are no others.
    """
    result = np.zeros(logits.shape)
    for fold in folds:
        others = np.setdiff1d(np.arange(len(labels)), fold)
        scale = fit_scale(logits[others], labels[others]) if len(others) else 1.0
        result[fold] = softmax(scale * logits[fold])
    return result


def _bin_of(confidence: Values) -> NDArray[np.int64]:
    return np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)


def bins_of(confidence: Values, right: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    """Sort answers `(n,)`, right or not, into bins of like confidence `(n,)`."""
    bins = _bin_of(confidence)
    chosen = (bins == number for number in np.unique(bins))
    return tuple(
        CalibrationBin(int(c.sum()), round(float(confidence[c].mean()), 4), round(float(right[c].mean()), 4))
        for c in chosen
    )


def error_of(confidence: Values, right: NDArray[np.bool_]) -> float:
    """Give the expected calibration error (Naeini et al. 2015, AAAI) of answers `(n,)`."""
    gaps = np.bincount(_bin_of(confidence), right - confidence, _BINS)
    return float(np.abs(gaps).sum() / len(right))


def floor_of(confidence: Values, seed: int, draws: int = 200) -> float:
    """Give the error to expect in the mean of answers whose confidence `(n,)` is perfectly calibrated."""
    random = np.random.default_rng(seed)
    lucky = (random.random(len(confidence)) < confidence for _ in range(draws))
    return round(float(np.mean([error_of(confidence, right) for right in lucky])), 4)
