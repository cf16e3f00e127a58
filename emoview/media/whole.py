"""Whether a file is as long as it says that it is."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, Final

# Sizes that say: as long as the file, or not known.
_UNKNOWN: Final = (0, 0xFFFFFFFF)
_MOST_BOXES: Final = 10_000


def missing_bytes(path: Path) -> int:
    """Tell how many bytes a WAV, an AVI, or a file of the MP4 family lacks at its end; 0 for other files."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] == b"RIFF":
                claimed = int(struct.unpack("<I", head[4:8])[0])
                return 0 if claimed in _UNKNOWN else max(0, claimed + 8 - size)
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
                return max(0, _end_of_boxes(file, size) - size)
    except (OSError, struct.error):
        return 0
    return 0


def _end_of_boxes(file: IO[bytes], size: int) -> int:
    """Follow the outermost boxes; give where the last one ends, behind the file or not."""
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head[:8])
        if length == 1 and len(head) == 16:
            length = struct.unpack(">Q", head[8:])[0]
        # A box of no size reaches to the end; what is no name is no box, but something appended.
        if length < 8 or not kind.isalnum():
            break
        at += length
        if at >= size:
            break
    return int(at)
