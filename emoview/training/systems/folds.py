"""Cross-validation of options: folds, and which network of several counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np

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
    digests, subjects = pictures.digests(), pictures.subjects

    def split(some: Indices, shares: tuple[float, ...]) -> list[Indices]:
        parts = stratified_split(
            pictures.labels[some], shares, seed,
            groups=None if subjects is None else [subjects[i] for i in some],
            duplicates=[digests[i] for i in some],
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
