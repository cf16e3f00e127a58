"""How good predictions are, with intervals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable label is right, in percent."""
    return float(100 * np.mean(probabilities.argmax(axis=1) == labels))


def recalls(probabilities: Probabilities, labels: Labels) -> dict[int, float]:
    """Share of each label's examples that are recognised, in percent, for labels with examples."""
    right = probabilities.argmax(axis=1) == labels
    return {int(label): float(100 * right[labels == label].mean()) for label in np.unique(labels)}


def unweighted_average_recall(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of the labels' recalls, in percent: each label counts the same."""
    return float(np.mean(list(recalls(probabilities, labels).values())))


def calibration_error(probabilities: Probabilities, labels: Labels, *, bins: int = 10) -> float:
    """Mean distance between confidence and accuracy (expected; Naeini et al. 2015, AAAI)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    of_bin = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for number in np.unique(of_bin):
        inside = of_bin == number
        error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return float(error)


def interval(
    metric: Callable[[Probabilities, Labels], float],
    probabilities: Probabilities,
    labels: Labels,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """Give the bootstrap 95 % interval of a metric (Efron 1979)."""
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(draws):
        chosen = rng.integers(0, len(labels), len(labels))
        values.append(metric(probabilities[chosen], labels[chosen]))
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


def summary(probabilities: Probabilities, labels: Labels) -> dict[str, Any]:
    """Give accuracy, unweighted average recall with its interval, recalls and calibration error."""
    low, high = interval(unweighted_average_recall, probabilities, labels)
    return {
        "examples": len(labels),
        "accuracy": round(accuracy(probabilities, labels), 2),
        "uar": round(unweighted_average_recall(probabilities, labels), 2),
        "uar_interval": [round(low, 2), round(high, 2)],
        "recalls": {str(k): round(v, 2) for k, v in recalls(probabilities, labels).items()},
        "calibration_error": round(calibration_error(probabilities, labels), 4),
    }
