"""System A: image and landmarks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from trained import trained

from emoview.networks.runs import load_network, networks_of, read_metrics
from emoview.training.systems.catalog import SYSTEMS
from emoview.training.systems.image_landmark import SHARES
from emoview.training.systems.pictures import (
    split_pictures,
)


def test_image_landmark_is_trained_as_published():
    """System A, sections 5.2.2 to 5.2.4, listings 4 and 6."""
    options = SYSTEMS["image-landmark"].options({})
    plans = [options.image, options.landmark, options.decisions, options.features]
    assert [plan.epochs for plan in plans] == [16] * 4
    assert [plan.rate for plan in plans] == [1e-4, 1e-3, 5e-4, 5e-5]
    assert {plan.optimizer for plan in plans} == {"adam"}
    assert [plan.schedule for plan in plans] == ["step", "plateau", "constant", "constant"]
    assert [options.image.rate_at(epoch, []) for epoch in (9, 10)] == pytest.approx([1e-4, 2e-5])
    landmark = options.landmark
    assert (landmark.watch, landmark.factor, landmark.patience) == ("loss", 0.2, 5)
    assert options.batch == 32


def test_image_landmark_learns_from_seven_tenths(faces: Path):
    pictures, (train, choose, test) = split_pictures(faces, "random", 1, SHARES)
    assert [round(len(part) / len(pictures), 1) for part in (train, choose, test)] == [0.7, 0.2, 0.1]


def test_both_fusions_stand_on_the_frozen_networks(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def random_landmarks(images: Any, _: Any) -> Any:
        points = np.random.default_rng(0).normal(size=(len(images), 68, 2)).astype(np.float32)
        points[::10] = np.nan
        return points

    # The pictures here show no faces.
    monkeypatch.setattr("emoview.training.systems.image_landmark._landmarks", random_landmarks)
    quick = {"epochs": 8, "rate": 3e-2}
    run = trained(
        "image-landmark", faces, tmp_path, batch=16, decisions=quick, features=quick,
        image={"epochs": 2, "rate": 3e-3}, landmark={"epochs": 1},
    )  # fmt: skip
    metrics = read_metrics(run)
    assert set(metrics) == {"nn1", "nn2", "decision-fusion", "feature-fusion"}
    assert len({m["examples"] for m in metrics.values()}) == 1
    for name in ("decision-fusion", "feature-fusion"):
        assert metrics[name]["accuracy"]["value"] > metrics["nn2"]["accuracy"]["value"] + 30
        whole = load_network(run, next(n for n in networks_of(run) if n.name == name))
        alone = load_network(run, networks_of(run)[0])
        inside = next(layer for layer in whole.layers if layer.name.startswith("nn1"))
        np.testing.assert_array_equal(inside.get_weights()[0], alone.get_weights()[0])
