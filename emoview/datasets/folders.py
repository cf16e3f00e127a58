"""Pictures that lie in folders, or archives of folders, named like their labels."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from emoview.datasets.files import (
    choose_part,
    files_within,
    is_picture,
    names_in,
    read_members,
    refuse_other_picture,
    visible,
)
from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.names import label_named, listed
from emoview.errors import DatasetError
from emoview.timeline.labels import CONTEMPT, FACE_LABELS, LABELS


def folder_parts(folder: Path) -> dict[str, Path]:
    """Find the parts of `folder`, by name: archives, and folders that hold folders named like labels.

    Raises:
        DatasetError: One is there twice, packed and unpacked.
    """
    parts: dict[str, Path] = {}
    for path in visible(folder):
        packed = path.suffix.lower() == ".zip" and path.is_file()
        if packed or (path.is_dir() and label_named(path.name, FACE_LABELS) is None and has_labels(path)):
            name = path.stem if packed else path.name
            other = parts.setdefault(name, path)
            if other != path:
                raise DatasetError(
                    f"{folder} holds both {other.name} and {path.name}; take one of them away."
                )
    return parts


def is_labelled_folder(folder: Path) -> bool:
    """Tell whether `folder` itself, or a part in it, can be read by `read_folders`."""
    return has_labels(folder) or bool(folder_parts(folder))


def read_folders(folder: Path, part: str | None = None, *, contempt: bool = False) -> LabelledPictures:
    """Read `FOLDER[/PART]/LABEL/PICTURE`, or `FOLDER/PART.zip` that holds `LABEL/PICTURE`.

    Args:
        folder: Holds the parts, or is one itself.
        part: Its name; may be left out where there is only one. Common other words for the labels are
            understood, any other folder is refused.
        contempt: Keep the pictures in folders named so, which are left out otherwise.
    """
    folder = Path(folder)
    found = folder_parts(folder)
    if has_labels(folder):
        found = {folder.name: folder} | ({} if part is None else found)
    if not found:
        raise DatasetError(
            f"{folder} has neither folders named like the labels {listed(LABELS)} nor archives of such; "
            "put the pictures there."
        )
    chosen, place = choose_part(found, part, folder)
    packed = place.is_file()
    there = [n for n in (names_in(place) if packed else _files(place)) if _is_content(place, n)]
    of = {n: _label(place, n) for n in there}
    names = [n for n in there if contempt or of[n] != FACE_LABELS.index(CONTEMPT)]
    labels = [of[n] for n in names]
    if not names:
        raise DatasetError(f"{place} holds no pictures; put them into folders named like their labels.")
    encoded = read_members(place, names) if packed else tuple(place / n for n in names)
    name = folder.name if place == folder else f"{folder.name}/{chosen}"
    return LabelledPictures(name, encoded, np.array(labels, np.int64), names=tuple(names))


def has_labels(folder: Path) -> bool:
    """Tell whether folders named like labels lie in `folder`, which then is one part."""
    return any(path.is_dir() and label_named(path.name) for path in folder.iterdir())


def _files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in files_within(folder))


def _is_content(place: Path, name: str) -> bool:
    """Leave out files that are no pictures, such as a licence, and what is hidden.

    Raises:
        DatasetError: It is a picture of a kind that is not read.
    """
    if any(folder.startswith(".") for folder in name.split("/")):
        return False
    refuse_other_picture(place, name)
    return is_picture(name)


def _label(place: Path, name: str) -> int:
    folders = PurePosixPath(name).parts[:-1]
    if len(folders) != 1:
        raise DatasetError(f"{place}: {name} does not lie as LABEL/PICTURE; move it or take it out.")
    label = label_named(folders[0], FACE_LABELS)
    if label is None:
        raise DatasetError(
            f"{place}: the folder {folders[0]!r} is not named like one of {listed(FACE_LABELS)}; "
            "rename it or take it out."
        )
    return FACE_LABELS.index(label)
