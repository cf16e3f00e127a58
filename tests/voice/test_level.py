"""Level and quality of a voice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from sample_speech import speech_of

from emoview.voice.level import USUAL_DB, AtUsualLevel, active_level_db, at_usual_level, level_db
from emoview.voice.quality import Quality, quality_of


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return speech_of(Path(__file__).parents[2] / "samples" / "portrait.mp4")


def test_pauses_do_not_count_for_the_level():
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(32_000).astype(np.float32)
    assert active_level_db(level_db(noise)) == pytest.approx(-20, abs=0.2)
    paused = np.concatenate([noise, 1e-3 * rng.standard_normal(500_000).astype(np.float32)])
    assert active_level_db(level_db(paused)) == pytest.approx(-20, abs=0.2)
    assert active_level_db(level_db(np.zeros(32_000, np.float32))) is None
    assert active_level_db(np.zeros(0, np.float32)) is None


@pytest.mark.parametrize("gain_db", [-40, -12, 3])
def test_a_level_makes_no_difference(speech: np.ndarray, gain_db: float):
    usual = at_usual_level(speech)
    assert active_level_db(level_db(usual)) == pytest.approx(USUAL_DB, abs=0.1)
    np.testing.assert_allclose(at_usual_level(speech * 10 ** (gain_db / 20)), usual, atol=2e-4)


def test_silence_around_words_is_never_nothing(speech: np.ndarray):
    cut = speech.copy()
    cut[: 16_000 // 4] = 0
    usual = AtUsualLevel(cut, 6.0)
    quiet = level_db(usual[0:3200])
    assert quiet.min() > -90
    assert quiet.max() < -78
    # The same noise whatever part is asked for, and none in a gap.
    np.testing.assert_array_equal(usual[1000:3000], usual[0:4000][1000:3000])
    assert not AtUsualLevel(np.zeros(200_000, np.float32), 6.0)[0:200_000].any()
    # A telephone has nothing above what it carries.
    spectrum = np.abs(np.fft.rfft(AtUsualLevel(np.zeros(64_000, np.float32), 0.0)[0:64_000]))
    assert spectrum[np.fft.rfftfreq(64_000, 1 / 16_000) > 3500].max() < 1e-3 * spectrum.max()


def test_what_harms_a_voice_is_heard(speech: np.ndarray):
    def quality(samples: np.ndarray, gain: float = 1.0) -> Quality:
        return quality_of(samples, gain, level_db(speech) > -40)

    assert not quality(speech).is_clipped
    assert not quality(speech).is_narrow
    for louder in (5, 20):
        clipped = np.clip(louder * speech, -1, 1)
        assert quality(clipped).is_clipped
        # However quiet it was made behind that, and on whatever rate.
        assert quality(0.01 * clipped, 30).is_clipped
    # Cut off at the rate of the recorder, and brought to another one: the edges swing.
    fine = np.clip(20 * scipy.signal.resample_poly(speech, 3, 1), -1, 1)
    swinging = scipy.signal.resample_poly(fine, 1, 3).astype(np.float32)
    assert np.abs(swinging).max() > 1.1
    assert quality(swinging).is_clipped
    # Nor does it cut off what is made louder.
    assert not quality(0.01 * speech, 400).is_clipped
    sections = scipy.signal.butter(6, [300, 3400], "bandpass", fs=16_000, output="sos")
    line = scipy.signal.resample_poly(scipy.signal.sosfilt(sections, speech), 1, 2)
    assert quality(scipy.signal.resample_poly(line, 2, 1)[: len(speech)].astype(np.float32)).is_narrow
    assert quality_of(speech, 1.0, np.zeros(200, bool)) == Quality()


@pytest.mark.parametrize("order", [4, 8])
@pytest.mark.parametrize("gain", [0.1, 1.0])
def test_a_telephone_is_told_by_gentle_filters_too(speech: np.ndarray, order: int, gain: float):
    fine = scipy.signal.resample_poly(speech, 3, 1)
    for kind, edge in (("highpass", 300), ("lowpass", 3400)):
        fine = scipy.signal.sosfilt(scipy.signal.butter(order, edge, kind, fs=48_000, output="sos"), fine)
    line = gain * scipy.signal.resample_poly(fine, 1, 3).astype(np.float32)
    assert quality_of(line, 1 / gain, level_db(speech) > -40).is_narrow


@pytest.mark.parametrize(("kind", "edge"), [("lowpass", 5000), ("highpass", 300), ("highpass", 800)])
def test_a_muffled_or_thin_microphone_is_no_telephone(speech: np.ndarray, kind: str, edge: int):
    fine = scipy.signal.resample_poly(speech, 3, 1)
    fine = scipy.signal.sosfilt(scipy.signal.butter(2, edge, kind, fs=48_000, output="sos"), fine)
    heard = scipy.signal.resample_poly(fine, 1, 3).astype(np.float32)
    assert not quality_of(heard, 1.0, level_db(speech) > -40).is_narrow
