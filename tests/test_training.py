"""Training on data made here: reading, splitting without leaks, resuming."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview import LABELS
from emoview.networks.face_cnn import face_cnn
from emoview.networks.shipped import BUILDERS, build_face_gru, build_voice_clip, build_voice_gru
from emoview.pipeline.engines import Engine, load
from emoview.pipeline.models import run_sequence, seven_labels
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.face import FaceRecipe, Round, targets_of, train_face
from emoview.training.fusion import ClipLogits, measure
from emoview.training.pictures import AugmentedBatches, read_faces7, read_fer2013
from emoview.training.speech import SpeechFeatures, Utterance, read_index
from emoview.training.voice import RAVDESS_FOLDS, pad, ravdess_folds


def _webp(label: int, rng: np.random.Generator, size: int) -> bytes:
    """A square whose brightness and place depend on the label: easy to learn."""
    image = rng.integers(0, 60, (size, size), dtype=np.uint8)
    at = size * label // 8
    image[at : at + size // 4] = 200
    return cv2.imencode(".webp", image)[1].tobytes()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    (tmp_path / "fer2013").mkdir()
    (tmp_path / "faces7").mkdir()
    for part, count in (("train", 28), ("valid", 14)):
        with zipfile.ZipFile(tmp_path / "faces7" / f"{part}.zip", "w") as archive:
            for i in range(count):
                archive.writestr(f"{LABELS[i % 7]}/{i}.webp", _webp(i % 7, rng, 112))
        text = io.StringIO()
        table = csv.writer(text)
        votes = ["neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear"]
        table.writerow(["image", "label", *(f"votes_{v}" for v in votes)])
        with zipfile.ZipFile(tmp_path / "fer2013" / f"{part}.zip", "w") as archive:
            for i in range(count):
                archive.writestr(f"{i}.webp", _webp(i % 7, rng, 48))
                label = "" if i == 3 else LABELS[i % 7]
                table.writerow([f"{i}.webp", label, 5, 5, 0, 0, 0, 0, 0])
        (tmp_path / "fer2013" / f"{part}.csv").write_text(text.getvalue())
    return tmp_path


def test_pictures_and_targets(data: Path):
    fer = read_fer2013(data / "fer2013", "train", size=48)
    assert len(fer) == 27
    assert fer.images.shape == (27, 48, 48)
    # Half of the votes are for neutral, half for happy; six tenths follow the original label.
    np.testing.assert_allclose(targets_of(fer, 0.4)[1], [0.2, 0.6, 0, 0, 0.2, 0, 0], atol=1e-6)
    faces = read_faces7(data / "faces7", "train", size=48, smoothing=0.1)
    np.testing.assert_array_equal(targets_of(faces, 0.4), faces.targets)
    np.testing.assert_array_equal((fer + faces).votes.sum(axis=1), [1.0] * 27 + [0.0] * 28)
    np.testing.assert_allclose(faces.targets.sum(axis=1), 1, atol=1e-6)
    assert (faces.targets.argmax(axis=1) == faces.labels).all()


def test_augmentation_is_decided_by_seed_and_epoch(data: Path):
    pictures = read_faces7(data / "faces7", "train", size=48)

    def batch(epoch: int) -> np.ndarray:
        return AugmentedBatches(pictures, batch=8, size=40, seed=1, epoch=epoch)[1][0]

    assert batch(0).shape == (8, 40, 40, 1)
    assert 0 <= batch(0).min() < batch(0).max() <= 1
    np.testing.assert_array_equal(batch(0), batch(0))
    assert np.abs(batch(0) - batch(1)).max() > 0.1


def test_face_training_goes_on_where_it_was_stopped(data: Path, tmp_path: Path):
    recipe = FaceRecipe((Round(((1, 32), (1, 40)), rate=2e-3, votes=0.4),), batch=8)
    whole = train_face(data, tmp_path / "whole", recipe)

    class StoppedError(Exception):
        pass

    def stop(_: dict) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        train_face(data, tmp_path / "parts", recipe, on_epoch=stop)
    assert len(json.loads((tmp_path / "parts" / "history.json").read_text())) == 1
    parts = train_face(data, tmp_path / "parts", recipe)
    history = [json.loads((tmp_path / run / "history.json").read_text()) for run in ("whole", "parts")]
    assert [row["epoch"] for row in history[1]] == [1, 2]
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_networks_learn_from_sequences_whatever_the_padding():
    network = build_face_gru()
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, 256)).astype(np.float32)
    short, _ = network.predict_on_batch(pad([values]))
    long, _ = network.predict_on_batch(pad([values, np.zeros((90, 256), np.float32)]))
    np.testing.assert_allclose(short[0], long[0], atol=1e-5)
    answer = run_sequence(build_voice_gru(), rng.normal(size=(40, 105)).astype(np.float32))
    assert answer.ticks.shape == (40, 9)
    np.testing.assert_allclose(np.exp(seven_labels(answer.ticks)).sum(axis=1), 1, atol=1e-5)


def test_long_sequences_in_parts_agree_with_one(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).normal(size=(500, 256)).astype(np.float32)
    network = build_face_gru()
    whole = run_sequence(network, values)
    monkeypatch.setattr("emoview.pipeline.models._LONGEST_SEQUENCE", 125)
    parts = run_sequence(network, values)
    np.testing.assert_allclose(parts.ticks, whole.ticks, atol=0.02)
    np.testing.assert_allclose(parts.whole, whole.whole, atol=0.02)


def test_sizes_of_the_networks():
    assert face_cnn().count_params() < 4e6
    assert build_voice_clip().count_params() + build_voice_gru().count_params() < 3e6


def test_no_speaker_on_both_sides():
    utterances = tuple(
        Utterance(Path(f"{i}"), corpus, speaker, "happy")
        for i, (corpus, speaker) in enumerate(
            [("ravdess", actor) for fold in RAVDESS_FOLDS for actor in fold] + [("emodb", "02")] * 3
        )
    )
    count = len(utterances)
    speech = SpeechFeatures(
        utterances, (np.zeros((2, 105), np.float32),) * count, np.zeros((count, 3), np.float32)
    )
    tested = []
    for train, test in ravdess_folds(speech):
        people = [{utterances[i].person for i in np.flatnonzero(side)} for side in (train, test)]
        assert not people[0] & people[1]
        assert all(person.startswith("ravdess/") for person in people[1])
        tested += sorted(people[1])
    assert len(tested) == len(set(tested)) == sum(map(len, RAVDESS_FOLDS))


def test_index_is_thinned_evenly(tmp_path: Path):
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += [f"{i}.opus,tess,OAF,en,{LABELS[i % 2]}," for i in range(100)]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    assert len(list(read_index(tmp_path))) == 100
    some = [int(u.path.stem) for u in read_index(tmp_path, most=5)]
    assert len(some) == 10
    assert max(some) >= 80
    assert VOICE_LABELS[: len(LABELS)] == LABELS


def test_measuring_fits_its_rules_without_the_actor():
    """Each actor's clips carry a mark that betrays the label within the actor only: it must not help."""
    rng = np.random.default_rng(0)
    answers = []
    models = ("face_cnn", "face_gru", "voice_gru", "voice_clip", "early")
    for actor in range(8):
        shuffled = rng.permutation(7)
        for i in range(42):
            label = i % 7
            logits = {m: rng.normal(size=7).astype(np.float32) for m in models}
            logits["face_cnn"] = 5 * np.eye(7, dtype=np.float32)[shuffled[label]]
            answers.append(ClipLogits(label, str(actor), logits))
    figures = measure(answers)
    assert figures["late_both"].accuracy.value < 35
    uar = figures["late_both"].uar
    assert uar.low < uar.value < uar.high


@pytest.mark.parametrize("model", BUILDERS)
def test_both_engines_say_the_same(model: str):
    rng = np.random.default_rng(0)
    keras_network, onnx_network = (load(model, engine) for engine in (Engine.KERAS, Engine.ONNX))
    if model == "face_cnn":
        inputs = rng.random((4, 48, 48, 1), dtype=np.float32)
    elif model == "face_votes":
        inputs = rng.random((4, 256), dtype=np.float32)
    elif model == "voice_clip":
        inputs = rng.normal(size=(8, 6373)).astype(np.float32)
    else:
        width = keras_network.input[0].shape[-1]
        values = rng.normal(size=(1, 50, width)).astype(np.float32)
        values[:, 40:] = 0
        inputs = (values, np.arange(50)[None] < 40)
    one, other = (network.predict_on_batch(inputs) for network in (keras_network, onnx_network))
    if model in ("voice_clip", "face_votes"):
        one, other = [one], [other]
    for expected, found in zip(one, other, strict=True):
        expected, found = np.array(expected), np.array(found)
        if expected.ndim == 3:
            expected, found = expected[:, :40], found[:, :40]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
