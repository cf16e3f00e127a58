"""Sound as it is read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import Make
from expected import SAMPLE
from sample_speech import speech_of

from emoview import OutputError
from emoview.media.decode import PictureDecoder
from emoview.media.facts import Stretch
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK
from emoview.voice.descriptors import (
    tick_features,
)


def test_pictures_and_sound_share_one_clock(sample: Path):
    media = probe(sample)
    with PictureDecoder(media, longest_side=320) as decoder:
        ticks = [tick for tick, picture in decoder if picture.shape == (320, 320, 3)]
    assert ticks == list(range(SAMPLE.ticks))
    with read_sound(media) as sound:
        assert abs(len(sound) - SAMPLE.ticks * SAMPLES_PER_TICK) <= SAMPLES_PER_TICK
        assert sound.log.complaints == 0


def test_sound_reads_the_same_from_disk(sample: Path, monkeypatch: pytest.MonkeyPatch):
    samples = speech_of(sample)
    monkeypatch.setattr("emoview.media.sound._SOUND_IN_MEMORY", 1)
    with read_sound(probe(sample)) as sound:
        assert len(sound) == len(samples)
        np.testing.assert_array_equal(sound[5000:70_000], samples[5000:70_000])
        np.testing.assert_array_equal(sound[len(samples) - 10 : len(samples) + 10], samples[-10:])
        np.testing.assert_array_equal(tick_features(sound), tick_features(samples))
        assert not len(sound[len(samples) :])


def test_the_padding_of_a_coder_is_no_sound(sample: Path):
    media = probe(sample)
    samples = speech_of(sample)
    # As an ffmpeg reads it that does not cut off what lies behind the length that the file claims.
    claims = replace(media, whole_s=len(samples) / SAMPLE_RATE - 0.05)
    with read_sound(claims) as sound:
        assert len(sound) == len(samples) - 0.05 * SAMPLE_RATE
        np.testing.assert_array_equal(sound[len(sound) - 500 :], samples[: len(sound)][-500:])
    # What is more than a frame is sound, whatever the file claims, and a stretch ends where it was asked to.
    for others in (
        replace(claims, whole_s=len(samples) / SAMPLE_RATE - 0.3),
        replace(claims, stretch=Stretch(0.0, 8.0)),
        replace(claims, indexed=False),
    ):
        with read_sound(others) as sound:
            assert len(sound) == len(samples)


def test_what_fills_a_coder_before_the_first_sample_moves_no_picture(made: Make):
    # 64 ms of AAC at 16 kHz, which some ffmpegs read as sound before zero.
    media = probe(made("filled.mkv", "-c:a", "aac", seconds=1.0))
    assert media.start_s == 0
    with PictureDecoder(media, longest_side=320) as decoder:
        assert [tick for tick, _ in decoder] == list(range(25))


def test_a_full_temporary_folder_is_said(sample: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.media.sound._SOUND_IN_MEMORY", 1)
    monkeypatch.setattr(
        "emoview.media.sound.tempfile.SpooledTemporaryFile",
        lambda **_: Path("/dev/full").open("wb"),  # noqa: SIM115
    )
    with pytest.raises(OutputError, match="cannot hold the sound"):
        read_sound(probe(sample))
    # So little that the file takes it, and fails when it is asked to hand it on.
    with Sound(DecodeLog()) as sound:
        sound.add(bytes(4000))
        with pytest.raises(OutputError, match="No space left"):
            sound.flush()
