"""Training on data made here: reading, splitting without leaks, resuming."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from conftest import ffmpeg

from emoview import LABELS, InputError
from emoview.face.align import align, box_of
from emoview.face.find import FaceFinder
from emoview.face.views import seen
from emoview.fusion.late import LateFusion, softmax
from emoview.networks.face_cnn import deepened, face_cnn, with_votes
from emoview.networks.half import round_to_half
from emoview.networks.shipped import BUILDERS, build_face_gru, build_voice_clip, build_voice_tcn
from emoview.networks.sizes import FUNCTIONALS
from emoview.networks.temporal import LocalNormalization, branch_outputs, set_normalisation
from emoview.pipeline.engines import Engine, OnnxNetwork, load
from emoview.pipeline.inference import (
    STILL_VIEWS,
    VIEWS,
    SequenceRun,
    run_faces,
    run_sequence,
    seven_labels,
    smooth,
)
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.augmentation import altered_voice, in_room
from emoview.training.face import FaceRecipe, Round, targets_of, train_face
from emoview.training.fusion import FusionRecipe, _Sequences
from emoview.training.fusion_rules import MODELS, RULES, ClipLogits, fit_rule, measure, spoken
from emoview.training.pictures import AugmentedBatches, Pictures, read_faces7, read_fer2013, with_cut_out
from emoview.training.precision import quick_precision
from emoview.training.ship import _described, _ship, ship_face, ship_fusion
from emoview.training.speech import SpeechFeatures, Utterance, Variant, joined, read_index
from emoview.training.voice import (
    RAVDESS_FOLDS,
    SequenceBatches,
    VoiceRecipe,
    folds_of_all_corpora,
    pad,
    steadiness,
    train_clip,
    train_ticks,
)
from emoview.training.voice_folds import VoiceAnswers


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
                # In training everyone ties between neutral and happy; later most agree, on each in turn.
                counts = (
                    [5, 5, 0, 0, 0, 0, 0] if part == "train" else [1 + 6 * (j == i % 7) for j in range(7)]
                )
                table.writerow([f"{i}.webp", label, *counts])
        (tmp_path / "fer2013" / f"{part}.csv").write_text(text.getvalue())
    return tmp_path


def test_pictures_and_targets(data: Path):
    fer = read_fer2013(data / "fer2013", "train", size=48)
    assert len(fer) == len(fer.images) == 27
    assert {image.shape for image in fer.images} == {(48, 48)}
    # Half of the votes are for neutral, half for happy; six tenths follow the original label.
    np.testing.assert_allclose(targets_of(fer, 0.4)[1], [0.2, 0.6, 0, 0, 0.2, 0, 0], atol=1e-6)
    faces = read_faces7(data / "faces7", "train", size=48).smoothed(0.1)
    np.testing.assert_array_equal(targets_of(faces, 0.4), faces.targets)
    np.testing.assert_array_equal((fer + faces).votes.sum(axis=1), [1.0] * 27 + [0.0] * 28)
    assert (faces.targets.argmax(axis=1) == faces.labels).all()
    np.testing.assert_allclose(
        np.sort(faces.targets, axis=1), [[0.1 / 7] * 6 + [0.9 + 0.1 / 7]] * 28, atol=1e-6
    )


def test_augmentation_is_decided_by_seed_and_epoch(data: Path):
    pictures = read_faces7(data / "faces7", "train", size=48)

    def batch(epoch: int) -> np.ndarray:
        return AugmentedBatches(pictures, batch=8, sides=(32, 40), seed=1, epoch=epoch)[1][0]

    assert batch(0).shape == (8, 40, 40, 1)
    assert 0 <= batch(0).min() < batch(0).max() <= 1
    np.testing.assert_array_equal(batch(0), batch(0))
    assert np.abs(batch(0) - batch(1)).max() > 0.1


def test_a_teacher_answers_to_the_pictures_as_they_are_shown(data: Path):
    pictures = read_faces7(data / "faces7", "train", size=48).smoothed(0.1)

    def say(images: np.ndarray) -> np.ndarray:
        """Tell from seven columns of pictures of 64 pixels."""
        return 5 * images.mean(axis=(1, 3))[:, 2::10]

    teacher = SimpleNamespace(predict_on_batch=say)

    def batch(side: int, **taught: Any) -> tuple[np.ndarray, np.ndarray]:
        batches = AugmentedBatches(pictures, batch=8, sides=(side,), seed=1, epoch=0, **taught)
        images, (targets, _) = batches[0]
        return images, targets

    images, labels = batch(32)
    same, targets = batch(32, teacher=teacher, share=0.25)
    np.testing.assert_array_equal(same, images)
    # The same turns and shifts in the size in which the teacher sees best.
    large, _ = batch(64)
    for one, other in zip(images, large, strict=True):
        assert np.abs(cv2.resize(other, (32, 32), interpolation=cv2.INTER_AREA) - one[..., 0]).mean() < 0.05
    answers = [softmax(say(view)) for view in (large, large[:, :, ::-1])]
    assert np.abs(answers[0] - answers[1]).max() > 0.1
    mean = np.mean(answers, axis=0)
    assert np.abs(mean - labels).max() > 0.3
    np.testing.assert_allclose(targets, 0.25 * mean + 0.75 * labels, atol=1e-6)


def test_a_share_of_the_pictures_is_shown_cut_out(data: Path):
    pictures = read_faces7(data / "faces7", "train", size=48)
    known = {i: np.full((80, 80), 255, np.uint8) for i in range(0, len(pictures), 2)}
    # Behind others, they are still those of the same pictures.
    both = read_fer2013(data / "fer2013", "train", size=48) + replace(pictures, cut_out=known)
    seen: list[np.ndarray] = []

    def say(images: np.ndarray) -> np.ndarray:
        seen.append(images)
        return images.mean(axis=(1, 3))[:, 2::10]

    def batch(pictures: Pictures, **more: Any) -> np.ndarray:
        taught = {"teacher": SimpleNamespace(predict_on_batch=say), "share": 0.5}
        batches = AugmentedBatches(
            pictures, batch=len(pictures), sides=(64,), seed=1, epoch=0, **taught, **more
        )
        return batches[0][0]

    plain = batch(both)
    as_they_come = seen[0]
    for share, expected in ((0.0, 0), (0.5, 7), (1.0, 14)):
        seen.clear()
        shown = batch(both, cut_out=share)
        changed = np.abs(shown - plain).max(axis=(1, 2, 3)) > 0
        assert abs(changed.sum() - expected) <= (0 if share in (0, 1) else 4)
        # What is bright all over is turned, shifted and relit, no more.
        assert all(np.median(one) > 0.6 for one in shown[changed])
        # The teacher is asked about the pictures as they come.
        np.testing.assert_array_equal(seen[0], as_they_come)


def test_faces_are_cut_out_once_and_kept(sample: Path, tmp_path: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "frame.png"))
    frame = cv2.cvtColor(cv2.imread(str(tmp_path / "frame.png")), cv2.COLOR_BGR2RGB)
    with FaceFinder(max_faces=1, stills=True) as finder:
        landmarks = finder.find(frame)[0]
    expected = cv2.cvtColor(align(frame, landmarks, 80), cv2.COLOR_RGB2GRAY)
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    left, top, width, height = map(int, box_of(landmarks))
    crop = cv2.resize(grey[top : top + height, left : left + width], (48, 48), interpolation=cv2.INTER_AREA)
    targets = np.eye(7, dtype=np.float32)[:3]
    plain = Pictures([np.full((48, 48), 90, np.uint8), grey, crop], targets, np.arange(3), targets)
    found = with_cut_out(plain, tmp_path / "kept.npz")
    assert sorted(found.cut_out) == [1, 2]
    for face, how_far in ((found.cut_out[1], 10), (found.cut_out[2], 20)):
        assert np.abs(face.astype(float) - expected).mean() < how_far
    shown = found.as_in_video().images
    np.testing.assert_array_equal(shown[0], plain.images[0])
    np.testing.assert_array_equal(shown[2], found.cut_out[2])
    # Nothing is looked for again.
    again = with_cut_out(replace(plain, images=[plain.images[0]] * 3), tmp_path / "kept.npz")
    np.testing.assert_array_equal(again.cut_out[1], found.cut_out[1])


def test_face_training_goes_on_where_it_was_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    small = partial(face_cnn, widths=(8, 8, 16, 256))
    monkeypatch.setattr("emoview.training.face.face_cnn", small)
    bright = np.full((112, 112, 3), 255, np.uint8)
    monkeypatch.setattr("emoview.training.pictures.StillFaces.cut", lambda *_: bright)
    one = Round(((1, 48),), rate=2e-3, votes=0.4, depths=(1, 1, 1, 1))
    deeper = Round(((2, 32, 40),), rate=2e-3, own=0.5, smoothing=0.0, cut_out=0.5, depths=(1, 1, 1, 2))
    recipe = FaceRecipe((one, deeper), batch=8)
    highest, cut_out = [], []

    def noted(pictures: Pictures, **rest: Any) -> AugmentedBatches:
        # Those of faces7 stand behind.
        highest.append(pictures.targets[-1].max())
        cut_out.append((rest["cut_out"], sorted(pictures.cut_out)))
        return AugmentedBatches(pictures, **rest)

    monkeypatch.setattr("emoview.training.face.AugmentedBatches", noted)

    def leave(row: dict[str, Any]) -> None:
        """Keep the folder as it is left by who stops in the midst of the second round."""
        if row["epoch"] == 2:
            shutil.copytree(tmp_path / "whole", tmp_path / "parts")

    whole = train_face(data, tmp_path / "whole", recipe, on_epoch=leave)
    np.testing.assert_allclose(highest, [0.9 + 0.1 / 7, 1, 1], atol=1e-6)
    # Those of FER2013 alone.
    assert cut_out == [(share, list(range(27))) for share in (0.0, 0.5, 0.5)]
    assert len(json.loads((tmp_path / "parts" / "history.json").read_text())) == 2
    teacher = (tmp_path / "parts" / "before_1.keras").read_bytes()
    parts = train_face(data, tmp_path / "parts", recipe)
    history = [json.loads((tmp_path / run / "history.json").read_text()) for run in ("whole", "parts")]
    assert [row["epoch"] for row in history[1]] == [1, 2, 3]
    # Who goes on learns from the network as it was when the round began, not as it is by now.
    assert (tmp_path / "parts" / "before_1.keras").read_bytes() == teacher
    for one, other in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=2e-3)


def test_voices_are_normalised_precisely_whatever_a_training_computes_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("emoview.training.precision.policy", lambda: "mixed_bfloat16")
    with quick_precision():
        quick = build_voice_tcn()
    assert "bfloat16" in {layer.compute_dtype for layer in quick.layers}
    exact = build_voice_tcn()
    exact.set_weights(quick.get_weights())
    for network in (quick, exact):
        # In bfloat16, the nearest number to 1001 is 1000.
        set_normalisation(network, np.full(105, 1000.0), np.ones(105))
    values = 1000 + np.random.default_rng(0).standard_normal((2, 25, 105)).astype(np.float32)
    said, expected = (
        network.predict_on_batch((values, np.ones((2, 25), bool))) for network in (quick, exact)
    )
    for one, other in zip(said, expected, strict=True):
        assert other.std() > 0.1
        np.testing.assert_allclose(one, other, atol=0.1 * other.std())


@pytest.mark.parametrize("depths", [(1, 1, 2, 3), (2, 1, 3, 1), (1, 2, 3, 2)])
def test_further_blocks_begin_as_the_identity(depths: tuple[int, ...]):
    network, deeper = (with_votes(face_cnn(depths=some)) for some in ((1, 1, 2, 1), depths))
    rng = np.random.default_rng(0)
    network.set_weights([w + rng.uniform(0, 0.1, w.shape) for w in network.get_weights()])
    faces = rng.uniform(size=(3, 48, 48, 1)).astype(np.float32)
    expected = network.predict_on_batch(faces)
    for one, other in zip(deepened(network, deeper).predict_on_batch(faces), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


def test_both_answers_of_the_face_ship_calibrated(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    both = with_votes(face_cnn())
    raw = [both.get_layer(name).get_weights() for name in ("logits", "votes")]
    monkeypatch.setattr("emoview.training.ship.train_face", lambda *_, **__: both)
    measured_on: list[int] = []

    def fit(logits: np.ndarray, labels: np.ndarray) -> float:
        assert len(logits) == len(labels)
        measured_on.append(len(labels))
        return (0.5, 0.25)[len(measured_on) - 1]

    monkeypatch.setattr("emoview.training.ship.fit_scale", fit)
    rows: list[Any] = []
    ship_face(data, tmp_path / "run", tmp_path / "ship", on_event=rows.append)
    assert [row["part"] for row in rows] == ["fer2013", "ferplus", "faces7", "fer2013_cut_out"]
    # Labels of 13 and 14 pictures together; the votes of 14.
    assert measured_on == [27, 14]
    # No mesh is found in these: they are seen as they come, and calibrated alike.
    figures = json.loads((tmp_path / "run" / "face_metrics.json").read_text())
    assert figures["fer2013_cut_out"] == figures["fer2013"]
    names = (("face_cnn", "logits"), ("face_votes", "votes"))
    for (name, layer), before, scale in zip(names, raw, (0.5, 0.25), strict=True):
        network = BUILDERS[name]()
        network.load_weights(tmp_path / "ship" / f"{name}.weights.h5")
        for now, then in zip(network.get_layer(layer).get_weights(), before, strict=True):
            np.testing.assert_allclose(now, scale * then, rtol=1e-5)
        assert (tmp_path / "ship" / f"{name}.onnx").exists()


@pytest.mark.parametrize(("build", "width"), [(build_face_gru, 256), (build_voice_tcn, 105)])
def test_padding_changes_nothing(build: Callable[[], Any], width: int):
    network = build()
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, width)).astype(np.float32)
    other = rng.normal(size=(90, width)).astype(np.float32)
    short, short_ticks = network.predict_on_batch(pad([values]))
    padded, mask = pad([values, other])
    padded[0, 30:] = 100
    long, long_ticks = network.predict_on_batch((padded, mask))
    np.testing.assert_allclose(short[0], long[0], atol=1e-4)
    np.testing.assert_allclose(short_ticks[0], long_ticks[0, :30], atol=1e-4)


def test_a_voice_is_held_against_what_is_around():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, (2, 200, 4)).astype(np.float32)
    mask = np.arange(200) < np.array([[200], [90]])
    found = np.asarray(LocalNormalization()(values, mask))
    for row, tick, first, last in ((0, 0, 0, 63), (0, 100, 38, 163), (0, 199, 137, 200), (1, 70, 8, 90)):
        around = values[row, first:last]
        expected = (values[row, tick] - around.mean(axis=0)) / np.sqrt(around.var(axis=0) + 0.05)
        np.testing.assert_allclose(found[row, tick], expected, atol=1e-4)


def test_branches_are_networks_of_their_own_whose_answers_are_averaged():
    network = build_voice_tcn()
    branches = branch_outputs(network)
    inputs = (np.random.default_rng(0).normal(size=(1, 50, 105)).astype(np.float32), np.ones((1, 50), bool))
    means = network.predict_on_batch(inputs)
    parts = [keras.Model(network.input, list(both)).predict_on_batch(inputs) for both in branches]
    assert np.abs(parts[0][0] - parts[1][0]).max() > 0.05
    for mean, one, other in zip(means, *parts, strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-5)
    # The one hears how loud it is, the other only what changes.
    louder = (inputs[0] + 1, inputs[1])
    moved = [keras.Model(network.input, list(both)).predict_on_batch(louder) for both in branches]
    changes = [np.abs(now[0] - then[0]).max() for now, then in zip(moved, parts, strict=True)]
    assert changes[0] > 0.01
    assert changes[1] < 1e-4


def test_each_branch_of_the_voice_learns():
    rng = np.random.default_rng(0)
    labels = np.arange(96) % 2 * 4

    def utterance(label: int) -> np.ndarray:
        """Fast or slow waves, which are there whatever they are held against."""
        ticks = np.arange(rng.integers(25, 45))
        values = rng.normal(size=(len(ticks), 105))
        values[:, :40] += 2 * np.sin(ticks * (0.4 if label else 1.6) + rng.uniform(0, 6))[:, None]
        return values.astype(np.float32)

    utterances = [
        Utterance(Path(f"{i}"), "emodb", "01", VOICE_LABELS[label]) for i, label in enumerate(labels)
    ]
    speech = replace(
        _speech(utterances, np.zeros((96, 3)), np.zeros(96, bool)), ticks=tuple(map(utterance, labels))
    )
    network = train_ticks(speech, VoiceRecipe(tick_epochs=12, batch=16))
    unheard = pad([utterance(label) for label in labels])
    for whole, ticks in branch_outputs(network):
        said = keras.Model(network.input, [whole, ticks]).predict_on_batch(unheard)
        assert np.mean(np.asarray(said[0]).argmax(axis=1) == labels) > 0.9
        on_average = (np.asarray(said[1]) * unheard[1][:, :, None]).sum(axis=1)
        assert np.mean(on_average.argmax(axis=1) == labels) > 0.9


def test_sequences_of_two_clips_are_mixed_as_far_as_both_go():
    clips: list[Any] = [
        SimpleNamespace(label=label, embeddings=np.full((length, 256), value, np.float32))
        for label, length, value in ((1, 80, 1.0), (4, 30, 3.0))
    ]
    recipe = FusionRecipe(batch=2)
    sequences = _Sequences(clips, None, recipe, lambda clip, _: clip.embeddings, 256, mixing=1.0)
    lengths, shares = set(), []
    for _ in range(20):
        (values, mask), targets = sequences[0]
        np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-6)
        for row, heard, target in zip(values, mask, targets, strict=True):
            lengths.add(int(heard.sum()))
            np.testing.assert_allclose(row[heard], target[1] + 3 * target[4], atol=1e-5)
            shares.append(target[1])
    assert lengths == {30, 80}
    assert 0.1 < np.std(shares) < 0.49


def test_nine_labels_of_the_voice_become_seven():
    rng = np.random.default_rng(0)
    answer = run_sequence(build_voice_tcn(), rng.normal(size=(40, 105)).astype(np.float32))
    assert answer.ticks.shape == (40, 9)
    np.testing.assert_allclose(np.exp(seven_labels(answer.ticks)).sum(axis=1), 1, atol=1e-5)


def test_long_sequences_in_parts_agree_with_one(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).normal(size=(500, 256)).astype(np.float32)
    network = build_face_gru()
    whole = run_sequence(network, values)
    monkeypatch.setattr("emoview.pipeline.inference._LONGEST_SEQUENCE", 125)
    parts = run_sequence(network, values)
    np.testing.assert_allclose(parts.ticks, whole.ticks, atol=0.02)
    np.testing.assert_allclose(parts.whole, whole.whole, atol=0.02)
    # However the ticks come, they are cut into the same parts.
    run = SequenceRun(network)
    for piece in np.split(values, [1, 30, 31, 290, 290, 499]):
        run.add(piece)
    by_pieces = run.end()
    np.testing.assert_array_equal(by_pieces.ticks, parts.ticks)
    np.testing.assert_array_equal(by_pieces.whole, parts.whole)


def test_parts_of_long_speech_say_what_the_whole_does(monkeypatch: pytest.MonkeyPatch):
    values = np.random.default_rng(0).normal(size=(500, 105)).astype(np.float32)
    # Louder by and by, so that what is usual differs from part to part.
    values += np.linspace(0, 4, 500, dtype=np.float32)[:, None]
    network = build_voice_tcn()
    whole = run_sequence(network, values)
    monkeypatch.setattr("emoview.pipeline.inference._LONGEST_SEQUENCE", 125)
    parts = run_sequence(network, values)
    assert whole.ticks.std(axis=0).min() > 0.01
    np.testing.assert_allclose(parts.ticks, whole.ticks, atol=1e-4)


def test_training_sequences_are_changed_and_mixed():
    rng = np.random.default_rng(0)
    sequences = tuple(rng.normal(size=(int(n), 105)).astype(np.float32) for n in rng.integers(20, 60, 40))
    targets = np.eye(9, dtype=np.float32)[rng.integers(0, 9, 40)]
    recipe = VoiceRecipe(batch=16, longest=30)
    scale = np.ones(105, np.float32)
    batches = SequenceBatches(sequences, targets, recipe, scale=scale, an_epoch=24, outputs=2)
    seen = 0
    for i in range(len(batches)):
        (values, mask), (whole, ticks) = batches[i]
        assert values.shape[:2] == mask.shape
        assert 15 <= mask.sum(axis=1).min() <= mask.sum(axis=1).max() <= 36
        np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-5)
        np.testing.assert_array_equal(whole, ticks)
        seen += len(values)
    assert seen == 24
    again = SequenceBatches(sequences, targets, recipe, scale=scale, an_epoch=24)
    np.testing.assert_array_equal(
        again[0][0][0], SequenceBatches(sequences, targets, recipe, scale=scale, an_epoch=24)[0][0][0]
    )


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


def test_sizes_of_the_networks():
    assert face_cnn().count_params() < 4e6
    assert build_voice_clip().count_params() + build_voice_tcn().count_params() < 3e6


def _speech(utterances: list[Utterance], functionals: np.ndarray, altered: np.ndarray) -> SpeechFeatures:
    ticks = (np.zeros((2, 105), np.float32),) * len(utterances)
    return SpeechFeatures(tuple(utterances), ticks, functionals.astype(np.float32), altered.astype(int))


def test_no_speaker_on_both_sides():
    people = [("ravdess", actor) for fold in RAVDESS_FOLDS for actor in fold]
    people += [("emodb", f"{i:02d}") for i in range(8)] + [("tess", "OAF"), ("tess", "YAF")]
    utterances = [Utterance(Path(f"{p}"), *p, "happy") for p in people for _ in range(3)]
    altered = np.arange(len(utterances)) % 3 == 2
    speech = _speech(utterances, np.zeros((len(utterances), 3)), altered)
    tested = []
    for actors, (train, test) in zip(RAVDESS_FOLDS, folds_of_all_corpora(speech), strict=True):
        one, other = ({utterances[i].person for i in np.flatnonzero(side)} for side in (train, test))
        assert not one & other
        assert {person for person in other if person.startswith("ravdess")} == {
            f"ravdess/{a}" for a in actors
        }
        assert not speech.altered[test].any()
        assert speech.altered[train].any()
        tested += sorted(other)
    assert sorted(tested) == sorted("/".join(person) for person in people)


@pytest.fixture(scope="module")
def voices() -> SpeechFeatures:
    """Functionals of three speakers in each of two corpora: what they are made of is in the test below."""
    rng = np.random.default_rng(0)
    utterances, rows = [], []
    for corpus in range(2):
        for speaker in range(3):
            whose = rng.normal(0, 2)
            for i in range(40):
                label = i % 2
                utterances.append(Utterance(Path("x"), f"c{corpus}", f"{speaker}", ("anger", "sad")[label]))
                side = 2 * label - 1
                row = rng.normal(0, 0.3, FUNCTIONALS)
                row[:1500] += side
                row[1500:3000] += side + whose
                row[3000:4500] += side * (1 - 2 * corpus)
                rows.append(row)
    return _speech(utterances, np.stack(rows), np.zeros(len(rows), bool))


def test_functionals_that_tell_of_strangers_count_for_more(voices: SpeechFeatures):
    values = voices.functionals
    found = steadiness(voices, values.mean(axis=0), values.std(axis=0))
    steady, of_speaker, of_corpus, noise = (
        part.mean() for part in (found[:1500], found[1500:3000], found[3000:4500], found[4500:])
    )
    assert 0.4 < steady < 0.6
    assert steady > 2 * of_speaker
    assert max(of_corpus, noise) < 0.05 < of_speaker
    # One corpus tells nothing of others, and one label nothing at all.
    first = voices.select(np.array([u.corpus == "c0" for u in voices.utterances]))
    assert steadiness(first, values.mean(axis=0), values.std(axis=0))[3000:4500].mean() > 0.3
    few = np.where(np.arange(FUNCTIONALS) < 200, values, 0).astype(np.float32)
    found = steadiness(_speech(list(voices.utterances), few, voices.altered), few.mean(0), few.std(0) + 1e-3)
    assert found[:200].min() > 0.5
    np.testing.assert_array_equal(found[200:], 0)
    angry = first.select(first.labels == first.labels[0])
    np.testing.assert_array_equal(steadiness(angry, values.mean(axis=0), values.std(axis=0)), 1)


def test_a_voice_network_is_the_mean_of_its_parts_with_what_counts_for_more_in_its_first_layer(
    voices: SpeechFeatures, monkeypatch: pytest.MonkeyPatch
):
    built, counted = [], []

    def noted(inputs: int, *, weights: np.ndarray | None = None, parts: int = 1) -> Any:
        built.append(build_voice_clip(inputs, weights=weights, parts=parts))
        counted.append(weights)
        return built[-1]

    monkeypatch.setattr("emoview.training.voice.build_voice_clip", noted)
    # Happiness is heard in rooms alone.
    happy = tuple(dataclasses.replace(u, label="happy") for u in voices.utterances)
    in_room = np.full(len(happy), Variant.ALTERED_IN_ROOM)
    rooms = dataclasses.replace(
        voices, utterances=happy, functionals=-2 * voices.functionals, variants=in_room
    )
    taught = joined([voices, rooms])
    network = train_clip(taught, VoiceRecipe(clip_epochs=4))
    *parts, one = built
    assert network is one
    says = [part.predict_on_batch(taught.functionals) for part in parts]
    says_happy = [
        (each[voices.functionals.shape[0] :].argmax(axis=1) == LABELS.index("happy")) for each in says
    ]
    assert not says_happy[0].any()
    assert says_happy[1].mean() > 0.3
    expected = np.mean(says, axis=0)
    np.testing.assert_allclose(network.predict_on_batch(taught.functionals), expected, atol=1e-4)
    assert np.ptp(expected) > 0.1
    assert [part.get_layer("hidden").units for part in built] == [160, 160, 320]
    assert counted[2] is None
    np.testing.assert_array_equal(counted[0], counted[1])
    assert np.square(counted[0]).mean() == pytest.approx(1, abs=1e-3)
    assert counted[0][:1500].mean() > 3 * counted[0][1500:3000].mean()
    train_clip(voices, VoiceRecipe(clip_epochs=1, steadiness=0.0))
    np.testing.assert_allclose(counted[3], 1)


def test_a_rule_for_voices_is_measured_on_other_speakers(tmp_path: Path):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(9), 40)
    people = np.array([f"{('ravdess', 'emodb')[i // 9 % 2]}/{i // 18:02d}" for i in range(360)])
    people[labels == 8] = "emodb/00"
    clip, tcn = rng.normal(0, 1, (2, 360, 9)).astype(np.float32)
    clip[np.arange(360), labels] += 3
    told = VoiceAnswers(people, labels, np.arange(360) // 72, clip, tcn)
    told.save(tmp_path / "told.npz")
    read = VoiceAnswers.read(tmp_path / "told.npz")
    told = VoiceAnswers.joined([read.select(read.folds < 2), read.select(read.folds >= 2)])
    np.testing.assert_array_equal(told.people, people)
    weights = told.rule().weights
    assert weights["voice_clip"].mean() > 5 * abs(weights["voice_tcn"].mean())
    figures = told.figures()
    assert figures["speakers"].examples == 360
    assert figures["speakers"].accuracy.value > 80
    assert figures["speakers"].labels == LABELS
    assert figures["speakers_emodb"].examples + figures["speakers_ravdess"].examples == 360
    eight = figures["ravdess"]
    assert eight.labels == (*LABELS, "calm")
    assert eight.recalls["calm"].value > 60
    assert (
        figures["ravdess_voice_clip"].accuracy.value > 80 > 30 > figures["ravdess_voice_tcn"].accuracy.value
    )
    # Heard otherwise, the rule stays that of what was told: it counts on the network that tells nothing now.
    otherwise = VoiceAnswers(people, labels, told.folds, tcn, clip)
    assert otherwise.figures()["speakers"].accuracy.value > 80
    assert otherwise.figures(told)["speakers"].accuracy.value < 40
    # Where each half is told by another network, a rule from the other half knows nothing.
    half = np.arange(360) // 180
    noise = rng.normal(0, 1, (360, 9)).astype(np.float32)
    one, other = (np.where((half == i)[:, None], clip, noise) for i in range(2))
    turned = VoiceAnswers(people, labels, half, one, other)
    assert turned.figures()["speakers"].accuracy.value < 40


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
    models = ("face_cnn", "face_gru", "voice_tcn", "voice_clip", "early")
    for actor in range(8):
        shuffled = rng.permutation(7)
        for i in range(42):
            label = i % 7
            logits = {m: rng.normal(size=7).astype(np.float32) for m in models}
            logits["face_cnn"] = 5 * np.eye(7, dtype=np.float32)[shuffled[label]]
            answers.append(ClipLogits(label, str(actor), logits))
    figures = measure(answers).models
    assert figures["late_both"].accuracy.value < 35
    uar = figures["late_both"].uar
    assert uar.low < uar.value < uar.high


def test_the_rule_of_the_voice_is_fitted_on_other_voices(monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(7), 20)
    speakers = ("javanese/1", "javanese/2", "ravdess/1", "ravdess/2")
    people = np.repeat(speakers, 35)
    clip, tcn = rng.normal(0, 1, (2, 140, 9)).astype(np.float32)
    voices = spoken(VoiceAnswers(people, labels, np.zeros(140, int), clip, tcn), corpus="javanese")
    assert [voice.label for voice in voices] == labels.tolist()
    np.testing.assert_allclose(np.exp(voices[3].logits["voice_tcn"]).sum(), 1, rtol=1e-5)
    clips = []
    for i in range(63):
        logits = {m: rng.normal(size=7).astype(np.float32) for m in (*MODELS, "early")}
        clips.append(ClipLogits(i % 7, str(i % 3 + 1), logits))
    learned_from = []

    def noted(answers: Sequence[ClipLogits], models: Sequence[str]) -> LateFusion:
        learned_from.append((tuple(models), len(answers), {a.actor for a in answers}))
        return fit_rule(answers, models)

    monkeypatch.setattr("emoview.training.fusion_rules.fit_rule", noted)
    measure(clips, voices)
    by_rule = {models: [what for m, *what in learned_from if m == models] for models in RULES.values()}
    # First one actor after the other without a baseline, then with one.
    assert by_rule[RULES["voice"]][:3] == [
        [105, {"2", "ravdess/1", "ravdess/2"}],
        [105, {"1", "ravdess/1", "ravdess/2"}],
        [140, {"1", "2", "ravdess/1", "ravdess/2"}],
    ]
    from_clips = [[42, {"2", "3"}], [42, {"1", "3"}], [42, {"1", "2"}]]
    assert by_rule[RULES["voice"]][3:] == from_clips
    assert by_rule[RULES["both"]] == by_rule[RULES["face"]] == 2 * from_clips


def test_no_voice_network_speaks_of_an_actor_it_has_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Loaded:
        name = ""

    def load(model: Loaded, file: Path, _: str) -> None:
        model.name = file.name

    def describe(clip: Any, _: Any, voice_clip: Loaded, tcn: Loaded) -> tuple[str, str, str]:
        return clip.actor, voice_clip.name, tcn.name

    monkeypatch.setattr("emoview.training.ship.build_voice_clip", Loaded)
    monkeypatch.setattr("emoview.training.ship.build_voice_tcn", Loaded)
    monkeypatch.setattr("emoview.training.ship.load_weights", load)
    monkeypatch.setattr("emoview.training.fusion.describe", describe)
    people = np.array(["javanese/01", "javanese/02", "ravdess/02", "javanese/03"])
    nothing = np.zeros((4, 9), np.float32)
    told = VoiceAnswers(people, np.zeros(4, int), np.array([3, 0, 1, 3]), nothing, nothing)
    clips = [SimpleNamespace(actor=actor, file=SimpleNamespace(path="x")) for actor in ("01", "02", "03")]
    found: list[Any] = _described(clips, None, tmp_path, told)
    files = {i: (f"voice_clip_fold_{i}.weights.h5", f"voice_tcn_fold_{i}.weights.h5") for i in (0, 3)}
    assert sorted(found) == [("01", *files[3]), ("02", *files[0]), ("03", *files[3])]
    with pytest.raises(InputError, match="actor 04"):
        _described(
            [*clips, SimpleNamespace(actor="04", file=SimpleNamespace(path="x"))], None, tmp_path, told
        )
    with pytest.raises(InputError, match="train the voice there first"):
        ship_fusion(tmp_path, tmp_path, tmp_path, on_event=print)


def test_networks_ship_in_half_precision(tmp_path: Path):
    rng = np.random.default_rng(0)
    network = build_voice_tcn()
    # What half precision cannot hold, and what would not shrink the file, stays as it is.
    set_normalisation(network, np.full(105, 1e5), np.full(105, 1e6))
    # Longer than what is around a tick.
    inputs = 1e5 + 1e3 * rng.standard_normal((1, 200, 105)).astype(np.float32)
    mask = np.ones((1, 200), bool)
    exact = [np.asarray(part) for part in network.predict_on_batch((inputs, mask))]
    network.save_weights(tmp_path / "exact.weights.h5")
    _ship(network, "voice_tcn", tmp_path)
    file = tmp_path / "voice_tcn.weights.h5"
    assert file.stat().st_size < 0.6 * (tmp_path / "exact.weights.h5").stat().st_size
    assert (tmp_path / "voice_tcn.onnx").stat().st_size < 0.6 * (tmp_path / "exact.weights.h5").stat().st_size
    again = build_voice_tcn()
    again.load_weights(file)
    for stored, weight in zip(again.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(stored, weight)
    shipped_network = OnnxNetwork(tmp_path / "voice_tcn.onnx")
    for says in (again, shipped_network):
        for found, expected in zip(says.predict_on_batch((inputs, mask)), exact, strict=True):
            assert 0 < np.abs(found - expected).max() < 5e-3 * np.abs(expected).max()
    one, other = (says.predict_on_batch((inputs, mask))[1] for says in (again, shipped_network))
    np.testing.assert_allclose(one, other, atol=1e-4)
    kernel = network.get_layer("logits_0").kernel
    kernel.assign(np.full(kernel.shape, 1e6))
    with pytest.raises(ValueError, match="beyond the range"):
        round_to_half(network)


@pytest.mark.parametrize("model", BUILDERS)
def test_both_engines_say_the_same(model: str):
    rng = np.random.default_rng(0)
    keras_network, onnx_network = (load(model, engine) for engine in (Engine.KERAS, Engine.ONNX))
    if model == "face_cnn":
        inputs = rng.random((4, 48, 48, 1), dtype=np.float32)
    elif model == "face_votes":
        inputs = rng.random((4, 256), dtype=np.float32)
    elif model.startswith("voice_clip"):
        inputs = _like_its_inputs(keras_network, 8, rng)
        # As in a recording of another kind, where a value that hardly varied is far from where it was.
        inputs[0, :5] = 1e6
    else:
        values = _like_its_inputs(keras_network, 250, rng)[None]
        values[:, 200:] = 0
        inputs = (values, np.arange(250)[None] < 200)
    one, other = (network.predict_on_batch(inputs) for network in (keras_network, onnx_network))
    if model.startswith("voice_clip") or model == "face_votes":
        one, other = [one], [other]
    for expected, found in zip(one, other, strict=True):
        expected, found = np.array(expected), np.array(found)
        if expected.ndim == 3:
            expected, found = expected[:, :200], found[:, :200]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
        assert np.abs(expected).max() < 100


def _like_its_inputs(network: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `(count, n)` values with the mean and deviation of those that a network was trained on."""
    layer = network.get_layer("normalise")
    mean, variance = (np.asarray(part).ravel() for part in (layer.adapt_mean, layer.adapt_variance))
    # The networks that ship were told what they take.
    assert mean.any()
    return (mean + np.sqrt(variance) * rng.normal(size=(count, len(mean)))).astype(np.float32)


