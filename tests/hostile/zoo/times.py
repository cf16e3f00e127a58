"""Where streams start, and time stamps that jump, stop or turn back."""

from __future__ import annotations

import struct
from pathlib import Path

from ..common import NotMadeError, ffmpeg
from .case import Case, Expect, Make, Studio, altered, base, coded, each, with_field

_DAYS = 11 * 24 * 3600
_LATE = {"0.04": 1, "0.5": 12, "10": 250, "3600": 90_000, f"{_DAYS}": 25 * _DAYS}
# So many rows are too many to hold; a clip is not to grow without bound for its time stamps' sake.
_HELD = 100_000


def _late(which: str, seconds: str, end: str = "mkv") -> Make:
    """Let the pictures, or the sound, come late."""

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / f"late.{end}"
        maps = ("0:a", "1:v") if which == "v" else ("0:v", "1:a")
        source = studio.talk()
        ffmpeg("-i", source, "-itsoffset", seconds, "-i", source, "-map", maps[0], "-map", maps[1],
               "-c", "copy", "-max_interleave_delta", "0", path)  # fmt: skip
        return path

    return make


def _offsets() -> list[Case]:
    found = []
    for seconds, ticks in _LATE.items():
        few = ticks + 20, ticks + 32
        expect = Expect(ticks=few, seconds=60 + ticks / 500) if ticks < _HELD else Expect(None, seconds=60)
        found += [
            Case("start", f"{name}-{seconds}-late-{end}", _late(which, seconds, end), expect)
            for which, name in (("v", "pictures"), ("a", "sound"))
            for end in ("mkv", "mp4")
        ]
    for end in ("mkv", "mp4", "ts", "flv", "nut"):
        make = coded(f"at600.{end}", "-c", "copy", "-output_ts_offset", "600", source=Studio.talk)
        found.append(Case("start", f"both-at-600-{end}", make, Expect(ticks=(22, 30))))
    early = coded("early.mkv", "-c", "copy", "-output_ts_offset", "-0.5", "-avoid_negative_ts", "disabled",
                  source=Studio.talk)  # fmt: skip
    found.append(Case("start", "negative", early, Expect(None, ticks=(10, 30))))
    nut = coded("early.nut", "-c", "copy", "-output_ts_offset", "-10", "-avoid_negative_ts", "disabled",
                source=Studio.talk)  # fmt: skip
    found.append(Case("start", "negative-nut", nut, Expect(None, ticks=(10, 30))))
    # The clock of MPEG-TS has 33 bits at 90 kHz: it starts anew after 95,443.7 s.
    for name, at in (("wraps", "95443.2"), ("wraps-early", "95442.0"), ("wraps-late", "95443.7")):
        make = coded("wrap.ts", "-c", "copy", "-output_ts_offset", at, "-muxdelay", "0", "-muxpreload", "0",
                     source=Studio.talk)  # fmt: skip
        found.append(Case("start", f"mpegts-{name}", make, Expect(ticks=(20, 30))))
    return found


def _jumps() -> list[Case]:
    found = []
    for seconds in (1, 60, 3600, 100_000):
        ticks = 25 * seconds
        expect = (
            Expect(ticks=(ticks + 15, ticks + 32), seconds=60 + ticks / 500)
            if ticks < _HELD
            else Expect(None, seconds=60)
        )
        pictures = coded("jump.mkv", "-an", "-vf", f"setpts='PTS+gt(N,12)*{seconds}/TB'", "-fps_mode",
                         "passthrough", "-c:v", "mjpeg")  # fmt: skip
        sound = coded("jump.mkv", "-vn", "-af", f"asetpts='PTS+gt(T,0.5)*{seconds}/TB'", "-c:a", "flac")
        both = coded("jump.mkv", "-vf", f"setpts='PTS+gt(T,0.5)*{seconds}/TB'", "-af",
                     f"asetpts='PTS+gt(T,0.5)*{seconds}/TB'", "-fps_mode", "passthrough", "-c:v", "mjpeg",
                     "-max_interleave_delta", "0")  # fmt: skip
        found += [
            Case("jump", f"pictures-{seconds}", pictures, expect),
            Case("jump", f"sound-{seconds}", sound, expect),
            Case("jump", f"both-{seconds}", both, expect),
        ]
    back = Expect(None, ticks=(10, 60))
    found += [
        Case("jump", f"back-{end}", _twice(end), back) for end in ("ts", "flv", "mpg", "mjpeg", "aac", "ogg")
    ]
    odd = [
        ("gap-pictures", coded("gap.mkv", "-an", "-vf", "select='not(between(n,5,18))'", "-fps_mode", "vfr"),
         Expect(ticks=(22, 30))),
        ("gap-sound", coded("gap.mkv", "-vn", "-af", "aselect='not(between(t,0.2,0.8))'", "-c:a", "flac"),
         Expect(ticks=(20, 30))),
        ("gap-pictures-of-30-s", coded("gap.mkv", "-an", "-vf", "setpts='PTS+gt(N,12)*30/TB'", "-fps_mode",
                                       "passthrough"), Expect(ticks=(765, 785), seconds=60)),
        ("pictures-end-early", coded("short.mkv", "-vf", "trim=end=0.3", "-c:v", "mjpeg"),
         Expect(ticks=(22, 30))),
        ("sound-ends-early", coded("short.mkv", "-af", "atrim=end=0.3", "-c:a", "flac"),
         Expect(ticks=(22, 30))),
    ]  # fmt: skip
    return [*found, *each("jump", odd)]


