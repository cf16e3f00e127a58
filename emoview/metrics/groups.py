"""How good probabilities are in groups of examples, beside what the labels of each group let expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, Probabilities, draws, figure
from emoview.metrics.calibration import error_of, floor_of
from emoview.metrics.figures import GroupFigures


def measure_attributes(
    probabilities: Probabilities,
    labels: Labels,
    attributes: Mapping[str, Sequence[str | None]],
    *,
    seed: int = 0,
) -> dict[str, dict[str, GroupFigures]]:
    """Measure probabilities `(n, c)` of labels `(n,)` by each value of each attribute.

    Args:
        probabilities: Of the labels.
        labels: The true ones, positions in the columns.
        attributes: By name, the value of each example, `(n,)`; None where it is not known. Such examples
            are in no group, but count for what is expected of a label.
        seed: Of the bootstrap samples, which are drawn from all examples.

    Returns:
        By attribute and value; the values are sorted.
    """
    samples = _Samples(probabilities, labels, seed)
    return {
        attribute: {
            value: samples.measure(np.array([one == value for one in values]))
            for value in sorted({one for one in values if one is not None})
        }
        for attribute, values in attributes.items()
    }


class _Samples:
    """All examples in the first row, and a bootstrap sample of them in each other."""

    def __init__(self, probabilities: Probabilities, labels: Labels, seed: int) -> None:
        self._seed = seed
        self._confidence = probabilities.max(axis=1)
        self._right = probabilities.argmax(axis=1) == labels
        self._of_label = np.eye(probabilities.shape[1])[labels]
        drawn = np.concatenate([np.arange(len(labels))[None], draws(len(labels), seed)])
        self._times = np.stack([np.bincount(sample, minlength=len(labels)) for sample in drawn])
        with np.errstate(invalid="ignore"):
            recalls = self._counts(self._right) / self._counts(np.ones_like(self._right))
        # A label that a sample lacks is not in its groups either.
        self._recalls = np.nan_to_num(recalls)

    def measure(self, own: NDArray[np.bool_]) -> GroupFigures:
        """Measure the examples that are in the group, `(n,)`."""
        support, hits = self._counts(own), self._counts(own & self._right)
        confidence, times = self._confidence[own], self._times[:, own]
        # A sample may lack a small group: it does not count for the interval.
        with np.errstate(invalid="ignore"):
            size = support.sum(axis=1)
            accuracy = 100 * hits.sum(axis=1) / size
            expected = 100 * (support * self._recalls).sum(axis=1) / size
            recalls = 100 * hits / support
            uar = np.nansum(recalls, axis=1) / np.isfinite(recalls).sum(axis=1)
            said = 100 * times @ confidence / size
        errors = [
            error_of(np.repeat(confidence, sample), np.repeat(self._right[own], sample))
            for sample in times[size > 0]
        ]
        return GroupFigures(
            int(own.sum()), figure(accuracy), figure(expected), figure(accuracy - expected), figure(uar),
            figure(said), figure(np.array(errors), digits=4), floor_of(confidence, self._seed),
        )  # fmt: skip

    def _counts(self, which: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Count some of the examples, `(n,)`, by label: `(rows, c)`."""
        return np.asarray(self._times[:, which] @ self._of_label[which], np.float64)
