"""Groups of examples, measured beside what their labels let expect."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from emoview.cli import render_training
from emoview.cli.console import Screen
from emoview.metrics.figures import GroupedFigures
from emoview.metrics.groups import measure_attributes
from emoview.metrics.labels import measure_labels


def of(said: list[int], confidence: float = 0.8, labels: int = 2) -> np.ndarray:
    rest = (1 - confidence) / (labels - 1)
    return rest + (confidence - rest) * np.eye(labels)[said]


def test_a_group_by_hand():
    # Of label 0 three of four are right, of label 1 two of four.
    labels, said = np.array([0, 0, 0, 0, 1, 1, 1, 1]), [0, 0, 0, 1, 1, 1, 0, 0]
    glasses = ["yes", "no", "no", "yes", "yes", None, "no", None]
    figures = measure_attributes(of(said), labels, {"glasses": glasses})["glasses"]
    assert list(figures) == ["no", "yes"]
    yes = figures["yes"]
    assert yes.examples == 3
    assert yes.accuracy.value == pytest.approx(200 / 3, abs=0.01)
    assert yes.expected.value == pytest.approx((75 + 75 + 50) / 3, abs=0.01)
    assert yes.beyond.value == pytest.approx(0)
    assert yes.uar.value == 75
    assert yes.confidence.value == 80
    assert yes.calibration_error.value == pytest.approx(0.8 - 2 / 3, abs=1e-4)
    assert figures["no"].beyond.value == pytest.approx(0, abs=0.01)


def test_a_group_is_judged_by_its_labels():
    """A group of the harder label alone is no worse than its label is; one that is, is found."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 1000)
    hard, worse = labels == 1, rng.random(2000) < 0.1
    right = rng.random(2000) < np.where(labels, 0.4, 0.9) - 0.3 * worse
    attributes = {"hard": [str(v) for v in hard], "worse": [str(v) for v in worse]}
    figures = measure_attributes(of(list(np.where(right, labels, 1 - labels))), labels, attributes)
    assert figures["hard"]["True"].accuracy.high < 45 < 80 < figures["hard"]["False"].accuracy.low
    assert [figures["hard"][value].beyond.value for value in ("True", "False")] == [0, 0]
    found = figures["worse"]["True"].beyond
    assert -40 < found.low < found.value < found.high < -15
    assert figures["worse"]["False"].beyond.low > 0


def test_a_sample_without_the_group_does_not_count():
    labels = np.array([0] * 30 + [1] * 30)
    values: list[str | None] = ["rare", *["often"] * 59]
    rare = measure_attributes(of([0] * 60), labels, {"which": values})["which"]["rare"]
    assert (rare.accuracy.value, rare.accuracy.low, rare.accuracy.high) == (100, 100, 100)
    assert np.isfinite([rare.uar.low, rare.beyond.high, rare.calibration_error.high]).all()


def test_the_terminal_shows_groups_and_how_far_to_trust_them():
    labels, said = np.array([0, 0, 1, 1] * 10), [0, 1, 1, 1] * 10
    groups = measure_attributes(of(said), labels, {"gl\x1basses": ["[red]clear", "none"] * 20})
    figures = GroupedFigures(**vars(measure_labels(of(said), labels, ("a", "b"))), groups=groups)
    out = io.StringIO()
    screen = Screen(file=out, width=100)
    render_training.figures(cast(Any, SimpleNamespace(printer=lambda: screen)), "network", figures)
    shown = out.getvalue()
    assert "gl\\x1basses" in shown
    assert "  [red]clear" in shown
    assert "75.0" in shown
    assert "beyond its labels: accuracy less what" in shown
    assert "\x1b" not in shown
