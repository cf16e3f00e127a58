"""What is in a file: streams, sizes, and when each stream starts."""

from __future__ import annotations

import math
import os
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import Final

from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.created import created_in, is_timeless
from emoview.media.facts import WHOLE, Media, Stretch, VideoStream
from emoview.media.listing import (
    audio_in,
    captured_in,
    check_size,
    checked_sounds,
    decoders_in,
    header_of,
    in_tiles,
    length_in,
    listing_of,
    sound_named,
    sounds_in,
    tracks_in,
    undecoded,
    video_in,
)
from emoview.media.packets import moves
from emoview.media.programs import go_together, programs_in
from emoview.media.tool import tool
from emoview.media.whole import missing_bytes

# Brands of single pictures, which older ffmpegs do not know.
_STILL: Final = frozenset({b"heic", b"heix", b"mif1", b"avif"})
FASTEST: Final = 100.0
"""So many times slowed, or quickened, a recording may be."""

__all__ = ["WHOLE", "Media", "Stretch", "probe"]


def probe(
    path: str | os.PathLike[str],
    stretch: Stretch = WHOLE,
    *,
    capture_rate: float | None = None,
    audio_track: str | None = None,
) -> Media:
    """Find out what a file holds, by decoding the first picture and the first sound.

    Args:
        path: The file.
        stretch: The part of it that is going to be analysed.
        capture_rate: Pictures a second at which slow motion, or time lapse, was captured; all times become
            those of the capture.
        audio_track: Number, from 1, or name of its sound track; None for the first that can be decoded.

    Raises:
        InputError: The file is missing, unreadable, empty, not media, holds neither pictures
            nor sound that can be decoded, lacks the sound track, or is over before the stretch starts; or
            nothing is known of the rate of its pictures, so that that of capture says nothing.
    """
    file = Path(path)
    _check_file(file)
    _check_stretch(file, stretch)
    listing = listing_of(file)
    header = header_of(listing)
    if header is None:
        raise InputError(_not_media(file, listing))
    if in_tiles(header):
        # What else there is, is a thumbnail or a map of depth or brightness.
        raise InputError(_tiled(file))
    seconds, indexed = length_in(header)
    tracks = checked_sounds(file, header, sounds_in(header))
    asked = None if audio_track is None else sound_named(file, tracks, audio_track)
    video = video_in(file, header, listing)
    audio = audio_in(file, header, listing, index=None if asked is None else asked.index, video=video)
    if asked is not None and audio is None:
        cure = "choose another" if any(track.decodes for track in tracks) else "none of them can"
        raise InputError(f"{name_of(file)}: sound track {asked} cannot be decoded: {cure}")
    speed = _speed(file, video, capture_rate)
    if speed != 1:
        seconds = None if seconds is None else seconds / speed
        video = video and replace(video, start_s=video.start_s / speed)
        audio = audio and replace(audio, start_s=audio.start_s / speed)
    if video is None:
        check_size(file, listing)
    apart = video is not None and audio is not None and not go_together(
        programs_in(header), video.index, audio.index
    )  # fmt: skip
    timeless = is_timeless(header) and video is not None and moves(file, video.index)
    pictures, sounds = tracks_in(header)
    broken = tuple(undecoded(pictures, sounds, video, audio))
    media = Media(
        file, _duration(file, seconds, stretch), video, audio, stretch, indexed, broken,
        (len(pictures), len(sounds)), missing_bytes(file), speed, captured_in(header), created_in(header),
        tracks, seconds, apart, timeless, (decoders_in(pictures), decoders_in(sounds)),
    )  # fmt: skip
    if media.video is None and media.audio is None:
        if "encrypted" in listing.lower():
            raise InputError(f"{name_of(file)} is encrypted: decrypt it, or export it without protection")
        raise InputError(
            f"{name_of(file)} holds neither pictures nor sound that can be decoded: it may be "
            "truncated or encrypted; try to play it, or export it again as mp4"
        )  # fmt: skip
    return media


