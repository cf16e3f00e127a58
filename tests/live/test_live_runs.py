"""Networks of runs in live analysis: valence and arousal of a face, and labels of a voice."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from emoview.live.causal.hearing import Hearing
from emoview.live.causal.watching import Watching
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.pipeline.models import Models
from emoview.pipeline.timings import Timings
from emoview.timeline.labels import LABELS
from emoview.voice.features import VoiceFeatures


class Affect:
    """Says how bright the middle of a square is."""

    def affect(self, squares):
        assert all(square.shape == (64, 64, 3) for square in squares)
        return np.array([[square.mean() / 255, -0.5] for square in squares], np.float32)


class Voice:
    """Says fear, of functionals."""

    network = SimpleNamespace(takes="functionals")

    @property
    def model(self):
        return self

    def predict_on_batch(self, batch):
        assert batch.shape == (16, 6373)
        return np.tile([0.0, 3.0], (16, 1)).astype(np.float32)

    def voices(self, logits):
        nine = np.full(9, -20.0, np.float32)
        nine[[0, 3]] = logits
        return nine


def models(**stand_ins):
    own = Models()
    own.stand_ins = stand_ins
    return own


def test_a_network_for_valence_and_arousal_is_asked_about_each_face(made):
    with (
        PictureDecoder(probe(made("affect.mp4", seconds=0.3)), longest_side=320) as decoder,
        Watching(
            lambda: models(affect=Affect()), max_faces=1, square=64, smoothing=lambda: 5.0, timings=Timings()
        ) as watching,
    ):
        for tick, picture in decoder:
            found = watching.find(tick, picture, decoder.scale)
            watching.ask(found)
            (seen,) = watching.seen(found)
    assert seen.affect[1] == pytest.approx(-0.5)
    assert 0 < seen.affect[0] < 1
    assert set(seen.logits) == {"face_cnn", "face_gru"}


def test_a_network_for_the_voice_takes_the_place_of_both(made):
    with read_sound(probe(made("voice.mp4", "-ss", "1"))) as sound:
        samples = sound[0 : len(sound)]
    hearing = Hearing(lambda: models(voice=Voice()), VoiceFeatures.OPENSMILE, lambda: 5.0)
    hearing.add(samples)
    heard = hearing.at(len(samples) // 640 - 1)
    (said,) = heard.logits.values()
    assert list(heard.logits) == ["voice_stand_in"]
    assert LABELS[int(said.argmax())] == "fear"
