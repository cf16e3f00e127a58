"""Picture systems that tell contempt, too, and what becomes of their runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Make
from trained import quiet, trained

from emoview import InputError, analyze
from emoview.evaluation.faces import _grouped, evaluate_faces
from emoview.evaluation.raters import _groups_of
from emoview.evaluation.seen import SeenCheck
from emoview.networks.runs import networks_of, read_metrics
from emoview.timeline.labels import FACE_LABELS, LABELS
from emoview.training.label_groups import group_names, grouped, regrouped
from emoview.training.systems.catalog import system_named
from emoview.training.systems.pictures import opened

SMALL = {"network": "bkmin", "batch": 8, "plan": {"epochs": 1}}


@pytest.fixture(scope="module")
def eight(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures of `faces`, some with contempt beside them."""
    folder = tmp_path_factory.mktemp("eight") / "faces"
    shutil.copytree(faces, folder)
    rng = np.random.default_rng(3)
    for part, count in (("train", 20), ("valid", 6)):
        (folder / part / "contempt").mkdir()
        for i in range(count):
            image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
            image[:, 40:] = 255
            cv2.imwrite(str(folder / part / "contempt" / f"{i}.png"), image)
    return folder


@pytest.fixture(scope="module")
def run(eight: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "run"
    return trained("shallow-deep", eight, folder, **SMALL, labels=8)


def test_eight_labels_are_learned_and_measured(run: Path, eight: Path, faces: Path):
    (network,) = networks_of(run)
    assert network.labels == FACE_LABELS
    measured = read_metrics(run)
    assert measured["bkmin"]["labels"] == list(FACE_LABELS)
    assert measured["bkmin"]["examples"] == 48
    for count, name in ((3, "negative"), (2, "other")):
        classes = measured[f"bkmin, {count} labels after training"]["classes"]
        # Anger, disgust, fear, sadness and contempt; of two all but happiness.
        assert classes[name]["support"] == 6 * {3: 5, 2: 7}[count]
    again = evaluate_faces(str(run), eight, "valid", truth="original", on_event=quiet)["bkmin"]
    assert again.labels == FACE_LABELS
    assert again.confusion == tuple(map(tuple, measured["bkmin"]["confusion"]))
    without = evaluate_faces(str(run), faces, "valid", truth="original", on_event=quiet)["bkmin"]
    assert (without.examples, without.labels) == (42, FACE_LABELS)


def test_networks_of_seven_labels_are_not_asked_about_it(picture_run: Path, eight: Path):
    check = SeenCheck("include")
    known = evaluate_faces(str(picture_run), eight, "valid", truth="original", on_event=quiet, check=check)[
        "frame-cnn"
    ]
    assert (known.examples, known.labels) == (42, LABELS)
    assert check.counts["frame-cnn"] == (0, 42)


def test_of_groups_it_is_negative_in_training_and_measuring(eight: Path):
    for count, shown, name, of in ((3, 208, "negative", 130), (2, 208, "other", 182), (7, 182, "sad", 26)):
        pictures, _ = opened(system_named("shallow-deep").options({"labels": count}), eight)
        assert len(pictures) == shown
        groups = grouped(pictures.labels, count)
        assert np.sum(groups == group_names(count).index(name)) == of
        if count < 7:
            assert _grouped(group_names(count), pictures.labels)[1].tolist() == groups.tolist()


def test_where_no_picture_shows_it_eight_labels_are_refused(faces: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"^No picture of .* shows contempt, .* set labels=7[^\n]*$"):
        trained("shallow-deep", faces, tmp_path / "run", **SMALL, labels=8)
    assert not (tmp_path / "run" / "bkmin").exists()
    with pytest.raises(InputError, match="no votes"):
        trained("shallow-deep", faces, tmp_path / "votes", **SMALL, truth="votes")


def test_a_timeline_says_that_it_cannot_hold_it(run: Path, made: Make):
    result = analyze(made("plain.mp4"), weights=run, modality="face")
    assert sum("contempt" in warning for warning in result.warnings) == 1
    assert sum(result.overall.face.probabilities) == pytest.approx(1, abs=1e-5)


def test_probabilities_of_groups_are_sums_with_it():
    probabilities = np.array([[0.3, 0, 0, 0, 0.3, 0, 0, 0.4]])
    assert group_names(3) == ("neutral", "negative", "positive")
    assert grouped(np.arange(8), 3).tolist() == [0, 1, 1, 1, 2, 1, 0, 1]
    assert regrouped(probabilities, np.array([7]), 3).accuracy.value == 100
    # Beside raters in seven labels, a network of eight says the most probable of the seven.
    assert _groups_of(FACE_LABELS, 7)[7].tolist() == [0] * 7
    assert _groups_of(FACE_LABELS, 3)[7].tolist() == [0, 0, 1]
