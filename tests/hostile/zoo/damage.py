"""Files that are cut off, altered, put together, misnamed, or no media at all."""

from __future__ import annotations

import gzip
import io
import os
import random
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from ..common import NotMadeError, ffmpeg
from .case import DAMAGED, Case, Expect, Make, Studio, altered, base, coded, each, written

_EITHER = Expect(None, ticks=(1, 60))
_CUT_AT = (1, 10, 25, 50, 75, 90, 99)
_SAY_THEIR_SIZE = frozenset({"fast.mp4", "avi", "wav"})
_KNOW_THEIR_LENGTH = frozenset({"mkv", "webm", "flv"})


def _kinds() -> dict[str, Make]:
    return {
        "mp4": base("clip.mp4"),
        "fast.mp4": coded("fast.mp4", "-c", "copy", "-movflags", "faststart", source=Studio.talk),
        "mkv": coded("clip.mkv", "-c", "copy", source=Studio.talk),
        "ts": coded("clip.ts", "-c", "copy", source=Studio.talk),
        "avi": coded("clip.avi", "-c:v", "mpeg4"),
        "webm": coded("clip.webm", "-deadline", "realtime", "-cpu-used", "8", "-c:v", "libvpx"),
        "flv": coded("clip.flv", "-ar", "44100"),
        "wav": coded("clip.wav", "-vn"),
        "mp3": coded("clip.mp3", "-vn"),
        "ogg": coded("clip.ogg", "-vn"),
    }


def _truncated() -> list[Case]:
    found = []
    for kind, make in _kinds().items():
        for percent in _CUT_AT:
            cut = altered(make, lambda content, p=percent: _cut(content, p))
            found.append(Case("truncated", f"{kind}-{percent}", cut, _of_the_cut(kind, percent)))
        head = altered(make, lambda content: content[:512])
        found.append(Case("truncated", f"{kind}-header", head, _EITHER))
    return found


