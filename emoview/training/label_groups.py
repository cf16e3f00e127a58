"""Labels of faces as a network is taught them: the seven, these and contempt, or groups of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import measure_labels
from emoview.timeline.labels import FACE_LABELS, LABELS, TaughtCount, group_of


def group_names(count: TaughtCount) -> tuple[str, ...]:
    """Name the labels of a grouping, in the order in which they first appear."""
    return tuple(dict.fromkeys(group_of(label, count) for label in _grouped_into(count)))


def grouped(labels: NDArray[np.int64], count: TaughtCount) -> NDArray[np.int64]:
    """Turn positions in `FACE_LABELS`, of seven in `LABELS`, into positions in `group_names(count)`."""
    names = group_names(count)
    return np.array([names.index(group_of(label, count)) for label in _grouped_into(count)])[labels]


def _grouped_into(count: TaughtCount) -> tuple[str, ...]:
    return LABELS if count == 7 else FACE_LABELS


def regrouped(
    probabilities: NDArray[np.float64],
    labels: NDArray[np.int64],
    count: TaughtCount,
    people: Sequence[str | None] | None = None,
) -> LabelFigures:
    """Measure predictions of 7 or 8 labels by group, whose probability is the sum over its labels."""
    names = group_names(count)
    members = np.eye(len(names))[grouped(np.arange(probabilities.shape[1]), count)]
    values = probabilities @ members
    return measure_labels(values, grouped(labels, count), names, people=people)


def class_weights(labels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Give the largest label's count over each label's own, `(count,)`."""
    counts = np.bincount(labels, minlength=count)
    return np.asarray(counts.max() / np.maximum(counts, 1), np.float32)
