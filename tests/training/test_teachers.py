"""What other networks say of pictures, learned from beside their labels."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from trained import read_history_of, said_by, trained

from emoview import InputError
from emoview.fusion.late import softmax
from emoview.networks.runs import load_network, networks_of
from emoview.pipeline.models import Models
from emoview.training.batches import DecodedPictures, picture_batches
from emoview.training.systems.catalog import system_named
from emoview.training.systems.pictures import opened, targets_of


def test_a_teacher_counts_beside_the_labels(
    picture_run: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    options = system_named("shallow-deep").options({"teacher": str(picture_run), "teacher_share": 0.25})
    pictures, parts = opened(options, faces)
    (targets,) = targets_of(pictures, pictures.labels, parts[0], options, tmp_path)
    plain = np.eye(7, dtype=np.float32)[pictures.labels]
    np.testing.assert_allclose(targets.sum(axis=1), 1, atol=1e-5)
    # What is measured, or chooses the epoch, keeps its label.
    others = np.setdiff1d(np.arange(len(pictures)), parts[0])
    np.testing.assert_array_equal(targets[others], plain[others])
    said = (targets - 0.75 * plain)[parts[0]] / 0.25
    (network,) = networks_of(picture_run)
    shown = [pictures.picture(int(i), size=48)[..., None] / np.float32(255) for i in parts[0][:5]]
    logits = network.scale * said_by(load_network(picture_run, network), np.stack(shown))
    np.testing.assert_allclose(said[:5], softmax(logits), atol=1e-4)
    changes = {
        "network": "bkmin",
        "batch": 16,
        "teacher": str(picture_run),
        "plan": {"epochs": 1, "rate": 1e-3},
    }
    run = trained("shallow-deep", faces, tmp_path / "run", **changes)
    assert read_history_of(run / "bkmin")[0]["loss"] > 0
    # A training that goes on asks nobody again, but about other pictures; what is damaged is refused.
    monkeypatch.setattr("emoview.training.systems.pictures.taught", lambda *_: pytest.fail("asked again"))
    again = targets_of(pictures, pictures.labels, parts[0], options, tmp_path)
    np.testing.assert_array_equal(again[0], targets)
    with pytest.raises(pytest.fail.Exception):
        targets_of(pictures, pictures.labels, parts[0][:-1], options, tmp_path)
    # It is the same teacher in another folder, and another one in the same folder.
    moved = replace(options, teacher=str(shutil.copytree(picture_run, tmp_path / "moved")))
    targets_of(pictures, pictures.labels, parts[0], moved, tmp_path)
    facts = (tmp_path / "moved" / "run.json").read_text()
    (tmp_path / "moved" / "run.json").write_text(re.sub(r'"scale": [^,\s]+', '"scale": 9.5', facts))
    with pytest.raises(pytest.fail.Exception):
        targets_of(pictures, pictures.labels, parts[0], moved, tmp_path)
    (tmp_path / "taught.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match="taught"):
        targets_of(pictures, pictures.labels, parts[0], options, tmp_path)


def test_a_teacher_is_asked_about_each_view_that_is_learned_from(
    picture_run: Path, faces: Path, tmp_path: Path
):
    asked = {"teacher": str(picture_run), "teacher_share": 1, "teacher_views": 3, "augmentation": "face"}
    options = system_named("shallow-deep").options({**asked, "size": 48})
    pictures, parts = opened(options, faces)
    targets = targets_of(pictures, pictures.labels, parts[0], options, tmp_path)
    assert targets.shape == (3, len(pictures), 7)
    (network,) = networks_of(picture_run)
    model = load_network(picture_run, network)
    decoded = DecodedPictures.of(pictures, size=48, colour=False)
    batches: dict[int, np.ndarray] = {}
    # The teacher sees pictures of 48 pixels, too: what it said is what it says of those that are shown.
    for epoch in range(4):
        batches[epoch], index = next(
            picture_batches(
                decoded, parts[0], batch=8, augmentation="face", seed=options.seed, epoch=epoch, views=3
            )
        )
        said = softmax(network.scale * said_by(model, batches[epoch]))
        np.testing.assert_allclose(targets[epoch % 3, index], said, atol=1e-4)
    # Another view, and then the same ones again, whatever the order.
    shown = [
        np.concatenate(
            [
                values[np.argsort(index)]
                for values, index in picture_batches(
                    decoded, parts[0][:6], batch=6, augmentation="face", seed=1, epoch=epoch, views=3
                )
            ]
        )
        for epoch in range(4)
    ]
    np.testing.assert_array_equal(shown[0], shown[3])
    assert np.abs(shown[0] - shown[1]).max() > 0.1
    # Answers about other views are not taken for these.
    other = replace(options, seed=2)
    assert np.abs(targets_of(pictures, pictures.labels, parts[0], other, tmp_path) - targets).max() > 1e-3


def test_the_network_that_ships_answers_changed_pictures(faces: Path, tmp_path: Path):
    options = system_named("shallow-deep").options({
        "teacher": "shipped", "teacher_share": 1, "teacher_views": 2, "augmentation": "flip",
    })  # fmt: skip
    pictures, parts = opened(options, faces)
    some = parts[0][:4]
    views = targets_of(pictures, pictures.labels, some, options, tmp_path)[:, some]
    grey = [pictures.original(int(i), colour=False) for i in some]
    shown = np.stack([cv2.resize(one, (64, 64)) for one in grey])[..., None] / np.float32(255)
    both = [softmax(Models().face_cnn.predict_on_batch(x)[1]) for x in (shown, shown[:, :, ::-1].copy())]
    for said in views:
        for row in range(len(some)):
            assert min(np.abs(said[row] - answers[row]).max() for answers in both) < 1e-3


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"teacher": None, "teacher_views": 2}, "teacher_views needs a teacher"),
        ({"labels": 3}, "tells neutral, anger.* not neutral, negative"),
        ({"teacher": "shipped", "labels": 2}, "the teacher shipped tells neutral"),
        ({"teacher": "nowhere"}, "no run folder"),
    ],
)
def test_teachers_that_cannot_teach_are_refused(
    changes: dict[str, Any], said: str, picture_run: Path, faces: Path, tmp_path: Path
):
    with pytest.raises(InputError, match=said):
        trained("shallow-deep", faces, tmp_path / "run", **{"teacher": str(picture_run), **changes})
