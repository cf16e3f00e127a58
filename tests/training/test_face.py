"""Training of the face network: pictures, teachers, resuming, and shipping."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import ffmpeg

from emoview import LABELS
from emoview.errors import InputError
from emoview.face.align import align, box_of
from emoview.face.find import FaceFinder
from emoview.fusion.late import softmax
from emoview.networks.face_cnn import face_cnn, with_votes
from emoview.networks.shipped import BUILDERS
from emoview.pipeline.engines import Engine, load, weight_of
from emoview.training.covers import covered_face
from emoview.training.face import FaceRecipe, Round, take_shipped, targets_of, train_face
from emoview.training.pictures import AugmentedBatches, Pictures, read_faces7, read_fer2013, with_cut_out
from emoview.training.ship import ship_face


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
    deeper = Round(((2, 40),), rate=2e-3, own=0.5, smoothing=0.0, cut_out=0.5, depths=(1, 1, 1, 2))
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


@pytest.mark.parametrize("black", [False, True])
def test_what_covers_a_face_leaves_the_black_around_it_and_most_of_the_face(black: bool):
    face = np.full((48, 48), 120, np.uint8)
    if black:
        face[:] = 0
        cv2.ellipse(face, (24, 24), (17, 23), 0, 0, 360, 120, -1)
    changed = []
    for seed in range(40):
        covered = covered_face(face, np.random.default_rng(seed))
        assert covered.shape == face.shape
        assert covered.dtype == np.uint8
        if black:
            around = cv2.dilate(face, np.ones((3, 3), np.uint8)) == 0
            assert not covered[around].any()
        changed.append(float(np.mean(np.abs(covered.astype(int) - face) > 8)))
    assert 0.02 < np.mean(changed) < 0.5
    assert max(changed) < 0.75


def test_a_share_of_a_batch_is_covered_and_the_rest_is_as_without(data: Path):
    pictures = read_fer2013(data / "fer2013", "train", size=48)
    plain, covered = (
        AugmentedBatches(pictures, batch=27, sides=(48,), seed=1, epoch=0, covered=share)[0][0]
        for share in (0.0, 0.4)
    )
    same = np.array([np.array_equal(a, b) for a, b in zip(plain, covered, strict=True)])
    assert 0.3 < same.mean() < 0.9


def test_the_last_round_alone_starts_from_what_ships():
    model = with_votes(face_cnn())
    take_shipped(model, weight_of("face_cnn", Engine.KERAS).path.parent)
    faces = np.random.default_rng(0).random((2, 48, 48, 1), np.float32)
    logits, _ = model.predict(faces, verbose=0)
    _, shipped = load("face_cnn", Engine.ONNX).predict_on_batch(faces)
    np.testing.assert_allclose(logits, shipped, atol=1e-3)


def test_a_run_of_another_recipe_is_not_taken_for_this_ones(tmp_path: Path):
    run = tmp_path / "face"
    run.mkdir()
    (run / "recipe.json").write_text(json.dumps({"rounds": []}))
    (run / "checkpoint.keras").write_bytes(b"learned by another recipe")
    with pytest.raises(InputError, match="another recipe"):
        train_face(tmp_path, run)
    assert json.loads((run / "recipe.json").read_text()) == {"rounds": []}
