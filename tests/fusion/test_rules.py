"""The rules of late fusion."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emoview.fusion.late import softmax
from emoview.fusion.rules import PUBLISHED_RULES, RULES, linear_regression


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.startswith("three")])
def test_late_rules_trust_the_better_model(rule: str):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 210)
    good = 3 * np.eye(7)[np.where(rng.random(210) < 0.8, labels, rng.integers(0, 7, 210))]
    noise = [3 * np.eye(7)[rng.integers(0, 7, 210)] for _ in range(2)]
    logits = np.stack([noise[0], good, noise[1]])
    scores = RULES[rule](logits[:, :140], labels[:140], logits[:, 140:])
    assert scores.shape == (70, 7)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=0.02)
    assert np.mean(scores.argmax(axis=1) == labels[140:]) > 0.7


def test_late_rules_by_hand():
    """Norman 2019, section 6.5, the five methods of late fusion and the scaling of logits."""
    # Right in 3, 2 and 1 of 4; of the first label are 4 examples, of the second 1, of the third none.
    labels = np.array([0, 0, 0, 1, 0])
    said = np.array([[0, 0, 0, 1, 0], [0, 0, 1, 2, 1], [0, 1, 2, 2, 1]])
    known = np.eye(3)[said]
    accuracies = np.array([1.0, 0.4, 0.2])
    logits = np.array([[[1.0, 2.0, 0.0]], [[0.0, -6.0, 6.0]], [[9.0, 1.0, -1.0]]])

    def scores(rule: str) -> Any:
        return PUBLISHED_RULES[rule](known, labels, logits)[0]

    # The second, the third and the first label, each with the weight of the model that says it.
    np.testing.assert_allclose(scores("one: class predictions by accuracy"), [0.125, 0.625, 0.25])
    by_accuracy = accuracies @ logits[:, 0] / 1.6
    np.testing.assert_allclose(by_accuracy * 1.6, [2.8, -0.2, 2.2])
    np.testing.assert_allclose(scores("two: class logits by accuracy"), softmax(by_accuracy))
    mean = np.array([10, -3, 5]) / 3
    np.testing.assert_allclose(scores("three: logits of equal weight"), softmax(mean))
    # 4 examples over 4, and over 1; the label without examples keeps its weight.
    weighted = by_accuracy * [1, 2, 1]
    four = "four: class logits by accuracy and root of class weight"
    np.testing.assert_allclose(scores(four), softmax(weighted))
    to_one = np.array([[0.5, 1, 0], [0.5, 0, 1], [1, 0.2, 0]])
    np.testing.assert_allclose(scores("three, logits scaled to 0..1"), softmax(to_one.mean(axis=0)))
    by_accuracy = accuracies @ to_one / 1.6
    np.testing.assert_allclose(scores("two, logits scaled to 0..1"), softmax(by_accuracy))
    np.testing.assert_allclose(scores("four, logits scaled to 0..1"), softmax(by_accuracy * [1, 2, 1]))
    # Two models whose logits, one times 2 and the other times -1, and a constant of 3 give the labels.
    first, second = np.array([[0.0, 1, 2, 5]] * 3).T, np.array([[3.0, 4, 7, 13]] * 3).T
    # 2 x first - second + 3 is 0, 1, 0, 0: the second example has the label.
    learned = linear_regression(np.stack([first, second]), np.array([0, 1, 0, 0]), np.stack([first, second]))
    np.testing.assert_allclose(learned, np.eye(3)[[0, 1, 0, 0]], atol=1e-9)
