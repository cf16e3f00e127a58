"""The system of valence and arousal."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from trained import trained

from emoview import InputError
from emoview.cli import render_training
from emoview.cli.console import Terminal
from emoview.evaluation.comparison import compared
from emoview.networks.runs import read_metrics
from emoview.training.systems.catalog import SYSTEMS


def test_valence_and_arousal_are_measured_fold_by_fold(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Ulloa 2019: figures of five folds averaged, in -10 to 10 (sections 3.3 and 5.1); settings of 4.1."""
    usual = SYSTEMS["valence-arousal"].options({})
    assert (usual.network, usual.batch, usual.folds) == ("resnet152", 50, 5)
    # Section 4.3.2 lists all that happens to a picture.
    assert usual.augmentation == "none"
    assert (usual.plan.optimizer, usual.plan.rate, usual.plan.momentum) == ("sgd", 0.001, 0.9)
    assert usual.plan.epochs == 100
    lines = ["frame,valence,arousal,video"]
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((32, 32, 3), 20 * i, np.uint8))
        lines.append(f"{i}.png,{i / 12},{-i / 24},{i // 3}")
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines) + "\n")
    small = {"network": "vgg11-bn", "size": 32, "batch": 4, "folds": 2, "plan": {"epochs": 1}}
    monkeypatch.setattr("emoview.networks.vgg.WIDTHS", (2, 2, 4, 4, 4))
    monkeypatch.setattr("emoview.networks.vgg.DENSE", 8)
    run = trained("valence-arousal", table, tmp_path / "run", **small)
    metrics = read_metrics(run)
    assert set(metrics) == {"vgg11-bn, valence", "vgg11-bn, arousal"}
    one = metrics["vgg11-bn, valence"]
    assert one["scale"] == 10
    assert len(one["folds"]) == 2
    for what in ("rmse", "pcc", "icc", "ccc"):
        assert one[what]["value"] == pytest.approx(np.mean([f[what] for f in one["folds"]]), abs=1e-3)
    monkeypatch.setenv("COLUMNS", "180")
    render_training.comparison(Terminal(), compared([run]))
    shown = capfd.readouterr().out
    assert all(heading in shown for heading in ("RMSE (-10 to 10)", "PCC", "ICC", "CCC"))
    assert "accuracy" not in shown
    # Another training may begin where this one ended; of a run, it must be of the same network.
    trained("valence-arousal", table, tmp_path / "file", **small, start=str(run / "vgg11-bn.keras"))
    with pytest.raises(InputError, match="another network"):
        trained("valence-arousal", table, tmp_path / "no", **{**small, "size": 64}, start=str(run))
