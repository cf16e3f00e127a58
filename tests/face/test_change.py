"""Where a face that is followed becomes somebody else's."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from emoview.face.change import EVERY, Change

RNG = np.random.default_rng(4)
ONE, OTHER = (np.sqrt(RNG.dirichlet(np.full(512, 0.02), 2)).astype(np.float32) for _ in range(2))
BRIGHT = np.sqrt(RNG.dirichlet(np.full(512, 0.02), 2)).astype(np.float32)


def changes(looks: Sequence[np.ndarray]) -> list[int]:
    change = Change()
    return [i for i, look in enumerate(looks) if change.another(EVERY * i, look)][:1]


def mixed(share: float) -> np.ndarray:
    return np.sqrt((1 - share) * ONE**2 + share * OTHER**2)


def test_whoever_comes_over_a_dissolve_a_wipe_or_a_pan_is_another():
    assert changes([ONE] * 6 + [OTHER] * 6) == [7]
    dissolved = changes([ONE] * 6 + [mixed(0.25), mixed(0.5), mixed(0.75)] + [OTHER] * 6)
    assert dissolved
    assert dissolved[0] <= 10


@pytest.mark.parametrize(
    "looks",
    [
        [ONE] * 30,
        [ONE] * 6 + [BRIGHT] + [ONE] * 6,
        # The picture ends below the chin, or does so for a while.
        [ONE] * 6 + [np.stack([ONE[0], np.zeros(512, np.float32)])] * 6 + [ONE] * 6,
        # The hair is the same, such as of somebody who puts on a coat.
        [ONE] * 6 + [np.stack([ONE[0], OTHER[1]])] * 6,
    ],
    ids=["calm", "flash", "out of the picture", "clothes"],
)
def test_what_passes_or_is_little_changes_nobody(looks: list[np.ndarray]):
    assert changes(looks) == []


def test_looks_are_some_ticks_apart():
    change = Change()
    assert change.due(7)
    change.another(7, ONE)
    assert [change.due(7 + i) for i in range(EVERY + 1)] == [False] * EVERY + [True]
