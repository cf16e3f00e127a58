"""The networks that ship: sizes, padding, blocks and branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from trained import said_by

from emoview.networks.face_cnn import deepened, face_cnn, with_votes
from emoview.networks.shipped import build_face_gru, build_voice_clip, build_voice_tcn
from emoview.networks.temporal import LocalNormalization, branch_outputs
from emoview.training.voice import (
    pad,
)


@pytest.mark.parametrize("depths", [(1, 1, 2, 3), (2, 1, 3, 1), (1, 2, 3, 2)])
def test_further_blocks_begin_as_the_identity(depths: tuple[int, ...]):
    network, deeper = (with_votes(face_cnn(depths=some)) for some in ((1, 1, 2, 1), depths))
    rng = np.random.default_rng(0)
    network.set_weights([w + rng.uniform(0, 0.1, w.shape) for w in network.get_weights()])
    faces = rng.uniform(size=(3, 48, 48, 1)).astype(np.float32)
    expected = said_by(network, faces)
    for one, other in zip(said_by(deepened(network, deeper), faces), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4)


@pytest.mark.parametrize(("build", "width"), [(build_face_gru, 256), (build_voice_tcn, 105)])
def test_padding_changes_nothing(build: Callable[[], Any], width: int):
    network = build()
    rng = np.random.default_rng(0)
    values = rng.normal(size=(30, width)).astype(np.float32)
    other = rng.normal(size=(90, width)).astype(np.float32)
    short, short_ticks = said_by(network, pad([values]))
    padded, mask = pad([values, other])
    padded[0, 30:] = 100
    long, long_ticks = said_by(network, (padded, mask))
    np.testing.assert_allclose(short[0], long[0], atol=1e-4)
    np.testing.assert_allclose(short_ticks[0], long_ticks[0, :30], atol=1e-4)


def test_a_voice_is_held_against_what_is_around():
    rng = np.random.default_rng(0)
    values = rng.normal(3, 2, (2, 200, 4)).astype(np.float32)
    mask = np.arange(200) < np.array([[200], [90]])
    found = np.asarray(LocalNormalization()(values, mask))
    for row, tick, first, last in ((0, 0, 0, 63), (0, 100, 38, 163), (0, 199, 137, 200), (1, 70, 8, 90)):
        around = values[row, first:last]
        expected = (values[row, tick] - around.mean(axis=0)) / np.sqrt(around.var(axis=0) + 0.05)
        np.testing.assert_allclose(found[row, tick], expected, atol=1e-4)


def test_branches_are_networks_of_their_own_whose_answers_are_averaged():
    network = build_voice_tcn()
    branches = branch_outputs(network)
    inputs = (np.random.default_rng(0).normal(size=(1, 50, 105)).astype(np.float32), np.ones((1, 50), bool))
    means = said_by(network, inputs)
    parts = [said_by(keras.Model(network.input, list(both)), inputs) for both in branches]
    assert np.abs(parts[0][0] - parts[1][0]).max() > 0.05
    for mean, one, other in zip(means, *parts, strict=True):
        np.testing.assert_allclose(mean, (one + other) / 2, atol=1e-5)
    # The one hears how loud it is, the other only what changes.
    louder = (inputs[0] + 1, inputs[1])
    moved = [said_by(keras.Model(network.input, list(both)), louder) for both in branches]
    changes = [np.abs(now[0] - then[0]).max() for now, then in zip(moved, parts, strict=True)]
    assert changes[0] > 0.01
    assert changes[1] < 1e-4


def test_sizes_of_the_networks():
    assert face_cnn().count_params() < 4e6
    assert build_voice_clip().count_params() + build_voice_tcn().count_params() < 3e6
