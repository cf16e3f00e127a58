"""Searches rank options by what is held out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from trained import quiet

from emoview.training.search import search
from emoview.training.systems.catalog import SYSTEMS


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
