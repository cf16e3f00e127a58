"""AffectNet (Mollahosseini et al. 2017, IEEE Transactions on Affective Computing 10, 18-31)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emoview.common.stored import read_number
from emoview.datasets.files import choose_part, is_picture, refuse_other_picture, visible
from emoview.datasets.labelled import LabelledPictures
from emoview.errors import DatasetError
from emoview.timeline.labels import CONTEMPT, FACE_LABELS

_LABELS = ("neutral", "happy", "sad", "surprise", "fear", "disgust", "anger", "contempt")
# "None", "uncertain" and "no face" are no labels.
_OTHERS = range(8, 11)


def affectnet_parts(folder: Path) -> dict[str, Path]:
    """Find the parts, by name: folders that hold `images` and `annotations`, or `folder` itself."""
    places = [folder, *(path for path in visible(folder) if path.is_dir())]
    return {p.name: p for p in places if (p / "images").is_dir() and (p / "annotations").is_dir()}


def read_affectnet(folder: Path, part: str | None = None, *, contempt: bool = False) -> LabelledPictures:
    """Read `{train_set,val_set}/images/ID.jpg` with `annotations/ID_exp.npy`.

    Args:
        folder: Holds the parts, or is one itself.
        part: `train` or `valid`, or the name of the folder. Pictures without an expression are left out.
        contempt: Keep the pictures that show it.
    """
    folder = Path(folder)
    name, place = choose_part(affectnet_parts(folder), part, folder)
    files, labels = [], []
    for picture, expression in annotated(place, "exp"):
        if expression in _OTHERS or (expression == _LABELS.index(CONTEMPT) and not contempt):
            continue
        if expression not in range(len(_LABELS)):
            raise DatasetError(
                f"{place}/annotations/{picture.stem}_exp.npy: the expression {expression:g} is not one of "
                "0 to 10; correct it or take the picture out."
            )
        files.append(picture)
        labels.append(FACE_LABELS.index(_LABELS[int(expression)]))
    if not files:
        raise DatasetError(f"{place}/images holds no picture with one of the labels; put them there.")
    names = tuple(path.name for path in files)
    return LabelledPictures(f"{folder.name}/{name}", tuple(files), np.array(labels, np.int64), names=names)


def annotated(place: Path, kind: str) -> Iterator[tuple[Path, float]]:
    """Give every picture of a part with its annotation of one kind: exp, val or aro.

    Raises:
        DatasetError: An annotation is missing, or a picture is of a kind that is not read.
    """
    for picture in visible(place / "images"):
        refuse_other_picture(place, f"images/{picture.name}")
        if is_picture(picture.name):
            yield picture, annotation(place, picture, kind)


def annotation(place: Path, picture: Path, kind: str) -> float:
    """Read the annotation of one kind of one picture: a number, which AffectNet stores as text."""
    file = place / "annotations" / f"{picture.stem}_{kind}.npy"
    if not file.is_file():
        raise DatasetError(f"There is no file {file} for {picture.name}; add it or take out both.")
    return read_number(file, "fetch it again.", error=DatasetError)
