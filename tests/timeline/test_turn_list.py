"""Turns: stretches of one voice with their short pauses."""

from __future__ import annotations

import json
from dataclasses import replace

from emoview.output.json import to_json
from emoview.timeline.results import Row
from emoview.timeline.turns import Turn, joined, own_voice, turns_of
from tests.made_up import leaning, made_up


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


def test_of_a_voice_that_is_nobodys_in_the_row_nothing_is_said_of_the_person():
    rows = (
        Row(0, 0, voice=leaning("sad"), fused=leaning("happy"), voice_id=0, speaking=True),
        Row(1, 0, voice=leaning("sad"), fused=leaning("happy"), voice_id=1, off_screen=True),
        Row(2, voice=leaning("sad"), fused=leaning("sad"), voice_id=0),
        Row(3, voice=leaning("sad"), voice_id=1, off_screen=True),
        Row(4, 0, fused=leaning("happy")),
    )
    analysis = replace(made_up(), timeline=rows)
    assert [*map(own_voice(analysis), rows)] == [True, False, True, False, False]
    asked = replace(analysis, options=replace(analysis.options, voice="all"))
    assert [*map(own_voice(asked), rows)] == [True, True, True, True, False]
    # Where voices were not told apart, as in causal analysis, all that is heard counts.
    alike = tuple(replace(row, voice_id=None) for row in rows)
    assert [*map(own_voice(replace(analysis, timeline=alike)), alike)] == [True, True, True, True, False]
