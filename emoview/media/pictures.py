"""Single pictures out of a video, as small JPEGs."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import ffmpeg

from emoview.media.decode import fitted
from emoview.media.facts import Media
from emoview.media.shape import pixel_in
from emoview.media.tool import arguments, open_input, start
from emoview.timeline.clock import TICK_MS

_TIMEOUT_S = 20
_AT_ONCE = 4


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
    video = media.video
    if video is None:
        return None
    # Of the file.
    at_s = (media.start_s + max(0.0, time_s)) * media.speed
    height = max(2, round(width * video.height / video.width / 2) * 2)
    pictures = (
        # The jump lands on the key picture before that time: a long file costs no more than a short one.
        open_input(media.path, seek_s=at_s)[str(video.index)]
        # Pictures need not lie on the ticks: the nearest will do, and the last tick has one, too.
        .filter("trim", start=f"{at_s - TICK_MS / 2000:.6f}")
    )
    pictures = fitted(pictures, video, width, height, "rgb24", pixel=pixel)
    output = ffmpeg.output(
        pictures, "pipe:", f="image2pipe", vcodec="mjpeg", pix_fmt="yuvj420p", **{"frames:v": 1, "q:v": 5}
    )
    process = start(
        arguments(output, loglevel="quiet", copyts=True), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with process:
        try:
            return process.communicate(timeout=_TIMEOUT_S)[0] or None
        except subprocess.TimeoutExpired:
            process.kill()
            return None
