"""What is in a file: streams, sizes, and when each stream starts."""

from __future__ import annotations

import math
import os
import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ffmpeg

from emoview.errors import InputError
from emoview.media.tool import MOST_PIXELS, arguments, lines_of, open_input, start
from emoview.media.whole import missing_bytes
from emoview.text import name_of
from emoview.timeline.clock import TICK_HZ

_VIDEO = re.compile(r"Stream #\d+:(\d+).*?: Video: (\w+).*?, (\d+)x(\d+)")
_AUDIO = re.compile(r"Stream #\d+:(\d+).*?: Audio: (\w+).*?, (\d+) Hz, ([^,\n]+)")
_DURATION = re.compile(r"(?m)^  Duration: (\d+):(\d+):(\d+(?:\.\d+)?)")
_RATE = re.compile(r", (\d+(?:\.\d+)?) fps")
_ASPECT = re.compile(r"\[SAR (\d+):(\d+)")
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
_FILTERS: Final = {"v": "showinfo", "a": "ashowinfo"}
# In microseconds; times in seconds are printed with six digits, which are too few behind a day.
_TIMED = r" @ \w+\] n: *{number} pts: *(-?\d+)"
_DECODED = re.compile(r"(?m)^ {2,4}Stream #0:(\d+) -> #0:\d+ \(")
_INPUT = re.compile(r"(?m)^Input #0, ([^\s]+), from")
_COLOURS = re.compile(r": Video: [^,]*(?:\([^)]*\))?[^,]*, *\w+\(([^)]*)\)")
_START = re.compile(r"(?m)^  Duration: [^\n]*?start: (-?\d+(?:\.\d+)?)")
_TOO_LARGE = re.compile(r"Picture size (\d+x\d+) exceeds specified max pixel count")
_PROBE_TIMEOUT_S = 60
_MOST_LISTING = 1 << 20
# Decoders of sound need some packets before the first that they get right, and pictures a key picture.
_RUN_UP_S = 1.0
# Anamorphic films have pixels up to twice as wide as high.
_LONGEST_PIXEL = 8

# Matrices of colours of which swscale makes no RGB, or did not always.
_ODD_COLOURS = (
    "reserved",
    "ycgco",
    "smpte2085",
    "chroma-derived",
    "ictcp",
    "ipt-c2",
)

# Containers with an index of exact times. In others ffmpeg guesses where a second lies.
_INDEXED = frozenset({"mov", "matroska", "wav"})


@dataclass(frozen=True)
class VideoStream:
    """The picture stream that is analysed.

    Attributes:
        index: Number of the stream in the file.
        codec: As ffmpeg names it.
        width: Pixels as shown, after rotation and with square pixels.
        height: Likewise.
        rate: Nominal pictures a second; None where the file does not say.
        rotation: Degrees by which the file asks its pictures to be turned.
        start_s: Time of the first picture, in seconds on the file's own clock.
        odd_colours: Whether the file names a matrix of colours that ffmpeg cannot be asked for.
        odd_aspect: Whether its pixels claim a shape that none have, and are taken to be square.
    """

    index: int
    codec: str
    width: int
    height: int
    rate: float | None
    rotation: int
    start_s: float
    odd_colours: bool = False
    odd_aspect: bool = False


@dataclass(frozen=True)
class AudioStream:
    """The sound stream that is analysed.

    Attributes:
        index: Number of the stream in the file.
        codec: As ffmpeg names it.
        rate: Samples a second in the file.
        channels: As ffmpeg names the layout, such as `stereo`.
        start_s: Time of the first sample, in seconds on the file's own clock.
    """

    index: int
    codec: str
    rate: int
    channels: str
    start_s: float


@dataclass(frozen=True)
class Stretch:
    """The part of a file that is analysed, in seconds after its first picture or sound.

    Attributes:
        start_s: Where it starts.
        end_s: Where it ends; None for the end of the file.
    """

    start_s: float = 0.0
    end_s: float | None = None

    @property
    def ticks(self) -> int | None:
        """How many ticks it holds; None where it has no end."""
        return None if self.end_s is None else max(1, round((self.end_s - self.start_s) * TICK_HZ))


WHOLE: Final = Stretch()


