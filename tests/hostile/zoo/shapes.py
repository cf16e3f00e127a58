"""Sizes, still pictures and picture rates."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..common import ffmpeg
from .case import Case, Expect, Make, Studio, altered, base, coded, drawn, each, with_field

_SIZES = [
    "1x1",
    "2x2",
    "1x2",
    "2x1",
    "3x3",
    "5x3",
    "7x13",
    "16x16",
    "17x9",
    "33x31",
    "101x57",
    "161x159",
    "320x241",
    "1x400",
    "400x1",
    "2x4000",
    "4000x2",
    "1x4000",
    "4000x1",
    "8192x16",
    "8192x64",
    "16x8192",
    "1920x1081",
    "4096x2160",
]
_STILLS = {
    "png": "", "jpg": "", "gif": "", "webp": "", "bmp": "", "tiff": "", "ppm": "", "tga": "", "jp2": "",
    "jxl": "", "avif": "-c:v libsvtav1", "pcx": "", "sgi": "", "dpx": "", "exr": "", "qoi": "", "hdr": "",
    "pgm": "", "pbm": "", "pam": "", "xwd": "", "ico": "-pix_fmt rgba", "jls": "",
}  # fmt: skip
_USUAL_STILLS = frozenset(["png", "jpg", "gif", "webp", "bmp", "tiff"])
_RATES = [
    "1",
    "2",
    "5",
    "10",
    "12",
    "15",
    "24",
    "24000/1001",
    "30000/1001",
    "48",
    "50",
    "60000/1001",
    "90",
    "120",
    "240",
    "500",
    "1000",
]


def _size(size: str) -> Make:
    width, height = map(int, size.split("x"))
    seconds = "0.4" if width * height < 1_000_000 else "0.12"
    return drawn("clip.mkv", "-f", "lavfi", "-i", f"testsrc2=s={max(width, 2)}x{max(height, 2)}:r=25",
                 "-t", seconds, "-vf", f"scale={width}:{height},format=bgr0", "-c:v", "ffv1")  # fmt: skip


def _sizes() -> list[Case]:
    plain = [(size, _size(size), Expect(ticks=(2, 11))) for size in _SIZES]
    jpeg = drawn("big.jpg", "-f", "lavfi", "-i", "color=gray:s=16000x16000", "-frames:v", "1")
    big = [
        ("16000x16000-jpg", jpeg, Expect(None, ticks=(1, 1), seconds=60)),
        ("16000x16000-png", _blank_png("big.png", 16_000, 16_000), Expect(None, ticks=(1, 1), seconds=60)),
        ("60000x60000-claimed", _blank_png("claim.png", 60_000, 60_000, rows=20), Expect(None, ticks=(1, 1))),
        ("0x0-claimed", _blank_png("none.png", 0, 0, rows=0), Expect(1)),
        ("8k-video", drawn("8k.mkv", "-f", "lavfi", "-i", "testsrc=s=7680x4320:r=25", "-frames:v", "3",
                           "-c:v", "mjpeg"), Expect(ticks=(3, 3), seconds=60)),
    ]  # fmt: skip
    return each("size", [*plain, *big])


def _blank_png(name: str, width: int, height: int, rows: int | None = None) -> Make:
    """Write a PNG of one colour without ever holding it; with fewer `rows` than it claims if asked for."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    def pixels() -> Iterator[bytes]:
        packer = zlib.compressobj(1)
        row = bytes(1 + 3 * width)
        for _ in range(height if rows is None else rows):
            if part := packer.compress(row):
                yield part
        yield packer.flush()

    def make(_: Studio, folder: Path) -> Path:
        path = folder / name
        with path.open("wb") as file:
            head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
            file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head))
            for part in pixels():
                file.write(chunk(b"IDAT", part))
            file.write(chunk(b"IEND", b""))
        return path

    return make


def _stills() -> list[Case]:
    found = []
    for end, options in _STILLS.items():
        make = coded(f"still.{end}", "-frames:v", "1", *options.split(), source=Studio.picture)
        expect = Expect(ticks=(1, 2), faces=(1, 1)) if end in _USUAL_STILLS else Expect(None, ticks=(1, 26))
        found.append(Case("still", end, make, expect))
    animated = [
        ("two.gif", coded("two.gif", "-an", "-frames:v", "2"), Expect(ticks=(1, 4))),
        ("two.mp4", coded("two.mp4", "-an", "-frames:v", "2"), Expect(ticks=(2, 2), faces=(1, 1))),
        ("one.mp4", coded("one.mp4", "-an", "-frames:v", "1"), Expect(ticks=(1, 1), faces=(1, 1))),
        (
            "one-with-sound.mkv",
            coded("one.mkv", "-vf", "trim=end_frame=1", "-c:v", "mjpeg"),
            Expect(ticks=(22, 30)),
        ),
        ("none.mp4", coded("none.mp4", "-an", "-frames:v", "0"), Expect(1)),
        ("no-packets.mkv", coded("none.mkv", "-t", "0"), Expect(1)),
        ("no-packets.avi", coded("none.avi", "-t", "0"), Expect(1)),
        ("no-samples.wav", coded("none.wav", "-vn", "-t", "0"), Expect(1)),
        ("one-sample.wav", coded("one.wav", "-vn", "-af", "atrim=end_sample=1"), Expect(None, ticks=(1, 1))),
        ("loops-for-ever.gif", coded("loop.gif", "-an", "-loop", "0", "-t", "0.4"), Expect(ticks=(8, 14))),
        ("a-second-a-picture.gif", _gif_delay(100), Expect(ticks=(1, 130))),
        ("655-s-a-picture.gif", _gif_delay(65_535), Expect(None, ticks=(1, 90_000), seconds=60)),
        ("no-delay.gif", _gif_delay(0), Expect(ticks=(1, 60))),
    ]
    return [*found, *each("still", animated)]


