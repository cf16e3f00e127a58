"""Rates that fall by batches, and runs that were stored before an option was there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from emoview import InputError
from emoview.networks.runs import RUN_FILE, Run
from emoview.training.loop import fit, read_history
from emoview.training.plan import Plan
from emoview.training.systems.catalog import SYSTEMS

STAIRS = {"schedule": "staircase", "factor": 0.5, "step_at": 4, "step_in": "batches"}


def test_stairs_of_batches():
    plan = Plan(9, 1.0, **STAIRS)
    assert [plan.rate_at(0, [], batches=n) for n in (0, 3, 4, 8)] == [1, 1, 0.5, 0.25]
    step = Plan(9, 1.0, schedule="step", factor=0.5, step_at=4, step_in="batches")
    assert [step.rate_at(5, [], batches=n) for n in (3, 4, 9)] == [1, 0.5, 0.5]
    # Epochs count where nothing else is said.
    assert Plan(9, 1.0, schedule="staircase", factor=0.5, step_at=4).rate_at(3, [], batches=8) == 1


def test_stairs_go_on_behind_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rates: list[float] = []
    learn = keras.Model.train_on_batch

    def noted(model: keras.Model, *args: Any, **options: Any) -> Any:
        rates.append(float(model.optimizer.learning_rate))
        return learn(model, *args, **options)

    monkeypatch.setattr(keras.Model, "train_on_batch", noted)

    def build() -> keras.Model:
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])

    batch = np.ones((4, 2), np.float32), np.eye(2, dtype=np.float32)[[0, 1, 0, 1]]
    for epochs in (1, 3):
        fit(
            build, lambda epoch: iter([batch] * 3), lambda model: {"validation_accuracy": 0.0},
            Plan(epochs, 1.0, "sgd", **STAIRS), tmp_path, loss="mse", seed=1,
        )  # fmt: skip
    # Nine batches, in stairs of four, whatever the epochs.
    assert rates == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]
    assert [row["rate"] for row in read_history(tmp_path)] == [1, 1, 0.5]


def test_pictures_are_learned_as_published():
    """Norman 2019, section 6.1: Adam, 1e-4, 0.95 of it every 5,000 steps, 30 epochs, batches of 64."""
    options = SYSTEMS["picture-cnn"].options({})
    plan = options.plan
    assert (plan.optimizer, plan.rate, plan.epochs, options.batch) == ("adam", 1e-4, 30, 64)
    assert plan.rate_at(7, [], batches=12_000) == pytest.approx(1e-4 * 0.95**2)
    # Changed pictures are what it would try next (section 2.2.3, chapter 10).
    assert options.augmentation == "none"


def test_a_run_from_before_an_option_goes_on(tmp_path: Path):
    options = SYSTEMS["frame-cnn"].options({"seed": 4})
    Run(tmp_path, "frame-cnn", options, tmp_path).save()
    facts = json.loads((tmp_path / RUN_FILE).read_text())
    del facts["config"]["plan"]["step_in"], facts["config"]["labels"]
    (tmp_path / RUN_FILE).write_text(json.dumps(facts))
    Run(tmp_path, "frame-cnn", options, tmp_path)
    # It had the option as it usually is, and no other value.
    facts["config"]["plan"].pop("step_in", None)
    (tmp_path / RUN_FILE).write_text(json.dumps(facts))
    changed = SYSTEMS["frame-cnn"].options({"seed": 4, "plan": {"step_in": "batches"}})
    with pytest.raises(InputError, match="another config"):
        Run(tmp_path, "frame-cnn", changed, tmp_path)
