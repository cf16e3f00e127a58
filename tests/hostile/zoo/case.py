"""A case of the zoo: how an odd file is made, and what must come of it."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..common import SAMPLE, NotMadeError, ffmpeg, talk

DAMAGED = "damaged|could be decoded|claims|cut off"
"""Warnings that say something is lost."""


@dataclass(frozen=True)
class Expect:
    """What a case must give.

    Attributes:
        code: Exit code; None where a result and a refusal are both right.
        ticks: Fewest and most ticks of a result.
        faces: Fewest and most faces of a result.
        warnings: Patterns, each of which a warning must match.
        error: Pattern that the sentence of a refusal must match.
        seconds: Longest run.
        megabytes: Most memory of the process tree.
    """

    code: int | None = 0
    ticks: tuple[int, int] | None = None
    faces: tuple[int, int] | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None
    seconds: float = 30
    megabytes: int = 2048


class Studio:
    """Where cases are made; what several of them start from is made once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bases = root / "bases"
        self.bases.mkdir(parents=True, exist_ok=True)

    def talk(self, seconds: float = 1.0) -> Path:
        """Give a clip with a face and a voice: MP4, H.264 at 25 pictures a second, AAC."""
        return talk(self.bases, seconds=seconds)

    def raw(self) -> Path:
        """Give the same as it can be coded again quickly and without loss: 1 s."""
        return self.made("raw.nut", "-i", self.talk(), "-c:v", "rawvideo", "-c:a", "pcm_s16le")

    def silent(self) -> Path:
        """Give the pictures alone."""
        return self.made("silent.mp4", "-i", self.talk(), "-an", "-c", "copy")

    def sound(self) -> Path:
        """Give the sound alone, PCM at 44.1 kHz."""
        return self.made("sound.wav", "-i", self.talk(), "-vn")

    def picture(self) -> Path:
        """Give one picture with a face."""
        return self.made("picture.png", "-ss", "1", "-i", SAMPLE, "-frames:v", "1", "-s", "160x160")

    def made(self, name: str, *arguments: str | Path) -> Path:
        """Make a base with ffmpeg, once."""
        path = self.bases / name
        if not path.exists():
            ffmpeg(*arguments, path)
        return path


Make = Callable[[Studio, Path], Path]


@dataclass(frozen=True)
class Case:
    """An odd file.

    Attributes:
        family: What kind of oddity it is.
        name: Of the case in its family.
        make: Makes the file in a folder of its own, and gives its path; raises `NotMadeError` if it cannot.
        expect: What must come of it.
        arguments: Further ones of the command.
        alone: Whether only a process of its own will do.
    """

    family: str
    name: str
    make: Make
    expect: Expect
    arguments: tuple[str, ...] = ()
    alone: bool = False

    @property
    def id(self) -> str:
        """Name it among all cases."""
        return f"{self.family}/{self.name}"


def coded(name: str, *arguments: str, source: Callable[[Studio], Path] = Studio.raw) -> Make:
    """Give a maker that runs ffmpeg on a base."""

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / name
        ffmpeg("-i", source(studio), *arguments, path)
        if not path.exists() or path.stat().st_size == 0:
            raise NotMadeError("ffmpeg wrote nothing")
        return path

    return make


def drawn(name: str, *arguments: str) -> Make:
    """Give a maker that runs ffmpeg on its own test sources."""

    def make(_: Studio, folder: Path) -> Path:
        path = folder / name
        ffmpeg(*arguments, path)
        return path

    return make


def written(name: str | bytes, content: bytes) -> Make:
    """Give a maker that writes bytes."""

    def make(_: Studio, folder: Path) -> Path:
        import os

        path = folder / (os.fsdecode(name) if isinstance(name, bytes) else name)
        path.write_bytes(content)
        return path

    return make


def altered(source: Make, change: Callable[[bytes], bytes], name: str | None = None) -> Make:
    """Give a maker that changes the bytes of what another makes."""

    def make(studio: Studio, folder: Path) -> Path:
        path = source(studio, folder)
        content = change(path.read_bytes())
        if name is not None:
            path.unlink()
            path = folder / name
        path.write_bytes(content)
        return path

    return make


def base(name: str, which: Callable[[Studio], Path] = Studio.talk) -> Make:
    """Give a maker that copies a base under a name."""

    def make(studio: Studio, folder: Path) -> Path:
        path = folder / name
        path.write_bytes(which(studio).read_bytes())
        return path

    return make


def each(family: str, cases: Sequence[tuple[str, Make, Expect]], *, alone: bool = False) -> list[Case]:
    """Put cases of one family together."""
    return [Case(family, name, make, expect, alone=alone) for name, make, expect in cases]


@functools.cache
def fourcc(name: str) -> bytes:
    """Give the four bytes of an MP4 box's name."""
    return name.encode("latin-1")


def with_field(content: bytes, box: str, offset: int, value: int, *, size: int = 4, nth: int = 0) -> bytes:
    """Overwrite a big-endian field of an MP4 box; the offset counts from behind the box's name."""
    at = -1
    for _ in range(nth + 1):
        at = content.find(fourcc(box), at + 1)
        if at < 0:
            raise NotMadeError(f"no box {box}")
    place = at + 4 + offset
    field = struct.pack(">Q", value)[8 - size :]
    return content[:place] + field + content[place + size :]
