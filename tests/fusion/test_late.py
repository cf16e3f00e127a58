"""Late fusion, fitted."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.errors import InputError
from emoview.fusion.early import early_input
from emoview.fusion.late import LateFusion, fit_late_fusion, softmax
from emoview.metrics.labels import calibration_error, unweighted_average_recall
from emoview.timeline.labels import LABELS


def test_a_rule_is_a_weighted_sum_and_a_bias():
    rule = LateFusion({"one": np.arange(7.0), "other": np.ones(7)}, np.linspace(-3, 3, 7))
    said = rule(
        {"one": np.full((2, 7), 2.0), "other": np.array([[1.0] * 7, [5.0] * 7]), "unasked": np.ones(7)}
    )
    expected = [2 * i + other + i - 3 for other in (1, 5) for i in range(7)]
    np.testing.assert_allclose(said.ravel(), expected)


def test_early_fusion_is_told_what_is_missing():
    faces, voices = np.full((3, 2), 4.0, np.float32), np.full((3, 9), 5.0, np.float32)
    joined = early_input(faces, np.array([True, True, False]), voices, np.array([True, False, False]))
    assert joined.shape == (3, 2 + 9 + 2)
    assert joined[:, :2].tolist() == [[4, 4], [4, 4], [0, 0]]
    assert joined[:, 2:11].max(axis=1).tolist() == [5, 0, 0]
    # First whether there is a face, then whether somebody speaks.
    assert joined[:, 11:].tolist() == [[1, 1], [1, 0], [0, 0]]


def test_late_fusion_learns_whom_to_trust():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 600)
    good = rng.normal(0, 1, (600, 7)) + 3 * np.eye(7)[labels]
    noise = rng.normal(0, 3, (600, 7))
    rule = fit_late_fusion({"good": good, "noise": noise}, labels, [*"abcdef"] * 100)
    assert abs(rule.bias.sum()) < 1e-9
    assert rule.weights["good"].mean() > 5 * abs(rule.weights["noise"].mean())
    probabilities = softmax(rule({"good": good, "noise": noise}))
    assert unweighted_average_recall(probabilities, labels) > 85
    assert calibration_error(probabilities, labels) < 0.06


def test_late_fusion_shares_its_weights_where_labels_tell_no_difference():
    """Of few people's chance differences between labels nothing is learned; what all of them show is."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 160)
    people = [str(i % 8) for i in range(160)]
    logits = rng.normal(0, 1, (160, 7)) + 2 * np.eye(7)[labels]
    weights = fit_late_fusion({"one": logits}, labels, people).weights["one"]
    assert weights.std() < 0.05 * weights.mean()
    # The second half of the labels is silent: its logits are noise, and must count for less.
    logits[:, 4:] = rng.normal(0, 1, (160, 3))
    weights = fit_late_fusion({"one": logits}, labels, people).weights["one"]
    assert weights[:4].mean() > 1.2 * weights[4:].mean()


def test_a_label_without_examples_keeps_a_say():
    rng = np.random.default_rng(0)
    labels = rng.choice([0, 1, 3, 4, 5, 6], 300)
    logits = rng.normal(0, 1, (300, 7)) + 3 * np.eye(7)[labels]
    rule = fit_late_fusion({"one": logits}, labels, [*"abc"] * 100)
    # What is not known of a label pulls neither towards it nor away from it.
    assert rule.bias[LABELS.index("disgust")] == 0
    assert abs(rule.bias.sum()) < 1e-9
    disgusted = 5 * np.eye(7)[LABELS.index("disgust")]
    assert softmax(rule({"one": disgusted})).argmax() == LABELS.index("disgust")


def test_nothing_is_learned_from_nothing_and_little_from_one_person():
    with pytest.raises(InputError, match="there are none"):
        fit_late_fusion({"one": np.zeros((0, 7))}, np.zeros(0, int), [])
    labels = np.arange(14) % 7
    logits = 3 * np.eye(7)[labels] * np.arange(1, 8)
    with np.errstate(all="raise"):
        rule = fit_late_fusion({"one": logits}, labels, ["a"] * 14)
    assert rule.weights["one"].mean() > 0
    assert rule.weights["one"].std() < 0.05 * rule.weights["one"].mean()
