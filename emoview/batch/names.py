"""Names of results: those of the files, and longer where two would share one."""

from __future__ import annotations

import os
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from emoview.batch.storage import Place
from emoview.common.names import fitting
from emoview.media.probe import WHOLE, Stretch

# What the batch itself writes into the output folder.
_SUMMARY: Final = "summary"
_OWN: Final = (".emoview", "summary.csv", "summary.json")
_NAMELESS: Final = "_"

Named = tuple[PurePosixPath, Place, Stretch]


def names_of(clips: Sequence[Named], endings: Sequence[str]) -> list[str]:
    """Name the results of clips, no name twice, not even on file systems that ignore case.

    A clip is named after its file; where two would share the name they get their extension, then the
    folder above, and so on up to the whole path. The names depend on nothing but the clips and the
    endings, and whatever the clips are called, they lie below the folder that they are joined to.

    Args:
        clips: For each where it lies below its input, its file, and the stretch.
        endings: Of the files that are going to be written for each clip.
    """
    found = [_Choice(*clip, endings) for clip in clips]
    tails = tuple(ending.casefold() for ending in endings)
    infixes = _infixes(tails)
    levels = [0] * len(found)
    names = [choice.at(0) for choice in found]
    files = [choice.file for choice in found]
    while True:
        keys = [_key(name) for name in names]
        # No folder tells a file from itself, which lists may name in several rows.
        seen = Counter(key for key, _ in set(zip(keys, files, strict=True)))
        # Only these can stand where a file has to be.
        folders = {folder for key in keys for folder in _folders(key) if folder.endswith(tails)}
        longer = [
            i
            for i, key in enumerate(keys)
            if levels[i] < found[i].last
            and (
                seen[key] > 1 or key == _SUMMARY or _meets(key, tails, folders) or _is_cut(key, infixes, seen)
            )
        ]
        if not longer:
            return _numbered(names, keys, folders, endings)
        for i in longer:
            levels[i] += 1
            names[i] = found[i].at(levels[i])


@dataclass(frozen=True)
class _Choice:
    """The names that a clip may have, from the shortest to the longest."""

    below: PurePosixPath
    path: Place
    stretch: Stretch
    endings: Sequence[str]

    @property
    def file(self) -> str:
        return os.path.abspath(self.path) if isinstance(self.path, Path) else str(self.path)  # noqa: PTH100

    @property
    def last(self) -> int:
        return 1 + len(self._above)

    def at(self, level: int) -> str:
        if level == 0:
            name = self.below.with_suffix("") if self.below.stem.strip(".") else self.below
        else:
            above = self._above
            name = PurePosixPath(*above[len(above) - (level - 1) :], self.below)
        return _inside(f"{name}{self._cut}", self.endings)

    @property
    def _cut(self) -> str:
        if self.stretch == WHOLE:
            return ""
        end = "end" if self.stretch.end_s is None else f"{self.stretch.end_s:g}"
        return f"_{self.stretch.start_s:g}-{end}"

    @property
    def _above(self) -> list[str]:
        """The folders above what lies below the input."""
        if isinstance(self.path, Path):
            whole = os.path.abspath(self.path)  # noqa: PTH100
        else:
            whole = posixpath.normpath("/" + "/".join(self.path.parts[1:]))
        folders = whole.split("/")[1:-1]
        return folders[: max(0, len(folders) - len(self.below.parts) + 1)]


def _inside(name: str, endings: Sequence[str]) -> str:
    """Make of any text a relative path that leads down only, to files with names that fit."""
    # fsspec would take what follows "::" for another address.
    parts = name.replace("\0", "_").replace("::", "_").split("/")
    kept = [part for part in parts if part not in ("", ".", "..")] or [_NAMELESS]
    if len(kept) > 1 and _key(kept[0]) in _OWN:
        kept[0] += "~"
    return "/".join([*(fitting(folder, ()) for folder in kept[:-1]), fitting(kept[-1], endings)])


def _numbered(names: list[str], keys: list[str], folders: set[str], endings: Sequence[str]) -> list[str]:
    """Number what is still the same: one file in several rows, and files whose paths differ by case alone."""
    tails = tuple(ending.casefold() for ending in endings)
    infixes = _infixes(tails)
    taken = {_SUMMARY}
    counts: Counter[str] = Counter()
    result = []
    for name, key in zip(names, keys, strict=True):
        free = name
        while (
            (said := _key(free)) in taken
            or _meets(said, tails, folders)
            or _is_cut(said, infixes, taken)
            or any(said + infix in taken for infix in infixes)
        ):
            counts[key] += 1
            free = fitting(f"{name}~{counts[key] + 1}", endings)
        taken.add(said)
        result.append(free)
    return result


def _meets(key: str, tails: Sequence[str], folders: set[str]) -> bool:
    """Tell whether a file of a clip would have the name of a folder with others."""
    return bool(folders) and any(key + tail in folders for tail in tails)


def _infixes(tails: Sequence[str]) -> tuple[str, ...]:
    """Give what stands before an ending in another one, such as `-excel` of `-excel.csv`."""
    pairs = ((one, other) for one in tails for other in tails if one != other and one.endswith(other))
    return tuple(dict.fromkeys(one.removesuffix(other) for one, other in pairs))


def _is_cut(key: str, infixes: Sequence[str], keys: Container[str]) -> bool:
    """Tell whether a file of a clip would be one of another: `a-excel` with `.csv`, `a` with `-excel.csv`."""
    return any(key.endswith(infix) and key.removesuffix(infix) in keys for infix in infixes)


def _folders(key: str) -> Iterator[str]:
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key


def _key(name: str) -> str:
    # Folding case may take characters apart, and file systems put them together in their own ways.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
