"""Pixels that change their shape in the middle of a file, as television does between a film and the rest.

ffmpeg gives all pictures of a stream the shape of the pixels that it finds first.  Where shapes change is
told by the headers inside the stream, which are read without decoding a picture.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

import ffmpeg

from emoview.media.facts import Media, VideoStream
from emoview.media.tool import arguments, lines_of, open_input, start

_HEADERS: Final = {"h264": 7, "hevc": 33, "mpeg2video": 179}
"""Codecs whose headers ffmpeg prints, each with the number of the one that tells the shape."""
_ANY: Final = frozenset({"mpegts", "mpeg", "wtv"})
"""Containers of television, which need not say anything of the shape themselves."""

# ITU-T H.264 and H.265, table E-1, by number; 0 says nothing, 255 that width and height follow.
_SHAPES: Final = (
    1.0, 1.0, 12 / 11, 10 / 11, 16 / 11, 40 / 33, 24 / 11, 20 / 11, 32 / 11, 80 / 33, 18 / 11, 15 / 11,
    64 / 33, 160 / 99, 4 / 3, 3 / 2, 2.0,
)  # fmt: skip
# ISO/IEC 13818-2, table 6-3, by number: of the picture, not of its pixels.
_PICTURES: Final = {2: 4 / 3, 3: 16 / 9, 4: 2.21}
_LONGEST_PIXEL: Final = 8
# Television changes some ten times an hour; more is damage.
_MOST: Final = 400
_SAME: Final = 0.005
# Times are rounded in some containers.
_EARLY_S: Final = 0.002
_LONGEST_GROUP_S: Final = 15.0

# Of the first blocks of a picture on a DV tape, where its pack on the picture stands, and how that begins.
_TAPE_HEAD, _TAPE_PACK, _TAPE_ABOUT = 480, 453, 0x61

_OURS: Final = re.compile(r"^\[trace_headers @ \w+\] (.*)")
_FIELD: Final = re.compile(r"\d+ +(\w+) +[01]+ = (\d+)")
_PACKET: Final = re.compile(r"Packet: .*?pts (-?\d+|NOPTS), dts (-?\d+|NOPTS)")


def may_change(codec: str, pixel: float, containers: Iterable[str], *, joined: bool) -> bool:
    """Tell whether the shape of pixels may change: on television, where they are not square, or parts joined."""
    if codec == "dvvideo":
        return "dv" in containers
    return codec in _HEADERS and (pixel != 1 or joined or not _ANY.isdisjoint(containers))


def shapes_of(media: Media) -> tuple[tuple[float, float], ...]:
    """Give `(second, width of a pixel over its height)` where shapes change, on the clock of the file.

    What stands inside the stream is not asked for the first shape, since the container may know better.
    """
    if media.video is None or not media.video.may_reshape:
        return ()
    now = media.path.stat()
    return _shapes(media, media.video, (now.st_size, now.st_mtime_ns))


# A file is decoded more than once: again for small faces, and to draw on it.
@functools.lru_cache(maxsize=8)
def _shapes(media: Media, video: VideoStream, _: tuple[int, int]) -> tuple[tuple[float, float], ...]:
    end = media.stretch.end_s
    last_s = None if end is None else (media.start_s - media.stretch.start_s + end) * media.speed
    if video.codec == "dvvideo":
        return tuple(_changes(_told_by_tape(media.path, video.start_s * media.speed), video.pixel))
    headers = headers_of(open_input(media.path, seek_s=media.seek_s)[str(video.index)], video.codec)
    process = start(
        arguments(headers, loglevel="info", copyts=True),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    with process:
        try:
            return tuple(_changes(_told(lines_of(process.stderr), video.index, last_s), video.pixel))
        finally:
            with suppress(OSError):
                process.kill()


def headers_of(stream: Any, codec: str) -> Any:
    """Let ffmpeg copy a stream to nowhere, and print the headers in it that tell the shape of the pixels."""
    # What stands beside the stream in MP4 is put where it begins to count, so that the last filter sees it.
    beside = f"{codec}_mp4toannexb," if codec != "mpeg2video" else ""
    bits = f"{beside}filter_units=pass_types={_HEADERS[codec]},trace_headers"
    return ffmpeg.output(stream, "-", f="null", c="copy", nostats=None, **{"bsf:v": bits})


def may_be_heard(video: VideoStream) -> bool:
    """Tell whether a change that is not looked for beforehand can be heard of while pictures are decoded."""
    return video.codec in _HEADERS and not video.may_reshape and not video.odd_aspect


def heard(lines: Iterable[bytes], video: VideoStream) -> Iterator[float]:
    """Give the seconds, on the clock of the file, at which headers that ffmpeg prints tell another shape."""
    for time_s, _ in _changes(_told(lines, video.index, None), video.pixel):
        yield time_s


def _changes(told: Iterable[tuple[float, float]], first: float) -> Iterator[tuple[float, float]]:
    """Give where shapes change, in order of time."""
    own = shown = None
    latest = before = float("-inf")
    count = 0
    for time_s, said in told:
        if time_s > latest:
            before, latest = latest, time_s
        elif latest - before < _LONGEST_GROUP_S:
            # Where times jump back, what was there before goes on until about the next header.
            before, latest = latest, 2 * latest - before
        if own is None or shown is None:
            own, shown = said, first
        shape = first if abs(said / own - 1) < _SAME else said
        if abs(shape / shown - 1) >= _SAME and count < _MOST:
            yield latest - _EARLY_S, shape
            shown = shape
            count += 1


def _told(lines: Iterable[bytes], index: int, last_s: float | None) -> Iterator[tuple[float, float]]:
    """Give `(second, shape)` of each header that tells one, up to a time; first that beside the stream."""
    ticks_of = re.compile(rf"^ +Stream #0:{index}\b.*, (\d+(?:\.\d+)?)(k?) tbn")
    rate = 0.0
    time_s: float | None = None
    fields: dict[str, int] = {}
    for raw in lines:
        line = raw.decode(errors="replace").rstrip()
        ours = _OURS.match(line)
        if ours is None:
            if not rate and (ticks := ticks_of.match(line)):
                rate = float(ticks[1]) * (1000 if ticks[2] else 1)
        elif field := _FIELD.match(ours[1]):
            fields[field[1]] = int(field[2])
        elif rate and (packet := _PACKET.match(ours[1])):
            if time_s is not None and (shape := _shape(fields)) is not None:
                yield time_s, shape
            fields = {}
            stamp = next((int(one) for one in packet.groups() if one != "NOPTS"), None)
            time_s = None if stamp is None else stamp / rate
            if time_s is not None and last_s is not None and time_s > last_s:
                return
        elif ours[1] == "Extradata":
            time_s = float("-inf")
    if time_s is not None and (shape := _shape(fields)) is not None:
        yield time_s, shape


def _told_by_tape(path: Path, start_s: float) -> Iterator[tuple[float, float]]:
    """Give `(second, shape)` of a recording of a DV tape: once a second, and of each picture at a change."""

    def look(file: IO[bytes], number: int) -> float | None:
        file.seek(number * size)
        head = file.read(_TAPE_HEAD)
        if len(head) < _TAPE_HEAD or head[0] != 0x1F or head[_TAPE_PACK] != _TAPE_ABOUT:
            return None
        # IEC 61834-2 and 61834-4: what counts as wide depends on the kind of track.
        kind, shape = head[4] & 7, head[_TAPE_PACK + 2] & 7
        return shapes[shape == 2 or (kind == 0 and shape == 7)]

    with path.open("rb", buffering=0) as file:
        european = bool(file.read(4)[3:4] > b"\x7f")
        size, hertz = (144_000, 25.0) if european else (120_000, 30_000 / 1001)
        shapes = (16 / 15, 64 / 45) if european else (8 / 9, 32 / 27)
        count = path.stat().st_size // size
        before: float | None = None
        for number in range(0, count, round(hertz)):
            shape = look(file, number)
            if before is not None and shape is not None and shape != before:
                for between in range(number - round(hertz) + 1, number):
                    if (other := look(file, between)) is not None:
                        yield start_s + between / hertz, other
            if shape is not None:
                yield start_s + number / hertz, shape
            before = shape or before


def _shape(fields: dict[str, int]) -> float | None:
    """Tell the shape of pixels from a header; None where it is none that can be."""
    high, wide = 1.0, 1.0
    if number := fields.get("aspect_ratio_information"):
        high, wide = fields.get("horizontal_size_value", 0), fields.get("vertical_size_value", 0)
        wide *= _PICTURES.get(number, high / max(wide, 1))
    elif fields.get("aspect_ratio_idc") == 255:
        wide, high = fields.get("sar_width", 0), fields.get("sar_height", 0)
    elif (number := fields.get("aspect_ratio_idc", 0)) < len(_SHAPES):
        wide = _SHAPES[number]
    possible = wide > 0 and high > 0 and 1 / _LONGEST_PIXEL <= wide / high <= _LONGEST_PIXEL
    return wide / high if possible and fields else None


def pixel_in(media: Media, *, speed: float = 1.0) -> str | None:
    """Write the width of a pixel over its height as an expression of ffmpeg in the time of a picture.

    Args:
        media: A file with pictures.
        speed: Seconds of the file in one of that time.

    Returns:
        The expression; None where the shape does not change, and ffmpeg's own `sar` says it.
    """
    shapes = shapes_of(media)
    if media.video is None or not shapes:
        return None
    turned = media.video.rotation % 180 == 90
    values = [1 / one if turned else one for one in (media.video.pixel, *(shape for _, shape in shapes))]
    steps = [
        f"gte(t,{time_s / speed:.6f})*({after - before:.9f})"
        for (time_s, _), before, after in zip(shapes, values, values[1:], strict=False)
    ]
    return f"({'+'.join([f'{values[0]:.9f}', *steps])})"
