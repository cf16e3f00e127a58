"""A small clip made on the spot: a test pattern and a tone, nobody's face and nobody's voice."""

from __future__ import annotations

import subprocess
from pathlib import Path

import ffmpeg

from emoview.media.tool import arguments


def make_test_clip(path: Path, *, seconds: float = 2.0) -> None:
    """Write a clip with coders that every ffmpeg has; `path` should end in `.mkv`.

    Raises:
        subprocess.SubprocessError: ffmpeg failed, or took over a minute.
    """
    pictures = ffmpeg.input(f"testsrc=size=320x240:rate=25:duration={seconds}", f="lavfi")
    sound = ffmpeg.input(f"sine=frequency=220:sample_rate=16000:duration={seconds}", f="lavfi")
    stream = ffmpeg.output(pictures, sound, f"file:{path}", vcodec="mpeg4", acodec="pcm_s16le")
    subprocess.run(arguments(stream, loglevel="error"), check=True, capture_output=True, timeout=60)
