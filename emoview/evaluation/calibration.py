"""Calibration: one number that logits are multiplied with (Guo et al. 2017, arXiv:1706.04599)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from emoview.fusion.late import log_softmax


def fit_scale(logits: NDArray[np.floating[Any]], labels: NDArray[np.int64]) -> float:
    """Fit the number by the likelihood of the labels `(n,)` under the logits `(n, c)`."""
    rows = np.arange(len(labels))

    def loss(log_scale: float) -> float:
        return float(-log_softmax(np.exp(log_scale) * logits)[rows, labels].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))
