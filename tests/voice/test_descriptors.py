"""Descriptors, functionals, windows and coefficients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from expected import SAMPLE
from sample_speech import speech_of

from emoview.pipeline.voice import describe_windows
from emoview.voice.descriptors import (
    FeatureSet,
    functional_names,
    functionals,
    tick_features,
    window_functionals,
    windows,
)
from emoview.voice.mfcc import mel_filters, mfcc


def test_descriptors_do_not_depend_on_the_blocks(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = speech_of(sample)
    whole = tick_features(samples)
    assert whole.shape == (SAMPLE.ticks, FeatureSet.BOTH.width)
    monkeypatch.setattr("emoview.voice.blocks.BLOCK_TICKS", 75)
    parts = tick_features(samples)
    scale = whole.std(axis=0) + 1e-6
    share = (np.abs(parts - whole) / scale > 0.05).mean()
    assert share < 0.01


def test_feature_sets_and_functionals(sample: Path):
    samples = speech_of(sample)[:32000]
    both = tick_features(samples)
    np.testing.assert_array_equal(both[:, :65], tick_features(samples, FeatureSet.OPENSMILE))
    np.testing.assert_array_equal(both[:, 65:], tick_features(samples, FeatureSet.MFCC))
    summary = functionals(samples)
    assert summary.shape == (6373,)
    assert np.isfinite(summary).all()
    assert np.isfinite(functionals(np.zeros(100, np.float32))).all()


def test_full_scale_does_not_become_its_opposite(sample: Path):
    samples = speech_of(sample)[:32_000] / 4
    samples[::4000] = 1
    below = np.where(samples == 1, np.float32(32_767 / 32_768), samples)
    np.testing.assert_array_equal(
        tick_features(samples, FeatureSet.OPENSMILE), tick_features(below, FeatureSet.OPENSMILE)
    )


def test_functionals_of_windows_are_those_of_their_sound_but_for_pitch_at_the_borders(sample: Path):
    samples = speech_of(sample)[:80000]
    cuts = [(0, 48000), (24000, 72000), (32000, 80000)]
    together = window_functionals(samples, cuts)
    apart = np.stack([functionals(samples[first:last]) for first, last in cuts])
    assert together.shape == (3, 6373)
    # Pitch and what is told of voiced frames alone runs on over a border; all else hardly notices it.
    voiced = ("F0", "voicing", "jitter", "shimmer", "logHNR")
    others = np.array([not name.startswith(voiced) for name in functional_names()])
    assert others.sum() > 5500
    scale = apart.std(axis=0) + 1e-6

    def near(values: np.ndarray) -> float:
        return float((np.abs(values - apart) / scale < 0.25)[:, others].mean())

    assert near(together) > 0.75
    assert near(together[[1, 2, 0]]) < 0.3


def test_windows_with_silence_between_them_are_described_apart(sample: Path):
    speech = speech_of(sample)[:96000]
    samples = np.concatenate([speech, np.zeros(64000, np.float32), speech])
    cuts = [(0, 75), (38, 113), (75, 150), (250, 325), (288, 363)]
    together = describe_windows(samples, cuts)
    np.testing.assert_array_equal(together[:3], describe_windows(samples[:97600], cuts[:3]))
    np.testing.assert_array_equal(together[3:], describe_windows(samples, cuts[3:]))


def test_windows_of_silence_and_short_ones_are_described(sample: Path):
    samples = np.concatenate([np.zeros(32000, np.float32), speech_of(sample)[:16000]])
    summaries = window_functionals(samples, [(0, 16000), (8000, 24000), (32000, 32640), (46400, 48000)])
    assert summaries.shape == (4, 6373)
    assert np.isfinite(summaries).all()
    np.testing.assert_array_equal(summaries[0], summaries[1])
    assert np.abs(summaries[2] - summaries[0]).max() > 0


def test_windows_cover_every_tick():
    for ticks in (1, 50, 100, 101, 400, 1234):
        cuts = windows(ticks)
        covered = np.zeros(ticks, bool)
        for a, b in cuts:
            assert 0 <= a < b <= ticks
            covered[a:b] = True
        assert covered.all()
    assert windows(0) == []


def test_coefficients_are_those_of_librosa():
    import librosa

    samples = np.random.default_rng(0).normal(size=16_000).astype(np.float32)
    samples *= np.linspace(0, 1, 16_000, dtype=np.float32) ** 4
    expected = librosa.feature.mfcc(
        y=samples, sr=16_000, n_mfcc=40, n_mels=64, n_fft=512, win_length=400, hop_length=160, center=False
    ).T
    np.testing.assert_allclose(mfcc(samples, count=40), expected, atol=2e-3)
    filters = librosa.filters.mel(sr=16_000, n_fft=512, n_mels=64)
    np.testing.assert_allclose(mel_filters(), filters, atol=1e-6)
