"""Data sets of faces in three parts: to learn from, to choose and calibrate by, and to measure on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.folders import Data, folders_of
from emoview.datasets.files import NoPartError, part_named
from emoview.datasets.pictures import LabelledPictures, Truth, open_pictures, parts_of
from emoview.datasets.splits import assert_disjoint, stratified_split
from emoview.networks.seen import Seen

_KNOWN: Final = ("train", "valid", "test")

Parts = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def learned_from(pictures: LabelledPictures, parts: Parts) -> Seen:
    """Give what is learned from, chosen and calibrated by."""
    some = pictures.select(np.concatenate(parts[:2]))
    return Seen.of(some.digests(), some.subjects)


@dataclass(frozen=True)
class Told:
    """Which labels of a data set count.

    Attributes:
        truth: As in `open_pictures`.
        contempt: Whether contempt is a label.
    """

    truth: Truth = "original"
    contempt: bool = False

    def open(self, folder: Path, part: str | None = None) -> LabelledPictures:
        """Open a data set, or a part of it."""
        return open_pictures(folder, part, truth=self.truth, contempt=self.contempt)


SEVEN: Final = Told()
"""The seven labels, as the data set has them."""


def split_pictures(
    data: Data,
    how: str,
    seed: int,
    shares: tuple[float, float, float] = (0.7, 0.1, 0.2),
    *,
    told: Told = SEVEN,
) -> tuple[LabelledPictures, Parts]:
    """Open a data set, or several as one, and split it into training, choosing and testing.

    Exact duplicates, and the pictures of one person where the data set tells persons apart, stay on one
    side.

    Args:
        data: Data sets of faces.
        how: `given` or `random`; of several, those without parts are split at random beside the others.
        seed: Of the split.
        shares: Of a `random` split, in the same order.
        told: Which labels count.

    Returns:
        All pictures, and the positions of those in each part.
    """
    given = _given_parts(folders_of(data), seed, shares[2], told) if how == "given" else None
    if given is None:
        pictures = joined(*(_pooled(folder, told) for folder in folders_of(data)))
        digests = pictures.digests()
        train, test, choose = stratified_split(
            pictures.labels, (shares[0], shares[2], shares[1]), seed,
            groups=pictures.groups, duplicates=digests,
        )  # fmt: skip
    else:
        first, second = given
        digests = (*first.digests(), *second.digests())
        train, choose = stratified_split(
            first.labels, (0.9, 0.1), seed, groups=first.groups, duplicates=digests[: len(first)]
        )
        pictures = joined(first, second)
        test = np.arange(len(first), len(pictures))
        # The publishers' parts may share a picture: it stays where it is measured.
        known = {digests[i] for i in test}
        train, choose = (
            np.array([i for i in part if digests[i] not in known], np.int64) for part in (train, choose)
        )
    for one, other in ((train, choose), (train, test), (choose, test)):
        assert_disjoint(one, other, pictures.groups, digests)
    return replace(pictures, hashes=digests), (train, choose, test)


def joined(*sets: LabelledPictures) -> LabelledPictures:
    """Put data sets, or parts of one, together."""
    subjects = None
    if any(s.subjects is not None for s in sets):
        subjects = tuple(p for s in sets for p in s.subjects or (None,) * len(s))
    return LabelledPictures(
        " + ".join(s.name for s in sets),
        tuple(e for s in sets for e in s.encoded),
        np.concatenate([s.labels for s in sets]),
        subjects=subjects,
    )


def _given_parts(
    folders: tuple[Path, ...], seed: int, test: float, told: Told
) -> tuple[LabelledPictures, LabelledPictures] | None:
    """Give the parts to learn from and to measure on; None where no data set has parts."""
    parts = [_parts_of(folder, told) for folder in folders]
    if not any(parts):
        return None
    sides = [
        given or _at_random(_pooled(folder, told), seed, test)
        for folder, given in zip(folders, parts, strict=True)
    ]
    first, second = (joined(*side) for side in zip(*sides, strict=True))
    return first, second


def _at_random(
    pictures: LabelledPictures, seed: int, test: float
) -> tuple[LabelledPictures, LabelledPictures]:
    learned, asked = stratified_split(
        pictures.labels, (1 - test, test), seed, groups=pictures.groups, duplicates=pictures.digests()
    )
    return pictures.select(learned), pictures.select(asked)


def _parts_of(data: Path, told: Told) -> tuple[LabelledPictures, LabelledPictures] | None:
    try:
        train = told.open(data, "train")
    except NoPartError:
        return None
    for part in ("valid", "test"):
        try:
            return train, told.open(data, part)
        except NoPartError:
            continue
    return None


def _pooled(folder: Path, told: Told) -> LabelledPictures:
    """Open all parts of a data set as one, where one of them is to be learned from."""
    parts = [part for part in parts_of(folder) if part is not None and part_named(part) in _KNOWN]
    if "train" not in map(part_named, parts):
        return told.open(folder)
    return joined(*(told.open(folder, part) for part in parts))
