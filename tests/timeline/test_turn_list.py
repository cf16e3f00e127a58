"""Turns: stretches of one voice with their short pauses."""

from __future__ import annotations

import json
from dataclasses import replace

from emoview.output.json import to_json
from emoview.timeline.turns import Turn, joined, turns_of
from tests.made_up import made_up


def heard(*stretches: tuple[int, int, int]) -> dict[int, int]:
    return {tick: voice for voice, first, last in stretches for tick in range(first, last)}


def test_a_pause_of_half_a_second_does_not_end_a_turn():
    assert joined(heard((0, 0, 10), (0, 22, 30))) == [(0, 30, 0)]
    assert joined(heard((0, 0, 10), (0, 23, 30))) == [(0, 10, 0), (23, 30, 0)]


def test_another_voice_ends_a_turn():
    assert joined(heard((1, 5, 10), (0, 12, 14), (1, 16, 20))) == [(5, 10, 1), (12, 14, 0), (16, 20, 1)]
    assert joined({}) == []


def test_turns_stand_in_the_json():
    analysis = made_up()
    rows = tuple(
        replace(row, voice_id=None if 3 <= row.tick < 6 else int(row.tick >= 8)) for row in analysis.timeline
    )
    last = max(row.tick for row in rows) + 1
    assert turns_of(rows) == (Turn(0.0, 0.32, 0), Turn(0.32, last * 0.04, 1))
    stored = json.loads(to_json(replace(analysis, timeline=rows)))
    assert stored["turns"] == [
        {"start_s": 0.0, "end_s": 0.32, "voice_id": 0},
        {"start_s": 0.32, "end_s": last * 0.04, "voice_id": 1},
    ]
