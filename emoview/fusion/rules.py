"""The five published rules of late fusion, over any set of models.

What a rule learns, it learns from predictions on examples that the models had not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear

from emoview.fusion.late import softmax

Logits = NDArray[np.floating[Any]]
"""`(models, n, labels)`."""
Labels = NDArray[np.int64]
Rule = Callable[[Logits, Labels, Logits], NDArray[np.float64]]
"""Logits known, their labels, and logits to be joined, to scores `(n, labels)`."""


def predictions_by_accuracy(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' probabilities, weighted by each model's accuracy."""
    return np.asarray(np.einsum("m,mnc->nc", _shares(known, labels), softmax(logits)), np.float64)


def logits_by_accuracy(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' logits, weighted by each model's accuracy."""
    return softmax(np.einsum("m,mnc->nc", _shares(known, labels), logits))


def majority_vote(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Let each model vote; the better model's vote decides a draw."""
    accuracies = _accuracies(known, labels)
    votes = np.eye(logits.shape[2])[logits.argmax(axis=2)]
    return _normal(np.einsum("m,mnc->nc", 1 + 1e-3 * accuracies, votes))


def logits_by_accuracy_and_class(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Weigh the sum of `logits_by_accuracy` by the square root of each label's class weight.

    The class weight is the largest label's count over the label's own; a label without examples gets 1.
    """
    counts = np.bincount(labels, minlength=logits.shape[2])
    weights = np.sqrt(np.where(counts > 0, counts.max() / np.maximum(counts, 1), 1.0))
    return _normal(logits_by_accuracy(known, labels, logits) * weights)


def regression(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Learn a weight for every model and label by non-negative least squares on the labels."""
    targets = np.eye(logits.shape[2])[labels]
    given, asked = softmax(known), softmax(logits)
    scores = np.zeros(asked.shape[1:])
    for label in range(logits.shape[2]):
        examples = given[:, :, label].T
        # A small pull towards equal weights keeps a label without examples defined.
        pull = 0.3 * np.sqrt(len(labels)) * np.eye(len(given))
        system = np.concatenate([examples, pull])
        wanted = np.concatenate([targets[:, label], pull.sum(axis=1) / len(given)])
        weights = lsq_linear(system, wanted, bounds=(0, np.inf)).x
        scores[:, label] = weights @ asked[:, :, label]
    return _normal(scores)


RULES: Mapping[str, Rule] = {
    "predictions by accuracy": predictions_by_accuracy,
    "logits by accuracy": logits_by_accuracy,
    "majority vote": majority_vote,
    "logits by accuracy and class": logits_by_accuracy_and_class,
    "linear regression": regression,
}


def _accuracies(known: Logits, labels: Labels) -> NDArray[np.float64]:
    return np.asarray((known.argmax(axis=2) == labels).mean(axis=1), np.float64)


def _shares(known: Logits, labels: Labels) -> NDArray[np.float64]:
    accuracies = _accuracies(known, labels)
    return accuracies / max(float(accuracies.sum()), 1e-9)


def _normal(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-9), np.float64)
