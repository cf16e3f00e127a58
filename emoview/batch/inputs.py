"""What a batch works on: files, folders, globs and lists become clips."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from emoview.batch import lists
from emoview.batch.names import names_of
from emoview.batch.storage import Place, Remote, place_of
from emoview.common.names import FACES, LABEL
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.probe import WHOLE, Stretch
from emoview.output.writers import WRITERS

MEDIA: Final = frozenset({
    ".3g2", ".3gp", ".aac", ".aif", ".aiff", ".amr", ".asf", ".avi", ".flac", ".flv", ".gif", ".m2ts", ".m4a",
    ".m4v", ".mka", ".mkv", ".mov", ".mp3", ".mp4", ".mpeg", ".mpg", ".mts", ".mxf", ".oga", ".ogg", ".ogv",
    ".opus", ".ts", ".vob", ".wav", ".webm", ".wma", ".wmv",
})  # fmt: skip
"""Extensions of the files that are taken from a folder."""

_ENDINGS: Final = (*(writer.suffix for writer in WRITERS.values()), FACES, LABEL)


@dataclass(frozen=True)
class Source:
    """A clip before it has a name: its file, where it lies below its input, and the rest of a `Clip`."""

    path: Place
    below: PurePosixPath
    stretch: Stretch = WHOLE
    origin: str | None = None
    fault: str | None = None


@dataclass(frozen=True)
class Clip:
    """A file, or a stretch of one, with the name of its results.

    Attributes:
        path: The file, or its address, as it was named.
        name: Of its results below the output folder, without an ending, such as `day1/talk`.
        stretch: The part that is analysed.
        origin: The line of the list that names it; None if none does.
        fault: Why it cannot be analysed, where that is known beforehand.
    """

    path: Place
    name: str
    stretch: Stretch = WHOLE
    origin: str | None = None
    fault: str | None = None

    def said(self, error: str) -> str:
        """Say what is wrong with the clip, and where a list names it."""
        return error if self.origin is None else f"{self.origin}: {error}"


def clips_of(inputs: Sequence[str], endings: Sequence[str] = _ENDINGS) -> list[Clip]:
    """Find the clips of a batch, in the order of the inputs, each once, no name twice.

    Args:
        inputs: Files, folders, globs, or lists: `.txt` with a path a line, or `.csv` with the columns
            path and, if wanted, start_s and end_s. Paths in a list count from the list's folder. All of
            them, those in a list too, may be addresses such as `s3://bucket/clips`.
        endings: Of the files that are going to be written for each; long names are cut to suit them. By
            default of all that there are.

    Returns:
        The clips. A line of a list, or a folder below an input, that is no good is one that has a fault.

    Raises:
        InputError: A folder or a glob holds no media file, or a list cannot be read.
    """
    sources: dict[tuple[str, Stretch, str | None], Source] = {}
    for text in inputs:
        for source in _sources(text):
            sources.setdefault(_identity(source), source)
    found = list(sources.values())
    names = names_of([(source.below, source.path, source.stretch) for source in found], endings)
    return [Clip(s.path, name, s.stretch, s.origin, s.fault) for s, name in zip(found, names, strict=True)]


def is_missing(text: str) -> bool:
    """Tell whether an input of the command line is neither there nor a pattern nor an address."""
    path = place_of(text)
    return isinstance(path, Path) and not os.path.lexists(path) and not glob.has_magic(text)


def _identity(source: Source) -> tuple[str, Stretch, str | None]:
    if source.fault is not None:
        return str(source.path), source.stretch, source.origin
    path = source.path
    return os.path.realpath(path) if isinstance(path, Path) else str(path), source.stretch, None


def _sources(text: str) -> list[Source]:
    path = place_of(text)
    # Unlike those of pathlib, these take names that are too long for files that are not there.
    folder = isinstance(path, Path) and os.path.isdir(path)  # noqa: PTH112
    if path.suffix.lower() in lists.SUFFIXES and not folder:
        return [_listed(path, entry) for entry in lists.read_list(path)]
    if isinstance(path, Remote):
        return _behind(path)
    if folder:
        return _in_folder(path)
    if glob.has_magic(text) and not os.path.lexists(path):
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


def _in_folder(folder: Path) -> list[Source]:
    closed: list[OSError] = []
    found = []
    for where, folders, files in os.walk(folder, onerror=closed.append, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(where) / name
            if path.suffix.lower() in MEDIA and not name.startswith("."):
                found.append(Source(path, PurePosixPath(path.relative_to(folder).as_posix())))
    faults = [_closed(Path(error.filename), error) for error in closed]
    if not found:
        reason = faults[0].fault if faults else "it holds no media files: name a folder that does"
        raise InputError(f"{name_of(folder)}: {reason}")
    return found + faults


def _closed(folder: Path, error: OSError) -> Source:
    fault = f"the folder cannot be listed ({error.strerror}): ask for permission, or copy it"
    return Source(folder, PurePosixPath(folder.name), fault=fault)


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


def _listed(of: Place, entry: lists.Entry) -> Source:
    """Give what a line of a list names; it keeps its folders where it lies below the list."""
    origin = f"line {entry.line} of {name_of(of)}"
    place = place_of(entry.text)
    below = PurePosixPath(place.name)
    if isinstance(place, Path) and not place.is_absolute():
        if ".." not in place.parts:
            below = PurePosixPath(place.as_posix())
        place = of.parent / place
    return Source(place, below, entry.stretch, origin, entry.fault)
