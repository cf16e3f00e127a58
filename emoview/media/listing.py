"""What ffmpeg says of a file, and what that means."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import ffmpeg

from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.facts import HDR, AudioStream, SoundTrack, VideoStream
from emoview.media.packets import moves, told_by_packets
from emoview.media.programs import go_together, programs_in
from emoview.media.shape import may_change
from emoview.media.tool import MOST_PIXELS, arguments, lines_of, open_input, start
from emoview.media.whole import descriptions

_STREAM = re.compile(r" {2,4}Stream #\d+:(\d+)")
_VIDEO = re.compile(r"Stream #\d+:(\d+).*?: Video: (\w+).*?, (\d+)x(\d+)")
_AUDIO = re.compile(r"Stream #\d+:(\d+).*?: Audio: (\w+).*?, (\d+) Hz, ([^,\n]+)")
_SOUND = re.compile(r"Stream #\d+:(\d+)(?:\[\w+\])?(?:\((\w+)\))?.*?: Audio: ")
# Where there is no decoder, no format of its samples is named.
_FORMAT = re.compile(r", (?:u8|s16|s32|s64|flt|dbl)p?\b")
_SAID = re.compile(r"(?m)^ {4,6}(title|handler_name) *: (.*)$")
# Names that programs write into every file.
_SAYS_NOTHING = re.compile(r"|und|.*(?:sound|audio).*handler.*", re.IGNORECASE)
_CHANNELS: Final = {
    "mono": 1, "stereo": 2, "downmix": 2, "binaural": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8,
    "hexadecagonal": 16,
}  # fmt: skip
# By the rate of the first packets: a recording that begins with silence seems many times as long as it is.
_GUESSED = "Estimating duration from bitrate"
_DURATION = re.compile(r"(?m)^  Duration: (\d+):(\d+):(\d+(?:\.\d+)?)")
_RATE = re.compile(r", (\d+(?:\.\d+)?) fps")
# In brackets it is what the stream says; behind them stands that of the container where it differs.
_ASPECT = re.compile(r"\bSAR (\d+):(\d+)")
_ROTATION = re.compile(r"rotation of (-?\d+(?:\.\d+)?) degrees")
_SHOWN = re.compile(r" s:(\d+)x(\d+) ")
_FILTERS: Final = {"v": "showinfo", "a": "ashowinfo"}
# In microseconds; times in seconds are printed with six digits, which are too few behind a day.
_TIMED = r" @ \w+\] n: *{number} pts: *(-?\d+)(.*)"
_DECODED = re.compile(r"(?m)^ {2,4}Stream #0:(\d+) -> #0:\d+ \(")
_INPUT = re.compile(r"(?m)^Input #0, ([^\s]+), from")
_COLOURS = re.compile(r": Video: [^,]*(?:\([^)]*\))?[^,]*, *\w+\(([^)]*)\)")
_START = re.compile(r"(?m)^  Duration: [^\n]*?start: (-?\d+(?:\.\d+)?)")
_TOO_LARGE = re.compile(r"Picture size (\d+x\d+) exceeds specified max pixel count")
_PROBE_TIMEOUT_S = 60
# A picture of the family of HEIC and AVIF has no rate, for which ffmpeg says one a second.
_ITEM = re.compile(r", 1 fps, 1 tbr, 1 tbn\b")
_OF_PICTURES = re.compile(r"(?m)^ {4}major_brand *: *(?:hei[cxms]|hev[cxms]|mi[af]1|msf1|avi[fso])\s*$")
_FASTEST_CAPTURE = 1e6
_MOST_LISTING = 1 << 20
# Anamorphic films have pixels up to twice as wide as high.
_LONGEST_PIXEL = 8

# Containers that say nothing of the shape of pixels.
_SHAPELESS = frozenset({"mpegts", "mpeg", "m4v"})

# Matrices of colours of which swscale makes no RGB, or did not always.
_ODD_COLOURS = frozenset({
    "reserved", "ycgco", "ycgco-re", "ycgco-ro", "smpte2085", "chroma-derived-nc", "chroma-derived-c",
    "bt2020c", "ictcp", "ipt-c2",
})  # fmt: skip

_CAPTURED = re.compile(r"(?mi)^ {4,}[\w.]*captur\w*[._ -]?(?:fps|(?:frame[._ -]?)?rate) *: *(\d+(?:\.\d+)?)")
# Containers with an index of exact times. In others ffmpeg guesses where a second lies.
_INDEXED = frozenset({"mov", "matroska", "wav"})


def listing_of(file: Path) -> str:
    """Let ffmpeg say what is in a file, and decode the first picture and sound, where it can, on the way."""
    source = open_input(file, guess_places=False)
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


def header_of(listing: str) -> str | None:
    """Give what a listing says of the file; None where ffmpeg could not open it."""
    if not _INPUT.search(listing):
        return None
    # What follows is about the output that the probe itself asked for.
    return re.split(r"(?m)^(?:Stream mapping:|Output #0)", listing)[0]


def in_tiles(header: str) -> bool:
    """Tell whether the picture of a file is put together of others, as those of phones are."""
    return re.search(r"(?m)^ {2}Stream group #\d+:\d+.*?: Tile Grid:", header) is not None


def _containers(header: str) -> set[str]:
    """Name the reader that ffmpeg takes, by all its names."""
    found = _INPUT.search(header)
    return set(found[1].split(",")) if found else set()


def length_in(header: str) -> tuple[float | None, bool]:
    """Give the seconds that the header claims, and whether ffmpeg can jump to an exact time in the file.

    None for the seconds where it claims nothing, and ffmpeg guesses.
    """
    indexed = not _INDEXED.isdisjoint(_containers(header))
    duration = _DURATION.search(header)
    if duration is None or _GUESSED in header:
        return None, indexed
    hours, minutes, rest = duration.groups()
    seconds = int(hours) * 3600 + int(minutes) * 60 + float(rest)
    begins = _START.search(header)
    if indexed and begins:
        # These count from zero, wherever their streams begin.
        seconds = max(0.0, seconds - max(0.0, float(begins[1])))
    return seconds, indexed


def captured_in(header: str) -> float | None:
    """Give the pictures a second at which the camera says that it captured; None where it does not."""
    found = _CAPTURED.search(header)
    rate = float(found[1]) if found else 0.0
    return rate if 0 < rate <= _FASTEST_CAPTURE else None


def check_size(file: Path, listing: str) -> None:
    """Refuse pictures that are too large to decode.

    Raises:
        InputError: There are such.
    """
    size = _TOO_LARGE.search(listing)
    if size is not None:
        raise InputError(
            f"{name_of(file)} has pictures of {size[1]} pixels, more than "
            f"{MOST_PIXELS / 1e6:.0f} million: scale it down first"
        )


def tracks_in(header: str) -> tuple[list[str], list[str]]:
    """Give the lines about streams of pictures, without those of covers, and of sound."""
    lines = [line for line, _ in _stream_lines(header)]
    pictures = [line for line in lines if ": Video: " in line and "(attached pic)" not in line]
    return pictures, [line for line in lines if ": Audio: " in line]


def decoders_in(lines: list[str]) -> frozenset[str]:
    """Name the decoders of streams by the lines about them: that of their coding, or another in brackets."""
    found = [re.search(r": (?:Video|Audio): (\w+)(?: \(([\w-]+)\))?", line) for line in lines]
    return frozenset(name for one in found if one for name in one.groups() if name)


def undecoded(
    pictures: list[str], sounds: list[str], video: VideoStream | None, audio: AudioStream | None
) -> Iterator[str]:
    """Name the pictures and the sound that are there, but cannot be decoded."""
    for kind, found, stream in (("pictures", pictures, video), ("sound", sounds, audio)):
        if found and stream is None:
            codec = re.search(r": (?:Video|Audio): (?!none\b)(\w+)", found[0])
            yield f"{kind} ({codec[1]})" if codec else kind


def video_in(file: Path, header: str, decoded: str) -> VideoStream | None:
    """Describe the first stream of pictures that can be decoded, and is no cover; None without one.

    A stream of a single picture before one of several is a cover, too, whatever the file calls it.  Of
    several programs, those that can be heard come first.
    """
    lines = [(line, following) for line, following in _stream_lines(header)
             if _VIDEO.search(line) and "(attached pic)" not in line]  # fmt: skip
    programs, sounds = programs_in(header), [track.index for track in sounds_in(header)]
    lines.sort(key=lambda one: not any(go_together(programs, _index_of(one[0]), other) for other in sounds))
    still = None
    for line, following in lines:
        stream = _video_of(file, header, decoded, line, following)
        if stream is None:
            continue
        if len(lines) == 1 or moves(file, stream.index):
            return stream
        still = still or stream
    return still


def _video_of(file: Path, header: str, decoded: str, line: str, following: str) -> VideoStream | None:
    """Describe a stream of pictures by its line and those about it; None where it cannot be decoded."""
    found = _VIDEO.search(line)
    assert found is not None
    index, codec = int(found[1]), found[2]
    first = _first_of(file, decoded, index, "v")
    if first is None:
        return None
    containers = _containers(header)
    width, height = float(found[3]), float(found[4])
    joined = descriptions(file) > 1
    shape = _shape_in(line, joined=joined)
    if codec == "mpeg4" and not _SHAPELESS.isdisjoint(containers):
        # There ffmpeg names the last shape of those in the first seconds.
        shape = next((said for _, said in told_by_packets(file, index, codec)), shape)
    odd_aspect = not 1 / _LONGEST_PIXEL <= shape <= _LONGEST_PIXEL
    if odd_aspect:
        shape = 1.0
    width *= shape
    rotation = _rotation_in(following, found.groups()[2:], first[1])
    if rotation % 180 == 90:
        width, height = height, width
    colours = _COLOURS.search(line)
    named = re.split(r"[,/\s]+", colours[1]) if colours else []
    odd = not _ODD_COLOURS.isdisjoint(named)
    return VideoStream(
        index, codec, round(width), round(height), _rate_in(header, line),
        rotation, first[0], odd, odd_aspect, next((one for one in named if one in HDR), None), shape,
        not odd_aspect and may_change(codec, shape, containers, joined=joined),
    )  # fmt: skip


def _rotation_in(following: str, size: tuple[str, ...], first: str) -> int:
    """Give the degrees by which pictures are turned: those of a phone may say so in each, and not beside."""
    turned = _ROTATION.search(following)
    if turned:
        return round(float(turned[1]))
    shown = _SHOWN.search(first)
    return 90 if shown and shown.groups() == size[::-1] != size else 0


def _rate_in(header: str, line: str) -> float | None:
    """Give the pictures a second that the line of a stream claims; None where there are none."""
    rate = _RATE.search(line)
    if rate is None or (_ITEM.search(line) and _OF_PICTURES.search(header)):
        return None
    return float(rate[1])


def _shape_in(line: str, *, joined: bool) -> float:
    """Give the width of a pixel over its height; of what was joined MP4 tells that of the last part."""
    told = [int(wide) / int(high) for wide, high in _ASPECT.findall(line) if int(wide) and int(high)]
    return told[0 if joined else -1] if told else 1.0


def audio_in(
    file: Path, header: str, decoded: str, *, index: int | None = None, video: VideoStream | None = None
) -> AudioStream | None:
    """Describe the first stream of sound that can be decoded, or that of this index; None without one.

    What is in another program than the pictures comes last.
    """
    lines, programs = [line for line, _ in _stream_lines(header)], programs_in(header)
    if video is not None:
        lines.sort(key=lambda one: not go_together(programs, video.index, _index_of(one)))
    for line in lines:
        found = _AUDIO.search(line)
        if not found or index not in (None, int(found[1])):
            continue
        if (first := _first_of(file, decoded, int(found[1]), "a")) is not None:
            start, layout = first[0], found[4].strip()
            if "matroska" in _containers(header):
                # Before zero lies what fills the coder, which older ffmpegs do not leave out.
                start = max(start, 0.0)
            return AudioStream(int(found[1]), found[2], int(found[3]), layout, start, channels_in(layout))
    return None


def channels_in(layout: str) -> int | None:
    """Count the channels of a layout as ffmpeg names it, such as `5.1(side)`; None where it does not tell."""
    if counted := re.match(r"(\d+) channels?\b", layout):
        return int(counted[1])
    if re.fullmatch(r"\d+(?:\.\d+)+", places := layout.split("(")[0]):
        return sum(map(int, places.split(".")))
    return _CHANNELS.get(places)


def sounds_in(header: str) -> tuple[SoundTrack, ...]:
    """List the streams of sound, with the names that the file gives them."""
    tracks: list[SoundTrack] = []
    for line, following in _stream_lines(header):
        found = _SOUND.search(line)
        if found is None:
            continue
        said = dict(_SAID.findall(following))
        names = [said.get("title", ""), said.get("handler_name", ""), found[2] or ""]
        given = dict.fromkeys(name.strip() for name in names if not _SAYS_NOTHING.fullmatch(name.strip()))
        tracks.append(SoundTrack(len(tracks) + 1, int(found[1]), tuple(given)))
    return tuple(tracks)


def checked_sounds(file: Path, header: str, tracks: tuple[SoundTrack, ...]) -> tuple[SoundTrack, ...]:
    """Find out which of several sound tracks can be decoded: of a doubtful one, by trying."""
    if len(tracks) < 2:
        return tracks
    sure = {_index_of(line) for line, _ in _stream_lines(header) if _FORMAT.search(line)}
    return tuple(
        replace(track, decodes=track.index in sure or _first_of(file, "", track.index, "a") is not None)
        for track in tracks
    )


def sound_named(file: Path, tracks: tuple[SoundTrack, ...], wanted: str) -> SoundTrack:
    """Find the stream of sound that is meant by a number, from 1, or by a name, in whatever case.

    Raises:
        InputError: There is none, or more than one has this name.
    """
    found = [track for track in tracks if wanted.isdecimal() and track.number == int(wanted)]
    if not found:
        found = [t for t in tracks if wanted.casefold() in [name.casefold() for name in t.names]]
    if len(found) == 1:
        return found[0]
    listed = f"it has {', '.join(map(str, tracks))}" if tracks else "it has no sound"
    what = "no sound track" if not found else "more than one sound track"
    raise InputError(f"{name_of(file)} has {what} {name_of(wanted)}: {listed}")


def _stream_lines(header: str) -> list[tuple[str, str]]:
    """Each line that describes a stream, with the lines about it that follow."""
    # Lines of metadata, which may say anything, stand further in.
    parts = re.split(r"(?m)^(?= {2,4}Stream #)", header)
    found: dict[int, tuple[str, str]] = {}
    for part in parts:
        if _STREAM.match(part):
            # One that several programs share is named in each.
            found.setdefault(_index_of(part), (part.split("\n", 1)[0], part))
    return list(found.values())


def _index_of(line: str) -> int:
    """Give the number of the stream that a line describes."""
    found = _STREAM.match(line)
    assert found is not None
    return int(found[1])


def _first_of(file: Path, decoded: str, index: int, kind: str) -> tuple[float, str] | None:
    """Tell the time of the first picture or sound packet that can be decoded, and what ffmpeg says of it.

    Args:
        file: The file.
        decoded: What ffmpeg said when it decoded the first picture and sound together.
        index: Number of the stream.
        kind: `v` or `a`.

    Returns:
        None if none can.
    """
    first = None
    if str(index) in _DECODED.findall(decoded):
        first = _packet_in(decoded, kind, "0")
    if first is None:
        # It has not been decoded with the others, one of them was no good, or they spoke at once.
        settb = "asettb" if kind == "a" else "settb"
        stream = open_input(file)[str(index)].filter(settb, "1/1000000").filter(_FILTERS[kind])
        output = ffmpeg.output(stream, "-", f="null", **{f"frames:{kind}": 1})
        alone = _ffmpeg_log(file, arguments(output, loglevel="info", copyts=True))
        first = _packet_in(alone, kind, "0") or _packet_in(alone, kind, r"\d+")
    return first


def _packet_in(listing: str, kind: str, number: str) -> tuple[float, str] | None:
    """Read the time of a picture or sound packet, by its number, and what stands behind it.

    A line that starts while another thread is in the midst of one has lost its head: whoever took the
    first line that is whole would take the second packet for the first.
    """
    found = re.search(rf"(?m)^\[Parsed_{_FILTERS[kind]}_\d+" + _TIMED.format(number=number), listing)
    return (int(found[1]) / 1_000_000, found[2]) if found else None
