"""Joining recordings of the MP4 family as cameras and some programs do: one track, several descriptions."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_TABLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
_DURATIONS = {b"mvhd": 16, b"tkhd": 20, b"mdhd": 16}
"""Where they stand behind the name of their box and its version."""


def with_two_descriptions(first: bytes, second: bytes) -> bytes:
    """Join two MP4 of equal length and rate that hold pictures alone, none out of order."""
    parts = first, second
    sizes = [_inside(part, *_TABLES, b"stsz")[12:] for part in parts]
    counts = [len(size) // 4 for size in sizes]
    pictures = [_inside(part, b"mdat") for part in parts]
    head = _box(b"ftyp", _inside(first, b"ftyp"))
    start = len(head) + 8
    step = _inside(first, *_TABLES, b"stts")[12:16]
    described = [_inside(part, *_TABLES, b"stsd")[8:] for part in parts]
    tables = _box(b"stbl", b"".join([
        _box(b"stsd", struct.pack(">II", 0, 2) + b"".join(described)),
        _box(b"stts", struct.pack(">III", 0, 1, sum(counts)) + step),
        _box(b"stss", struct.pack(">IIII", 0, 2, 1, counts[0] + 1)),
        _box(b"stsc", struct.pack(">8I", 0, 2, 1, counts[0], 1, 2, counts[1], 2)),
        _box(b"stsz", struct.pack(">III", 0, 0, sum(counts)) + b"".join(sizes)),
        _box(b"stco", struct.pack(">IIII", 0, 2, start, start + len(pictures[0]))),
    ]))  # fmt: skip
    moov = bytearray(_box(b"moov", _again(_inside(first, b"moov"), _TABLES[1:], tables)))
    for name, place in _DURATIONS.items():
        at = moov.index(name) + 4 + place
        struct.pack_into(">I", moov, at, 2 * struct.unpack_from(">I", moov, at)[0])
    return head + _box(b"mdat", b"".join(pictures)) + bytes(moov)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        yield name, data[at + 8 : at + length]
        at += length


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def _inside(data: bytes, *names: bytes) -> bytes:
    for name in names:
        data = dict(_boxes(data))[name]
    return data


def _again(data: bytes, names: tuple[bytes, ...], tables: bytes) -> bytes:
    """Write boxes anew with other tables, and without a list of edits."""
    return b"".join(
        (tables if len(names) == 1 else _box(name, _again(content, names[1:], tables)))
        if name == names[0]
        else _box(name, content)
        for name, content in _boxes(data)
        if name != b"edts"
    )
