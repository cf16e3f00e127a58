"""A result drawn on its video: decode, draw, encode in one pass."""

from __future__ import annotations

from pathlib import Path

from emoview.common.files import whole_file
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.decode import FullPictureDecoder
from emoview.media.encode import VideoEncoder
from emoview.media.probe import Media, probe
from emoview.output.overlay import Overlay
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.rendering.film import same_pictures
from emoview.timeline.results import Analysis

_EVENT_EVERY = 10


def write_overlay(analysis: Analysis, video: Path, path: Path, *, on_event: EventHook = ignore) -> int:
    """Draw `analysis` on the pictures of `video` and write an mp4 with its sound.

    Args:
        analysis: The result.
        video: The file it was made from.
        path: The mp4; it gets this name only when it is complete.
        on_event: Told how far it is; its stage is `overlay`.

    Returns:
        How many pictures were written.

    Raises:
        InputError: The video cannot be read, has no pictures, or is not the one that was analysed.
        OutputError: The mp4 cannot be written.
    """
    options = analysis.options
    media = probe(video, capture_rate=options.capture_rate, audio_track=options.audio_track)
    _check(analysis, media, path)
    with whole_file(path) as temporary:
        return _drawn(analysis, media, temporary, on_event)


def _check(analysis: Analysis, media: Media, path: Path) -> None:
    shown = name_of(media.path)
    if media.video is None:
        raise InputError(f"{shown} has no pictures to draw on: name the video that was analysed")
    if path.exists() and path.samefile(media.path):
        raise InputError(f"{shown} would be overwritten: choose another name with -o")
    facts = analysis.media
    size = (media.video.width, media.video.height)
    if not same_pictures(analysis, *size):
        raise InputError(
            f"{shown} is {size[0]}x{size[1]}, the result is of {facts.width}x{facts.height} pixels: "
            "name the video that was analysed"
        )


def _drawn(analysis: Analysis, media: Media, path: Path, on_event: EventHook) -> int:
    pictures = 0
    with FullPictureDecoder(media) as decoder:
        width, height, rate = decoder.width, decoder.height, decoder.rate
        overlay = Overlay(analysis, width=width, height=height)
        total = round(analysis.media.duration_s * rate)
        with VideoEncoder(path, width=width, height=height, rate=rate, sound_of=media) as encoder:
            for time_s, picture in decoder:
                # Outside the stretch that was analysed there is nothing to draw, but the pictures stay.
                overlay.draw(picture, time_s - analysis.media.start_s)
                encoder.write(picture)
                pictures += 1
                if pictures % _EVENT_EVERY == 0:
                    on_event(Progress("overlay", min(pictures, total), total))
    if not pictures:
        raise InputError(f"{name_of(media.path)} gave no picture that can be decoded: export it again")
    return pictures
