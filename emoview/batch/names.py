"""Names of results: those of the files, and longer where two would share one."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

from emoview.batch.storage import Place
from emoview.media.probe import WHOLE, Stretch

# What the batch itself writes into the output folder.
_TAKEN: Final = ("summary",)

Named = tuple[PurePosixPath, Place, Stretch]


def names_of(clips: Sequence[Named]) -> list[str]:
    """Name the results of clips, no name twice, not even on file systems that ignore case.

    A clip is named after its file; where two would share the name they get their extension, then the
    folder above, and so on up to the whole path. The names depend on nothing but the clips.

    Args:
        clips: For each where it lies below its input, its file, and the stretch.
    """
    choices = [_choices(*clip) for clip in clips]
    levels = [0] * len(clips)
    while True:
        names = [options[level] for options, level in zip(choices, levels, strict=True)]
        seen = Counter([_key(name) for name in (*names, *_TAKEN)])
        longer = [
            i for i, name in enumerate(names) if seen[_key(name)] > 1 and levels[i] < len(choices[i]) - 1
        ]
        if not longer:
            return _numbered(names)
        for i in longer:
            levels[i] += 1


def _choices(below: PurePosixPath, path: Place, stretch: Stretch) -> list[str]:
    """Names from the shortest to the longest."""
    cut = ""
    if stretch != WHOLE:
        cut = f"_{stretch.start_s:g}-" + ("end" if stretch.end_s is None else f"{stretch.end_s:g}")
    parents = list(path.absolute().parent.parts[1:])[: -(len(below.parts) - 1) or None]
    plain = below.with_suffix("") if below.stem else below
    full = [below, *(PurePosixPath(*parents[-i:]) / below for i in range(1, len(parents) + 1))]
    return [f"{name}{cut}" for name in (plain, *full)]


def _numbered(names: list[str]) -> list[str]:
    """Number what is still the same: files whose whole paths differ by case alone."""
    taken = {_key(name) for name in _TAKEN}
    result = []
    for name in names:
        free, number = name, 2
        while _key(free) in taken:
            free, number = f"{name}~{number}", number + 1
        taken.add(_key(free))
        result.append(free)
    return result


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()
