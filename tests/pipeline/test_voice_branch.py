"""The voice on its way through an analysis."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import Make
from sample_speech import speech_of

from emoview import analyze
from emoview.pipeline.inference import nearest, run_speech
from emoview.pipeline.voice import heard_ticks


def test_the_mean_level_is_that_of_the_whole(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = speech_of(sample)
    expected = 10 * np.log10(np.square(samples, dtype=np.float64).mean())
    for ticks in (1500, 30):
        monkeypatch.setattr("emoview.pipeline.voice.BLOCK_TICKS", ticks)
        level = analyze(sample, modality="voice").media.audio_level_db
        assert level == pytest.approx(expected, abs=0.1)


def test_sound_beyond_full_scale_is_not_cut_off(made: Make):
    """Floating point, and mixes of many channels, may go beyond."""
    plain, quiet, beyond = (
        analyze(made(name, "-vn", "-c:a", "pcm_f32le", "-filter:a", f"volume={gain}dB", seconds=3.0))
        for name, gain in (("plain.wav", 0), ("quiet.wav", -40), ("beyond.wav", 40))
    )
    assert plain.overall.voice is not None
    for other, gain in ((quiet, -40), (beyond, 40)):
        assert other.overall.voice is not None
        said = other.overall.voice.probabilities
        assert said == pytest.approx(plain.overall.voice.probabilities, abs=0.02)
        assert plain.media.audio_level_db is not None
        assert other.media.audio_level_db == pytest.approx(plain.media.audio_level_db + gain, abs=0.15)


def test_the_midst_of_a_long_pause_is_not_heard():
    heard = []

    def say(batch: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values, mask = batch
        heard.extend(values[mask][:, 0].astype(int))
        return values[:, 0], values

    speech = np.zeros(120, bool)
    # A pause of 24 ticks stays, of one of 50 the midst is left out.
    for first, last in ((3, 10), (34, 40), (90, 100)):
        speech[first:last] = True
    features = np.arange(120, dtype=np.float32)[:, None]
    answer = run_speech(SimpleNamespace(predict_on_batch=say), features, heard_ticks(speech), 120)
    assert heard == [*range(3, 52), *range(78, 100)]
    assert answer.ticks[:, 0].tolist() == [
        *[3] * 3, *range(3, 52), *[51] * 13, *[78] * 13, *range(78, 100), *[99] * 20,
    ]  # fmt: skip


def test_ticks_of_no_speech_get_the_nearest_answer():
    answers = np.array([[1.0], [2.0], [3.0]], np.float32)
    spread = nearest(answers, np.array([2, 3, 8]), 11)
    assert spread[:, 0].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]


def test_the_level_needs_no_path(sample: Path):
    """As in a process that was started with an environment of its own."""
    code = (
        "import sys; from pathlib import Path; from emoview.media.probe import probe; "
        "from emoview.media.sound import read_sound; from emoview.pipeline.voice import _mean_level\n"
        "with read_sound(probe(Path(sys.argv[1]))) as sound: print(_mean_level(sound))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(sample)], env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert -60 < float(done.stdout) < 0
