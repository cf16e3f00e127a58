"""Late fusion: logits of several models, weighted by model and class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.timeline.labels import LABELS

Logits = NDArray[np.floating[Any]]
Floats = NDArray[np.float64]

# Of the pull towards one weight for all labels.
_STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)
# Of the weak pull that keeps the common weights finite where examples are told apart without fault.
_COMMON_STRENGTH = 0.003
# In which people are left out, where there are more of them.
_PARTS = 10


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
    logits: Mapping[str, Logits], labels: NDArray[np.int64], people: Sequence[str]
) -> LateFusion:
    """Learn the weights on examples that none of the models was trained on.

    Minimises the negative log-likelihood, drawn towards one common weight per model, since each label
    has few examples.  How strongly is chosen by the likelihood of people left out, one at a time or a tenth
    of them; of one person's examples, as strongly as possible.  A label without examples gets the mean weight
    and no bias.

    Args:
        logits: `(n, 7)` of each model, by name.
        labels: `(n,)` positions in `LABELS`.
        people: `(n,)`, whose example it is.

    Raises:
        InputError: There are no examples.
    """
    if not len(labels):
        raise InputError("late fusion is learned from examples, and there are none: add labelled ones")
    names = sorted(logits)
    stacked = np.stack([np.asarray(logits[name], np.float64) for name in names])
    seen = np.unique(labels)
    target = np.searchsorted(seen, labels)
    examples = stacked[:, :, seen]
    strength = _best_strength(examples, target, np.asarray(people))
    weights, bias = _fitted(examples, target, strength)
    full = np.repeat(weights.mean(axis=1, keepdims=True), len(LABELS), axis=1)
    full[:, seen] = weights
    full_bias = np.zeros(len(LABELS))
    full_bias[seen] = bias - bias.mean()
    return LateFusion(dict(zip(names, full, strict=True)), full_bias)


def _best_strength(examples: Floats, target: NDArray[np.int64], people: NDArray[np.str_]) -> float:
    """Choose the strength under which people who were left out are most likely."""
    everybody = np.unique(people)
    if len(everybody) < 2:
        return _STRENGTHS[-1]
    losses = np.zeros(len(_STRENGTHS))
    for some in np.array_split(everybody, min(len(everybody), _PARTS)):
        out = np.isin(people, some)
        for i, strength in enumerate(_STRENGTHS):
            weights, bias = _fitted(examples[:, ~out], target[~out], strength)
            likelihood = log_softmax(np.einsum("mnc,mc->nc", examples[:, out], weights) + bias)
            losses[i] -= likelihood[np.arange(out.sum()), target[out]].sum()
    return _STRENGTHS[int(losses.argmin())]


def _fitted(examples: Floats, target: NDArray[np.int64], strength: float) -> tuple[Floats, Floats]:
    """Fit weights `(models, labels)` and bias `(labels,)` to examples `(models, n, labels)`."""
    from scipy.optimize import minimize

    models, count, classes = examples.shape
    hot = np.eye(classes)[target]

    def loss(flat: Floats) -> tuple[float, Floats]:
        common, own, bias = _unpack(flat, models, classes)
        likelihood = log_softmax(np.einsum("mnc,mc->nc", examples, common[:, None] + own) + bias)
        penalty = strength * (10 * np.square(own).sum() + np.square(bias).sum())
        penalty += _COMMON_STRENGTH * np.square(common).sum()
        error = (np.exp(likelihood) - hot) / count
        by_weight = np.einsum("mnc,nc->mc", examples, error)
        by_common = by_weight.sum(axis=1) + 2 * _COMMON_STRENGTH * common
        by_own = by_weight + strength * 20 * own
        by_bias = error.sum(axis=0) + strength * 2 * bias
        value = penalty - (likelihood * hot).sum() / count
        return float(value), np.concatenate([by_common, by_own.ravel(), by_bias])

    start = np.concatenate([np.full(models, 1 / models), np.zeros((models + 1) * classes)])
    bounds = [(0.0, None)] * models + [(None, None)] * ((models + 1) * classes)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    common, own, bias = _unpack(best, models, classes)
    return common[:, None] + own, bias


def _unpack(flat: Floats, models: int, classes: int) -> tuple[Floats, Floats, Floats]:
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
