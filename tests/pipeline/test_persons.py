"""Who is who, and who is on a photograph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from emoview import InputError
from emoview.pipeline.choice import choose
from emoview.pipeline.evidence import FaceTrack, Look, SequenceLogits, joined
from emoview.pipeline.inference import smooth
from emoview.pipeline.persons import persons_of
from emoview.timeline.options import Options

RNG = np.random.default_rng(5)
PEOPLE = [(RNG.normal(size=128), RNG.dirichlet(np.full(512, 0.02), 2)) for _ in range(3)]


def track(
    face_id: int, who: int, first: int, ticks: int = 30, *, size: float = 50, move: float = 0.03
) -> FaceTrack:
    identity, colours = PEOPLE[who]
    around = np.sqrt(0.9 * colours + 0.1 * RNG.dirichlet(np.full(512, 0.02), 2))
    look = Look((identity + RNG.normal(0, 0.3, 128)).astype(np.float32), around.astype(np.float32), move)
    places = np.arange(first, first + ticks)
    logits = np.full((ticks, 7), who, np.float32)
    return FaceTrack(
        places, np.full(ticks, face_id), np.tile([0.0, 0.0, size, size], (ticks, 1)), logits,
        np.zeros(ticks), SequenceLogits(logits[0], logits), None, look=look,
    )  # fmt: skip


def scene(*shots: tuple[int, int, int]) -> dict[int, FaceTrack]:
    return {i: track(i, *shot) for i, shot in enumerate(shots)}


def test_people_keep_their_number_over_cuts_and_absences():
    tracks = scene((0, 0, 30), (1, 30, 30), (0, 60, 30), (2, 60, 30), (1, 500, 40), (0, 900, 10))
    assert persons_of(tracks) == {0: 0, 1: 1, 2: 0, 3: 2, 4: 1, 5: 0}
    assert persons_of({3: tracks[3]}) == {3: 0}
    assert persons_of({}) == {}


def test_two_in_one_picture_are_two_people_however_alike():
    assert persons_of(scene((0, 0, 30), (0, 10, 30))) == {0: 0, 1: 1}
    with pytest.raises(InputError, match="faces 0 and 1 of x are seen at the same time"):
        persons_of(scene((0, 0, 30), (0, 10, 30)), merge=[(0, 1)], file="x")


def test_two_in_the_same_clothes_are_told_apart_by_their_faces():
    one, other = track(0, 0, 0), track(1, 1, 40)
    assert one.look is not None
    assert other.look is not None
    alike = replace(other, look=replace(other.look, surroundings=one.look.surroundings))
    assert persons_of({0: one, 1: alike}) == {0: 0, 1: 1}


@pytest.mark.parametrize(
    ("apart", "dressed", "people"),
    [(0.6, "alike", 1), (0.85, "alike", 2), (1.0, "alike", 2), (0.3, "otherwise", 1), (0.5, "otherwise", 2)],
)
def test_how_far_faces_must_be_apart(apart: float, dressed: str, people: int):
    one, other = track(0, 0, 0), track(1, 0, 40)
    assert one.look is not None
    changed = track(2, 1, 80).look
    assert changed is not None
    faces = np.zeros((2, 128), np.float32)
    faces[0, 0], faces[1, 0], faces[1, 1] = 1, 1 - apart, np.sqrt(1 - (1 - apart) ** 2)
    looks = [replace(one.look, identity=face) for face in faces]
    if dressed == "otherwise":
        looks[1] = replace(looks[1], surroundings=changed.surroundings)
    tracks = {0: replace(one, look=looks[0]), 1: replace(other, look=looks[1])}
    assert len(set(persons_of(tracks).values())) == people


def test_what_was_told_apart_wrongly_is_merged_and_split():
    tracks = scene((0, 0, 30), (1, 30, 30), (0, 60, 30), (2, 90, 30))
    assert persons_of(tracks, merge=[(0, 2)]) == {0: 0, 1: 1, 2: 0, 3: 0}
    assert persons_of(tracks, split=True) == {0: 0, 1: 1, 2: 2, 3: 3}
    assert persons_of(tracks, split=True, merge=[(1, 3)]) == {0: 0, 1: 1, 2: 2, 3: 1}
    # Groups that share a face are one.
    assert persons_of(tracks, split=True, merge=[(1, 3), (2, 3)]) == {0: 0, 1: 2, 2: 2, 3: 2}
    assert persons_of(tracks, split=True, merge=[(2, 0), (0, 2), (0, 3)]) == {0: 2, 1: 1, 2: 2, 3: 2}
    with pytest.raises(InputError, match="no face 7 to merge: it has faces 0, 1, 2"):
        persons_of(tracks, merge=[(0, 7)])


def test_a_photograph_is_passed_over_unless_it_is_the_only_face():
    photograph = track(0, 0, 0, 100, size=200, move=0.003)
    tracks = {0: photograph, 1: track(1, 1, 0, 100)}
    chosen = choose(Options(), tracks, None, file="x")
    assert (chosen.main, set(chosen.still)) == (1, {0})
    assert choose(Options(face="0"), tracks, None, file="x").main == 0
    alone = choose(Options(), {0: photograph}, None, file="x")
    assert (alone.main, set(alone.still)) == (0, {0})
    # A moment says nothing about whether somebody moves.
    assert not choose(Options(), {0: track(0, 0, 0, 60, move=0.003)}, None, file="x").still


def test_a_person_whose_picture_stands_still_is_no_photograph():
    tracks = {0: track(0, 0, 0, 100), 1: track(1, 0, 100, 100, move=0.001)}
    choice = choose(Options(face="largest"), tracks, None, file="x")
    assert choice.persons == {0: 0, 1: 0}
    assert not choice.still
    # On a wall beside, it is one.
    beside = replace(tracks[1], boxes=tracks[1].boxes + np.array([200.0, 0, 0, 0]))
    choice = choose(Options(face="largest"), {0: tracks[0], 1: beside}, None, file="x")
    assert choice.persons == {0: 0, 1: 1}
    assert choice.still == {1}


def test_the_largest_person_counts_with_all_shots():
    tracks = {0: track(0, 0, 0, 40), 1: track(1, 1, 40, 30), 2: track(2, 1, 80, 30)}
    chosen = choose(Options(), tracks, None, file="x")
    face = chosen.measured[1]
    assert chosen.main == 1
    assert face.ticks.tolist() == [*range(40, 70), *range(80, 110)]
    assert face.ids.tolist() == [1] * 30 + [2] * 30


def test_nothing_is_averaged_over_two_tracks():
    parts = [(track(0, 0, 0, 20), np.ones(20, bool)), (track(1, 2, 20, 10), np.ones(10, bool))]
    face = joined(parts)
    assert face.gru is not None
    # The whole counts by the ticks of each.
    np.testing.assert_allclose(face.gru.whole, 2 / 3, rtol=1e-6)
    level = smooth(face.logits, face.ticks, face.ids)
    np.testing.assert_allclose(level[:, 0], [0] * 20 + [2] * 10, atol=1e-6)
    assert 0.1 < smooth(face.logits, face.ticks)[18, 0] < 1.9


def test_the_whole_of_some_ticks_is_of_these_alone():
    """Those that are too poor to be read, or in which another is looked at, do not count."""
    one = track(0, 0, 0, 20)
    ticks = one.logits.copy()
    ticks[:15] = 2
    one = replace(one, gru=SequenceLogits(ticks.mean(axis=0), ticks))
    good = np.arange(20) >= 15
    face = joined([(one, good)])
    assert face.gru is not None
    np.testing.assert_array_equal(face.gru.whole, 0)
    both = joined([(one, good), (track(1, 1, 20, 5), np.ones(5, bool))])
    assert both.gru is not None
    np.testing.assert_allclose(both.gru.whole, 0.5)
