"""Systems trained on clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import Make
from trained import clips_of_three, trained

from emoview.networks.runs import read_metrics
from emoview.training.systems.clip_sequences import input_variance


def test_loud_descriptors_do_not_drown_the_face():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=(500, 8)), 1e4 * rng.normal(size=(500, 3))], axis=1)
    values[:, 0] = 1
    variance = input_variance(values.astype(np.float32), 8)
    spread = (values / np.sqrt(variance)).std(axis=0)
    np.testing.assert_allclose(spread[1:], 1, atol=0.15)
    # What does not vary here must not count for a hundred times as much where it does.
    assert variance[0] > 0.05


def test_clip_fusion_measures_each_actor_without_them(made: Make, tmp_path: Path):
    clips_of_three(made, tmp_path)
    changes = {
        "networks": ["functionals-dnn", "early-dense"], "batch": 4, "length": 20, "plan": {"epochs": 1},
        "units": 4, "sound_units": 4, "sound_depth": 1, "bidirectional": False,
    }  # fmt: skip
    run = trained("clip-fusion", tmp_path, tmp_path / "run", **changes)
    assert read_metrics(run)["early-dense"]["examples"] == 6
    folders = {path.name for path in (run / "early-dense").iterdir()}
    assert folders == {"without-0", "without-1", "without-2"}