def _gif_delay(hundredths: int) -> Make:
    """Say in every picture of a GIF how long it stays."""

    def change(content: bytes) -> bytes:
        parts = content.split(b"\x21\xf9\x04")
        delay = struct.pack("<H", hundredths)
        return b"\x21\xf9\x04".join([parts[0], *(p[:1] + delay + p[3:] for p in parts[1:])])

    return altered(coded("slow.gif", "-an", "-frames:v", "4"), change)


def _rates() -> list[Case]:
    found = []
    for rate in _RATES:
        make = coded("clip.mkv", "-an", "-r", rate, "-c:v", "mpeg4", "-strict", "-2")
        slow = rate in ("1", "2", "5")
        expect = Expect(ticks=(1, 75) if slow else (22, 30), seconds=60)
        found.append(Case("rate", rate.replace("/", "-"), make, expect))
    odd = [
        ("0.1", _slow("0.1", 3), Expect(ticks=(500, 760), seconds=60)),
        ("0.01", _slow("0.01", 2), Expect(None, ticks=(2_500, 5_100), seconds=60)),
        ("claims-1000000-mp4", _claimed("mp4", "-video_track_timescale", "1000000"),
        Expect(None, ticks=(1, 30))),
        ("claims-1000000-mkv", _claimed("mkv"), Expect(None, ticks=(1, 30))),
        ("claims-1000000-avi", _avi_rate(1, 1_000_000), Expect(None, ticks=(1, 30))),
        ("claims-0-avi", _avi_rate(0, 0), Expect(None, ticks=(1, 40))),
        ("claims-slow-avi", _avi_rate(4_000_000, 1), Expect(None, ticks=(1, 100_000), seconds=60)),
        ("timescale-1", altered(base("clip.mp4", Studio.silent), lambda b: _timescale(b, 1)),
         Expect(None, seconds=60)),
        ("timescale-0", altered(base("clip.mp4", Studio.silent), lambda b: _timescale(b, 0)), Expect(None)),
        ("timescale-max", altered(base("clip.mp4", Studio.silent), lambda b: _timescale(b, 0x7FFFFFFF)),
         Expect(None)),
        ("variable", coded("v.mkv", "-an", "-vf", "select='if(lt(n,12),1,not(mod(n,4)))'", "-fps_mode",
        "vfr"),
         Expect(ticks=(20, 30))),
        ("jitter", coded("v.mkv", "-an", "-vf", "settb=1/1000,setpts='PTS+15*random(7)'", "-fps_mode", "vfr"),
         Expect(ticks=(22, 30))),
        ("all-at-once", coded("v.mkv", "-an", "-bsf:v", "setts=ts=0", "-c:v", "mjpeg"), Expect(None)),
    ]  # fmt: skip
    return [*found, *each("rate", odd)]


def _slow(rate: str, pictures: int) -> Make:
    return drawn("slow.mkv", "-f", "lavfi", "-i", f"testsrc=s=64x64:r={rate}", "-frames:v", str(pictures),
                 "-c:v", "ffv1")  # fmt: skip


def _claimed(end: str, *options: str) -> Make:
    def make(_: Studio, folder: Path) -> Path:
        path = folder / f"fast.{end}"
        ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:r=1000000", "-frames:v", "25", "-c:v", "mjpeg",
               *options, path)  # fmt: skip
        return path

    return make


def _timescale(content: bytes, value: int) -> bytes:
    return with_field(content, "mdhd", 12, value)


def _avi_rate(scale: int, rate: int) -> Make:
    def change(content: bytes) -> bytes:
        # dwScale and dwRate stand 20 bytes behind the size of the stream header.
        at = content.index(b"strh") + 8 + 20
        return content[:at] + struct.pack("<II", scale, rate) + content[at + 8 :]

    return altered(coded("clip.avi", "-an", "-c:v", "mjpeg"), change)


def cases() -> list[Case]:
    """Give all cases of this file."""
    return [*_sizes(), *_stills(), *_rates()]
