"""Where things are, and how media are made."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "samples" / "portrait.mp4"
SCHEMA = ROOT / "emoview" / "output" / "analysis.schema.json"
EMOVIEW = [sys.executable, "-m", "emoview"]
GIGABYTE = 1 << 30

_MAKING_TIMEOUT_S = 120


class NotMadeError(Exception):
    """This ffmpeg, or this system, cannot make what was asked for."""


def ffmpeg(*arguments: str | Path) -> None:
    """Run the ffmpeg that the product uses.

    Raises:
        NotMadeError: It failed.
    """
    from emoview.media.tool import ffmpeg_path

    command = [ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_MAKING_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise NotMadeError(f"over {_MAKING_TIMEOUT_S} s") from None
    if done.returncode:
        raise NotMadeError(done.stderr.decode(errors="replace").strip()[-300:])


def environment(**more: str) -> dict[str, str]:
    """Give the environment of a run of the product from this checkout."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), **more}


@functools.cache
def talk(folder: Path, *, seconds: float = 1.0, size: int = 160) -> Path:
    """Make a small clip of the sample in which a face is seen and a voice is heard all the time."""
    path = folder / f"talk-{seconds:g}-{size}.mp4"
    folder.mkdir(parents=True, exist_ok=True)
    ffmpeg("-ss", "1", "-i", SAMPLE, "-t", f"{seconds}", "-s", f"{size}x{size}", "-c:v", "libx264",
           "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "12", "-c:a", "aac", path)  # fmt: skip
    return path
