"""The network that tells voices apart: its data, its training, and how it is measured."""

from __future__ import annotations

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile
from trained import quiet

from emoview.datasets.speech import Utterance
from emoview.errors import DatasetError
from emoview.networks.onnx_export import export_onnx
from emoview.networks.sizes import SPEAKER_EMBEDDING
from emoview.networks.speaker import MarginLoss, build_speaker
from emoview.networks.temporal import set_normalisation
from emoview.pipeline.engines import OnnxNetwork
from emoview.training.speaker_data import Side, Voices, crops, elsewhere, read_utterances, sides
from emoview.training.speakers import SpeakerRecipe, equal_error_rate, train_speakers


def utterances(corpus: str, people: int, label: str = "happy") -> list[Utterance]:
    return [Utterance(Path("x"), corpus, f"{i:02}", label) for i in range(people)]


def test_nobody_is_on_two_sides_and_actors_of_clips_teach_nothing():
    of = sides(
        [*utterances("ravdess", 22), *utterances("javanese", 4), *utterances("deeply", 30, "nv_cough")]
    )
    held_out = {person for person, side in of.items() if side is not Side.LEARN}
    assert held_out == {f"ravdess/{i:02}" for i in (4, 9, 14, 19)} | {f"javanese/{i:02}" for i in range(4)}
    assert sum(side is Side.CHOOSE for side in of.values()) == sum(side is Side.TEST for side in of.values())


def test_crops_are_of_the_person_they_are_said_to_be_of():
    ticks = tuple(np.full((n, 40), 10.0 * person, np.float32) for person in range(5) for n in (12, 60))
    voices = Voices(np.repeat([f"p{i}" for i in range(5)], 2), np.repeat("c", 10), ticks)
    batches = list(crops(voices, batch=16, steps=6, seed=(1, 2)))
    assert {values.shape[1] for values, _ in batches} <= {25, 37, 50}
    for values, who in batches:
        np.testing.assert_allclose(values[..., 1:].mean(axis=(1, 2)), 10 * who, atol=2)
        np.testing.assert_allclose(values[..., 0].mean(axis=1), 0, atol=1e-3)
    again = list(crops(voices, batch=16, steps=6, seed=(1, 2)))
    assert all(np.array_equal(one[0], other[0]) for one, other in zip(batches, again, strict=True))


def test_a_voice_elsewhere_is_as_long_and_within_range():
    rng = np.random.default_rng(0)
    tone = (0.5 * np.sin(np.arange(16000) / 8)).astype(np.float32)
    for _ in range(12):
        heard = elsewhere(tone, rng)
        assert 15000 < len(heard) < 22000
        assert np.abs(heard).max() <= 1
        assert not np.array_equal(heard[:15000], tone[:15000])


def test_the_margin_asks_for_more_than_the_right_order():
    loss = MarginLoss()
    who = np.array([0])
    surely, hardly, wrong = (float(loss(who, np.array([[a, 0.5]], np.float32))) for a in (0.9, 0.55, 0.3))
    assert surely < 0.1 < 1 < hardly < wrong


def test_any_length_goes_in_and_both_engines_agree(tmp_path: Path):
    keras.utils.set_random_seed(0)
    network = build_speaker()
    set_normalisation(network, np.full(40, -3.0), np.full(40, 400.0))
    export_onnx(network, tmp_path / "speaker.onnx")
    onnx = OnnxNetwork(tmp_path / "speaker.onnx")
    for ticks in (11, 37):
        values = 20 * np.random.default_rng(0).standard_normal((3, ticks, 40)).astype(np.float32)
        said = np.asarray(network.predict_on_batch(values))
        assert said.shape == (3, SPEAKER_EMBEDDING)
        np.testing.assert_allclose(onnx.predict_on_batch(values), said, atol=1e-4)


def folder_of(tmp_path: Path) -> Path:
    """Write two recordings of each of ten speakers, a tone of their own."""
    folder = tmp_path / "speech"
    folder.mkdir()
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "corpus", "speaker", "label"])
        for speaker in range(10):
            for take in range(2):
                name = f"{speaker}-{take}.wav"
                steps = np.arange(16000) * (0.02 + 0.02 * speaker)
                soundfile.write(folder / name, 0.3 * np.sign(np.sin(steps)), 16000)
                table.writerow([name, "made", f"s{speaker}", ("happy", "sad")[take]])
    return tmp_path


def test_training_goes_on_where_it_stopped_and_is_measured_on_strangers(tmp_path: Path):
    data, run = folder_of(tmp_path), tmp_path / "run"
    network, figures = train_speakers(data, run, SpeakerRecipe(epochs=1, steps=2, batch=8), on_event=quiet)
    assert {*figures} == {"choose", "test"}
    epochs: list[int] = []
    again, _ = train_speakers(
        data, run, SpeakerRecipe(epochs=2, steps=2, batch=8),
        on_event=lambda event: epochs.append(event["epoch"]) if "epoch" in event else None,
    )  # fmt: skip
    assert epochs == [2]
    assert again.count_params() == network.count_params()
    with pytest.raises(DatasetError, match="holds neither speech nor speech_more"):
        read_utterances(tmp_path / "none")


def test_the_equal_error_rate_is_of_pairs():
    rng = np.random.default_rng(0)
    ticks = tuple(np.full((40, 40), who, np.float32) for who in (0, 0, 1, 1))
    voices = Voices(np.array(["a", "a", "b", "b"]), np.repeat("c", 4), ticks)

    class Knows:
        def predict_on_batch(self, values: np.ndarray) -> np.ndarray:
            return np.stack([1 - values[:, 0, 1], values[:, 0, 1]], axis=1) + 1e-3

    class Guesses:
        def predict_on_batch(self, values: np.ndarray) -> np.ndarray:
            return rng.standard_normal((len(values), 8))

    assert equal_error_rate(voices, Knows()) == 0
    assert equal_error_rate(voices, Guesses()) > 0
