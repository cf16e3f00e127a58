"""What a container says of itself: how long it is, and of how many recordings."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

# Sizes that say: as long as the file, or not known.
_UNKNOWN: Final = (0, 0xFFFFFFFF)
_MOST_BOXES: Final = 10_000
# The two elements that a Matroska file begins with, its header and all the rest.
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"


def missing_bytes(path: Path) -> int:
    """Tell how many bytes a WAV, an AVI, a Matroska file or one like MP4 lacks at its end; else 0."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] == b"RIFF":
                claimed = int(struct.unpack("<I", head[4:8])[0])
                return 0 if claimed in _UNKNOWN else max(0, claimed + 8 - size)
            if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip"):
                return max(0, _end_of_boxes(file, size) - size)
            if head[:4] == _EBML:
                return max(0, _end_of_segment(file) - size)
    except (OSError, struct.error):
        return 0
    return 0


def _end_of_segment(file: IO[bytes]) -> int:
    """Give where a Matroska file ends by what it says; 0 where it does not, as one that was written live."""
    at = 0
    for name in (_EBML, _SEGMENT):
        file.seek(at)
        head = file.read(12)
        # The first bit that is set tells how many bytes the length has.
        wide = 9 - head[4].bit_length() if len(head) == 12 and head[:4] == name else 9
        if wide > 8:
            return 0
        length = int.from_bytes(head[4 : 4 + wide], "big") & ~(-1 << 7 * wide)
        if length == ~(-1 << 7 * wide):
            return 0
        at += 4 + wide + length
    return at


def descriptions(path: Path) -> int:
    """Count the descriptions of one track in a file of the MP4 family: what was joined has several."""
    most = 1
    try:
        with path.open("rb") as file:
            inside = [(0, path.stat().st_size)]
            for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
                inside = [
                    (start, min(end, outer[1]))
                    for outer in inside
                    for name, start, end in _boxes(file, *outer)
                    if name == kind
                ]
            for start, _ in inside:
                file.seek(start + 4)
                most = max(most, int(struct.unpack(">I", file.read(4))[0]))
    except (OSError, struct.error):
        return most
    return most


def _boxes(file: IO[bytes], at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Follow boxes that stand side by side; gives their names, and where their content begins and ends."""
    for _ in range(_MOST_BOXES):
        if at >= end:
            return
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        long = length == 1 and len(head) == 16
        if long:
            length = struct.unpack(">Q", head[8:])[0]
        # A box of no size reaches to the end; what is no name is no box, but something appended.
        if length < 8 or not kind.isalnum():
            return
        yield kind, at + (16 if long else 8), at + length
        at += length


def _end_of_boxes(file: IO[bytes], size: int) -> int:
    """Follow the outermost boxes; give where the last one ends, behind the file or not."""
    return max((end for _, _, end in _boxes(file, 0, size)), default=0)
