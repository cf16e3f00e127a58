"""Why a voice sounds as it does: words for what was changed in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_up import leaning, made_up

from emoview.explain.seen import Seen
from emoview.explain.segments import explained
from emoview.explain.voice import VoiceOcclusion, _normaliser
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.pipeline.engines import Engine
from emoview.pipeline.inference import run_speech
from emoview.pipeline.models import Models
from emoview.pipeline.voice import describe_windows, heard_ticks, speech_windows
from emoview.timeline.explanation import VoiceEffect, VoiceReasons
from emoview.timeline.results import Row, Segment
from emoview.voice.activity import voice_activity
from emoview.voice.descriptors import tick_features
from emoview.voice.level import level_db
from emoview.voice.silero import speech_probability

Sound = np.ndarray


@pytest.fixture(scope="module")
def spoken(sample: Path) -> Sound:
    """What is said in the sample, without the pauses around it."""
    with read_sound(probe(sample)) as sound:
        return sound[7 * 640 : 150 * 640]


def explain_second_half(
    spoken: Sound, change: Callable[[Sound], Sound], label: str, engine: Engine = Engine.ONNX
) -> VoiceReasons:
    """Say the same twice, the second time changed, and explain that."""
    samples = np.concatenate([spoken, change(spoken)])
    seen = Seen()
    features = tick_features(samples)
    speech = voice_activity(level_db(samples), features, speech_probability(samples))
    seen.add_voice(features, speech)
    cuts = speech_windows(speech)
    seen.add_windows(cuts, describe_windows(samples, cuts))
    ticks = np.flatnonzero(speech)
    return VoiceOcclusion(Models(engine=engine), seen)(ticks[ticks >= len(spoken) // 640], label)


def effects(reasons: VoiceReasons) -> dict[str, VoiceEffect]:
    assert reasons.against == "speaker"
    return {effect.group: effect for effect in reasons.effects}


def test_louder_is_called_louder_and_quieter_quieter(spoken: Sound):
    louder = explain_second_half(spoken, lambda x: np.clip(x * 3, -1, 1), "anger")
    found = effects(louder)
    assert found["loudness"].words == "louder"
    assert found["loudness"].z > 0.3
    # The change was in loudness alone.
    assert abs(found["pitch"].z) < 0.1
    quieter = explain_second_half(spoken, lambda x: x / 3, "anger")
    less = effects(quieter)["loudness"]
    assert less.words == "quieter"
    # What a network makes of it is its own affair, but it must hear the difference.
    assert abs(found["loudness"].effect) > 0.05
    assert abs(found["loudness"].effect - less.effect) > 0.1


def test_a_segment_is_explained_as_it_was_heard_between_long_pauses():
    rng = np.random.default_rng(0)
    models, seen = Models(), Seen()
    speech = np.zeros(1600, bool)
    for first in range(50, 1550, 250):
        speech[first : first + 60] = True
    mean, spread = _normaliser("voice_tcn")
    seen.add_voice((mean + spread * rng.normal(size=(1600, 105))).astype(np.float32), speech)
    cuts = speech_windows(speech)
    seen.add_windows(cuts, np.tile(_normaliser("voice_clip")[0], (len(cuts), 1)).astype(np.float32))
    occlusion = VoiceOcclusion(models, seen)
    whole = run_speech(models.voice_tcn, seen.descriptors, heard_ticks(speech), len(speech)).ticks
    for first in (50, 550, 1300):
        ticks = np.arange(first + 10, first + 50)
        part = occlusion._part(ticks, occlusion._windows_of(ticks))
        near = run_speech(models.voice_tcn, part.features, part.heard, len(part.features)).ticks
        np.testing.assert_allclose(near[part.ticks], whole[ticks], atol=1e-3)


def test_both_engines_explain_the_voice_alike(spoken: Sound):
    onnx, keras_ = (
        explain_second_half(spoken, lambda x: x * 2, "anger", engine)
        for engine in (Engine.ONNX, Engine.KERAS)
    )
    assert onnx.log_odds == pytest.approx(keras_.log_odds, abs=2e-3)
    for group, effect in effects(onnx).items():
        assert effect.effect == pytest.approx(effects(keras_)[group].effect, abs=2e-3)
        assert effect.z == effects(keras_)[group].z


def test_a_voice_played_faster_is_higher_and_filtered_brighter(spoken: Sound):
    from scipy.signal import lfilter, resample

    sped = effects(
        explain_second_half(spoken, lambda x: resample(x, int(len(x) / 1.3)).astype(np.float32), "anger")
    )
    assert sped["pitch"].words == "higher"
    assert sped["tempo"].words == "faster"
    treble = effects(
        explain_second_half(spoken, lambda x: lfilter([1, -0.9], [1], x).astype(np.float32), "anger")
    )
    assert treble["brightness"].words == "brighter"
    assert treble["tension"].words == "more tense"


def test_a_voice_that_is_the_same_differs_in_nothing(spoken: Sound):
    found = effects(explain_second_half(spoken, lambda x: x, "happy"))
    assert all(abs(effect.z or 0) < 0.15 for effect in found.values())
    assert all(abs(effect.effect) < 0.2 for effect in found.values())


def test_a_voice_that_does_not_count_for_the_label_explains_nothing(monkeypatch: pytest.MonkeyPatch):
    """Another person in the picture, who is not measured, speaks in between; a last sound dies away."""
    happy, sad = leaning("happy"), leaning("sad")
    own = Row(0, 0, voice=sad, fused=happy, voice_id=0, speaking=True)
    rows = (own, replace(own, tick=1, voice_id=1, speaking=False), *(replace(own, tick=i) for i in (2, 3)))
    segments = tuple(Segment(*ends, 0, "happy", 0.7) for ends in ((0.0, 0.12), (0.12, 0.16)))
    analysis = replace(made_up(), timeline=rows, segments=segments)
    asked: list[tuple[list[int], str]] = []
    beside: list[list[bool]] = []

    def occlusion(*given: Any) -> Callable[[np.ndarray, str], None]:
        beside.append(given[-1].tolist())
        return lambda ticks, label: asked.append((ticks.tolist(), label))

    monkeypatch.setattr("emoview.explain.voice.VoiceOcclusion", occlusion)
    seen = Seen()
    seen.add_voice(np.zeros((4, 1), np.float32), np.array([True, True, True, False]))
    seen.add_windows([(0, 3)], np.zeros((1, 1), np.float32))
    explained(analysis, seen, Models())
    assert asked == [([0, 2], "happy")]
    # The speaker's average is that of this speaker.
    assert beside == [[True, False, True, True]]
