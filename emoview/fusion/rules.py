"""Rules of late fusion over any set of models: the published ones, and some of our own.

The published ones are the five of Norman (2019), "AI in Pursuit of Happiness, Finding Only Sadness",
section 6.5, by their numbers there, and the three of them that were tried with logits brought to 0..1, too.
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


def class_predictions_by_accuracy(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Let each model vote for one label, with its accuracy as the weight of its vote."""
    return _normal(np.einsum("m,mnc->nc", _shares(known, labels), _votes(logits)))


def logits_by_accuracy(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' logits, weighted by each model's accuracy."""
    return softmax(np.einsum("m,mnc->nc", _shares(known, labels), logits))


def equal_logits(_known: Logits, _labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' logits, each with the same weight."""
    return softmax(np.asarray(logits, np.float64).mean(axis=0))


def logits_by_accuracy_and_class(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' logits, weighted by each model's accuracy and each label's root class weight."""
    weights = np.sqrt(_class_weights(labels, logits.shape[2]))
    return softmax(np.einsum("m,mnc->nc", _shares(known, labels), logits) * weights)


def linear_regression(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Learn a weight for every model and label by least squares of the labels on the logits.

    Each label has a constant, too.
    """
    targets = np.eye(logits.shape[2])[labels]
    scores = np.zeros(logits.shape[1:])
    for label in range(logits.shape[2]):
        weights = np.linalg.lstsq(_with_constant(known[:, :, label]), targets[:, label], rcond=None)[0]
        scores[:, label] = _with_constant(logits[:, :, label]) @ weights
    return _normal(scores - np.minimum(scores.min(axis=1, keepdims=True), 0))


def scaled(rule: Rule) -> Rule:
    """Bring each model's logits of an example to 0..1 before they are joined by `rule`."""

    def joined(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
        return rule(_to_one(known), labels, _to_one(logits))

    return joined


def probabilities_by_accuracy(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Add the models' probabilities, weighted by each model's accuracy."""
    return np.asarray(np.einsum("m,mnc->nc", _shares(known, labels), softmax(logits)), np.float64)


def majority_vote(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Let each model vote; the better model's vote decides a draw."""
    accuracies = _accuracies(known, labels)
    return _normal(np.einsum("m,mnc->nc", 1 + 1e-3 * accuracies, _votes(logits)))


def probabilities_by_class(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
    """Weigh the probabilities of `logits_by_accuracy` by the square root of each label's class weight."""
    weights = np.sqrt(_class_weights(labels, logits.shape[2]))
    return _normal(logits_by_accuracy(known, labels, logits) * weights)


def regression_on_probabilities(known: Logits, labels: Labels, logits: Logits) -> NDArray[np.float64]:
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


REGRESSION = "five: linear regression"
"""The rule whose weights are published as learned in five folds."""

PUBLISHED_RULES: Mapping[str, Rule] = {
    "one: class predictions by accuracy": class_predictions_by_accuracy,
    "two: class logits by accuracy": logits_by_accuracy,
    "three: logits of equal weight": equal_logits,
    "four: class logits by accuracy and root of class weight": logits_by_accuracy_and_class,
    REGRESSION: linear_regression,
    "two, logits scaled to 0..1": scaled(logits_by_accuracy),
    "three, logits scaled to 0..1": scaled(equal_logits),
    "four, logits scaled to 0..1": scaled(logits_by_accuracy_and_class),
}
"""By the numbers of the publication."""

OWN_RULES: Mapping[str, Rule] = {
    "ours: probabilities by accuracy": probabilities_by_accuracy,
    "ours: majority vote": majority_vote,
    "ours: probabilities by class weight": probabilities_by_class,
    "ours: regression on probabilities": regression_on_probabilities,
}

RULES: Mapping[str, Rule] = {**PUBLISHED_RULES, **OWN_RULES}


def _accuracies(known: Logits, labels: Labels) -> NDArray[np.float64]:
    return np.asarray((known.argmax(axis=2) == labels).mean(axis=1), np.float64)


def _shares(known: Logits, labels: Labels) -> NDArray[np.float64]:
    accuracies = _accuracies(known, labels)
    return accuracies / max(float(accuracies.sum()), 1e-9)


def _normal(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-9), np.float64)


def _votes(logits: Logits) -> NDArray[np.float64]:
    """Give 1 to the label that a model says, and 0 to the others."""
    return np.asarray(np.eye(logits.shape[2])[logits.argmax(axis=2)], np.float64)


def _class_weights(labels: Labels, count: int) -> NDArray[np.float64]:
    """Give the largest label's count over each label's own; a label without examples gets 1."""
    counts = np.bincount(labels, minlength=count)
    return np.asarray(np.where(counts > 0, counts.max() / np.maximum(counts, 1), 1.0), np.float64)


def _to_one(logits: Logits) -> NDArray[np.float64]:
    """Bring the lowest logit of each example to 0 and the highest to 1; equal ones become 0."""
    low, high = logits.min(axis=2, keepdims=True), logits.max(axis=2, keepdims=True)
    return np.asarray((logits - low) / np.maximum(high - low, 1e-9), np.float64)


def _with_constant(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Turn `(models, n)` into `(n, models + 1)`, the last column 1."""
    return np.column_stack([*np.asarray(values, np.float64), np.ones(values.shape[1])])
