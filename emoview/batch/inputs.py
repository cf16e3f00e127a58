"""What a batch works on: files, folders, globs and lists become clips."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Final

from emoview.batch import lists
from emoview.batch.names import names_of
from emoview.batch.storage import Place, Remote, place_of
from emoview.common.names import FACES, LABEL
from emoview.common.text import counted, name_of
from emoview.errors import InputError
from emoview.media.endings import MEDIA
from emoview.media.probe import WHOLE, Stretch
from emoview.media.source import is_numbered
from emoview.output.writers import WRITERS

_MOST_KINDS: Final = 8
_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]")


@dataclass(frozen=True)
class Source:
    """A clip before it has a name: its file, where it lies below its input, and the rest of a `Clip`."""

    path: Place
    below: PurePosixPath
    stretch: Stretch = WHOLE
    origin: str | None = None
    fault: str | None = None
    further: lists.Further = ()


@dataclass(frozen=True)
class Clip:
    """A file, or a stretch of one, with the name of its results.

    Attributes:
        path: The file, or its address, as it was named.
        name: Of its results below the output folder, without an ending, such as `day1/talk`.
        stretch: The part that is analysed.
        origin: The line of the list that names it; None if none does.
        fault: Why it cannot be analysed, where that is known beforehand.
        further: What the list says of it besides, by the names of the columns.
    """

    path: Place
    name: str
    stretch: Stretch = WHOLE
    origin: str | None = None
    fault: str | None = None
    further: lists.Further = ()

    def said(self, error: str) -> str:
        """Say what is wrong with the clip, and where a list names it."""
        return error if self.origin is None else f"{self.origin}: {error}"


def clips_of(
    inputs: Sequence[str],
    endings: Sequence[str] | None = None,
    *,
    passed_over: Counter[str] | None = None,
    notes: list[str] | None = None,
) -> list[Clip]:
    """Find the clips of a batch, in the order of the inputs, each once, no name twice.

    Args:
        inputs: Files, folders, globs, or lists: `.txt` with a path a line, or a table (CSV, Excel) with the
            columns path and, if wanted, start_s and end_s; further ones go to the summary. Paths in a list
            count from the list's folder. All of them, those in a list too, may be addresses such as
            `s3://bucket/clips`.
        endings: Of the files that are going to be written for each; long names are cut to suit them. By
            default of all that there are.
        passed_over: Counts the files in folders that do not end as media do, by their endings.
        notes: Told what a user should know of lists and of folders.

    Returns:
        The clips. A line of a list, or a folder below an input, that is no good is one that has a fault.

    Raises:
        InputError: A folder or a glob holds no media file, or a list cannot be read.
    """
    left_out: Counter[str] = Counter() if passed_over is None else passed_over
    sources: dict[tuple[object, ...], Source] = {}
    for text in inputs:
        for source in _sources(text, left_out, notes):
            _add(sources, source)
    found = list(sources.values())
    if endings is None:
        endings = (*(writer.suffix for writer in WRITERS.values()), FACES, LABEL)
    names = names_of([(source.below, source.path, source.stretch) for source in found], endings)
    return [
        Clip(s.path, name, s.stretch, s.origin, s.fault, s.further)
        for s, name in zip(found, names, strict=True)
    ]


def _add(sources: dict[tuple[object, ...], Source], source: Source) -> None:
    """Add a clip, unless it is there; of one that is named twice, what lists say must not be lost."""
    key: tuple[object, ...] = _identity(source)
    there = sources.setdefault(key, source)
    if source.further and not there.further:
        sources[key] = replace(there, further=source.further)
    elif source.further and source.further != there.further:
        sources.setdefault((*key, source.further), source)


def kinds_of(passed_over: Counter[str]) -> str:
    """Say how many files of what kind were passed over, such as `3 of .txt and 1 without an ending`."""
    most = [
        f"{count} of {name_of(kind)}" if kind else f"{count} without an ending"
        for kind, count in passed_over.most_common(_MOST_KINDS)
    ]
    rest = sum(passed_over.values()) - sum(n for _, n in passed_over.most_common(_MOST_KINDS))
    *others, last = [*most, *([f"{rest} others"] if rest else [])]
    return f"{', '.join(others)} and {last}" if others else last


def is_missing(text: str) -> bool:
    """Tell whether an input of the command line is neither there nor a pattern nor an address."""
    path = place_of(text)
    there = os.path.lexists(path) if isinstance(path, Path) else True
    return not there and not glob.has_magic(text) and not is_numbered(text)


def _identity(source: Source) -> tuple[str, Stretch, str | None]:
    if source.fault is not None:
        return str(source.path), source.stretch, source.origin
    path = source.path
    return os.path.realpath(path) if isinstance(path, Path) else str(path), source.stretch, None


def _sources(text: str, left_out: Counter[str], notes: list[str] | None) -> list[Source]:
    path = place_of(text)
    # Unlike those of pathlib, these take names that are too long for files that are not there.
    folder = isinstance(path, Path) and os.path.isdir(path)  # noqa: PTH112
    if path.suffix.lower() in lists.SUFFIXES and not folder:
        return [_listed(path, entry) for entry in lists.read_list(path, notes)]
    if isinstance(path, Remote):
        return _behind(path, left_out)
    if folder:
        return _in_folder(path, left_out, [] if notes is None else notes)
    if glob.has_magic(text) and not os.path.lexists(path):
        return _in_glob(text, left_out)
    # A file that is missing fails like any other that cannot be analysed: alone.
    return [Source(path, PurePosixPath(path.name))]


def _behind(place: Remote, left_out: Counter[str]) -> list[Source]:
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
    media = [Source(file, name) for file, name in below if _is_media(name, left_out)]
    if not media:
        raise InputError(f"no media file is at {place}: check the address, and quote a pattern for the shell")
    return sorted(media, key=_walked)


def _walked(source: Source) -> list[tuple[bool, str]]:
    """Order as a walk does: the files of a folder, then its folders."""
    *folders, name = source.below.parts
    return [*((True, folder) for folder in folders), (False, name)]


def _is_media(name: PurePosixPath, left_out: Counter[str]) -> bool:
    """Tell whether a file is media by its ending, and count it where it is not; hidden ones do not count."""
    if any(part.startswith(".") for part in name.parts):
        return False
    ending = name.suffix.lower()
    if ending not in MEDIA:
        left_out[ending] += 1
    return ending in MEDIA


def _in_folder(folder: Path, left_out: Counter[str], notes: list[str]) -> list[Source]:
    closed: list[OSError] = []
    found, linked = [], []
    for where, folders, files in os.walk(folder, onerror=closed.append, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        linked += [link for name in folders if (link := Path(where) / name).is_symlink()]
        for name in sorted(files):
            path = Path(where) / name
            if _is_media(PurePosixPath(name), left_out):
                found.append(Source(path, PurePosixPath(path.relative_to(folder).as_posix())))
    faults = [_closed(Path(error.filename), error) for error in closed]
    if linked:
        notes.append(
            f"{counted(len(linked), 'linked folder')} in {name_of(folder)}, such as {name_of(linked[0])}, "
            "passed over: name what they link to, too, if that is meant"
        )
    if not found:
        there = [kinds_of(left_out)] if left_out else []
        there += [counted(len(linked), "linked folder")] if linked else []
        others = f", but {' and '.join(there)}" if there else ""
        reason = faults[0].fault if faults else f"it holds no media files{others}: name a folder that does"
        raise InputError(f"{name_of(folder)}: {reason}")
    return found + faults


def _closed(folder: Path, error: OSError) -> Source:
    fault = f"the folder cannot be listed ({error.strerror}): ask for permission, or copy it"
    return Source(folder, PurePosixPath(folder.name), fault=fault)


def _in_glob(pattern: str, left_out: Counter[str]) -> list[Source]:
    found = []
    root = _without_magic(pattern)
    # Path.glob takes no absolute patterns.
    for name in sorted(glob.glob(pattern, recursive=True)):  # noqa: PTH207
        path = Path(name)
        if path.is_file() and _is_media(PurePosixPath(path.name), left_out):
            found.append(Source(path, PurePosixPath(path.relative_to(root).as_posix())))
    if not found:
        others = f", only {kinds_of(left_out)}" if left_out else ""
        raise InputError(
            f"no media file matches {pattern}{others}: check the pattern, and quote it for the shell"
        )
    return found


def _without_magic(pattern: str) -> Path:
    """Give the folders of a glob up to the first that holds a wildcard."""
    parts = Path(pattern).parts
    first = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    return Path(*parts[:first])


def _listed(of: Place, entry: lists.Entry) -> Source:
    """Give what a line of a list names; it keeps its folders where it lies below the list."""
    origin = f"line {entry.line} of {name_of(of)}"
    text, fault = _of_windows(of, entry)
    place = place_of(text)
    below = PurePosixPath(place.name)
    if isinstance(place, Path) and not place.is_absolute():
        if ".." not in place.parts:
            below = PurePosixPath(place.as_posix())
        place = of.parent / place
    return Source(place, below, entry.stretch, origin, fault, entry.further)


def _of_windows(of: Place, entry: lists.Entry) -> tuple[str, str | None]:
    """Give a path that may have been written on Windows as this machine names it, or say what is wrong."""
    text = entry.text
    if entry.fault or not isinstance(of, Path) or os.path.lexists(of.parent / text):
        return text, entry.fault
    if _WINDOWS.match(text):
        return text, "this is a path of Windows: write where the file lies on this machine"
    other = text.replace("\\", "/")
    return (other if "\\" in text and os.path.isfile(of.parent / other) else text), None  # noqa: PTH113
