"""Late fusion: logits of several models, weighted by model and class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.labels import LABELS

Logits = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class LateFusion:
    """A weighted sum of logits, so scaled that its softmax is calibrated.

    Attributes:
        weights: For each model, by name, one weight a label, `(7,)`.
        bias: One number a label, `(7,)`.
    """

    weights: Mapping[str, NDArray[np.float64]]
    bias: NDArray[np.float64]

    def __call__(self, logits: Mapping[str, Logits]) -> NDArray[np.float64]:
        """Join logits `(..., 7)` of every model in `weights` into `(..., 7)`."""
        total = sum(self.weights[name] * logits[name] for name in self.weights)
        return np.asarray(total + self.bias, dtype=np.float64)


def fit_late_fusion(
    logits: Mapping[str, Logits], labels: NDArray[np.int64], *, strength: float = 0.03
) -> LateFusion:
    """Learn the weights on examples that none of the models was trained on.

    Minimises the negative log-likelihood, drawn towards one common weight per model, since each label
    has few examples.  A label without examples gets the mean weight and no bias.

    Args:
        logits: `(n, 7)` of each model, by name.
        labels: `(n,)` positions in `LABELS`.
        strength: Of the pull towards the common weight.
    """
    from scipy.optimize import minimize

    names = sorted(logits)
    stacked = np.stack([np.asarray(logits[name], np.float64) for name in names])
    seen = np.unique(labels)
    target = np.searchsorted(seen, labels)
    examples = stacked[:, :, seen]
    models, count, classes = examples.shape
    rows = np.arange(count)

    def loss(flat: NDArray[np.float64]) -> float:
        common, own, bias = _unpack(flat, models, classes)
        joined = np.einsum("mnc,mc->nc", examples, common[:, None] + own) + bias
        likelihood = log_softmax(joined)[rows, target].mean()
        penalty = 10 * np.square(own).sum() + np.square(bias).sum() + 0.1 * np.square(common).sum()
        return float(-likelihood + strength * penalty)

    start = np.concatenate([np.full(models, 1 / models), np.zeros((models + 1) * classes)])
    bounds = [(0.0, None)] * models + [(None, None)] * ((models + 1) * classes)
    best = minimize(loss, start, method="L-BFGS-B", bounds=bounds).x
    common, own, bias = _unpack(best, models, classes)
    weights = {name: np.full(len(LABELS), common[i]) for i, name in enumerate(names)}
    full_bias = np.zeros(len(LABELS))
    for i, name in enumerate(names):
        weights[name][seen] += own[i]
    full_bias[seen] = bias - bias.mean()
    return LateFusion(weights, full_bias)


def _unpack(
    flat: NDArray[np.float64], models: int, classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    own = flat[models : models + models * classes].reshape(models, classes)
    return flat[:models], own, flat[models + models * classes :]


def log_softmax(logits: Logits) -> NDArray[np.float64]:
    """Turn logits `(..., n)` into log-probabilities."""
    shifted = np.asarray(logits, np.float64) - np.max(logits, axis=-1, keepdims=True)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return result


def softmax(logits: Logits) -> NDArray[np.float64]:
    """Turn logits `(..., n)` into probabilities."""
    return np.exp(log_softmax(logits))
