"""CK+, the extended Cohn-Kanade data set (Lucey et al. 2010, CVPR workshops, pp. 94-101)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from emoview.common.stored import quoted, read_bytes
from emoview.datasets.files import NoPartError, is_picture, visible
from emoview.datasets.labelled import LabelledPictures
from emoview.errors import DatasetError
from emoview.timeline.labels import FACE_LABELS, GROUPS

_LABELS = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sad", "surprise")
_PICTURES = "cohn-kanade-images"
_EMOTION = "Emotion"
# A sequence goes from a neutral face to the peak; its last frames show the label.
_PEAK = 3


def is_cohn_kanade(folder: Path) -> bool:
    """Tell whether `folder` holds both folders of CK+."""
    return (folder / _PICTURES).is_dir() and (folder / _EMOTION).is_dir()


def read_cohn_kanade(folder: Path, part: str | None = None, *, contempt: bool = False) -> LabelledPictures:
    """Read `cohn-kanade-images/Sxxx/yyy/*.png` with `Emotion/Sxxx/yyy/*_emotion.txt`.

    The last three frames of a sequence with an emotion show it, the first a neutral face. Sequences
    without one are left out.

    Args:
        folder: Holds both folders.
        part: Must be None: CK+ has no parts, and is split by the persons, which `subjects` names.
        contempt: Keep the sequences that show it.
    """
    folder = Path(folder)
    if part is not None:
        raise NoPartError(f"{folder} is CK+, which has no part {part!r}; name no part, and split by person.")
    if not is_cohn_kanade(folder):
        raise DatasetError(f"{folder} does not hold {_PICTURES} and {_EMOTION}; name the folder that does.")
    files: list[Path] = []
    labels: list[int] = []
    for frames, label in _sequences(folder, GROUPS[8 if contempt else 7]):
        peak = frames[1:][-_PEAK:]
        files += [frames[0], *peak]
        labels += [FACE_LABELS.index("neutral"), *[FACE_LABELS.index(label)] * len(peak)]
    if not files:
        raise DatasetError(f"{folder / _EMOTION} holds no *_emotion.txt; fetch it again.")
    names = tuple(path.relative_to(folder / _PICTURES).as_posix() for path in files)
    subjects = tuple(name.split("/")[0] for name in names)
    return LabelledPictures(
        folder.name, tuple(files), np.array(labels, np.int64), subjects=subjects, names=names
    )


def _sequences(folder: Path, labels: tuple[str, ...]) -> Iterator[tuple[list[Path], str]]:
    # What a Mac adds begins with `._`.
    for file in sorted((folder / _EMOTION).glob("[!.]*/[!.]*/[!.]*_emotion.txt")):
        label = _emotion(file)
        if label in labels:
            place = folder / _PICTURES / file.parent.relative_to(folder / _EMOTION)
            frames = [p for p in visible(place) if is_picture(p.name)] if place.is_dir() else []
            if len(frames) < 2:
                raise DatasetError(f"{file}: {place} does not hold its frames; add them or take both out.")
            yield frames, label


def _emotion(file: Path) -> str:
    text = read_bytes(file, "fetch it again.", error=DatasetError).decode("utf-8-sig", "replace").strip()
    try:
        number = float(text)
    except ValueError:
        number = -1
    if number not in range(len(_LABELS)):
        raise DatasetError(f"{file}, line 1: the emotion {quoted(text)} is not one of 0 to 7; correct it.")
    return _LABELS[int(number)]
