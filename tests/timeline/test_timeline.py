"""The clock, labels, affect and segments."""

from __future__ import annotations

import numpy as np
import pytest

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


def _segments(text: str, **options) -> list[tuple[str, float, float]]:
    """Segments of a face that shows a label for each letter; `.` stands for a tick without it."""
    names = {"h": "happy", "s": "sad", "a": "anger"}
    rows = tuple(_row(i, names[letter]) if letter != "." else Row(i) for i, letter in enumerate(text))
    return [(s.label, s.start_s, s.end_s) for s in segments_of(rows, **options)]


def test_a_short_loss_of_the_face_does_not_end_a_segment():
    second = "." * 25
    assert _segments("h" * 20 + second + "h" * 20) == [("happy", 0, 2.6)]
    assert _segments("h" * 20 + second + "." + "h" * 20) == [("happy", 0, 0.8), ("happy", 1.84, 2.64)]
    assert _segments("h" * 20 + "..." + "s" * 20) == [("happy", 0, 0.8), ("sad", 0.92, 1.72)]


def test_the_minimum_length_holds_after_joining():
    # Four pieces of one stretch, none of them long enough.
    assert _segments("hhhhhh.hhhhhh..hhhhh.hhhhh" + "." * 40) == [("happy", 0, 1.04)]
    assert _segments("h" * 20 + "s" * 12 + "h" * 20) == [("happy", 0, 2.08)]
    assert _segments("h" * 20 + "s" * 13 + "h" * 20)[1] == ("sad", 0.8, 1.32)
    assert _segments("h" * 20 + "s" * 13 + "a" * 30, shortest_s=0.6) == [
        ("happy", 0, 0.8),
        ("anger", 0.8, 2.52),
    ]
    # Alone, it belongs to nothing.
    assert _segments("h" * 20 + "." * 30 + "sss" + "." * 30) == [("happy", 0, 0.8)]
    # But a clip shorter than the minimum has its segment.
    assert _segments("sssss") == [("sad", 0, 0.2)]


def test_flickers_take_the_label_of_their_mean():
    assert _segments(("hhhhhh" + "sss") * 8) == [("happy", 0, 2.88)]
    found = segments_of(tuple(_row(i, "happy" if i % 9 < 6 else "sad") for i in range(72)))
    assert found[0].confidence == 0.3


def test_a_voice_goes_on_for_a_face_that_is_lost():
    loss = [Row(20 + i, fused=_row(0, "anger").fused) for i in range(20)]
    for faces in ([0], [0, 1]):
        rows = [_row(i, "happy", face) for i in [*range(20), *range(40, 60)] for face in faces] + loss
        found = segments_of(tuple(sorted(rows, key=lambda row: row.tick)))
        of_voice = [(s.label, s.face_id) for s in found if s.start_s == 0.8]
        assert of_voice == [("anger", 0 if faces == [0] else None)]


@pytest.mark.parametrize(("gap", "segments"), [(25, [(0.0, 3.0)]), (26, [(0.0, 1.0), (2.04, 3.04)])])
def test_a_label_on_both_sides_of_a_gap_is_one_segment_up_to_a_second(gap: int, segments: list):
    found = segments_of(tuple(_row(i, "happy") for i in range(50 + gap) if not 25 <= i < 25 + gap))
    assert [(s.start_s, s.end_s) for s in found] == segments


def test_a_group_has_the_sum_of_its_labels():
    probabilities = (0.1, 0.2, 0.0, 0.2, 0.3, 0.1, 0.1)
    assert Naming(3).sums(probabilities) == (0.3, 0.2, 0.5)
    assert Naming(3).decide(probabilities) == ("negative", 0.5)
    assert Naming(2).decide(probabilities) == ("other", 0.7)
    assert Naming(7).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.3).decide(probabilities) == ("happy", 0.3)
    assert Naming(7, 0.31).decide(probabilities) == ("uncertain", 0.3)