@dataclass(frozen=True)
class Media:
    """A file that can be analysed.

    Attributes:
        path: The file.
        duration_s: What its header claims, of the stretch; None where it claims nothing.
        video: Its first picture stream that is not a cover picture, or None.
        audio: Its first sound stream, or None.
        stretch: The part that is analysed.
        indexed: Whether ffmpeg can jump to an exact time in it.
        undecoded: What it holds that cannot be decoded, such as `pictures (vp9)`.
        tracks: How many picture streams and sound streams it holds.
        missing_bytes: How much shorter the file is than it says.
    """

    path: Path
    duration_s: float | None
    video: VideoStream | None
    audio: AudioStream | None
    stretch: Stretch = WHOLE
    indexed: bool = False
    undecoded: tuple[str, ...] = ()
    tracks: tuple[int, int] = (1, 1)
    missing_bytes: int = 0

    @property
    def seek_s(self) -> float | None:
        """Time from which a stretch is decoded; None where decoding starts with the file."""
        return self.start_s - _RUN_UP_S if self.indexed and self.stretch.start_s > _RUN_UP_S else None

    @property
    def start_s(self) -> float:
        """Time of tick 0: where the stretch starts after the first picture or sound."""
        starts = [stream.start_s for stream in (self.video, self.audio) if stream]
        return min(starts) + self.stretch.start_s


def probe(path: str | os.PathLike[str], stretch: Stretch = WHOLE) -> Media:
    """Find out what a file holds, by decoding the first picture and the first sound.

    Args:
        path: The file.
        stretch: The part of it that is going to be analysed.

    Raises:
        InputError: The file is missing, unreadable, empty, not media, holds neither pictures
            nor sound that can be decoded, or is over before the stretch starts.
    """
    file = Path(path)
    _check_file(file)
    _check_stretch(file, stretch)
    listing = _listing(file)
    if not _INPUT.search(listing):
        raise InputError(_not_media(file, listing))
    # What follows is about the output that the probe itself asked for.
    header = re.split(r"(?m)^(?:Stream mapping:|Output #0)", listing)[0]
    duration = _DURATION.search(header)
    seconds = None
    if duration:
        hours, minutes, rest = duration.groups()
        seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    container = _INPUT.search(header)
    indexed = container is not None and not _INDEXED.isdisjoint(container[1].split(","))
    begins = _START.search(header)
    if seconds is not None and indexed and begins:
        # These count from zero, wherever their streams begin.
        seconds = max(0.0, seconds - max(0.0, float(begins[1])))
    video, audio = _video(file, header, listing), _audio(file, header, listing)
    if video is None:
        _check_size(file, listing)
    pictures, sounds = _tracks(header)
    undecoded = tuple(_undecoded(pictures, sounds, video, audio))
    media = Media(
        file, _duration(file, seconds, stretch), video, audio, stretch, indexed, undecoded,
        (len(pictures), len(sounds)), missing_bytes(file),
    )  # fmt: skip
    if media.video is None and media.audio is None:
        if "encrypted" in listing.lower():
            raise InputError(f"{name_of(file)} is encrypted: decrypt it, or export it without protection")
        raise InputError(
            f"{name_of(file)} holds neither pictures nor sound that can be decoded: it may be "
            "truncated or encrypted; try to play it, or export it again as mp4"
        )  # fmt: skip
    return media


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


def _listing(file: Path) -> str:
    """Let ffmpeg say what is in a file, and decode the first picture and sound, where it can, on the way."""
    source = open_input(file)
    # V: not the cover pictures.
    output = ffmpeg.output(
        source["V:0?"], source["a:0?"], "-", f="null", vf=_shown_times("v"), af=_shown_times("a"),
        **{"frames:v": 1, "frames:a": 1},
    )  # fmt: skip
    return _ffmpeg_log(file, arguments(output, loglevel="info", copyts=True))


def _shown_times(kind: str) -> str:
    return f"{'a' if kind == 'a' else ''}settb=1/1000000,{_FILTERS[kind]}"