def _cut(content: bytes, percent: int) -> bytes:
    """Keep the first part, in whole samples of 16 bits in stereo."""
    return content[: max(1, len(content) * percent // 400 * 4)]


def _of_the_cut(kind: str, percent: int) -> Expect:
    """Say what must come of a file that is cut: where its head says how long it was, that must be told."""
    if kind == "mp4" and percent < 99:
        # The index of a plain MP4 stands at its end.
        return Expect(1, error="truncated|not a media file|neither pictures")
    if kind in _SAY_THEIR_SIZE and percent > 10:
        return Expect(None, ticks=(1, 60), warnings=("cut off",))
    if kind in _KNOW_THEIR_LENGTH and 10 < percent < 90:
        return Expect(None, ticks=(1, 60), warnings=(DAMAGED,))
    return _EITHER


def _altered() -> list[Case]:
    found = []
    for kind, make in _kinds().items():
        middle = altered(make, lambda content: _zeros(content))
        found.append(Case("altered", f"{kind}-zeros", middle, _EITHER))
        start = altered(make, lambda content: content[64:])
        found.append(Case("altered", f"{kind}-start-missing", start, _EITHER))
        tail = altered(make, lambda content: content + bytes(100_000))
        found.append(Case("altered", f"{kind}-zeros-behind", tail, Expect(None, ticks=(20, 60))))
        for seed in range(4):
            flips = altered(make, lambda content, s=seed: _flipped(content, s))
            found.append(Case("altered", f"{kind}-flips-{seed}", flips, Expect(None, seconds=60)))
    return found


def _zeros(content: bytes) -> bytes:
    third = len(content) // 3
    return content[:third] + bytes(third) + content[2 * third :]


def _flipped(content: bytes, seed: int) -> bytes:
    chance = random.Random(seed)
    data = bytearray(content)
    for _ in range(10 * (1 + seed)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _joined() -> list[Case]:
    found = []
    for kind in ("mp4", "mkv", "avi", "wav", "mp3", "webm"):
        twice = altered(_kinds()[kind], lambda content: 2 * content)
        found.append(Case("joined", f"{kind}-twice", twice, Expect(ticks=(20, 60))))
    mixed = {"mp4-zip": b"PK\x03\x04" + bytes(500), "mp4-text": b"and so on\n" * 900}
    for name, more in mixed.items():
        make = altered(base("clip.mp4"), lambda content, m=more: content + m)
        found.append(Case("joined", name, make, Expect(ticks=(20, 30))))
    inside = altered(base("clip.mp4"), lambda content: b"GIF89a" + content)
    found.append(Case("joined", "gif-head-mp4-body", inside, _EITHER))
    return found


def _misnamed() -> list[Case]:
    found = []
    for end in [
        "txt",
        "csv",
        "json",
        "mp3",
        "wav",
        "jpg",
        "png",
        "gif",
        "m3u8",
        "mpd",
        "ffconcat",
        "sdp",
        "srt",
        "pdf",
        "exe",
        "html",
        "avi",
        "h264",
        "yuv",
    ]:
        name = f"clip.{end}"
        found.append(Case("misnamed", f"mp4-as-{end}", base(name), Expect(None, ticks=(22, 30))))
    for end in ("mp4", "mkv", "mp3"):
        still = base(f"still.{end}", Studio.picture)
        found.append(Case("misnamed", f"png-as-{end}", still, Expect(None, ticks=(1, 2))))
        sound = base(f"sound.{end}", Studio.sound)
        found.append(Case("misnamed", f"wav-as-{end}", sound, Expect(None, ticks=(22, 30))))
    found.append(Case("misnamed", "mp4-without-ending", base("clip"), Expect(ticks=(22, 30))))
    return found


def _contents() -> dict[str, tuple[str, Callable[[], bytes]]]:
    words = "the quick brown fox jumps over the lazy dog\n"
    return {
        "empty": ("empty.mp4", lambda: b""),
        "one-byte": ("byte.mp4", lambda: b"x"),
        "one-zero": ("zero.mp4", lambda: b"\0"),
        "zeros": ("zeros.mp4", lambda: bytes(100_000)),
        "ones": ("ones.mp4", lambda: b"\xff" * 100_000),
        "random": ("random.mp4", lambda: random.Random(5).randbytes(100_000)),
        "random-mp3": ("random.mp3", lambda: random.Random(6).randbytes(100_000)),
        "random-h264": ("random.h264", lambda: random.Random(7).randbytes(100_000)),
        "text": ("text.mp4", lambda: words.encode() * 500),
        "text-txt": ("text.txt", lambda: words.encode() * 500),
        "text-ans": ("text.ans", lambda: b"\x1b[31m" + words.encode() * 500),
        "text-nfo": ("text.nfo", lambda: words.encode() * 500),
        "text-bin": ("text.bin", lambda: words.encode() * 500),
        "text-xbin": ("text.xb", lambda: b"XBIN\x1a" + bytes(200)),
        "html": ("page.mp4", lambda: b"<!doctype html><html><body>not found</body></html>"),
        "json": ("data.mp4", lambda: b'{"error": "not found"}'),
        "xml": ("data.mp4", lambda: b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"),
        "python": ("code.mp4", lambda: b"import os\nprint(os.getcwd())\n"),
        "zip": ("a.mp4", _zip),
        "gzip": ("a.mp4", lambda: gzip.compress(words.encode() * 50, mtime=0)),
        "elf": ("a.mp4", lambda: Path(sys.executable).resolve().read_bytes()[:200_000]),
        "sqlite": ("a.mp4", _sqlite),
        "pdf": ("a.mp4", lambda: b"%PDF-1.7\n" + words.encode() * 50),
        "midi": ("a.mid", lambda: b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\0\4\0\xff\x2f\0"),
        "id3-only": ("a.mp3", lambda: b"ID3\3\0\0\0\0\7\x76" + bytes(1014)),
        "ftyp-only": ("a.mp4", lambda: b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"),
        "ebml-only": ("a.mkv", lambda: b"\x1aE\xdf\xa3\x84B\x86\x81\1"),
        "riff-only": ("a.wav", lambda: b"RIFF\x24\0\0\0WAVEfmt "),
        "ogg-only": ("a.ogg", lambda: b"OggS" + bytes(24)),
        "y4m-only": ("a.y4m", lambda: b"YUV4MPEG2 W16 H16 F25:1\n"),
        "y4m-huge": ("a.y4m", lambda: b"YUV4MPEG2 W30000 H30000 F25:1\nFRAME\n" + bytes(1000)),
        "pgm-huge": ("a.pgm", lambda: b"P5 60000 60000 255\n" + bytes(1000)),
        "exif-only": ("a.jpg", lambda: b"\xff\xd8\xff\xe1\0\x10Exif\0\0" + bytes(8) + b"\xff\xd9"),
        "git-lfs": ("a.mp4", lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
    }


def _zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("clip.txt", "no clip")
    return content.getvalue()


def _sqlite() -> bytes:
    database = sqlite3.connect(":memory:")
    database.execute("create table clips (name text)")
    return database.serialize() if hasattr(database, "serialize") else b"SQLite format 3\0" + bytes(4000)


def _no_media() -> list[Case]:
    refused = Expect(1)
    # What a demuxer takes any bytes for is still bounded.
    lenient = frozenset({"text-bin", "random-mp3", "random-h264"})
    return [
        Case("no-media", name, lambda studio, folder, f=file, c=content: written(f, c())(studio, folder),
             _EITHER if name in lenient else refused)
        for name, (file, content) in _contents().items()
    ]  # fmt: skip


def _special() -> list[Case]:
    odd: list[tuple[str, Make, Expect]] = [
        ("directory", _directory, Expect(1, error="directory")),
        ("fifo", _fifo, Expect(1, error="regular file")),
        ("device", lambda s, f: _link(f, "/dev/zero"), Expect(1, error="regular file")),
        ("null", lambda s, f: _link(f, "/dev/null"), Expect(1)),
        ("loop", lambda s, f: _link(f, "loop.mp4", name="loop.mp4"), Expect(1)),
        ("dangling", lambda s, f: _link(f, "nowhere.mp4"), Expect(1, error="does not exist|cannot be read")),
        ("missing", lambda s, f: f / "missing.mp4", Expect(1, error="does not exist")),
        ("below-a-file", _below_a_file, Expect(1)),
        ("unreadable", _unreadable, Expect(1, error="permission|may not be read")),
        ("link", _good_link, Expect(ticks=(22, 30))),
        ("proc", lambda s, f: _link(f, "/proc/self/environ"), Expect(1)),
    ]
    return each("special", odd, alone=True)


def _directory(_: Studio, folder: Path) -> Path:
    path = folder / "clip.mp4"
    path.mkdir(exist_ok=True)
    return path


def _fifo(_: Studio, folder: Path) -> Path:
    path = folder / "clip.mp4"
    if not path.exists():
        os.mkfifo(path)
    return path


def _link(folder: Path, target: str, name: str = "link.mp4") -> Path:
    path = folder / name
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    return path


def _good_link(studio: Studio, folder: Path) -> Path:
    return _link(folder, str(studio.talk()))


def _below_a_file(_: Studio, folder: Path) -> Path:
    (folder / "file").write_bytes(b"x")
    return folder / "file" / "clip.mp4"


def _unreadable(studio: Studio, folder: Path) -> Path:
    if os.geteuid() == 0:
        raise NotMadeError("root reads everything")
    path = base("clip.mp4")(studio, folder)
    path.chmod(0)
    return path


def _endless() -> list[Case]:
    """Files that are small and say much."""

    def repeated(_: Studio, folder: Path) -> Path:
        path = folder / "long.mkv"
        ffmpeg("-f", "lavfi", "-i", "color=gray:s=16x16:r=1", "-t", "600", "-c:v", "libx264", "-g", "9999",
               path)  # fmt: skip
        return path

    return [Case("long", "ten-minutes-of-one-picture", repeated, Expect(ticks=(14_900, 15_100), seconds=180))]


def cases() -> list[Case]:
    """Give all cases of this file."""
    return [
        *_truncated(), *_altered(), *_joined(), *_misnamed(), *_no_media(), *_special(), *_endless(),
    ]  # fmt: skip
