"""The voice as people report it."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.timeline.clock import SAMPLE_RATE
from emoview.timeline.measures import SOUND
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import level_db, usual_gain_db
from emoview.voice.measures import sound_measures


def voice(hz: float, noise_db: float = -30.0) -> np.ndarray:
    """A second of a buzzing tone, as vocal folds make it, with noise."""
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    tone = sum(np.sin(2 * np.pi * hz * k * time) / k for k in range(1, 20))
    tone = tone / np.std(tone)
    noise = np.random.default_rng(0).normal(0, 10 ** (noise_db / 20), len(time))
    return ((tone + noise) * 0.1).astype(np.float32)


def of(samples: np.ndarray, features: VoiceFeatures) -> dict[str, np.ndarray]:
    level = level_db(samples)
    gain = 10 ** (usual_gain_db(level) / 20)
    described = features.of_ticks(np.clip(samples * np.float32(gain), -1, 1))
    speech = np.ones(len(level), bool)
    speech[:2] = False
    values = sound_measures(level, described, speech, gain, features)
    assert np.isnan(values[:2, 1:]).all()
    return {measure.name: values[4:-2, i] for i, measure in enumerate(SOUND)}


@pytest.mark.parametrize("features", list(VoiceFeatures))
@pytest.mark.parametrize("hz", [110.0, 220.0])
def test_pitch_level_and_harmonics_of_a_known_voice(features: VoiceFeatures, hz: float):
    clean, noisy = of(voice(hz), features), of(voice(hz, -6.0), features)
    assert np.nanmedian(clean["pitch_hz"]) == pytest.approx(hz, rel=0.02)
    assert np.nanmedian(clean["hnr_db"]) > np.nanmedian(noisy["hnr_db"]) + 5
    assert np.median(clean["sound_db"]) == pytest.approx(-20, abs=1)


@pytest.mark.parametrize("features", list(VoiceFeatures))
def test_loudness_is_that_of_the_recording_not_of_the_usual_level(features: VoiceFeatures):
    loud, quiet = of(voice(150), features), of(voice(150) / 10, features)
    assert np.nanmedian(loud["loudness"]) / np.nanmedian(quiet["loudness"]) == pytest.approx(
        10**0.65, rel=0.15
    )


def test_noise_has_no_pitch():
    noise = np.random.default_rng(0).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)
    assert np.isnan(of(noise, VoiceFeatures.OPENSMILE)["pitch_hz"]).mean() > 0.8