def _twice(end: str) -> Make:
    """Put a file behind itself: the time turns back in the middle."""
    coders = {"ogg": ("-vn", "-c:a", "libvorbis"), "aac": ("-vn", "-c:a", "copy"), "mjpeg": ("-an",)}

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / f"twice.{end}"
        ffmpeg("-i", studio.talk(), *coders.get(end, ()), path)
        path.write_bytes(2 * path.read_bytes())
        return path

    return make


def _boxes() -> list[Case]:
    clip = base("clip.mp4", Studio.silent)
    whole = base("clip.mp4")

    def patched(box: str, offset: int, value: int, size: int = 4) -> Make:
        return altered(clip, lambda content: with_field(content, box, offset, value, size=size))

    def both(box: str, offset: int, value: int) -> Make:
        return altered(whole, lambda content: with_field(content, box, offset, value))

    cut = coded("cut.mp4", "-c", "copy", "-ss", "0.3", source=Studio.talk)
    odd = [
        ("edit-list", cut, Expect(ticks=(10, 30))),
        ("edit-list-negative", patched("elst", 12, 0xFFFFFFFF), Expect(None, seconds=60)),
        ("edit-list-late", patched("elst", 12, 6_000), Expect(None, ticks=(1, 30))),
        ("edit-list-long", patched("elst", 8, 0x7FFFFFFF), Expect(None, ticks=(1, 60), seconds=60)),
        ("edit-list-fast", patched("elst", 16, 0x00080000), Expect(None, ticks=(1, 60))),
        ("edit-list-many", patched("elst", 4, 0x00FFFFFF), Expect(None, ticks=(1, 60))),
        ("delta-huge", patched("stts", 12, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("delta-large", patched("stts", 12, 1_000_000), Expect(None, seconds=60)),
        ("delta-negative", patched("stts", 12, 0xFFFFFFFF), Expect(None, seconds=60)),
        ("delta-zero", patched("stts", 12, 0), Expect(None, seconds=60)),
        ("delta-huge-with-sound", both("stts", 12, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("count-huge", patched("stts", 8, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("entries-huge", patched("stts", 4, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("samples-huge", patched("stsz", 8, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("sample-huge", patched("stsz", 12, 0x7FFFFFFF), Expect(None, seconds=60)),
        ("offset-huge", patched("stco", 8, 0x7FFFFFFF), Expect(None)),
        ("chunks-many", patched("stsc", 4, 0x00FFFFFF), Expect(None)),
        ("duration-claimed", patched("mvhd", 16, 0x7FFFFFFF), Expect(None, ticks=(22, 30))),
        ("composition-huge", _ctts(0x7FFFFFFF), Expect(None, seconds=60)),
        ("no-key-picture", altered(clip, lambda content: content.replace(b"stss", b"free")),
         Expect(None, ticks=(1, 30))),
        ("size-of-a-box-0", altered(whole, lambda content: _size_of(content, b"trak", 0)), Expect(None)),
        ("size-of-a-box-1", altered(whole, lambda content: _size_of(content, b"trak", 1)), Expect(None)),
        ("size-of-a-box-huge", altered(whole, lambda content: _size_of(content, b"mdia", 0x7FFFFFFF)),
         Expect(None)),
        ("claims-more", altered(whole, _claims_an_hour), Expect(None, ticks=(20, 30))),
    ]  # fmt: skip
    return each("boxes", odd)


def _ctts(value: int) -> Make:
    clip = coded("b.mp4", "-an", "-c:v", "libx264", "-bf", "2")
    return altered(clip, lambda content: with_field(content, "ctts", 12, value))


def _size_of(content: bytes, box: bytes, size: int) -> bytes:
    at = content.find(box)
    if at < 0:
        raise NotMadeError(f"no box {box!r}")
    return content[: at - 4] + struct.pack(">I", size) + content[at:]


def _claims_an_hour(content: bytes) -> bytes:
    """Let movie and tracks say that they last an hour."""
    return with_field(content, "mvhd", 16, 3_600_000)


def cases() -> list[Case]:
    """Give all cases of this file."""
    return [*_offsets(), *_jumps(), *_boxes()]
