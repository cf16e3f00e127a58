"""What networks over pictures are to say: the labels, and what a teacher says of the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import LabelledPictures
from emoview.errors import InputError
from emoview.training.batches import Views
from emoview.training.kept import kept
from emoview.training.label_groups import group_names
from emoview.training.systems.options import PictureOptions
from emoview.training.teacher import assert_teaches, content_of, taught


def check_teacher(options: PictureOptions, names: Sequence[str]) -> None:
    """Refuse a teacher that is not there, and options that need one, or another.

    Raises:
        InputError: They do not go together.
    """
    if options.teacher is None:
        if options.teacher_views:
            raise InputError("teacher_views needs a teacher: name one, or leave it out")
        return
    assert_teaches(options.teacher, names)


def targets_of(
    pictures: LabelledPictures,
    groups: NDArray[np.int64],
    known: NDArray[np.int64],
    options: PictureOptions,
    folder: Path,
) -> NDArray[np.float32]:
    """Give what the network should say: the labels, and what a teacher says of those `known`.

    What the teacher says is kept in `folder`.

    Returns:
        `(views, n, labels)`: of each view of the pictures, or one for all.

    Raises:
        InputError: There is no teacher for the views, or see `taught`.
    """
    names = group_names(options.labels)
    check_teacher(options, names)
    targets = np.eye(len(names), dtype=np.float32)[groups][None]
    teacher = options.teacher
    if teacher is None:
        return targets
    share = np.float32(options.teacher_share)
    views = views_of(options, known)
    of = "\n".join((content_of(teacher), *views.key(), *pictures.select(known).digests())).encode()
    shape = (max(views.count, 1), len(known), len(names))
    folder.mkdir(parents=True, exist_ok=True)
    said = kept(
        folder / "taught.npz", of, shape, lambda: taught(teacher, pictures, names, views), finite=True
    )
    targets = np.repeat(targets, len(said), axis=0)
    targets[:, known] = (1 - share) * targets[:, known] + share * said
    return targets


def views_of(options: PictureOptions, known: NDArray[np.int64]) -> Views:
    """Name the changed copies of the pictures at these positions that the teacher is asked about."""
    return Views(options.teacher_views, options.augmentation, options.seed, among=known)
