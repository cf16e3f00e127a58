"""Clips that carry their own time: each picture shows it, and the sound rises in pitch with it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emoview.media.tool import ffmpeg_path

RATE = 50
SECONDS = 6
_BLOCK = 16
_COLUMNS, _ROWS = 4, 3
_FIRST_HZ, _RISE_HZ = 400, 300


def picture_of(number: int) -> np.ndarray:
    """Draw a number of up to 12 bits, `(48, 64)`."""
    bits = [(number >> i) & 1 for i in range(_COLUMNS * _ROWS)]
    blocks = np.array(bits, np.uint8).reshape(_ROWS, _COLUMNS) * 200 + 20
    return np.kron(blocks, np.ones((_BLOCK, _BLOCK), np.uint8))


def number_in(picture: np.ndarray) -> int:
    """Read the number that a picture of any size shows, `(height, width, 3)`, with black beside it or not."""
    picture = picture[picture.max(axis=(1, 2)) > 12]
    height, width = picture.shape[:2]
    rows = ((np.arange(_ROWS) + 0.5) * height / _ROWS).astype(int)
    columns = ((np.arange(_COLUMNS) + 0.5) * width / _COLUMNS).astype(int)
    bits = (picture[np.ix_(rows, columns)].mean(axis=2) > 120).reshape(-1)
    return int(sum(1 << i for i, bit in enumerate(bits) if bit))


def rising(seconds: float = SECONDS, rate: int = 48_000) -> np.ndarray:
    """A tone whose pitch tells the time, `(n,)` int16."""
    t = np.arange(round(seconds * rate)) / rate
    return np.asarray(12_000 * np.sin(2 * np.pi * (_FIRST_HZ * t + _RISE_HZ * t * t / 2)), np.int16)


def time_in(tick: np.ndarray) -> float | None:
    """Tell the time in the middle of a tick of sound, `(640,)`; None where it is silent."""
    if np.sqrt(np.mean(np.square(tick))) < 0.05:
        return None
    spectrum = np.abs(np.fft.rfft(tick * np.hanning(len(tick)), 16_384))
    return (float(spectrum.argmax()) * 16_000 / 16_384 - _FIRST_HZ) / _RISE_HZ


def run(*arguments: str | Path) -> None:
    """Let ffmpeg make something."""
    subprocess.run([ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)


def make_base(folder: Path) -> Path:
    """Write the base: 50 pictures a second, and the rising tone, in one lossless file."""
    pictures = np.stack([picture_of(i) for i in range(RATE * SECONDS)])
    (folder / "base.raw").write_bytes(pictures.tobytes())
    (folder / "base.pcm").write_bytes(rising().tobytes())
    base = folder / "base.mkv"
    run(
        "-f", "rawvideo", "-pix_fmt", "gray", "-s", "64x48", "-r", RATE, "-i", folder / "base.raw",
        "-f", "s16le", "-ar", "48000", "-ac", "1", "-i", folder / "base.pcm",
        "-c:v", "ffv1", "-c:a", "flac", base,
    )  # fmt: skip
    return base


def shown_at(times: Sequence[float], moment: float, hold_s: float = 1.0) -> float | None:
    """Tell which of some pictures is on screen; None before the first, and where it is too old."""
    past = [t for t in times if t < moment - 1e-6]
    return past[-1] if past and moment - past[-1] < hold_s else None
