"""What a batch works on: files, folders, globs and lists become clips."""

from __future__ import annotations

import csv
import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from emoview.batch.names import names_of
from emoview.batch.storage import Place, Remote, place_of
from emoview.errors import InputError
from emoview.media.probe import WHOLE, Stretch
from emoview.text import name_of

MEDIA: Final = frozenset({
    ".3g2", ".3gp", ".aac", ".aif", ".aiff", ".amr", ".asf", ".avi", ".flac", ".flv", ".gif", ".m2ts", ".m4a",
    ".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".oga", ".ogg", ".ogv",
    ".opus", ".ts", ".vob", ".wav", ".webm", ".wma", ".wmv",
})  # fmt: skip
"""Extensions of the files that are taken from a folder."""

_COLUMNS = ("path", "start_s", "end_s")


@dataclass(frozen=True)
class Source:
    """A clip before it has a name: its file, the stretch, and where it lies below its input."""

    path: Place
    below: PurePosixPath
    stretch: Stretch = WHOLE


@dataclass(frozen=True)
class Clip:
    """A file, or a stretch of one, with the name of its results.

    Attributes:
        path: The file, or its address, as it was named.
        name: Of its results below the output folder, without an ending, such as `day1/talk`.
        stretch: The part that is analysed.
    """

    path: Place
    name: str
    stretch: Stretch = WHOLE


def clips_of(inputs: Sequence[str]) -> list[Clip]:
    """Find the clips of a batch, in the order of the inputs, each once, no name twice.

    Args:
        inputs: Files, folders, globs, or lists: `.txt` with a path a line, or `.csv` with the columns
            path and, if wanted, start_s and end_s. Paths in a list count from the list's folder. All of
            them, those in a list too, may be addresses such as `s3://bucket/clips`.

    Raises:
        InputError: A folder or a glob holds no media file, or a list cannot be read.
    """
    sources: dict[tuple[str, Stretch], Source] = {}
    for text in inputs:
        for source in _sources(text):
            sources.setdefault((_identity(source.path), source.stretch), source)
    found = list(sources.values())
    names = names_of([(source.below, source.path, source.stretch) for source in found])
    return [Clip(s.path, name, s.stretch) for s, name in zip(found, names, strict=True)]


def _identity(path: Place) -> str:
    return os.path.realpath(path) if isinstance(path, Path) else str(path)


def _sources(text: str) -> list[Source]:
    path = place_of(text)
    if path.suffix.lower() in (".txt", ".csv") and not (isinstance(path, Path) and path.is_dir()):
        return _in_list(path)
    if isinstance(path, Remote):
        return _behind(path)
    if path.is_dir():
        found = list(_in_folder(path))
        if not found:
            raise InputError(f"{name_of(path)} holds no media files: name a folder that does")
        return found
    if not path.exists() and glob.has_magic(text):
        return _in_glob(text)
    # A file that is missing fails like any other that cannot be analysed: alone.
    return [Source(path, PurePosixPath(path.name))]


def _behind(place: Remote) -> list[Source]:
    """Find what is at an address, in the order in which a folder of this machine is walked."""
    try:
        if glob.has_magic(str(place)):
            root = place
            while glob.has_magic(str(root)):
                root = root.parent
            found = root.glob(str(place)[len(str(root)) + 1 :])
        elif place.is_dir():
            root, found = place, place.find()
        else:
            return [Source(place, PurePosixPath(place.name))]
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{place} cannot be listed ({reason}): check the address and its rights") from error
    below = [(file, PurePosixPath(str(file)[len(str(root)) + 1 :])) for file in found]
    media = [Source(file, name) for file, name in below if _is_shown_media(name)]
    if not media:
        raise InputError(f"no media file is at {place}: check the address, and quote a pattern for the shell")
    return sorted(media, key=_walked)


def _walked(source: Source) -> list[tuple[bool, str]]:
    """Order as a walk does: the files of a folder, then its folders."""
    *folders, name = source.below.parts
    return [*((True, folder) for folder in folders), (False, name)]


def _is_shown_media(name: PurePosixPath) -> bool:
    return name.suffix.lower() in MEDIA and not any(part.startswith(".") for part in name.parts)


def _in_folder(folder: Path) -> Iterator[Source]:
    for where, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(where) / name
            if path.suffix.lower() in MEDIA and not name.startswith("."):
                yield Source(path, PurePosixPath(path.relative_to(folder).as_posix()))


def _in_glob(pattern: str) -> list[Source]:
    found = []
    root = _without_magic(pattern)
    # Path.glob takes no absolute patterns.
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207
        path = Path(name)
        if path.is_file() and path.suffix.lower() in MEDIA:
            found.append(Source(path, PurePosixPath(path.relative_to(root).as_posix())))
    if not found:
        raise InputError(f"no media file matches {pattern}: check the pattern, and quote it for the shell")
    return found


def _without_magic(pattern: str) -> Path:
    """Give the folders of a glob up to the first that holds a wildcard."""
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def _in_list(path: Place) -> list[Source]:
    shown = name_of(path)
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the list {shown} cannot be read ({reason}): check its name") from error
    except UnicodeDecodeError:
        raise InputError(f"the list {shown} is not text in UTF-8: save it as such") from None
    if path.suffix.lower() == ".txt":
        entries = [line.strip() for line in lines]
        found = [_listed(path, entry, WHOLE) for entry in entries if entry and entry[0] != "#"]
    else:
        found = _in_table(path, lines)
    if not found:
        raise InputError(f"the list {shown} names no file: write a path a line")
    return found


def _in_table(path: Place, lines: list[str]) -> list[Source]:
    table = csv.DictReader(lines)
    columns = table.fieldnames or []
    if "path" not in columns or not set(columns) <= set(_COLUMNS):
        raise InputError(f"the list {name_of(path)} needs the columns path and, if wanted, start_s and end_s")
    found = []
    for row in table:
        where = f"line {table.line_num} of {name_of(path)}"
        if row["path"]:
            start, end = _seconds(row.get("start_s"), where), _seconds(row.get("end_s"), where)
            found.append(_listed(path, row["path"], Stretch(start or 0.0, end)))
    return found


def _seconds(text: str | None, where: str) -> float | None:
    if not text or not text.strip():
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{where}: {text!r} is not a number of seconds") from None


def _listed(of: Place, entry: str, stretch: Stretch) -> Source:
    """A path of a list keeps its folders where it lies below the list."""
    place = place_of(entry)
    if isinstance(place, Remote):
        return Source(place, PurePosixPath(place.name), stretch)
    below = PurePosixPath(place.as_posix())
    inside = not below.is_absolute() and ".." not in below.parts
    path = place if place.is_absolute() else of.parent / entry
    return Source(path, below if inside else PurePosixPath(below.name), stretch)
