"""Single pictures out of a video, as small JPEGs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import ffmpeg

from emoview.media.decode import HOLD_S, fitted
from emoview.media.facts import Media
from emoview.media.shape import pixel_in
from emoview.media.tool import arguments, open_input, start, tool
from emoview.timeline.clock import TICK_MS

_TIMEOUT_S = 20
_AT_ONCE = 4
# Phones leave out a picture now and then.
_LEAST_S = 0.25
# Without an index ffmpeg lands behind the time that it jumps to, at the next key picture: of MPEG-TS and
# MPEG-PS.  Where nothing comes before the time, it jumps to so many seconds earlier; x264 puts 10 s between
# two of them at most, if it is not told otherwise.
_EARLIER_S = (0.0, 12.0, 60.0)
# What a JPEG begins with, and what is nowhere in it.
_BEGINS = b"\xff\xd8\xff"


def jpegs_at(media: Media, times_s: Sequence[float], *, width: int) -> list[bytes | None]:
    """Decode the picture on screen at each time.

    Args:
        media: A file with pictures.
        times_s: Seconds after the first picture or sound of the file.
        width: Pixels of the JPEGs; their height follows.

    Returns:
        A JPEG for each time, None where no picture could be decoded.
    """
    pixel = pixel_in(media)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda time_s: _jpeg(media, time_s, width, pixel), times_s))


def _jpeg(media: Media, time_s: float, width: int, pixel: str | None) -> bytes | None:
    """Give the last picture before the middle of a tick, which is what the tick shows; else the next."""
    if media.video is None:
        return None
    # Of the file.
    at_s = (media.start_s + max(0.0, time_s) + TICK_MS / 2000) * media.speed
    rate = (media.video.rate or 0.0) * media.speed
    usual_s = max(2 / rate, _LEAST_S) if rate else HOLD_S
    first_s = at_s - min(usual_s, HOLD_S) * media.speed
    earlier_s = 0.0
    for earlier_s in _EARLIER_S[:1] if media.indexed else _EARLIER_S:
        shown = _jpegs(media, (first_s, f"{at_s:.6f}"), width, pixel, earlier_s=earlier_s)
        if shown:
            return shown[shown.rfind(_BEGINS) :]
        if first_s - earlier_s <= media.video.start_s * media.speed:
            break
    return _jpegs(media, (at_s - TICK_MS / 1000, None), width, pixel, earlier_s=earlier_s)


def _jpegs(
    media: Media, stretch: tuple[float, str | None], width: int, pixel: str | None, *, earlier_s: float
) -> bytes | None:
    """Decode the pictures between two times of the file, as JPEGs behind each other.

    Without an end it is the first picture alone.  The decoder jumps to so many seconds before.
    """
    first_s, end = stretch
    until, most = ({}, {"frames:v": 1}) if end is None else ({"end": end}, {})
    video = media.video
    assert video is not None
    height = max(2, round(width * video.height / video.width / 2) * 2)
    # A jump lands on the key picture before that time: a long file costs no more than a short one.
    seek_s = first_s - earlier_s if first_s - earlier_s > video.start_s * media.speed else None
    pictures = open_input(media.path, seek_s=seek_s)[str(video.index)]
    pictures = pictures.filter("trim", start=f"{first_s:.6f}", **until)
    pictures = fitted(pictures, video, width, height, "rgb24", pixel=pixel)
    option, value = tool().passthrough
    options = {"f": "image2pipe", "vcodec": "mjpeg", "pix_fmt": "yuvj420p", "q:v": 5, option: value}
    output = ffmpeg.output(pictures, "pipe:", **options, **most)
    process = start(
        arguments(output, loglevel="quiet", copyts=True), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with process:
        try:
            return process.communicate(timeout=_TIMEOUT_S)[0] or None
        except subprocess.TimeoutExpired:
            process.kill()
            return None
