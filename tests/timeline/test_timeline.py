"""The clock, labels, affect and segments."""

from __future__ import annotations

import numpy as np

from emoview.timeline.clock import ticks_of, time_of
from emoview.timeline.labels import LABELS, Naming, group_of, valence_arousal
from emoview.timeline.results import Row
from emoview.timeline.segments import segments_of


def test_clock():
    assert time_of(3) == 0.12
    assert ticks_of(0) == 0
    assert ticks_of(1) == ticks_of(640) == 1
    assert ticks_of(641) == 2


def test_happiness_alone_is_positive_and_surprise_is_neutral():
    assert [group_of(label, 3) for label in LABELS] == [
        "neutral", "negative", "negative", "negative", "positive", "negative", "neutral",
    ]  # fmt: skip
    assert [group_of(label, 2) for label in LABELS] == ["other"] * 4 + ["positive"] + ["other"] * 2
    assert group_of("sad", 7) == "sad"


def test_affect_of_certain_labels():
    affect = valence_arousal(np.eye(7))
    assert affect[LABELS.index("happy"), 0] > 0.5
    assert affect[LABELS.index("sad"), 1] < 0 < affect[LABELS.index("anger"), 1]
    assert (affect[0] == 0).all()


def _row(tick: int, label: str, face_id: int = 0) -> Row:
    fused = tuple(0.4 if name == label else 0.1 for name in LABELS)
    return Row(tick, face_id, fused=fused)


def test_segments_join_and_swallow_flickers():
    labels = ["happy"] * 20 + ["sad"] * 2 + ["happy"] * 10 + ["anger"] * 10
    found = segments_of(tuple(_row(i, label) for i, label in enumerate(labels)))
    assert [(s.label, s.start_s, s.end_s) for s in found] == [
        ("happy", 0.0, 1.28),
        ("anger", 1.28, 1.68),
    ]
    # Flickers that nothing precedes, at the beginning and behind a gap.
    labels = ["fear", "sad", *["happy"] * 10, "", *["sad"] * 4, *["anger"] * 5, ""] + ["sad"] * 4
    found = segments_of(tuple(_row(i, label) for i, label in enumerate(labels) if label))
    assert [(s.label, s.start_s, s.end_s) for s in found] == [
        ("happy", 0.0, 0.48),
        ("anger", 0.52, 0.88),
        ("sad", 0.92, 1.08),
    ]


def test_one_label_on_both_sides_of_a_gap_is_two_segments():
    found = segments_of(tuple(_row(i, "happy") for i in range(30) if not 10 <= i < 15))
    assert [(s.start_s, s.end_s) for s in found] == [(0.0, 0.4), (0.6, 1.2)]


def test_a_group_has_the_sum_of_its_labels():
    probabilities = (0.1, 0.2, 0.0, 0.2, 0.3, 0.1, 0.1)
    assert Naming(3).sums(probabilities) == (0.3, 0.2, 0.5)
    assert Naming(3).decide(probabilities) == ("negative", 0.5)
    assert Naming(2).decide(probabilities) == ("other", 0.7)
    assert Naming(7).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.3).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.31).decide(probabilities) == ("uncertain", 0.3)
