"""Names of files that are made from other names, such as that of a clip, and may be too long."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

MOST_BYTES: Final = 255
"""Of the name of a file, as most file systems have it."""

FACES: Final = "-faces.png"
"""Ending of a contact sheet."""

LABEL: Final = ".txt"
"""Ending of a file that holds one label."""

REPORT: Final = "-report.html"
"""Ending of a report."""

OVERLAY: Final = "-overlay.mp4"
"""Ending of a video with a result drawn on it."""

TIMELINE: Final = "-timeline.png"
"""Ending of a plot."""

_HASH_DIGITS = 8


def fitting(stem: str, endings: Iterable[str]) -> str:
    """Cut a stem so that each of its files has a name that the file system takes.

    What was cut off lives on in a hash of the whole stem, so that two long stems stay two.

    Args:
        stem: Name without ending; folders may stand before it.
        endings: Of all files that are going to be written, so that these keep one stem.
    """
    folder, slash, name = stem.rpartition("/")
    room = MOST_BYTES - max((len(os.fsencode(ending)) for ending in endings), default=0)
    whole = os.fsencode(name)
    if len(whole) <= room:
        return stem
    mark = "~" + hashlib.sha256(whole).hexdigest()[:_HASH_DIGITS]
    return f"{folder}{slash}{_start(name, room - len(mark))}{mark}"


def named_after(result: Path, ending: str) -> Path:
    """Name a file beside the result that it is made of, or in a folder of results."""
    folder, stem = (result, result.resolve().name) if result.is_dir() else (result.parent, result.stem)
    return folder / f"{fitting(stem, [ending])}{ending}"


def _start(text: str, most_bytes: int) -> str:
    """Give as many whole characters as fit."""
    # Of a character that is cut in two the rest is dropped; bytes that are no text are kept.
    start = os.fsencode(text)[:most_bytes].decode("utf-8", "surrogateescape")
    while not text.startswith(start):
        start = start[:-1]
    return start
