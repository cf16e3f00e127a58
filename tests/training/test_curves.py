"""Curves of several runs in one plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emoview import InputError
from emoview.evaluation.comparison import compared, curves
from emoview.training import plots


def _run(
    folder: Path, histories: dict[str, list[dict[str, float]]], metrics: dict[str, Any] | None = None
) -> Path:
    names = dict.fromkeys(part.split("/")[0] for part in histories)
    network = {
        "task": "face", "takes": "pictures", "labels": ["a", "b"], "size": 8, "colour": False, "scale": 1.0,
        "parameters": 1, "flops": 1,
    }  # fmt: skip
    folder.mkdir()
    run = {
        "system": "x", "config": {}, "data": "d", "backend": "tensorflow", "versions": {}, "seconds": 1.0,
        "peak_megabytes": 1, "networks": [{"name": name, **network} for name in names],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "metrics.json").write_text(json.dumps(metrics or {}))
    for part, rows in histories.items():
        (folder / part).mkdir(parents=True)
        (folder / part / "history.json").write_text(json.dumps(rows))
    return folder


def _rows(*losses: float) -> list[dict[str, float]]:
    return [
        {
            "epoch": i + 1,
            "loss": loss,
            "accuracy": 10 * loss,
            "validation_loss": 2.0,
            "validation_accuracy": 7.0,
        }
        for i, loss in enumerate(losses)
    ]


def test_folds_are_averaged_and_networks_told_apart(tmp_path: Path):
    one = _run(tmp_path / "one", {"one": _rows(5, 4), "two": _rows(9)})
    folds = _run(tmp_path / "folds", {"net/1": _rows(1, 2, 3), "net/2": _rows(3, 6)})
    found = curves([one, folds])
    assert list(found) == ["one", "one, two", "folds, net"]
    assert [row["loss"] for row in found["folds, net"]] == [2, 4, 3]


def test_runs_that_are_called_alike_are_told_apart(tmp_path: Path):
    metrics = {"net": {what: {"value": 1.0, "low": 0.0, "high": 2.0} for what in ("accuracy", "uar")}}
    runs = []
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
        runs.append(_run(tmp_path / place / "run", {"net": _rows(5)}, metrics))
        (runs[-1] / "net.keras").touch()
    assert list(curves(runs)) == [f"{run}, net" for run in runs]
    assert [row.run for row in compared(runs)] == list(map(str, runs))
    with pytest.raises(InputError, match="is named twice"):
        compared([runs[0], tmp_path / "b" / ".." / "a" / "run"])


def test_without_any_history_there_is_nothing_to_draw(tmp_path: Path):
    with pytest.raises(InputError, match="keep no history"):
        curves([_run(tmp_path / "run", {})])


@pytest.mark.parametrize(("name", "unit"), [("accuracy", "%"), ("valence CCC", "CCC")])
def test_each_curve_has_its_unit(name: str, unit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, _: drawn.append(figure))
    plots.plot_curves([{"epoch": 1, "loss": 1.0, name: 0.5}], tmp_path / "x.png")
    assert [axis.get_ylabel() for axis in drawn[0].axes] == ["loss", unit]


@pytest.mark.parametrize(
    ("row", "panels"),
    [
        (
            {"loss": 1.0, "accuracy": 50.0, "validation_loss": 2.0, "validation_accuracy": 40.0},
            ["loss", "accuracy, %"],
        ),
        (
            {"loss": 1.0, "valence CCC": 0.2, "validation_arousal CCC": 0.1},
            ["loss", "CCC: valence thick, arousal thin"],
        ),
    ],
)
def test_training_is_solid_and_validation_dashed(
    row: dict[str, float], panels: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    drawn = []
    monkeypatch.setattr(plots, "_save", lambda figure, _: drawn.append(figure))
    plots.plot_training({"one": [{"epoch": e, **row} for e in (1, 2)]}, tmp_path / "x.png")
    assert [axis.get_ylabel() for axis in drawn[0].axes] == panels
    lines = [
        (line.get_linestyle(), line.get_ydata()[0])
        for axis in drawn[0].axes
        for line in axis.lines
        if len(line.get_ydata())
    ]
    kinds = {"-": "", "--": "validation_"}
    assert sorted(value for _, value in lines) == sorted(row.values())
    assert all(
        value in [v for name, v in row.items() if name.startswith("validation") == bool(kinds[kind])]
        for kind, value in lines
    )
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["one", "training", "validation"]


def test_values_stay_out_of_the_plot_of_accuracy(tmp_path: Path):
    figure = {"value": 0.5, "low": 0.4, "high": 0.6}
    values = dict.fromkeys(("rmse", "pcc", "icc", "ccc"), figure)
    (row,) = compared([_run(tmp_path / "run", {}, {"net, valence": values})])
    assert row.accuracy == 0
