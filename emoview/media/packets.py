"""What packets tell that ffmpeg does not print.

That is the shape of pixels in MPEG-4 part 2 and MPEG-1 video, for which it copies the packets of key
pictures, each with its time and its length; and whether a stream holds more than one picture.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import ffmpeg

from emoview.media.tool import arguments, lines_of, open_input, start

# ISO/IEC 14496-2, table 6-12, by number, and the number behind which width and height follow.
_PIXELS_4: Final = {1: 1.0, 2: 12 / 11, 3: 10 / 11, 4: 16 / 11, 5: 40 / 33}
_EXTENDED: Final = 15
# ISO/IEC 11172-2, by number: height of a pixel over its width.
_PIXELS_1: Final = (
    0.0, 1.0, 0.6735, 0.7031, 0.7615, 0.8055, 0.8437, 0.8935, 0.9157, 0.9815, 1.0255, 1.0695, 1.0950, 1.1575,
    1.2015,
)  # fmt: skip
# Headers stand before the first picture.
_HEADER_4: Final = re.compile(rb"\x00\x00\x01[\x20-\x2f](.{6})", re.DOTALL)
_PICTURE_4: Final = b"\x00\x00\x01\xb6"
_HEADER_1: Final = re.compile(rb"\x00\x00\x01\xb3.{3}(.)", re.DOTALL)

_TICKS: Final = re.compile(rb"#tb 0: (\d+)/(\d+)")
_PACKET: Final = re.compile(rb"0, *(-?\d+), *(-?\d+), *-?\d+, *(\d+),")
_NO_TIME: Final = -(1 << 63)
# Reading over what lies between two pictures of a stream takes less, also in a large file.
_LONGEST_S: Final = 20


def of_mpeg4(packet: bytes) -> float | None:
    """Tell the width of a pixel over its height from an MPEG-4 part 2 packet; None where it does not say."""
    found = _HEADER_4.findall(packet.partition(_PICTURE_4)[0])
    if not found:
        return None
    bits = f"{int.from_bytes(found[-1], 'big'):048b}"
    # One bit, and eight that tell the kind of object; another tells whether seven more follow.
    at = 17 if bits[9] == "1" else 10
    number, wide, high = (int(bits[i:j], 2) for i, j in ((at, at + 4), (at + 4, at + 12), (at + 12, at + 20)))
    return wide / max(1, high) if number == _EXTENDED else _PIXELS_4.get(number)


def of_mpeg1(packet: bytes) -> float | None:
    """Tell the width of a pixel over its height from a packet of MPEG-1; None where it does not say."""
    found = _HEADER_1.search(packet)
    number = found[1][0] >> 4 if found else 0
    return 1 / _PIXELS_1[number] if 0 < number < len(_PIXELS_1) else None


READ: Final[dict[str, Callable[[bytes], float | None]]] = {"mpeg4": of_mpeg4, "mpeg1video": of_mpeg1}
"""Codecs that are read here, as ffmpeg names them."""


def told_by_packets(
    path: Path, index: int, codec: str, *, last_s: float | None = None
) -> Iterator[tuple[float, float]]:
    """Give `(second, shape)` of each key picture whose header tells one, on the clock of the file.

    Args:
        path: The file.
        index: Number of the stream.
        codec: One of `READ`.
        last_s: Second up to which; None for the end of the file.
    """
    stream = open_input(path)[str(index)]
    options = {"c": "copy", "bsf:v": "noise=drop=not(key)", "flush_packets": 1}
    # The times first: their line is there before the packet is waited for.
    times = ffmpeg.output(stream, "pipe:2", f="framecrc", **options)
    data = ffmpeg.output(stream, "pipe:1", f="rawvideo", **options)
    process = start(
        arguments(ffmpeg.merge_outputs(times, data), loglevel="quiet", copyts=True),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        try:
            for time_s, packet in _packets(process.stderr, process.stdout):
                if last_s is not None and time_s > last_s:
                    return
                if shape := READ[codec](packet):
                    yield time_s, shape
        finally:
            with suppress(OSError):
                process.kill()


def moves(path: Path, index: int) -> bool:
    """Tell whether a stream of pictures holds more than one, as covers do not."""
    output = ffmpeg.output(
        open_input(path)[str(index)], "pipe:1", f="framecrc", c="copy", **{"frames:v": 2}, flush_packets=1
    )
    process = start(
        arguments(output, loglevel="quiet", copyts=True),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    with process:
        try:
            said, _ = process.communicate(timeout=_LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return False
    return sum(_PACKET.match(line) is not None for line in said.splitlines()) > 1


def _packets(times: IO[bytes], data: IO[bytes]) -> Iterator[tuple[float, bytes]]:
    tick = 0.0
    for line in lines_of(times):
        if ticks := _TICKS.match(line):
            tick = int(ticks[1]) / max(1, int(ticks[2]))
        elif packet := _PACKET.match(line):
            decoded, shown, size = map(int, packet.groups())
            # AVI has no time of showing where pictures are out of order.
            time = decoded if shown == _NO_TIME else shown
            read = data.read(size)
            if time != _NO_TIME:
                yield time * tick, read