def test_nothing_is_averaged_across_a_gap():
    values = np.repeat([[0.0], [1.0]], 30, axis=0)
    assert 0.2 < smooth(values)[29, 0] < 0.5
    near, far = (np.arange(60) + gap * (np.arange(60) >= 30) for gap in (5, 50))
    np.testing.assert_array_equal(smooth(values, near), smooth(values))
    np.testing.assert_array_equal(smooth(values, far), values)


def test_views_turn_and_mirror_a_face():
    face = np.zeros((96, 96), np.uint8)
    face[20:28, 68:76] = 255
    for view in STILL_VIEWS:
        shown = seen(face, view)
        assert shown.shape == (view.side, view.side, 1)
        place = np.argwhere(shown[..., 0] > 0.5).mean(axis=0)
        right, up = (-0.25 if view.mirrored else 0.25), 0.25
        radians = np.radians(view.angle)
        turned = (
            right * np.cos(radians) - up * np.sin(radians),
            right * np.sin(radians) + up * np.cos(radians),
        )
        middle = (view.side - 1) / 2
        expected = [middle - view.side * turned[1], middle + view.side * turned[0]]
        np.testing.assert_allclose(place, expected, atol=0.7)
    for views in (VIEWS, STILL_VIEWS):
        assert len(set(views)) == len(views)
        assert sum(view.angle for view in views) == 0
        assert sum(view.mirrored for view in views) == len(views) / 2


def test_a_face_is_seen_in_all_views_and_one_of_a_video_in_its_ticks_own():
    faces = list(np.random.default_rng(0).integers(0, 255, (40, 64, 64), dtype=np.uint8))
    network = load("face_cnn", Engine.ONNX)
    views = np.stack([run_faces(network, faces[:4], np.full(4, view))[1] for view in range(len(VIEWS))])
    assert np.abs(views - views[0]).max(axis=(1, 2))[1:].min() > 0.01
    every = run_faces(network, faces)[1]
    largest = [
        [network.predict_on_batch(seen(face, view)[None])[1][0] for face in faces[:4]]
        for view in STILL_VIEWS[len(VIEWS) :]
    ]
    np.testing.assert_allclose(every[:4], np.concatenate([views, largest]).mean(axis=0), atol=1e-4)
    ticks = np.arange(3, 43)
    one = run_faces(network, faces, ticks)[1]
    np.testing.assert_allclose(one[:4], [views[3 + i, i] for i in range(4)], atol=1e-4)
    # The second batch starts at tick 35.
    again = run_faces(network, faces[32:], ticks[32:])[1]
    np.testing.assert_allclose(one[32:], again, atol=1e-4)
