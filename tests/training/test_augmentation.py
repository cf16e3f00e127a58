"""Altered voices, rooms and telephones."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal

from emoview.training.augmentation import altered_voice, in_room, on_telephone


def test_an_altered_voice_is_another_that_says_the_same():
    seconds = np.arange(16000) / 16000
    voice = (0.2 * np.sin(2 * np.pi * 220 * seconds)).astype(np.float32)
    pitches = set()
    for seed in range(6):
        altered = altered_voice(voice, np.random.default_rng(seed))
        assert np.array_equal(altered, altered_voice(voice, np.random.default_rng(seed)))
        assert altered.dtype == np.float32
        factor = len(voice) / len(altered)
        assert 0.04 < abs(np.log(factor)) < 0.17
        peak = np.abs(np.fft.rfft(altered)).argmax() * 16000 / len(altered)
        assert peak == pytest.approx(220 * factor, rel=0.01)
        pitches.add(round(peak))
    assert len(pitches) == 6


def test_a_room_answers_a_voice_with_a_tail_that_dies_away():
    voice = np.zeros(16000, np.float32)
    voice[4000:8000] = 0.3 * np.random.default_rng(0).standard_normal(4000)
    straight = []
    for seed in range(12):
        heard = in_room(voice, np.random.default_rng(seed))
        assert np.array_equal(heard, in_room(voice, np.random.default_rng(seed)))
        assert heard.dtype == np.float32
        assert heard.shape == (20000,)
        assert np.abs(heard[:4000]).max() < 1e-5
        assert np.square(heard).sum() == pytest.approx(np.square(voice).sum(), rel=1e-3)
        after = [np.square(heard[a : a + 1600]).mean() for a in range(8000, 17600, 1600)]
        assert after[0] > 3 * after[1] > 9 * after[3] > 0
        straight.append(np.corrcoef(heard[4000:8000], voice[4000:8000])[0, 1])
    # From voices near by to those that are mostly room.
    assert max(straight) > 0.95
    assert min(straight) < 0.75
    assert not in_room(np.zeros(16000, np.float32), np.random.default_rng(0)).any()
    altered = altered_voice(voice, np.random.default_rng(1), room=True)
    assert len(altered) == len(altered_voice(voice, np.random.default_rng(1))) + 4000


def test_a_telephone_leaves_the_middle_of_a_voice_and_adds_the_noise_of_its_code():
    rng = np.random.default_rng(0)
    hertz = np.fft.rfftfreq(16000, 1 / 16000)
    voice = 0.1 * rng.standard_normal(16000).astype(np.float32)

    def within(sound: np.ndarray, first: float, last: float) -> float:
        power = np.square(np.abs(np.fft.rfft(sound)))[(hertz >= first) & (hertz < last)]
        return float(10 * np.log10(power.mean() + 1e-12))

    alike = []
    for seed in range(12):
        heard = on_telephone(voice, np.random.default_rng(seed))
        assert np.array_equal(heard, on_telephone(voice, np.random.default_rng(seed)))
        assert heard.dtype == np.float32
        assert heard.shape == voice.shape
        assert within(heard, 800, 2500) == pytest.approx(within(voice, 800, 2500), abs=2)
        for first, last in ((20, 100), (4500, 7500)):
            assert within(heard, first, last) < within(heard, 800, 2500) - 14
        # Against what the band and its delays alone make of it: the best filter from the one to the other.
        _, like = scipy.signal.coherence(heard, voice, nperseg=512)
        alike.append(like[30:80].mean())
    # Of fixed lines and of mobile phones, good and bad.
    assert max(alike) > 0.99
    assert min(alike) < 0.9
    assert not on_telephone(np.zeros(500, np.float32), np.random.default_rng(0)).any()
    assert len(altered_voice(voice, np.random.default_rng(1), telephone=True)) == len(
        altered_voice(voice, np.random.default_rng(1))
    )
