"""What samples and pixels can be: formats, rates, channels, impossible values, matrices, turns, shapes."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path

from ..common import ffmpeg
from .case import Case, Expect, Make, Studio, altered, base, coded, each, with_field, written

_FORMATS = [
    "u8",
    "s16le",
    "s16be",
    "s24le",
    "s24be",
    "s32le",
    "s32be",
    "f32le",
    "f32be",
    "f64le",
    "f64be",
    "s8",
    "u16le",
    "u16be",
    "u24le",
    "u32be",
    "s64le",
    "mulaw",
    "alaw",
    "s16le_planar",
    "s24le_planar",
    "s32le_planar",
    "s8_planar",
]
_SAMPLE_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
_SECOND = Expect(ticks=(22, 30))
_PIXELS = [
    "yuv420p",
    "yuv422p",
    "yuv444p",
    "yuv410p",
    "yuv411p",
    "yuv440p",
    "yuv420p10le",
    "yuv422p10le",
    "yuv444p10le",
    "yuv420p12le",
    "yuv422p12le",
    "yuv444p16le",
    "gray",
    "gray10le",
    "gray12le",
    "gray16le",
    "gbrp",
    "gbrp10le",
    "gbrp12le",
    "gbrp16le",
    "bgr0",
    "bgra",
    "rgb48le",
    "rgba64le",
    "yuva420p",
    "yuva422p",
    "yuva444p",
    "yuva444p10le",
    "gbrap",
    "gbrap12le",
    "ya8",
]
_RAW_PIXELS = [
    "nv12",
    "nv21",
    "uyvy422",
    "yuyv422",
    "rgb24",
    "bgr24",
    "rgb565le",
    "rgb555le",
    "rgb8",
    "bgr4_byte",
    "monow",
    "monob",
    "pal8",
]


def _wave(name: str, values: Callable[[int], float], *, kind: str = "f", seconds: float = 1.0) -> Make:
    """Write a WAV of floats at 16 kHz: `f` of 32 bits, `d` of 64."""
    count, size = int(16_000 * seconds), struct.calcsize(kind)
    data = struct.pack(f"<{count}{kind}", *map(values, range(count)))
    return written(name, _riff(data, tag=3, rate=16_000, channels=1, bits=8 * size))


def _riff(data: bytes, *, tag: int, rate: int, channels: int, bits: int, size: int | None = None) -> bytes:
    align = channels * bits // 8
    byte_rate = min(rate * align, 0xFFFFFFFF)
    head = struct.pack("<HHIIHH", tag, channels, rate, byte_rate, align, bits)
    claimed = len(data) if size is None else size
    body = b"WAVEfmt " + struct.pack("<I", len(head)) + head + b"data" + struct.pack("<I", claimed) + data
    return b"RIFF" + struct.pack("<I", min(len(body), 0xFFFFFFFF)) + body


def _tone(i: int) -> float:
    return 0.5 * math.sin(i * 2 * math.pi * 220 / 16_000)


def _impossible() -> list[Case]:
    nan, inf = math.nan, math.inf
    pcm = struct.pack("<16000h", *(int(20_000 * _tone(i)) for i in range(16_000)))

    def riff(
        name: str, rate: int = 16_000, channels: int = 1, bits: int = 16, size: int | None = None
    ) -> Make:
        return written(f"{name}.wav", _riff(pcm, tag=1, rate=rate, channels=channels, bits=bits, size=size))

    some = {
        "all-nan": _wave("nan.wav", lambda i: nan),
        "one-nan": _wave("nan1.wav", lambda i: nan if i == 8_000 else _tone(i)),
        "half-nan": _wave("nan2.wav", lambda i: nan if i > 8_000 else _tone(i)),
        "nan-64": _wave("nan64.wav", lambda i: nan if i % 100 == 0 else _tone(i), kind="d"),
        "infinite": _wave("inf.wav", lambda i: inf if i % 2 else -inf),
        "one-infinite": _wave("inf1.wav", lambda i: inf if i == 8_000 else _tone(i)),
        "huge": _wave("huge.wav", lambda i: 1e30 * _tone(i)),
        "huge-64": _wave("huge64.wav", lambda i: 1e300 * _tone(i), kind="d"),
        "denormal": _wave("tiny.wav", lambda i: 1e-40 * _tone(i)),
    }
    found = [Case("samples", name, make, _SECOND) for name, make in some.items()]
    level = [
        ("full-scale", _wave("full.wav", lambda i: 1.0 if i // 40 % 2 else -1.0), _SECOND),
        ("silence", _wave("silence.wav", lambda i: 0.0),
         Expect(ticks=(22, 30), warnings=("no speech",))),
        ("constant", _wave("dc.wav", lambda i: 0.8), Expect(ticks=(22, 30), warnings=("no speech",))),
        ("clicks", _wave("clicks.wav", lambda i: float(i % 4000 == 0)), _SECOND),
        ("claims-1-Hz", written("slow.wav", _riff(pcm[:1000], tag=1, rate=1, channels=1, bits=16)),
         Expect(None, ticks=(12_400, 12_600))),
        ("claims-100-Hz", riff("slow", rate=100), Expect(None, ticks=(1, 4_100), seconds=60)),
        ("claims-0-Hz", riff("none", rate=0), Expect(None)),
        ("claims-4-GHz", riff("fast", rate=0xFFFFFFFF), Expect(None)),
        ("claims-2-GHz", riff("fast", rate=2_000_000_000), Expect(None)),
        ("claims-10-MHz", riff("fast", rate=10_000_000), Expect(None, ticks=(1, 3))),
        ("no-channel", riff("none", channels=0), Expect(None)),
        ("64-channels", riff("many", channels=64), Expect(None, ticks=(1, 3))),
        ("4096-channels", riff("many", channels=4096), Expect(None)),
        ("no-bits", riff("none", bits=0), Expect(None)),
        ("1000-bits", riff("many", bits=1000), Expect(None)),
        ("claims-4-GB", riff("long", size=0xFFFFFFF0), Expect(None, ticks=(22, 30))),
        ("claims-nothing", riff("short", size=0), Expect(None, ticks=(22, 30))),
    ]  # fmt: skip
    return [*found, *each("samples", level)]


def _sound() -> list[Case]:
    found = [
        Case(
            "samples",
            f"pcm-{kind}",
            coded("clip.nut", "-vn", "-c:a", f"pcm_{kind}"),
            Expect(None, ticks=(22, 30)),
        )
        for kind in _FORMATS
    ]
    found += [
        Case("samples", f"{rate}-Hz", coded("clip.wav", "-vn", "-ar", str(rate)), _SECOND)
        for rate in _SAMPLE_RATES
    ]
    for channels in (1, 2, 3, 4, 5, 6, 7, 8):
        make = coded("clip.wav", "-vn", "-ac", str(channels))
        found.append(Case("samples", f"{channels}-channels", make, _SECOND))
    for layout in ("7.1.4", "hexadecagonal", "22.2"):
        make = coded("clip.wav", "-vn", "-af", f"aformat=channel_layouts={layout}")
        found.append(Case("samples", f"layout-{layout}", make, Expect(None, ticks=(22, 30))))
    return found


def _colours() -> list[Case]:
    found = []
    for number in (*range(15), 200, 255):
        bits = f"h264_metadata=matrix_coefficients={number}:colour_primaries=1:transfer_characteristics=1"
        make = coded("clip.mp4", "-an", "-c", "copy", "-bsf:v", bits, source=Studio.talk)
        found.append(Case("colour", f"matrix-{number}", make, Expect(ticks=(22, 30))))
    for number in (0, 3, 16, 18, 99, 255):
        bits = f"h264_metadata=transfer_characteristics={number}:colour_primaries={number}"
        make = coded("clip.mp4", "-an", "-c", "copy", "-bsf:v", bits, source=Studio.talk)
        found.append(Case("colour", f"transfer-{number}", make, Expect(ticks=(22, 30))))
    for kind in _PIXELS:
        make = coded("clip.mkv", "-an", "-t", "0.4", "-pix_fmt", kind, "-c:v", "ffv1", "-strict", "-2")
        found.append(Case("pixels", kind, make, Expect(ticks=(9, 12), faces=(1, 1))))
    for kind in _RAW_PIXELS:
        make = coded("clip.nut", "-an", "-t", "0.4", "-pix_fmt", kind, "-c:v", "rawvideo")
        found.append(Case("pixels", kind, make, Expect(None, ticks=(9, 12))))
    for kind in ("yuvj420p", "yuvj422p", "yuvj444p"):
        make = coded("clip.mkv", "-an", "-t", "0.4", "-pix_fmt", kind, "-c:v", "mjpeg")
        found.append(Case("pixels", kind, make, Expect(ticks=(9, 12), faces=(1, 1))))
    for name, vf in (("transparent", "format=yuva420p,colorchannelmixer=aa=0"), ("negative", "negate"),
                     ("black", "drawbox=c=black:t=fill"), ("noise", "noise=alls=100:allf=t"),
                     ("fields", "interlace"), ("mirror", "hflip"), ("upside-down", "vflip")):  # fmt: skip
        make = coded("clip.mkv", "-an", "-t", "0.4", "-vf", vf, "-c:v", "ffv1")
        found.append(Case("pixels", name, make, Expect(ticks=(4, 12))))
    return found


def _turned(degrees: str) -> Make:
    def make(studio: Studio, folder: Path) -> Path:
        path = folder / "turned.mp4"
        ffmpeg("-display_rotation", degrees, "-i", studio.talk(), "-c", "copy", path)
        return path

    return make


def _shapes() -> list[Case]:
    found = [
        Case("turn", degrees, _turned(degrees), Expect(ticks=(22, 30)))
        for degrees in ("0", "90", "180", "270", "-90", "45", "1", "89.5", "720", "12345")
    ]
    for ratio in ("1/1", "4/3", "16/11", "255/1", "1/255", "1000/1", "1/1000", "65535/1", "1/65535"):
        bits = f"h264_metadata=sample_aspect_ratio={ratio}"
        make = coded("clip.mp4", "-an", "-c", "copy", "-bsf:v", bits, source=Studio.talk)
        # Of some of these ffmpeg decodes key pictures alone: the last is taken to stay as the others did.
        found.append(Case("aspect", f"h264-{ratio.replace('/', '-')}", make, Expect(None, ticks=(22, 37))))
        make = coded("clip.mkv", "-an", "-vf", f"setsar={ratio}", "-c:v", "ffv1")
        found.append(Case("aspect", f"mkv-{ratio.replace('/', '-')}", make, Expect(None, ticks=(22, 30))))
    pasp = coded("clip.mov", "-an", "-vf", "setsar=4/3", "-c:v", "mjpeg")
    for name, over, under in (("0-1", 0, 1), ("1-0", 1, 0), ("0-0", 0, 0), ("max-1", 0x7FFFFFFF, 1),
                              ("1-max", 1, 0x7FFFFFFF), ("negative", 0xFFFFFFFF, 3)):  # fmt: skip
        make = altered(pasp, _both_fields("pasp", over, under))
        found.append(Case("aspect", f"mov-{name}", make, Expect(None, ticks=(22, 30))))
    matrix = altered(base("clip.mp4", Studio.silent), lambda b: with_field(b, "tkhd", 40, 0x7FFFFFFF))
    zero = altered(
        base("clip.mp4", Studio.silent), lambda b: with_field(with_field(b, "tkhd", 40, 0), "tkhd", 56, 0)
    )
    found.append(Case("turn", "matrix-huge", matrix, Expect(None, ticks=(22, 30))))
    found.append(Case("turn", "matrix-zero", zero, Expect(None, ticks=(22, 30))))
    return found


def _both_fields(box: str, first: int, second: int) -> Callable[[bytes], bytes]:
    return lambda content: with_field(with_field(content, box, 0, first), box, 4, second)


def cases() -> list[Case]:
    """Give all cases of this file."""
    return [*_impossible(), *_sound(), *_colours(), *_shapes()]
