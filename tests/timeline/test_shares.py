"""How long each label lasts, and whether one leads."""

from __future__ import annotations

from dataclasses import replace

import pytest
from made_up import leaning, made_up

from emoview.timeline.results import Analysis, Row
from emoview.timeline.shares import is_long, sentence_of, shares_by_person, shares_of


def _lasting(**ticks: int) -> Analysis:
    labels = [label for label, count in ticks.items() for _ in range(count)]
    rows = tuple(Row(i, 0, fused=leaning(label)) for i, label in enumerate(labels))
    return replace(made_up(), timeline=rows, segments=())


def test_shares_are_of_the_ticks_that_say_something():
    shares = shares_of(made_up())
    assert [(one.label, one.share, one.seconds) for one in shares.labels] == [
        ("happy", 0.4211, 1.6), ("sad", 0.4211, 1.6), ("neutral", 0.1579, 0.6),
    ]  # fmt: skip
    assert [(one.segments, one.mean_s) for one in shares.labels] == [(1, 1.6), (1, 1.6), (1, 0.6)]
    assert shares.seconds == 3.8


@pytest.mark.parametrize(("sad", "leads"), [(475, "sad"), (474, None)])
def test_a_label_leads_by_a_margin(sad: int, leads: str | None):
    shares = shares_of(_lasting(neutral=900 - sad, sad=sad, happy=100))
    # 1000 ticks: neutral has 425 or 426.
    assert shares.leads == leads
    said = sentence_of(shares)
    assert said.startswith("sad 48%" if leads else "no label leads (sad 47%, neutral 43%")


def test_each_person_has_shares_of_its_own():
    first, second = shares_by_person(made_up(second_face=True))
    assert (first.person, second.person, second.leads) == (0, 1, "fear")
    assert second.labels[0].segments == 1


def test_nothing_is_summed_up_as_nothing():
    nothing = replace(made_up(), timeline=(Row(0),), segments=())
    assert shares_of(nothing).labels == ()
    assert sentence_of(shares_of(nothing)) == "nothing to say"
    assert not is_long(nothing)
