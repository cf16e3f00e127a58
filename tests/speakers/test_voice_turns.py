"""Windows, clusters and turns: from embeddings to who speaks in which tick."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.speakers.clusters import MOST, cluster, unit
from emoview.speakers.turns import NOBODY, voices_of
from emoview.speakers.windows import HOP, WINDOW, heard_in, runs, windows_of


def speech_of(*stretches: tuple[int, int]) -> np.ndarray:
    speech = np.zeros(stretches[-1][1] + 20, bool)
    for first, last in stretches:
        speech[first:last] = True
    return speech


def said_by(rng: np.random.Generator, whose: np.ndarray, noise: float) -> np.ndarray:
    directions = np.linalg.qr(rng.standard_normal((64, 8)))[0].T
    return (directions[whose] + noise * rng.standard_normal((len(whose), 64)) / 8).astype(np.float32)


@pytest.mark.parametrize("length", [1, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW + HOP, 200])
def test_every_tick_of_speech_is_in_a_window_and_nothing_else_is(length: int):
    speech = speech_of((5, 5 + length), (300, 311))
    cuts = windows_of(speech)
    covered = np.zeros(len(speech), bool)
    for first, last in cuts:
        assert 0 < last - first <= WINDOW
        covered[first:last] = True
    np.testing.assert_array_equal(covered, speech)


def test_windows_have_one_length_and_no_level():
    values = np.random.default_rng(0).standard_normal((60, 3)).astype(np.float32)
    one, short = heard_in(values, [(0, WINDOW), (50, 60)])
    np.testing.assert_array_equal(one[:, 1:], values[:WINDOW, 1:])
    np.testing.assert_array_equal(short[10:20, 1:], values[50:60, 1:])
    louder = heard_in(values + np.float32([8, 0, 0]), [(0, WINDOW), (50, 60)])
    np.testing.assert_allclose(louder, [one, short], atol=1e-5)


@pytest.mark.parametrize("count", [1, 40, 2 * MOST + 7])
@pytest.mark.parametrize("people", [1, 3])
def test_as_many_clusters_as_people_however_long(count: int, people: int):
    rng = np.random.default_rng(1)
    whose = np.arange(count) * people // count
    labels = cluster(unit(said_by(rng, whose, 0.6)))
    np.testing.assert_array_equal(labels, np.unique(whose, return_inverse=True)[1])


def test_clustering_nothing_gives_nothing():
    assert cluster(np.zeros((0, 4), np.float32)).shape == (0,)


def conversation(
    seed: int, turns: list[tuple[int, int]]
) -> tuple[np.ndarray, list[tuple[int, int]], np.ndarray]:
    """Give who speaks, the windows, and what is said of them: of a mixed one, something in between."""
    truth, at = [], 0
    for who, ticks in turns:
        truth += [who] * ticks + [NOBODY] * 10
        at += ticks
    whose = np.array(truth)
    cuts = windows_of(whose != NOBODY)
    shares = np.array([[np.mean(whose[a:b] == i) for i in range(4)] for a, b in cuts])
    rng = np.random.default_rng(seed)
    directions = said_by(rng, np.arange(4), 0)
    return whose, cuts, shares @ directions + 0.6 * rng.standard_normal((len(cuts), 64)) / 8


def test_turns_are_found_to_the_tick_where_pauses_part_them():
    whose, cuts, said = conversation(0, [(0, 100), (1, 80), (0, 60), (2, 120), (1, 90)])
    found = voices_of(said.astype(np.float32), cuts, whose != NOBODY)
    np.testing.assert_array_equal(found, whose)


def test_a_change_without_a_pause_is_found_to_half_a_second():
    whose = np.repeat([0, 1, 0, 1], 250)
    cuts = windows_of(whose != NOBODY)
    directions = said_by(np.random.default_rng(0), np.arange(2), 0)
    said = np.array([np.mean(directions[whose[a:b]], axis=0) for a, b in cuts], np.float32)
    found = voices_of(said, cuts, whose != NOBODY)
    if found[0] != whose[0]:
        found = np.where(found == NOBODY, found, 1 - found)
    assert (found != whose).mean() < 0.1


def test_a_voice_of_a_second_is_none():
    whose, cuts, said = conversation(0, [(0, 100), (1, 25), (0, 100)])
    assert voices_of(said.astype(np.float32), cuts, whose != NOBODY).max() == 0


def test_nobody_speaks():
    assert (voices_of(np.zeros((0, 1), np.float32), [], np.zeros(9, bool)) == NOBODY).all()


def acted(*moods: tuple[int, int]) -> np.ndarray:
    """Give the voices found in utterances of 4 s: whose each is, and in which mood."""
    speech = speech_of(*((i * 110, i * 110 + 100) for i in range(len(moods))))
    cuts = windows_of(speech)
    rng = np.random.default_rng(3)
    axes = np.linalg.qr(rng.standard_normal((64, 40)))[0].T
    utterances = np.array([
        axes[who] + 0.7 * axes[10 + mood] + 0.4 * axes[20 + i]
        for i, (who, mood) in enumerate(moods)
    ])  # fmt: skip
    said = utterances[[first // 110 for first, _ in cuts]] + rng.standard_normal((len(cuts), 64)) / 40
    found = voices_of(said.astype(np.float32), cuts, speech)
    return found[np.arange(len(moods)) * 110 + 50]


def test_a_voice_of_two_moods_is_one():
    np.testing.assert_array_equal(acted(*[(0, 1)] * 6, *[(0, 2)] * 6), 0)


def test_two_voices_in_one_mood_are_two():
    np.testing.assert_array_equal(acted(*[(0, 1), (1, 1)] * 6), [0, 1] * 6)


def test_lips_part_voices_that_sound_alike():
    speech = speech_of(*((i * 100, i * 100 + 80) for i in range(6)))
    cuts = windows_of(speech)
    rng = np.random.default_rng(0)
    said = said_by(rng, np.zeros(len(cuts), int), 1.2)
    apart = np.array([[0.9] if first // 100 % 2 else [-0.9] for first, _ in cuts], np.float32)
    alike = voices_of(said, cuts, speech, np.zeros((len(cuts), 1), np.float32), threshold=1.3)
    parted = voices_of(said, cuts, speech, 2 * apart, threshold=1.3)
    assert alike.max() == 0
    assert [parted[first] for first, _ in runs(speech)] == [0, 1, 0, 1, 0, 1]
