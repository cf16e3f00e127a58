"""Systems trained on pictures: run folders, going on after a stop, splits, and use."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Make
from expected import PLAIN
from trained import quiet, read_history_of, trained

from emoview import LABELS, InputError, analyze
from emoview.datasets.pictures import open_pictures
from emoview.networks.runs import Run, load_network, networks_of, read_metrics, read_run
from emoview.training.augmentation import augmented_face, augmented_resize
from emoview.training.batches import DecodedPictures
from emoview.training.label_groups import group_names, grouped, regrouped
from emoview.training.systems.catalog import SYSTEMS, system_named
from emoview.training.systems.pictures import (
    dropout_of,
    input_shape,
    split_pictures,
)


def test_a_run_learns_and_says_how(picture_run: Path):
    facts = read_run(picture_run)
    assert facts["system"] == "frame-cnn"
    assert facts["config"]["network"] == "frame-cnn"
    assert facts["versions"]["keras"]
    metrics = read_metrics(picture_run)
    assert metrics["frame-cnn"]["accuracy"]["value"] > 50
    assert metrics["frame-cnn"]["examples"] == 42
    assert metrics["frame-cnn, 3 labels after training"]["labels"] == ["neutral", "negative", "positive"]
    for name in ("frame-cnn-curves.png", "frame-cnn-figures.png"):
        assert cv2.imread(str(picture_run / name)) is not None
    history = read_history_of(picture_run / "frame-cnn")
    for of in ("", "validation_"):
        assert history[-1][f"{of}accuracy"] > history[0][f"{of}accuracy"]
        assert history[-1][f"{of}loss"] < history[0][f"{of}loss"]
    (network,) = networks_of(picture_run)
    assert (network.size, network.colour, network.labels) == (48, False, LABELS)


def test_stopped_and_resumed_equals_uninterrupted(faces: Path, tmp_path: Path):
    changes = {"network": "frame-cnn", "batch": 16, "plan": {"epochs": 3, "rate": 1e-3, "keep": "last"}}
    whole = trained("frame-cnn", faces, tmp_path / "whole", **changes)

    class StoppedError(Exception):
        pass

    def stop(event: Any) -> None:
        # In the middle of the second epoch.
        if event.get("step") == 4 and len(read_history_of(tmp_path / "parts" / "frame-cnn")) == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        trained("frame-cnn", faces, tmp_path / "parts", stop, **changes)
    parts = trained("frame-cnn", faces, tmp_path / "parts", **changes)
    losses = [[row["loss"] for row in read_history_of(run / "frame-cnn")] for run in (whole, parts)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    assert len(losses[1]) == 3
    with pytest.raises(InputError, match="another config"):
        trained("frame-cnn", faces, tmp_path / "parts", **{**changes, "batch": 8})
    file = tmp_path / "parts" / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "backend": "another"}))
    with pytest.raises(InputError, match="another backend"):
        trained("frame-cnn", faces, tmp_path / "parts", **changes)


def test_a_picture_run_stands_in_for_the_face(picture_run: Path, made: Make):
    result = analyze(made(PLAIN), weights=picture_run)
    names = {weight.name for weight in result.weights}
    assert "face/frame-cnn.keras" in names
    assert not any(name.startswith("face_") for name in names)
    assert result.overall.face is not None
    assert sum(result.overall.face.probabilities) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="early fusion"):
        analyze(made(PLAIN), weights=picture_run, fusion="early")
    with pytest.raises(InputError, match="no run folder"):
        analyze(made(PLAIN), weights=made(PLAIN).parent)


def test_hinge_is_learned_and_taken_up_again(faces: Path, tmp_path: Path):
    changes = {"network": "frame-cnn", "batch": 16, "loss": "hinge", "delta": 2.0}
    for epochs in (1, 3):
        options = system_named("frame-cnn").options({**changes, "plan": {"epochs": epochs, "rate": 1e-3}})
        run = Run(tmp_path / str(epochs), "frame-cnn", options, faces)
        if epochs == 3:
            shutil.copytree(tmp_path / "1" / "frame-cnn", tmp_path / "3" / "frame-cnn")
        system_named("frame-cnn").train(options, faces, run, quiet)
    history = read_history_of(tmp_path / "3" / "frame-cnn")
    assert len(history) == 3
    assert history[-1]["loss"] < history[0]["loss"]
    assert read_metrics(tmp_path / "3")["frame-cnn"]["accuracy"]["value"] > 30


def test_shallow_deep_has_the_settings_of_its_work():
    """System E, sections 6.2.2, 7.1 and 8.1."""
    system = SYSTEMS["shallow-deep"]
    options = system.options({})
    assert (options.network, options.preparation, options.loss) == ("bkvgg12", "both", "cross-entropy")
    assert (options.plan.optimizer, options.plan.rate, options.plan.schedule) == ("adadelta", 1.0, "constant")
    shapes = {
        name: input_shape(system.options({"network": name})) for name in ("bkmin", "resnet18", "andreas100")
    }
    assert shapes == {"bkmin": (42, 42, 1), "resnet18": (42, 42, 1), "andreas100": (100, 100, 3)}
    changed = system.options({"network": "densenet121", "size": 100, "colour": True, "dropout": [0, 0, 0, 0]})
    assert input_shape(changed) == (100, 100, 3)
    assert changed.dropout == (0, 0, 0, 0)
    # Rising, unless something else is asked for.
    for name, stages in (("resnet18", 4), ("densenet161-reduced", 3), ("densenet-small", 3)):
        assert dropout_of(system.options({"network": name})) == (0.05, 0.2, 0.2, 0.3)[:stages]
    assert dropout_of(system.options({"network": "resnet18", "dropout": 0.1})) == 0.1
    assert dropout_of(system.options({"network": "bkmin"})) is None


def test_shallow_deep_learns(faces: Path, tmp_path: Path):
    run = trained(
        "shallow-deep", faces, tmp_path, network="bkmin", batch=16, augmentation="none", colour=True,
        dropout=[0, 0, 0.2], plan={"epochs": 6},
    )  # fmt: skip
    assert read_metrics(run)["bkmin"]["accuracy"]["value"] > 40
    assert networks_of(run)[0].colour
    network = load_network(run, networks_of(run)[0])
    assert network.input_shape == (None, 42, 42, 3)


def test_no_duplicate_stands_on_both_sides(faces: Path, tmp_path: Path):
    for part in ("train", "valid"):
        for label in LABELS:
            (tmp_path / part / label).mkdir(parents=True)
            for source in sorted((faces / part / label).iterdir()):
                (tmp_path / part / label / source.name).write_bytes(source.read_bytes())
    same = (tmp_path / "valid" / "sad" / "0.png").read_bytes()
    (tmp_path / "train" / "sad" / "again.png").write_bytes(same)
    for how in ("given", "random"):
        pictures, (train, choose, test) = split_pictures(tmp_path, how, seed=1)
        digests = pictures.digests()
        sides = [{digests[i] for i in part} for part in (train, choose, test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]


def test_groups_of_labels():
    assert group_names(3) == ("neutral", "negative", "positive")
    assert grouped(np.arange(7), 2).tolist() == [0, 0, 0, 0, 1, 0, 0]


def test_changed_pictures_keep_their_shape_and_range(faces: Path):
    pictures = DecodedPictures.of(open_pictures(faces, "valid"), size=48, colour=True)
    rng = np.random.default_rng(0)
    for result in (augmented_face(pictures[0], 40, rng), augmented_resize(pictures[0], rng)):
        assert result.shape[-1] == 3
        assert 0 <= result.min() < result.max() <= 1


def test_head_first_then_all_from_another_run(picture_run: Path, faces: Path, tmp_path: Path):
    run = trained(
        "frame-cnn", faces, tmp_path / "tuned", network="frame-cnn", batch=16, start=str(picture_run),
        head_epochs=1, plan={"epochs": 1, "rate": 1e-5},
    )  # fmt: skip
    before = read_metrics(picture_run)["frame-cnn"]["accuracy"]["value"]
    assert read_metrics(run)["frame-cnn"]["accuracy"]["value"] > before - 15
    assert len(read_history_of(run / "frame-cnn-head")) == 1
    with pytest.raises(InputError, match="holds another network than bkmin"):
        trained(
            "frame-cnn",
            faces,
            tmp_path / "other",
            start=str(picture_run),
            network="bkmin",
            plan={"epochs": 1},
        )


def test_groups_after_training_are_decided_by_their_sums():
    # Happy leads, but anger, fear and sadness together outweigh it.
    probabilities = np.array([[0.1, 0.2, 0.0, 0.2, 0.3, 0.2, 0.0]])
    assert regrouped(probabilities, np.array([LABELS.index("sad")]), 3).accuracy.value == 100


def test_normalisation_that_only_helps_to_learn_leaves_the_published_network(faces: Path, tmp_path: Path):
    changes = {"batch": 16, "batch_norm": True, "plan": {"epochs": 2, "rate": 1e-3}}
    run = trained("shallow-deep", faces, tmp_path / "run", network="bkvgg12", **changes)
    (network,) = networks_of(run)
    assert network.parameters == 3_468_007 + 2 * 42 * 42  # mean and spread of each pixel
    kinds = {type(layer).__name__ for layer in load_network(run, network).layers[-1].layers}
    assert "Conv2D" in kinds
    assert "BatchNormalization" not in kinds
    # It may begin with what another one learned.
    again = trained("shallow-deep", faces, tmp_path / "more", network="bkvgg12", start=str(run), **changes)
    assert networks_of(again)[0].parameters == network.parameters
    with pytest.raises(InputError, match="resnet18 has no option batch_norm"):
        trained("shallow-deep", faces, tmp_path / "none", network="resnet18", **changes)
