"""Media made at test time from the sample, and results shared between tests."""

from __future__ import annotations

import fcntl
import functools
import hashlib
import os
import pickle
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from browser import CHROMIUM, Browser
from expected import Facts

from emoview import LABELS, Analysis, analyze

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "samples" / "portrait.mp4"

Make = Callable[..., Path]
Analysed = Callable[..., Analysis]
Share = Callable[[str, Callable[[Path], Any]], Path]


def ffmpeg(*arguments: str) -> None:
    # The one that comes along, so that the media are the same whatever the system has.
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments], check=True)


@pytest.fixture(scope="session")
def sample() -> Path:
    return SAMPLE


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Make a clip of `expected`, or one from the first seconds of the sample with further ffmpeg options."""
    folder = tmp_path_factory.mktemp("media")

    def make(clip: str | Facts, *options: str, seconds: float = 2.0) -> Path:
        name = clip if isinstance(clip, str) else clip.name
        if isinstance(clip, Facts):
            options, seconds = (*clip.options, *options), clip.seconds
        path = folder / hashlib.sha256(repr((options, seconds)).encode()).hexdigest()[:8] / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            ffmpeg("-i", str(SAMPLE), "-t", str(seconds), *options, str(path))
        return path

    return make


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Share:
    """What takes long is made once, by whichever process of the tests wants it first."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "shared"
    folder.mkdir(exist_ok=True)

    def share(name: str, make: Callable[[Path], Any]) -> Path:
        path, unfinished = folder / name, folder / f"{name}.unfinished"
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                unfinished.rename(path)
        return path

    return share


@pytest.fixture(scope="session")
def result(sample: Path, shared: Share) -> Analysis:
    """The sample, analysed once."""
    folder = shared("result", lambda at: (at / "result").write_bytes(pickle.dumps(analyze(sample))))
    found: Analysis = pickle.loads((folder / "result").read_bytes())
    return found


@pytest.fixture(scope="session")
def analysed(made: Make) -> Analysed:
    """Analyse a clip of `expected` with some options, once for all tests that ask."""

    @functools.cache
    def analysed_once(clip: Facts, **options: Any) -> Analysis:
        return analyze(made(clip), **options)

    return analysed_once


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A Chromium for all pages."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    with Browser(tmp_path_factory.mktemp("profile")) as it:
        yield it


@pytest.fixture(scope="session")
def faces(shared: Share) -> Path:
    """Folders of pictures in which a bright band stands where the label says."""
    return shared("faces", _draw_faces)


def _draw_faces(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("valid", 6)):
        for position, label in enumerate(LABELS):
            (folder / part / label).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
                image[48 * position // 8 :][:12] = 200
                cv2.imwrite(str(folder / part / label / f"{i}.png"), image)


@pytest.fixture(scope="session")
def speech(shared: Share) -> Path:
    """Recordings named like RAVDESS, whose pitch follows the label."""
    return shared("speech", _speak)


def _speak(folder: Path) -> None:
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


@pytest.fixture(scope="session")
def picture_run(faces: Path, shared: Share) -> Path:
    from trained import trained

    plan = {"epochs": 6, "rate": 1e-3}
    return shared(
        "frame-cnn", lambda at: trained("frame-cnn", faces, at, network="frame-cnn", batch=16, plan=plan)
    )


@pytest.fixture(scope="session")
def sound_run(speech: Path, shared: Share) -> Path:
    from trained import trained

    plan = {"epochs": 12, "rate": 3e-3}
    return shared(
        "mfcc",
        lambda at: trained("mfcc-cnn", speech, at, corpora=["ravdess"], batch=8, folds=2, plan=plan),
    )


@pytest.fixture
def small_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Voice networks of one narrow block: TensorFlow takes a third of the time to compile them."""
    from emoview.networks import shipped

    small = functools.partial(shipped.tcn_network, width=16, dilations=(1,), heads=1)
    monkeypatch.setattr("emoview.networks.shipped.tcn_network", small)
    monkeypatch.setattr("emoview.networks.shipped.VOICE_CLIP_WIDTH", 32)
