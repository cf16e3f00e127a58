"""Parts, archives and folders: what several layouts share."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from emoview.common.stored import BROKEN_ARCHIVE, opened_archive
from emoview.datasets.names import listed
from emoview.errors import DatasetError

PICTURES = frozenset({
    ".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".tif", ".tiff", ".pgm", ".ppm", ".jp2",
})  # fmt: skip
"""Endings of pictures, in lower case."""
# Of kinds that OpenCV's wheel does not decode.
_OTHER_PICTURES = frozenset({".gif", ".heic", ".heif", ".avif", ".jxl", ".tga", ".svg"})
_ADDED_BY_A_MAC = "__MACOSX"

# Data sets call the same part by several names.
_SAME = {
    "train": {"train", "training", "train_set"},
    "valid": {"valid", "val", "validation", "val_set", "publictest"},
    "test": {"test", "testing", "test_set", "privatetest"},
}

# They are held in memory.
_MOST_UNPACKED = 4 * 2**30

T = TypeVar("T")


class NoPartError(DatasetError):
    """A data set has no part of the name that was asked for."""


def digest_of(file: Path) -> str:
    """Give the SHA-256 of a file's content, which tells exact copies whatever they are called.

    Raises:
        DatasetError: It cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with file.open("rb") as content:
            while block := content.read(2**20):
                digest.update(block)
    except OSError as error:
        raise DatasetError(
            f"{file} cannot be read ({error.strerror or error}); fetch it again or take it out."
        ) from None
    return digest.hexdigest()


def choose_part(parts: Mapping[str, T], part: str | None, folder: Path) -> tuple[str, T]:
    """Choose the part of a data set.

    Args:
        parts: What there is, by name.
        part: What was asked for; None takes the only one.
        folder: Where they lie, for the message.

    Raises:
        NoPartError: There is no such part.
        DatasetError: There are several, and none was named, or several mean the same.
    """
    there = listed(sorted(parts))
    if part is None:
        if len(parts) != 1:
            raise DatasetError(f"{folder} has the parts {there}; name the one that is wanted.")
        return next(iter(parts.items()))
    same = [name for name in parts if part_named(name) == part_named(part)]
    if len(same) > 1:
        raise DatasetError(f"{folder} holds {listed(same)}, which are one part; join them.")
    if same:
        return same[0], parts[same[0]]
    raise NoPartError(f"{folder} has no part {part!r}, only {there}; name one of these.")


def part_named(word: str) -> str:
    """Give `train`, `valid` or `test` for what data sets call so, and other words in lower case.

    >>> part_named("Training")
    'train'
    """
    plain = word.lower()
    return next((part for part, names in _SAME.items() if plain in names), plain)


def visible(folder: Path) -> list[Path]:
    """List a folder by name, less what is hidden and what a Mac adds."""
    return sorted(path for path in folder.iterdir() if not _is_hidden(path.name))


def files_within(folder: Path) -> Iterator[Path]:
    """List the files at any depth, less what is hidden; links to folders are followed, but not up."""
    yield from _within(folder, frozenset())


def _within(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    place = folder.resolve()
    for path in [] if place in above else visible(folder):
        if path.is_dir():
            yield from _within(path, above | {place})
        elif path.is_file():
            yield path


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name == _ADDED_BY_A_MAC


def is_picture(name: str) -> bool:
    """Tell whether a name ends as that of a picture, and is not a hidden file."""
    path = Path(name)
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def refuse_other_picture(place: Path, name: str) -> None:
    """Refuse a picture that would be left out since its kind is not read.

    Raises:
        DatasetError: `name`, in the folder or archive `place`, ends as one.
    """
    if Path(name).suffix.lower() in _OTHER_PICTURES and not Path(name).name.startswith("."):
        raise DatasetError(
            f"{place}: {name} is of a kind that is not read; convert it to PNG, or take it out."
        )


def names_in(archive: Path) -> list[str]:
    """List the files of an archive, sorted, less what a Mac adds.

    Raises:
        DatasetError: It is not there, or not an archive.
    """
    with _opened(archive) as content:
        names = (i.filename for i in content.infolist() if not i.is_dir())
        return sorted(name for name in names if not name.startswith(f"{_ADDED_BY_A_MAC}/"))


def read_members(archive: Path, names: Sequence[str]) -> tuple[bytes, ...]:
    """Read files of an archive, in the order of `names`.

    Raises:
        DatasetError: One is damaged.
    """
    result = []
    with _opened(archive) as content:
        for name in names:
            try:
                result.append(content.read(name))
            except BROKEN_ARCHIVE:
                raise DatasetError(f"{archive}: {name} is damaged; fetch the archive again.") from None
    return tuple(result)


def _opened(archive: Path) -> AbstractContextManager[zipfile.ZipFile]:
    return opened_archive(archive, "fetch it again.", most=_MOST_UNPACKED, error=DatasetError)
