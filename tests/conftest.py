"""Media made at test time from the sample, and results shared between tests."""

from __future__ import annotations

import hashlib
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from emoview import LABELS, Analysis, analyze

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


@pytest.fixture(scope="session")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of pictures in which a bright band stands where the label says."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("valid", 6)):
        for position, label in enumerate(LABELS):
            (folder / part / label).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
                image[48 * position // 8 :][:12] = 200
                cv2.imwrite(str(folder / part / label / f"{i}.png"), image)
    return folder


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings named like RAVDESS, whose pitch follows the label."""
    folder = tmp_path_factory.mktemp("speech")
    rng = np.random.default_rng(0)
    time = np.arange(9600) / 16_000
    for actor in range(1, 7):
        for label in (1, 3, 5):
            for take in (1, 2):
                tone = np.sin(2 * np.pi * (200 + 400 * label) * time) + 0.1 * rng.standard_normal(len(time))
                name = f"03-01-{label:02d}-01-01-{take:02d}-{actor:02d}.wav"
                with wave.open(str(folder / name), "wb") as file:
                    file.setparams((1, 2, 16_000, 0, "NONE", ""))
                    file.writeframes((8000 * tone).astype("<i2").tobytes())
    return folder


@pytest.fixture(scope="session")
def picture_run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trained import trained

    folder = tmp_path_factory.mktemp("runs") / "frame-cnn"
    return trained(
        "frame-cnn", faces, folder, network="frame-cnn", batch=16, plan={"epochs": 3, "rate": 3e-3}
    )


@pytest.fixture(scope="session")
def sound_run(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from trained import trained

    folder = tmp_path_factory.mktemp("runs") / "mfcc"
    plan = {"epochs": 12, "rate": 3e-3}
    return trained("mfcc-cnn", speech, folder, corpora=["ravdess"], batch=8, folds=2, plan=plan)
