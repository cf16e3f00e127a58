"""Each label against the others: precision, recall, F1, specificity and ROC, and how they are shown."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import auc

from emoview.cli import render_training
from emoview.cli.console import Screen
from emoview.metrics.labels import measure_labels
from emoview.metrics.plot import _figure
from emoview.metrics.roc import roc_areas, roc_curve
from emoview.networks.runs import read_metrics

NAMES = ("one", "two", "three")


def _measured(labels: list[int], said: list[int]) -> object:
    probabilities = 0.1 + 0.7 * np.eye(3)[said]
    return measure_labels(probabilities, np.array(labels), NAMES)


def test_each_label_by_hand():
    # One: 3 examples, 2 found, 1 of the others taken for it.
    measured = _measured([0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 0, 1, 1, 1])
    one, two = measured.classes["one"], measured.classes["two"]
    assert list(measured.classes) == ["one", "two"]
    assert (one.support, two.support) == (3, 4)
    for figure, value in ((one.precision, 66.67), (one.recall, 66.67), (one.specificity, 75.0)):
        assert figure.value == value
        assert figure.low < value < figure.high
    assert (two.precision.value, two.recall.value, two.f1.value) == (75.0, 75.0, 75.0)
    assert measured.weighted_f1.value == pytest.approx((3 * 66.67 + 4 * 75) / 7, abs=0.01)
    assert measured.macro_f1.value == pytest.approx((66.67 + 75) / 2, abs=0.01)


def test_a_label_that_is_never_said_or_the_only_one():
    never = _measured([0, 1], [1, 1]).classes["one"]
    assert (never.precision.value, never.f1.value) == (0, 0)
    alone = _measured([0, 0], [0, 1]).classes["one"]
    assert (alone.area, alone.roc) == (None, ())


def test_areas_count_pairs_and_halves_of_ties():
    scores, positive = np.array([0.9, 0.6, 0.5, 0.5, 0.1]), np.array([1, 0, 1, 0, 0], bool)
    pairs = [(s > o) + (s == o) / 2 for s in scores[positive] for o in scores[~positive]]
    again = np.array([[0, 1, 1, 1, 1], [1, 1, 3, 4, 4]])
    areas = roc_areas(scores, positive, again)
    assert areas[:2] == pytest.approx([np.mean(pairs), 1.0])
    assert np.isnan(areas[2])
    curve = roc_curve(scores, positive)
    assert curve == ((0, 0), (0, 0.5), (0.3333, 0.5), (0.6667, 1), (1, 1))
    assert auc(*zip(*curve, strict=True)) == pytest.approx(np.mean(pairs), abs=1e-3)


def test_long_curves_are_thinned_and_keep_their_area():
    rng = np.random.default_rng(0)
    positive = rng.random(5000) < 0.3
    scores = rng.normal(size=5000) + 1.5 * positive
    x, y = zip(*roc_curve(scores, positive), strict=True)
    assert len(x) <= 60
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert auc(x, y) == pytest.approx(roc_areas(scores, positive, np.zeros((0, 5000), int))[0], abs=2e-3)


def test_the_plot_has_a_roc_for_each_label():
    alone, both = (
        _figure({"made": measured}).axes[2]
        for measured in (_measured([0, 0], [0, 1]), _measured([0, 0, 1, 1], [0, 1, 1, 1]))
    )
    # Of one label alone there is no curve, but the diagonal.
    assert (len(alone.lines), alone.get_legend()) == (1, None)
    assert [text.get_text() for text in both.get_legend().get_texts()] == ["one 0.75", "two 0.75"]
    assert both.lines[1].get_xydata().tolist() == [[0, 0], [0, 0.5], [1, 1]]
    assert both.lines[2].get_xydata().tolist() == [[0, 0.5]]


def test_runs_with_and_without_figures_of_labels_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    import sys

    measured = asdict(_measured([0, 0, 1, 1], [0, 1, 1, 1]))
    older = {name: measured[name] for name in ("accuracy", "uar")}
    run = {
        "system": "x", "config": {}, "data": "d", "backend": "tensorflow", "versions": {}, "seconds": 1.0,
        "peak_megabytes": 1, "networks": [],
    }  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "metrics.json").write_text(json.dumps({"new": measured, "old": older}))
    assert set(read_metrics(tmp_path)) == {"new", "old"}
    render_training.outcome(Screen(sys.stdout, width=100), tmp_path)
    shown = capsys.readouterr().out
    lines = [line.split() for line in shown.splitlines() if line.strip().startswith(("new", "F1"))]
    assert ["F1,", "%", "one", "two", "weighted"] in lines
    assert ["new", "66.7", "80.0", "73.3"] in lines


@pytest.mark.parametrize("damage", [{"one": {"support": 1}}, {"one": 3}, 7])
def test_damaged_figures_of_labels_are_refused(damage: object, tmp_path: Path):
    from emoview import InputError

    measured = {**asdict(_measured([0, 1], [0, 1])), "classes": damage}
    (tmp_path / "metrics.json").write_text(json.dumps({"made": measured}))
    with pytest.raises(InputError, match=r"metrics.json is damaged at 'made'"):
        read_metrics(tmp_path)
