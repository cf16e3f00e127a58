"""Pixels that change their shape in the middle of a file, as television does between a film and the rest.

ffmpeg gives all pictures of a stream the shape of the pixels that it finds first.  Where shapes change is
told by the headers inside the stream, which are read without decoding a picture.
"""

from __future__ import annotations

import functools
import re
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Any, Final

import ffmpeg

from emoview.media.facts import Media, VideoStream
from emoview.media.packets import READ, told_by_packets
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
# The heads of its first two blocks, a header and a subcode.
_TAPE_BEGINS: Final = re.compile(rb"\x1f\x07\x00[\x3f\xbf].{76}\x3f\x07\x00", re.DOTALL)
# More than a picture takes, and than stands between two; and than an index at the end of a file.
_WINDOW, _MOST_INDEX = 1 << 18, 1 << 25

# Where each picture brings its headers, ffmpeg prints dozens of lines a picture: one look at each is enough.
_OURS: Final = re.compile(
    rb"\[trace_headers @ \w+\] (?:"
    rb"\d+ +(?P<field>aspect_ratio_\w+|(?:horizontal|vertical)_size_value|sar_(?:width|height)|vui_\w+)"
    rb" +[01]+ = (?P<value>\d+)"
    rb"|(?P<begins>Sequence Parameter Set|Extradata)\s*$"
    rb"|Packet: .*?pts (?P<pts>-?\d+|NOPTS), dts (?P<dts>-?\d+|NOPTS))"
)


def may_change(codec: str, pixel: float, containers: Iterable[str], *, joined: bool) -> bool:
    """Tell whether the shape of pixels may change: on television, if not square, or in joined parts."""
    likely = pixel != 1 or joined or not _ANY.isdisjoint(containers)
    # The others cannot be listened to while their pictures are decoded.
    return codec == "dvvideo" or codec in READ or (codec in _HEADERS and likely)


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
        return tuple(_changes(_told_by_tape(media, video), video.pixel))
    if video.codec in READ:
        told = told_by_packets(media.path, video.index, video.codec, last_s=last_s)
        return tuple(_changes(told, video.pixel))
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
    ticks_of = re.compile(rb" +Stream #0:%d\b.*, (\d+(?:\.\d+)?)(k?) tbn" % index)
    rate = 0.0
    time_s: float | None = None
    units: list[dict[str, int]] = [{}]
    beside: float | None = None
    for line in lines:
        ours = _OURS.match(line)
        if ours is None:
            if not rate and (ticks := ticks_of.match(line)):
                rate = float(ticks[1]) * (1000 if ticks[2] else 1)
        elif ours["field"]:
            units[-1][ours["field"].decode()] = int(ours["value"])
        elif ours["begins"] == b"Sequence Parameter Set":
            units.append({})
        elif ours["begins"]:
            time_s = float("-inf")
        elif rate:
            if time_s is not None and (shape := _shape_of(units, beside)) is not None:
                beside = shape if time_s == float("-inf") else beside
                yield time_s, shape
            units = [{}]
            stamp = next((int(one) for one in ours.group("pts", "dts") if one != b"NOPTS"), None)
            time_s = None if stamp is None else stamp / rate
            if time_s is not None and last_s is not None and time_s > last_s:
                return
    if time_s is not None and (shape := _shape_of(units, beside)) is not None:
        yield time_s, shape


def _shape_of(units: Sequence[dict[str, int]], beside: float | None) -> float | None:
    """Tell the shape that the headers of a packet tell, None where they tell none.

    ffmpeg puts the header that stands beside the stream before or behind one that the packet itself brings.
    That one counts.
    """
    shapes = [shape for fields in units if (shape := _shape(fields)) is not None]
    said = [shape for shape in shapes if shape != beside] or shapes
    return said[-1] if said else None


def _told_by_tape(media: Media, video: VideoStream) -> Iterator[tuple[float, float]]:
    """Give `(second, shape)` of pictures of a DV tape: once a second, and of each picture at a change.

    They are looked for in the bytes of the file, whatever its container.  All take the same number of bytes:
    where a picture stands tells its time.
    """
    with media.path.open("rb", buffering=0) as file:
        total = media.path.stat().st_size
        first = next((one for at in range(0, total, _WINDOW) if (one := _frame_from(file, at))), None)
        if first is None:
            return
        begin, european = first[0], first[1][3] > 0x7F
        size, hertz = (144_000, 25.0) if european else (120_000, 30_000 / 1001)
        end, rate = total, 1 / hertz / size
        if begin:
            # In a container sound and other things stand between the pictures.
            end = _last_frame(file, total, size)
            rate = ((media.whole_s or 0) * media.speed - 1 / hertz) / max(1, end - begin)
        if rate <= 0:
            return
        # Half a picture early: where sound stands between pictures, places tell times less exactly.
        start_s = video.start_s * media.speed - 0.5 / hertz
        before: tuple[int, float] | None = None
        for place in range(begin, end + 1, max(size, round(1 / rate))):
            found = _frame_from(file, place)
            shape = found and _shape_of_tape(found[1], european=european)
            if found is None or shape is None:
                continue
            if before is not None and shape != before[1]:
                between = _frame_from(file, before[0] + size)
                while between is not None and between[0] < found[0]:
                    if (other := _shape_of_tape(between[1], european=european)) is not None:
                        yield start_s + (between[0] - begin) * rate, other
                    between = _frame_from(file, between[0] + size)
            yield start_s + (found[0] - begin) * rate, shape
            before = found[0], shape


def _last_frame(file: IO[bytes], total: int, size: int) -> int:
    """Find the place of the last picture of a DV tape."""
    back = range(max(0, total - _WINDOW), max(-1, total - _MOST_INDEX), -_WINDOW)
    one = next((one for at in back if (one := _frame_from(file, at))), None)
    place = 0
    while one is not None:
        place = one[0]
        one = _frame_from(file, place + size)
    return place


def _frame_from(file: IO[bytes], at: int) -> tuple[int, bytes] | None:
    """Find the first picture of a DV tape at a place of a file or soon behind; gives its place and head."""
    for window in (_TAPE_HEAD, _WINDOW >> 4, _WINDOW + _TAPE_HEAD):
        file.seek(at)
        data = file.read(window)
        for found in _TAPE_BEGINS.finditer(data):
            head = data[found.start() : found.start() + _TAPE_HEAD]
            if len(head) == _TAPE_HEAD:
                return at + found.start(), head
    return None


def _shape_of_tape(head: bytes, *, european: bool) -> float | None:
    """Tell the shape of pixels from the first blocks of a picture; None where they do not say."""
    if head[_TAPE_PACK] != _TAPE_ABOUT:
        return None
    # IEC 61834-2 and 61834-4: what counts as wide depends on the kind of track.
    kind, shape = head[4] & 7, head[_TAPE_PACK + 2] & 7
    wide = shape == 2 or (kind == 0 and shape == 7)
    return ((16 / 15, 64 / 45) if european else (8 / 9, 32 / 27))[wide]


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