def _speed(file: Path, video: VideoStream | None, capture_rate: float | None) -> float:
    """Tell how much faster than in the file everything happened."""
    if capture_rate is None:
        return 1.0
    if video is None or not video.rate:
        raise InputError(
            f"{name_of(file)} does not say how many pictures a second it has, so a rate of capture says "
            "nothing: leave --capture-rate out"
        )
    speed = capture_rate / video.rate
    if not 1 / FASTEST <= speed <= FASTEST:
        raise InputError(
            f"{name_of(file)} has {video.rate:g} pictures a second: a rate of capture of {capture_rate:g} "
            "cannot be right"
        )
    return speed


def _check_file(file: Path) -> None:
    name = name_of(file)
    try:
        if file.is_dir():
            raise InputError(f"{name} is a directory: name one file, such as {name_of(file / 'clip.mp4')}")
        if not file.exists():
            raise InputError(f"{name} does not exist: check the name and the folder")
        if not file.is_file():
            raise InputError(f"{name} is not a regular file: copy the stream into a file first")
        if file.stat().st_size == 0:
            raise InputError(f"{name} is empty (0 bytes): copy or download it again")
        with file.open("rb"):
            pass
    except PermissionError as error:
        raise InputError(f"{name} may not be read: ask for permission, or copy it") from error
    except OSError as error:
        raise InputError(f"{name} cannot be read: {error.strerror}") from error


def _check_stretch(file: Path, stretch: Stretch) -> None:
    times = (stretch.start_s, stretch.start_s if stretch.end_s is None else stretch.end_s)
    for name, value in (("start_s", stretch.start_s), ("end_s", stretch.end_s)):
        if value is not None and not isinstance(value, Real):
            raise InputError(f"{name} must be a number of seconds, not {value!r:.80}")
    if not all(math.isfinite(time) and time >= 0 for time in times):
        raise InputError(f"{name_of(file)}: start and end must be seconds from 0 on")
    if stretch.end_s is not None and stretch.end_s <= stretch.start_s:
        raise InputError(
            f"{name_of(file)}: the end, {stretch.end_s:g} s, must lie after the start, {stretch.start_s:g} s"
        )


def _duration(file: Path, seconds: float | None, stretch: Stretch) -> float | None:
    """Give what the header claims of the stretch."""
    if seconds is None:
        return None
    if stretch.start_s >= seconds > 0:
        raise InputError(
            f"{name_of(file)} is {seconds:g} s long, so nothing can start at {stretch.start_s:g} s"
        )
    return (seconds if stretch.end_s is None else min(seconds, stretch.end_s)) - stretch.start_s


def _not_media(file: Path, log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    said = lines[-1].lower() if lines else ""
    brand = _brand_of(file)
    if brand in _STILL:
        return (
            f"{name_of(file)} is a picture of a kind (HEIC) that ffmpeg {tool().version} does not read, put "
            "together of tiles, or damaged: save it as JPEG or PNG"
        )
    if brand is not None and "moov atom not found" in log:
        return (
            f"{name_of(file)} is truncated: its index (moov atom) is missing; "
            "copy or record it again, or repair it with a tool such as untrunc"
        )
    if "not on whitelist" in said or "not on whitelist" in log.lower():
        return (
            f"{name_of(file)} is no recording, but a list or a kind of file that emoview does not open: "
            "name the recording itself, or convert it to mp4"
        )
    reason = "not a media file that ffmpeg can read"
    if "invalid data" not in said and "end of file" not in said and said:
        reason += f" ({said.rsplit(': ', 1)[-1]})"
    return f"{name_of(file)} is {reason}: check that it plays, or convert it to mp4"


def _brand_of(file: Path) -> bytes | None:
    """Give the brand of a file of the MP4 family; None for other files."""
    with file.open("rb") as content:
        head = content.read(12)
    return head[8:] if head[4:8] == b"ftyp" else None


def _tiled(file: Path) -> str:
    return (
        f"{name_of(file)} is a picture of a kind (HEIC) that is put together of tiles, or damaged: save it "
        "as JPEG or PNG"
    )