def _ffmpeg_log(file: Path, command: list[str]) -> str:
    process = start(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    # A damaged file can make it say the same a million times.
    timer = threading.Timer(_PROBE_TIMEOUT_S, process.kill)
    timer.start()
    said, kept = [], 0
    with process.stderr as pipe:
        for line in lines_of(pipe):
            if kept < _MOST_LISTING:
                said.append(line)
                kept += len(line)
    code = process.wait()
    late = not timer.is_alive()
    timer.cancel()
    if late:
        raise InputError(f"{name_of(file)} kept ffmpeg busy for {_PROBE_TIMEOUT_S} s: convert it to mp4")
    if code < 0:
        raise InputError(
            f"{name_of(file)} made ffmpeg crash (signal {-code}): it is damaged, or that "
            "ffmpeg is too old; try a newer one, or export the file again"
        )
    return b"".join(said).decode(errors="replace")


def _check_size(file: Path, listing: str) -> None:
    size = _TOO_LARGE.search(listing)
    if size is not None:
        raise InputError(
            f"{name_of(file)} has pictures of {size[1]} pixels, more than "
            f"{MOST_PIXELS / 1e6:.0f} million: scale it down first"
        )


def _tracks(header: str) -> tuple[list[str], list[str]]:
    """Give the lines about streams of pictures, without those of covers, and of sound."""
    lines = [line for line, _ in _stream_lines(header)]
    pictures = [line for line in lines if ": Video: " in line and "(attached pic)" not in line]
    return pictures, [line for line in lines if ": Audio: " in line]


def _undecoded(
    pictures: list[str], sounds: list[str], video: VideoStream | None, audio: AudioStream | None
) -> Iterator[str]:
    """Name the pictures and the sound that are there, but cannot be decoded."""
    for kind, found, stream in (("pictures", pictures, video), ("sound", sounds, audio)):
        if found and stream is None:
            codec = re.search(r": (?:Video|Audio): (\w+)", found[0])
            yield f"{kind} ({codec[1]})" if codec else kind


def _not_media(file: Path, log: str) -> str:
    lines = [line for line in log.splitlines() if line.strip()]
    said = lines[-1].lower() if lines else ""
    with file.open("rb") as content:
        is_mp4 = content.read(8)[4:] == b"ftyp"
    if is_mp4 and "moov atom not found" in log:
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


def _video(file: Path, header: str, decoded: str) -> VideoStream | None:
    for line, following in _stream_lines(header):
        found = _VIDEO.search(line)
        if not found or "(attached pic)" in line:
            continue
        index, codec = int(found[1]), found[2]
        start = _first_time(file, decoded, index, "v")
        if start is None:
            continue
        width, height = float(found[3]), float(found[4])
        aspect = _ASPECT.search(line)
        shape = int(aspect[1]) / int(aspect[2]) if aspect and int(aspect[1]) and int(aspect[2]) else 1.0
        odd_aspect = not 1 / _LONGEST_PIXEL <= shape <= _LONGEST_PIXEL
        if not odd_aspect:
            width *= shape
        turned = _ROTATION.search(following)
        rotation = round(float(turned[1])) if turned else 0
        if rotation % 180 == 90:
            width, height = height, width
        rate = _RATE.search(line)
        colours = _COLOURS.search(line)
        odd = colours is not None and any(name in colours[1] for name in _ODD_COLOURS)
        return VideoStream(
            index, codec, round(width), round(height), float(rate[1]) if rate else None,
            rotation, start, odd, odd_aspect,
        )  # fmt: skip
    return None


def _audio(file: Path, header: str, decoded: str) -> AudioStream | None:
    for line, _ in _stream_lines(header):
        found = _AUDIO.search(line)
        if found and (start := _first_time(file, decoded, int(found[1]), "a")) is not None:
            return AudioStream(int(found[1]), found[2], int(found[3]), found[4].strip(), start)
    return None


def _stream_lines(header: str) -> list[tuple[str, str]]:
    """Each line that describes a stream, with the lines about it that follow."""
    # Lines of metadata, which may say anything, stand further in.
    parts = re.split(r"(?m)^(?= {2,4}Stream #)", header)
    return [(part.split("\n", 1)[0], part) for part in parts if re.match(" {2,4}Stream #", part)]


def _first_time(file: Path, decoded: str, index: int, kind: str) -> float | None:
    """Tell the time of the first picture or sound packet that can be decoded; None if none can.

    Args:
        file: The file.
        decoded: What ffmpeg said when it decoded the first picture and sound together.
        index: Number of the stream.
        kind: `v` or `a`.
    """
    time = None
    if str(index) in _DECODED.findall(decoded):
        time = _time_in(decoded, kind, "0")
    if time is None:
        # It has not been decoded with the others, one of them was no good, or they spoke at once.
        settb = "asettb" if kind == "a" else "settb"
        stream = open_input(file)[str(index)].filter(settb, "1/1000000").filter(_FILTERS[kind])
        output = ffmpeg.output(stream, "-", f="null", **{f"frames:{kind}": 1})
        alone = _ffmpeg_log(file, arguments(output, loglevel="info", copyts=True))
        time = _time_in(alone, kind, "0")
        if time is None:
            time = _time_in(alone, kind, r"\d+")
    return time


def _time_in(listing: str, kind: str, number: str) -> float | None:
    """Read the time of a picture or sound packet, by its number.

    A line that starts while another thread is in the midst of one has lost its head: whoever took the
    first line that is whole would take the second packet for the first.
    """
    found = re.search(rf"(?m)^\[Parsed_{_FILTERS[kind]}_\d+" + _TIMED.format(number=number), listing)
    return int(found[1]) / 1_000_000 if found else None
