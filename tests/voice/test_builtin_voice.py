"""The description of voices that needs no openSMILE."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emoview import analyze
from emoview.errors import InputError
from emoview.networks.sizes import BUILTIN_DESCRIPTORS, BUILTIN_FUNCTIONALS
from emoview.voice import builtin
from emoview.voice.activity import voice_activity
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import level_db
from emoview.voice.silero import speech_probability

RATE = 16000
RNG = np.random.default_rng(0)


def hum(hertz: float, seconds: float = 1.0) -> np.ndarray:
    """Make a tone with overtones, a quarter as strong each time."""
    time = np.arange(int(RATE * seconds)) / RATE
    return sum(0.2 / n * np.sin(2 * np.pi * n * hertz * time) for n in range(1, 8)).astype(np.float32)


@pytest.mark.parametrize("hertz", [80.0, 123.0, 220.0, 440.0])
def test_pitch_of_a_tone_is_its_own(hertz: float):
    frames = builtin.frame_features(hum(hertz))[10:-10]
    assert np.abs(frames[:, 0] - 12 * np.log2(hertz / 55)).max() < 0.2
    assert frames[:, builtin.VOICING].min() > 0.9


def test_noise_and_silence_are_not_voiced():
    noise = 0.1 * RNG.standard_normal(RATE).astype(np.float32)
    assert (builtin.frame_features(noise)[:, 0] > 0).mean() < 0.05
    assert not builtin.frame_features(np.zeros(RATE, np.float32))[:, :2].any()
    for samples in (noise, np.zeros(RATE, np.float32)):
        sure = np.ones(len(level_db(samples)), np.float32)
        assert not voice_activity(level_db(samples), builtin.tick_features(samples), sure).any()


@pytest.mark.parametrize("length", [1, 160, 639, 640, 5000, 16000])
def test_sizes_hold_for_any_length(length: int):
    samples = hum(150)[:length]
    ticks, summary = builtin.describe(samples)
    assert ticks.shape == (-(-length // 640), BUILTIN_DESCRIPTORS)
    assert len(builtin.descriptor_names()) == builtin.DESCRIPTORS == BUILTIN_DESCRIPTORS
    assert summary.shape == (BUILTIN_FUNCTIONALS,)
    assert np.isfinite(ticks).all()
    assert np.isfinite(summary).all()


def test_a_window_of_all_is_the_utterance_and_a_tick_the_mean_of_its_frames():
    samples = hum(180) * np.linspace(0.1, 1, RATE, dtype=np.float32)
    ticks, summary = builtin.describe(samples)
    features = VoiceFeatures.BUILTIN
    assert np.allclose(features.of_windows(samples, [(0, len(samples))])[0], summary)
    assert np.allclose(features.of_ticks(samples), ticks, atol=1e-4)


def test_both_descriptions_find_the_same_speech(sample_sound: np.ndarray):
    level = level_db(sample_sound)
    says = speech_probability(sample_sound)
    found = [voice_activity(level, features.of_ticks(sample_sound), says) for features in VoiceFeatures]
    assert found[0].any()
    assert (found[0] == found[1]).mean() > 0.97


@pytest.fixture
def sample_sound(sample: Path) -> np.ndarray:
    from emoview.media.probe import probe
    from emoview.media.sound import read_sound

    with read_sound(probe(sample)) as sound:
        return np.asarray(sound[0 : len(sound)])


def test_nothing_of_opensmile_is_imported(sample: Path, tmp_path: Path):
    code = (
        "import sys\n"
        "sys.modules['opensmile'] = sys.modules['librosa'] = None\n"
        "from emoview.cli.main import app\n"
        "app()\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, "analyze", str(sample), "-o", str(tmp_path), "-q",
         "--voice-features", "builtin"],
        check=True, timeout=300,
    )  # fmt: skip
    result = json.loads((tmp_path / f"{sample.stem}.json").read_text())
    assert result["options"]["voice_features"] == "builtin"
    names = {weight["name"] for weight in result["weights"]}
    assert {"voice_clip_builtin.onnx", "voice_tcn_builtin.onnx"} <= names
    assert not names & {"voice_clip.onnx", "voice_tcn.onnx"}
    assert result["overall"]["voice"] is not None


@pytest.mark.parametrize("other", [{"explain": True}, {"fusion": "early"}])
def test_what_goes_with_opensmile_alone_is_refused(sample: Path, other: dict):
    with pytest.raises(InputError, match="openSMILE's features"):
        analyze(sample, voice_features="builtin", **other)
