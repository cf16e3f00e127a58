"""Moments, stretches of disagreement, and what a row is called in a table."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import leaning, made_up

from emoview import LABELS
from emoview.timeline.clock import tick_at, time_of
from emoview.timeline.labels import Naming
from emoview.timeline.moments import disagreements, distance, faces_by_presence
from emoview.timeline.results import COLUMNS, FaceBox, Row, main_rows


def test_a_tick_covers_its_time_from_its_start_to_the_next():
    assert [tick_at(time_of(tick)) for tick in range(0, 100_000, 7)] == list(range(0, 100_000, 7))
    assert [tick_at(s) for s in (0.0, 0.0399, 0.04, 0.0799)] == [0, 0, 1, 1]
    # As rounded numbers come, a microsecond before.
    assert tick_at(0.279999999) == 7
    assert tick_at(0.2799) == 6


def test_of_equals_the_first_label_wins():
    even = (1 / 7,) * 7
    assert Naming().decide(even)[0] == LABELS[0]
    assert Naming().decide((0.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0))[0] == LABELS[3]


def test_disjoint_distributions_are_one_apart():
    assert distance((1.0, 0.0), (0.0, 1.0)) == 1
    assert distance((0.5, 0.5), (0.5, 0.5)) == 0
    assert distance((0.7, 0.3), (0.4, 0.6)) == pytest.approx(0.3)


@pytest.mark.parametrize(("gap", "stretches"), [(4, 1), (5, 2)])
def test_gaps_of_less_than_a_fifth_of_a_second_are_bridged(gap: int, stretches: int):
    happy, angry = leaning("happy"), leaning("anger")
    rows = tuple(
        Row(tick, 0, None, happy, happy if 15 <= tick < 15 + gap else angry, happy) for tick in range(40)
    )
    found = disagreements(replace(made_up(), timeline=rows))
    assert len(found) == stretches
    assert (found[0].start_s, found[-1].end_s) == (0.0, 1.6)


def test_a_row_of_the_table_has_each_value_in_its_column():
    face, voice, fused = (tuple(i / 100 + j / 1000 for j in range(7)) for i in (1, 2, 3))
    row = Row(50, 2, FaceBox(10, 20, 30, 40), face, voice, fused, valence=-0.25, arousal=0.75)
    record = made_up().record(row)
    assert tuple(record) == COLUMNS
    expected = {
        "tick": 50, "time_s": 2.0, "face_id": 2, "valence": -0.25, "arousal": 0.75,
        "box_x": 10, "box_y": 20, "box_width": 30, "box_height": 40,
    }  # fmt: skip
    assert {name: record[name] for name in expected} == expected
    for name, values in (("face", face), ("voice", voice), ("fused", fused)):
        assert [record[f"{name}_{label}"] for label in LABELS] == list(values)


def test_the_main_face_is_the_one_with_most_rows():
    analysis = made_up(second_face=True)
    assert {row.face_id for row in main_rows(analysis)} == {0, None}
    assert len(main_rows(analysis)) == analysis.media.ticks


def test_a_face_does_not_disagree_with_the_voice_of_another():
    happy, angry = leaning("happy"), leaning("anger")
    rows = tuple(
        Row(tick, 0, None, happy, angry, happy, voice_id=int(tick >= 20), speaking=tick < 20)
        for tick in range(40)
    )
    (found,) = disagreements(replace(made_up(), timeline=rows))
    assert (found.start_s, found.end_s) == (0.0, 0.8)


def test_of_equals_the_main_face_is_the_first():
    rows = (Row(0, 1), Row(1, 1), Row(2, 0), Row(3, 0))
    analysis = replace(made_up(), timeline=rows)
    assert {row.person for row in main_rows(analysis)} == {0} == set(faces_by_presence(rows)[:1])


@pytest.mark.parametrize(("asked", "persons"), [("largest", {0, 1}), ("speaking", {0, 1}), ("all", {0})])
def test_live_the_main_rows_are_those_of_whoever_is_looked_at(asked: str, persons: set[int]):
    """Somebody is lost, and found again as another."""
    analysis = replace(made_up(), timeline=(Row(0, 0), Row(1, 0), Row(2, 1)))
    live = replace(analysis, options=replace(analysis.options, causal=True, face=asked))
    assert {row.person for row in main_rows(live)} == persons
    file = replace(analysis, options=replace(analysis.options, face="largest"))
    assert {row.person for row in main_rows(file)} == {0}
