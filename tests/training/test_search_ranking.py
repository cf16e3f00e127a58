"""Searches rank options by what is held out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_data import write
from trained import quiet

from emoview.networks.runs import Run
from emoview.training.search import search
from emoview.training.systems import image_landmark
from emoview.training.systems.catalog import SYSTEMS, System
from emoview.training.systems.options import PictureOptions


def test_search_ranks_by_the_part_held_out(faces: Path, tmp_path: Path):
    shared = {"network": "frame-cnn", "batch": 16, "plan.epochs": 1}
    grid = {"plan.rate": [1e-6, 3e-3]}
    rows = search(
        SYSTEMS["frame-cnn"], faces, grid, tmp_path, draws=None, seed=1, changes=shared, on_event=quiet
    )
    assert [row["options"]["plan.rate"] for row in rows] == [3e-3, 1e-6]
    assert json.loads((tmp_path / "search.json").read_text()) == rows


def test_search_ranks_voices_by_folds_of_the_training_part(speech: Path, tmp_path: Path):
    """Giordano 2020, section 4.5: grids of options with cross-validation."""
    shared = {"corpora": ["ravdess"], "batch": 8, "plan.epochs": 5, "test": 0.25}
    system = SYSTEMS["mfcc-cnn"]
    rows = search(
        system, speech, {"plan.rate": [1e-6, 3e-3]}, tmp_path,
        draws=None, seed=1, folds=2, changes=shared, on_event=quiet,
    )  # fmt: skip
    assert [row["options"]["plan.rate"] for row in rows] == [3e-3, 1e-6]
    assert [len(row["folds"]) for row in rows] == [2, 2]
    assert rows[0]["figure"] == pytest.approx(np.mean(rows[0]["folds"]))


def test_what_counts_is_the_epoch_that_is_kept(tmp_path: Path):
    """A run with `plan.keep=last` is its last epoch, whatever came before."""

    def learned(options: PictureOptions, _: Any, run: Run, __: Any) -> None:
        # At ten a step the best epoch is the first, and the last the worst of all.
        figures = [90.0, 10.0] if options.batch == 10 else [40.0, 50.0]
        rows = [
            {"epoch": i, "loss": 1.0, "validation_accuracy": one} for i, one in enumerate(figures, start=1)
        ]
        write(run.folder / "made" / "history.json", json.dumps(rows))

    class Made(System):
        train = property(lambda _: learned)

    made = Made("made", "faces", "", "pictures", PictureOptions, {})
    for keep, first in (("best", (10, 90.0)), ("last", (20, 50.0))):
        rows = search(
            made, tmp_path, {"batch": [10, 20]}, tmp_path / keep, draws=None, seed=1,
            changes={"plan": {"keep": keep}}, on_event=quiet,
        )  # fmt: skip
        assert (rows[0]["options"]["batch"], rows[0]["figure"]) == first


def test_each_network_of_a_system_has_its_own_plan():
    """Of the image and landmark networks (A) each has its option."""
    system = SYSTEMS["image-landmark"]
    options = system.options({"landmark": {"epochs": 3}, "features": {"epochs": 4}})
    epochs = {name: system.plan_of(options, name).epochs for name in image_landmark.PLANS}
    assert epochs == {"nn1": 16, "nn2": 3, "decision-fusion": 16, "feature-fusion": 4}
