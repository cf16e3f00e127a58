"""Media made at test time from the sample, and results shared between tests."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
import pytest

from emoview import Analysis, analyze

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "portrait.mp4"

Make = Callable[..., Path]


def ffmpeg(*arguments: str) -> None:
    # The one that comes along, so that the media are the same whatever the system has.
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments], check=True)


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Make a clip from the first seconds of the sample, with further ffmpeg options."""
    folder = tmp_path_factory.mktemp("media")

    def make(name: str, *options: str, seconds: float = 2.0) -> Path:
        path = folder / hashlib.sha256(repr((options, seconds)).encode()).hexdigest()[:8] / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            ffmpeg("-i", str(SAMPLE), "-t", str(seconds), *options, str(path))
        return path

    return make


@pytest.fixture(scope="session")
def result(sample: Path) -> Analysis:
    """The sample, analysed once."""
    return analyze(sample)
