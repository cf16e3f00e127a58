"""Who is looked at in each shot and turn."""

from __future__ import annotations

import numpy as np

from emoview.pipeline.speaker import find_turns


def seen(first: int, last: int, area: float = 100.0) -> tuple[np.ndarray, np.ndarray]:
    ticks = np.arange(first, last)
    return ticks, np.full(len(ticks), area)


def within(*parts: tuple[int, int]) -> np.ndarray:
    ticks = np.zeros(300, bool)
    for first, last in parts:
        ticks[first:last] = True
    return ticks


def test_each_turn_goes_to_the_face_of_whoever_speaks():
    # Two side by side, then one alone who is silent, while a voice off screen goes on, and one who speaks,
    # and who has spoken before, when nobody was seen who did.
    tracks = {0: seen(0, 200, 50.0), 1: seen(0, 200), 2: seen(200, 250), 3: seen(250, 300)}
    speaks = {0: within((20, 100)), 1: within((105, 200)), 2: within(), 3: within((205, 210), (250, 280))}
    turns = find_turns(tracks, (200, 250), speaks, 260)
    assert turns is not None
    who = turns.speaking
    assert (who[20:100] == 0).all()
    assert (who[105:200] == 1).all()
    assert (who[:20] == -1).all()
    assert (who[200:250] == -1).all()
    assert (who[250:280] == 3).all()
    # Who speaks next is looked at before, and who spoke last after it; a silent one where nobody else is.
    assert (turns.shown[:105] == 0).all()
    assert (turns.shown[105:200] == 1).all()
    assert (turns.shown[200:250] == 2).all()
    assert (turns.shown[250:] == 3).all()
    assert turns.count == 3
    assert turns.covered == (80 + 95 + 30) / 260


def test_there_are_no_turns_where_nobody_speaks_who_is_seen():
    assert find_turns({0: seen(0, 100)}, (), {0: within()}, 50) is None
    assert find_turns({0: seen(0, 100)}, (), {0: within((150, 200))}, 50) is None
    assert find_turns({}, (), {}, 0) is None
