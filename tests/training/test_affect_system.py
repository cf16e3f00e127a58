"""The system of valence and arousal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from trained import quiet, trained

from emoview import InputError
from emoview.cli import render_training
from emoview.cli.console import Terminal
from emoview.datasets.affect import read_affect
from emoview.evaluation.comparison import compared
from emoview.networks.runs import Run, read_metrics
from emoview.training.systems import affect
from emoview.training.systems.catalog import SYSTEMS
from emoview.training.systems.options import AffectOptions


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
    # Another training may begin where this one ended, on other videos; of a run, it must be of the same
    # network.
    start = {"start": str(run / "vgg11-bn.keras")}
    with pytest.raises(InputError, match="would be measured, or from their people"):
        trained("valence-arousal", table, tmp_path / "file", **small, **start)
    lines = [lines[0], *(f"{i}.png,{i / 12},{-i / 24},other {i // 3}" for i in range(12))]
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((32, 32, 3), 20 * i + 9, np.uint8))
    table.write_text("\n".join(lines) + "\n")
    trained("valence-arousal", table, tmp_path / "file", **small, **start)
    with pytest.raises(InputError, match="another network"):
        trained("valence-arousal", table, tmp_path / "no", **{**small, "size": 64}, start=str(run))


@pytest.mark.parametrize("preparation", ["pixel", "both"])
def test_pixels_are_normalised_by_those_that_are_learned_from(
    preparation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    lines = ["frame,valence,arousal,video"]
    rng = np.random.default_rng(0)
    for i in range(4):
        cv2.imwrite(str(tmp_path / f"{i}.png"), rng.integers(0, 256, (8, 8, 3), np.uint8))
        lines.append(f"{i}.png,0.{i},0.1,{i % 2}")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    data = read_affect(tmp_path / "t.csv")
    built: list[Any] = []
    monkeypatch.setattr(affect, "fit_head_first", lambda build, *_, **__: built.append(build()) or built[-1])
    monkeypatch.setattr(affect.catalog, "build", lambda *_, **__: _mean(8))
    options = AffectOptions(network="resnet18", size=8, preparation=preparation)
    known = np.array([0, 2])
    affect._learn("x", data, known, np.array([1, 3]), options, Run(tmp_path / "r", "x", {}, tmp_path), quiet)
    layer = next(one for one in built[0].layers if one.name.startswith("pixel_normalization"))
    shown = np.stack([data.crop(int(i), 8) for i in known]).astype(np.float64) / 255
    if preparation == "both":
        axes = (1, 2)
        shown = 3.125 * (shown - shown.mean(axes, keepdims=True)) / shown.std(axes, keepdims=True)
    np.testing.assert_allclose(layer.mean, shown.mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(layer.spread, shown.std(axis=0), atol=1e-4)


def _mean(side: int) -> keras.Model:
    given = keras.Input((side, side, 3))
    return keras.Model(given, keras.layers.Dense(2)(keras.layers.GlobalAveragePooling2D()(given)))
