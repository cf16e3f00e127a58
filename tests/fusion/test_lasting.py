"""Ticks by a model that knows how long expressions last."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from emoview.fusion.lasting import Lasting, fit_lasting
from emoview.fusion.late import log_softmax


@pytest.mark.parametrize("ticks", [1, 2, 5, 6])
def test_probabilities_are_those_of_all_courses_of_labels(ticks: int):
    logits = np.random.default_rng(ticks).normal(0, 2, (ticks, 3))
    model = Lasting(weight=0.7, change=0.2, scale=0.5)
    known = np.zeros((ticks, 3))
    for course in itertools.product(range(3), repeat=ticks):
        chance = 1.0
        for before, after in itertools.pairwise(course):
            chance *= 0.8 if before == after else 0.1
        for tick, label in enumerate(course):
            chance *= np.exp(0.7 * logits[tick, label])
        known[range(ticks), course] += chance
    wanted = np.exp(log_softmax(0.5 * np.log(known)))
    np.testing.assert_allclose(model(logits), wanted, atol=1e-12)
    # Side by side with others, the shorter ones filled up with what says nothing.
    filled = np.pad(logits, ((0, 4), (0, 0)))[:, :, None].repeat(2, axis=2)
    np.testing.assert_allclose(np.exp(model.of_many(filled))[:ticks, :, 1], wanted, atol=1e-12)


def test_a_flicker_goes_and_a_change_that_lasts_stays():
    said = np.zeros((200, 7))
    said[:100, 4] = said[100:, 5] = 3
    said[40:44, 4], said[40:44, 6] = 0, 3
    labels = Lasting(0.05, 0.06, 0.8)(said).argmax(axis=1)
    assert np.flatnonzero(np.diff(labels)) == pytest.approx([99], abs=2)


def test_an_hour_of_certain_ticks_stays_finite():
    said = np.full((90_000, 7), -500.0)
    said[np.arange(90_000), np.arange(90_000) // 30_000] = 500
    found = Lasting(1.0, 1e-6, 1.0)(said)
    assert np.isfinite(found).all()
    assert found.argmax(axis=1)[[0, 29_999, 30_000, 89_999]].tolist() == [0, 0, 1, 2]


def test_what_is_fitted_makes_ticks_likelier_than_each_alone():
    rng = np.random.default_rng(0)
    labels = [np.repeat(rng.permutation(7)[:2], 60) for _ in range(30)]
    logits = [1.5 * np.eye(7)[own] + rng.normal(0, 2, (120, 7)) for own in labels]
    model = fit_lasting(logits, labels)

    def likelihood(probabilities: list[np.ndarray]) -> float:
        pairs = zip(probabilities, labels, strict=True)
        return float(np.mean([np.log(p[np.arange(120), own]).mean() for p, own in pairs]))

    fitted = likelihood([model(one) for one in logits])
    assert fitted > likelihood([np.exp(log_softmax(one)) for one in logits]) + 1
    assert fitted > likelihood([Lasting(model.weight, model.change * 4, model.scale)(one) for one in logits])


@pytest.mark.parametrize("numbers", [(0.0, 0.1, 1.0), (0.1, float("nan"), 1.0), (0.1, 0.1, 1e9)])
def test_numbers_that_nobody_fitted_are_refused(numbers: tuple[float, float, float]):
    with pytest.raises(ValueError, match="is not from"):
        Lasting(*numbers)
