"""Who speaks in each shot and turn."""

from __future__ import annotations

import numpy as np

from emoview.pipeline.speaker import find_turns

RNG = np.random.default_rng(2)


def seen(first: int, last: int, *speaks: tuple[int, int], area: float = 100.0):
    """Give a face whose lips move in some ticks, and hardly in the others."""
    ticks = np.arange(first, last)
    moving = np.zeros(len(ticks), bool)
    for a, b in speaks:
        moving |= (ticks >= a) & (ticks < b)
    lips = np.where(moving, RNG.uniform(0, 0.05, len(ticks)), RNG.uniform(0, 0.001, len(ticks)))
    return ticks, lips, np.full(len(ticks), area)


def test_each_turn_goes_to_the_face_whose_lips_move():
    speech = np.zeros(300, bool)
    speech[20:280] = True
    # Two side by side, then one alone who is silent, while the voice goes on, and one who speaks.
    tracks = {
        0: seen(0, 200, (20, 100), area=50.0), 1: seen(0, 200, (100, 200)), 2: seen(200, 250),
        3: seen(250, 300, (250, 280)),
    }  # fmt: skip
    turns = find_turns(tracks, (200, 250), speech)
    assert turns is not None
    who = turns.speaking
    assert (who[20:90] == 0).all()
    assert (who[110:200] == 1).all()
    assert (who[205:245] == -1).all()
    assert (who[250:280] == 3).all()
    assert (who[:20] == -1).all()
    # Who speaks next is looked at before, and who spoke last after it; a silent one where nobody else is.
    assert (turns.shown[:90] == 0).all()
    assert (turns.shown[205:245] == 2).all()
    assert (turns.shown[250:] == 3).all()
    assert turns.count == 3
    assert 0.75 < turns.covered < 0.85


def test_there_are_no_turns_where_nobody_speaks_or_no_lips_move():
    assert find_turns({0: seen(0, 100, (0, 100))}, (), np.zeros(100, bool)) is None
    assert find_turns({0: seen(0, 100)}, (), np.ones(100, bool)) is None
    assert find_turns({}, (), np.ones(10, bool)) is None
