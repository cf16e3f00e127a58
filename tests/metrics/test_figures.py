"""Figures by hand, gains, and their plots."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import cv2
import numpy as np
import pytest

from emoview import LABELS
from emoview.cli import render_training
from emoview.cli.console import Screen
from emoview.fusion.late import softmax
from emoview.metrics.calibration import calibrated_by_others, fit_scale
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import measure_gain, measure_groups, measure_labels
from emoview.metrics.plot import plot_figures
from emoview.metrics.values import ccc, icc, measure_folds, measure_values, pcc


def test_folds_of_values_by_hand():
    """Ulloa 2019, section 3.3: RMSE, PCC, and ICC as twice the covariance over the sum of the variances."""
    said, true = np.array([1.0, 2, 3, 0, 0, 6]), np.array([2.0, 4, 6, 1, 0, 5])
    folds = [np.arange(3), np.arange(3, 6)]
    figures = measure_folds(said, true, folds, "aabbcd", scale=10)
    icc = [2 * np.cov(said[f], true[f])[0, 1] / (said[f].var(ddof=1) + true[f].var(ddof=1)) for f in folds]
    rmse = [np.sqrt(14 / 3), np.sqrt(2 / 3)]
    assert [fold["icc"] for fold in figures.folds] == pytest.approx(icc, abs=1e-4)
    assert [fold["rmse"] for fold in figures.folds] == pytest.approx(rmse, abs=1e-4)
    assert figures.icc.value == pytest.approx(np.mean(icc), abs=1e-4)
    assert figures.rmse.value == pytest.approx(np.mean(rmse), abs=1e-4)
    assert figures.folds[0]["pcc"] == 1


def test_whole_videos_are_drawn():
    """Their frames are alike: ten videos of fifty frames say no more than ten frames."""
    random = np.random.default_rng(0)
    true = random.normal(size=10)
    said = true + random.normal(size=10)
    each = [np.repeat(values, 50) for values in (said, true)]
    names = [f"video {i}" for i in range(10) for _ in range(50)]
    whole = [np.arange(500)]
    videos = measure_folds(*each, whole, names, scale=10).ccc
    frames = measure_folds(*each, whole, [str(i) for i in range(500)], scale=10).ccc
    one_a_video = measure_folds(said, true, [np.arange(10)], [*"abcdefghij"], scale=10).ccc
    assert videos.high - videos.low > 3 * (frames.high - frames.low)
    assert (videos.low, videos.high) == pytest.approx((one_a_video.low, one_a_video.high))
    # Of one video, there is nothing else to draw.
    alone = measure_folds(*each, whole, ["a"] * 500, scale=10).ccc
    assert (alone.value, alone.high - alone.low) == (
        videos.value,
        pytest.approx(frames.high - frames.low, rel=0.3),
    )


def test_people_are_drawn_whole():
    # Of ten people, five are always told rightly and five never: what matters is who is drawn.
    people = np.repeat([f"p{i}" for i in range(10)], 100)
    labels = np.tile([0, 1], 500)
    right = np.repeat(np.arange(10) % 2 == 0, 100)
    said = np.where(right, labels, 1 - labels)
    figures = measure_labels(np.eye(2)[said] * 0.8 + 0.1, labels, ["a", "b"], people=list(people))
    drawn = figures.by_people
    assert drawn is not None
    assert (drawn.people, drawn.accuracy.value, drawn.uar.value) == (10, 50, 50)
    assert figures.accuracy.high - figures.accuracy.low == pytest.approx(
        2 * 1.96 * 100 * 0.5 / 1000**0.5, 0.1
    )
    # The standard deviation of the mean of ten draws of 0 and 100 is 15.8.
    assert (drawn.accuracy.low, drawn.accuracy.high) == (20, 80)


@pytest.mark.parametrize(
    "people",
    [None, ["p"] * 8, [f"clip {i}" for i in range(8)], ["p", None, "q", "q", "p", "p", "q", "q"]],
)
def test_people_who_are_not_known_are_not_drawn(people: list[str | None] | None):
    labels = np.tile([0, 1], 4)
    assert measure_labels(np.eye(2)[labels], labels, ["a", "b"], people=people).by_people is None


def test_figures_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    figures = measure_labels(probabilities, np.array([0, 0, 1, 1]), ("a", "b"))
    assert figures.accuracy.value == 75
    assert figures.confusion == ((2, 0), (1, 1))
    assert figures.recalls["b"].value == 50
    # F1 of a: 2 * 2 / (3 + 2), of b: 2 * 1 / (1 + 2).
    assert figures.macro_f1.value == pytest.approx(100 * (0.8 + 2 / 3) / 2, abs=0.01)
    # Bins: 0.9 right, 0.8 right, 0.7 right, 0.6 wrong.
    assert figures.calibration_error.value == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    # One example a bin, right with probability c, misses by 2c(1 - c) in the mean.
    assert figures.calibration_floor == pytest.approx((0.18 + 0.32 + 0.42 + 0.48) / 4, abs=0.03)
    assert [(b.examples, b.confidence, b.accuracy) for b in figures.calibration] == [
        (1, 0.6, 0.0), (1, 0.7, 1.0), (1, 0.8, 1.0), (1, 0.9, 1.0)
    ]  # fmt: skip
    values = measure_values(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert values.rmse.value == pytest.approx(1)
    assert values.pcc.value == pytest.approx(1)
    assert values.icc.value == pytest.approx(1)
    # 2 * 2/3 / (2/3 + 2/3 + 1).
    assert values.ccc.value == pytest.approx(4 / 7, abs=1e-4)


@pytest.mark.parametrize("count", [100, 251, 1000])
def test_of_what_does_not_vary_no_correlation_is_told(count: int):
    """Rounding leaves a constant a variance, of which anything from -1 to 1 would come."""
    moved = np.sin(np.arange(count))
    # Means of several raters are the same to the last digit but one.
    nearly = np.where(np.arange(count) % 2, 0.3, (0.1 + 0.2 + 0.6) / 3)
    constants = [np.full(count, value) for value in (0.1, 0.3, 0.7, -0.2)]
    for one in (*constants, nearly):
        assert [metric(one, moved) for metric in (pcc, icc, ccc)] == [0, 0, 0]
        for other in constants:
            assert [metric(one, other) for metric in (pcc, icc, ccc)] == [0, 0, 0]
    assert pcc(moved, 1e-3 * moved) == pytest.approx(1)


def test_no_fold_calibrates_itself():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 90)
    logits = 4 * np.eye(3)[labels] + rng.normal(0, 2, (90, 3))
    folds = [np.arange(0, 90, 2), np.arange(1, 90, 2)]
    said = calibrated_by_others(logits, labels, folds)
    for fold, other in (folds, folds[::-1]):
        scale = fit_scale(logits[other], labels[other])
        np.testing.assert_allclose(said[fold], softmax(scale * logits[fold]))
    # Other labels of a fold change nothing of it.
    changed = labels.copy()
    changed[folds[0]] = (changed[folds[0]] + 1) % 3
    np.testing.assert_array_equal(calibrated_by_others(logits, changed, folds)[folds[0]], said[folds[0]])
    np.testing.assert_allclose(calibrated_by_others(logits, labels, [np.arange(90)]), softmax(logits))


def test_groups_count_the_same_however_large_they_are():
    rng = np.random.default_rng(0)
    groups = ["small"] * 20 + ["large"] * 200
    labels = rng.integers(0, 2, 220)
    # The third label, which only the large group has, counts in that one alone.
    labels[20:60] = 2
    said = np.where(rng.random(220) < np.repeat([0.9, 0.4], [20, 200]), labels, 0)
    probabilities = 0.2 + 0.4 * np.eye(3)[said]
    figures = measure_groups(probabilities, labels, groups, 3)
    parts = [measure_labels(probabilities[own], labels[own], "abc") for own in (slice(20, 220), slice(0, 20))]
    assert [figures.uar[name].value for name in ("large", "small")] == [part.uar.value for part in parts]
    assert figures.examples == 220
    assert figures.mean_uar.value == pytest.approx(np.mean([part.uar.value for part in parts]), abs=0.01)
    errors = [part.calibration_error.value for part in parts]
    assert figures.mean_calibration_error.value == pytest.approx(np.mean(errors), abs=1e-4)
    # The mean of both is known better than the small one.
    widths = [one.high - one.low for one in (figures.mean_uar, figures.uar["small"])]
    assert 0 < widths[0] < widths[1]


def test_gains_are_drawn_in_pairs_and_by_people():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(6), 32)
    people = [str(i // 24) for i in range(192)]
    lucky = rng.random(192) < 0.6
    other = np.eye(7)[np.where(lucky, labels, 6)]
    nothing = measure_gain(other, other, labels, people, over="other")
    assert (nothing.examples, nothing.people, nothing.over) == (192, 8, "other")
    assert (nothing.uar.value, nothing.uar.low, nothing.uar.high) == (0, 0, 0)
    # One is right wherever the other is, and of every fifth example besides.
    one = np.where((np.arange(192) % 5 == 0)[:, None], np.eye(7)[labels], other)
    gain = measure_gain(one, other, labels, people, over="other")
    alone, beside = (measure_labels(said, labels, LABELS).uar for said in (one, other))
    assert gain.uar.value == pytest.approx(alone.value - beside.value, abs=0.02)
    assert 0 < gain.uar.low < gain.uar.value < gain.uar.high
    # The same examples are drawn for both: what they share does not widen the interval.
    assert gain.uar.high - gain.uar.low < 0.8 * (alone.high - alone.low)
    # The whole gain comes of one person: of another eight there may be no such one.
    of_one = np.where((np.array(people) == "3")[:, None], np.eye(7)[labels], other)
    gain = measure_gain(of_one, other, labels, people, over="other")
    assert gain.uar.low > 1
    assert gain.uar_by_people.low == 0
    assert gain.uar_by_people.value == gain.uar.value < gain.uar.high < gain.uar_by_people.high
    loss = measure_gain(other, one, labels, people, over="one").uar
    assert str(loss) == f"{loss.value:.1f} ({loss.low:.1f} to {loss.high:.1f})"
    printed = io.StringIO()
    # A terminal proper turns the descriptors of its process away.
    terminal = SimpleNamespace(printer=lambda: Screen(printed))
    render_training.figures(cast(Any, terminal), "made", gain)
    said = printed.getvalue()
    assert "points over" in said
    assert "other" in said
    assert str(gain.uar) in said
    assert str(gain.uar_by_people) in said
    of_labels = measure_labels(one, labels, LABELS, people=people)
    render_training.figures(cast(Any, terminal), "made", of_labels)
    assert of_labels.by_people is not None
    assert f"drawn person by person, of 8 {of_labels.by_people.accuracy}" in " ".join(
        printed.getvalue().split()
    )
    # Gains have neither confusion nor calibration to draw.
    drawn = [plot_figures(kinds, Path("x.png")) for kinds in ({"a": of_labels, "b": gain}, {"a": of_labels})]
    assert drawn[0] == drawn[1]


def test_figures_are_drawn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 300)
    right = measure_labels(0.7 * np.eye(7)[labels] + 0.3 / 7, labels, LABELS)
    chance = measure_labels(rng.dirichlet(np.ones(7), 300), labels, LABELS)

    def dark_blue(measured: LabelFigures) -> int:
        data = plot_figures({"made": measured}, Path("x.png"))
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        assert picture.shape[1] == pytest.approx(7.2 * 300, abs=2)
        # Beside the confusion there are blue curves.
        confusion = picture[:, : picture.shape[1] // 3]
        return int(((confusion[..., 2] < 40) & (confusion[..., 0] > 90)).sum())

    # Only a diagonal of full cells is dark.
    assert dark_blue(right) > 20 * dark_blue(chance)
    both = {"one": right, "other": chance}
    assert plot_figures(both, Path("x.svg")) == plot_figures(both, Path("x.svg"))
