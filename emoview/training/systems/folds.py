"""Cross-validation of options: folds, and which network of several counts."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.splits import Indices, stratified_split
from emoview.training.systems.events import OnEvent


def picture_folds(
    pictures: LabelledPictures, known: Indices, folds: int, seed: int
) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Leave each fold of the pictures `known` out once, and hold a tenth of the rest out to choose by.

    The folds have the same mix of labels; persons and exact duplicates stay in one.

    Returns:
        Positions for training, for choosing the epoch, and of what is left out.
    """
    yield from folds_and_choice(
        pictures.labels, known, folds, seed, groups=pictures.groups, duplicates=pictures.digests()
    )


def folds_and_choice(
    labels: NDArray[np.int64],
    known: Indices,
    folds: int,
    seed: int,
    *,
    groups: Sequence[Hashable] | None,
    duplicates: Sequence[str],
) -> Iterator[tuple[Indices, Indices, Indices]]:
    """Do as `picture_folds` for any examples.

    Args:
        labels: `(n,)`.
        known: Positions of those that are split.
        folds: How many.
        seed: Of the split.
        groups: `(n,)`, of whom each stays in one part.
        duplicates: `(n,)` digests; equal ones stay in one part.
    """

    def split(some: Indices, shares: tuple[float, ...]) -> list[Indices]:
        parts = stratified_split(
            labels[some], shares, seed,
            groups=None if groups is None else [groups[i] for i in some],
            duplicates=[duplicates[i] for i in some],
        )  # fmt: skip
        return [some[part] for part in parts]

    for left_out in split(known, (1 / folds,) * folds):
        train_part, choose = split(np.setdiff1d(known, left_out), (0.9, 0.1))
        yield train_part, choose, left_out


def best_network(found: Mapping[str, Sequence[float]], on_event: OnEvent) -> tuple[float, ...]:
    """Choose, of several networks, the accuracies of the one that is best in the mean of the folds."""
    for name, figures in found.items():
        on_event({"network": name, "mean accuracy of the folds": fmean(figures)})
    return tuple(max(found.values(), key=fmean))
