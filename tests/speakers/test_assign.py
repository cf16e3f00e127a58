"""Whose voice is whose face."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.speakers.assign import MOVES, likeness, owners
from emoview.speakers.movement import lips_in, talking
from emoview.speakers.turns import NOBODY

SECOND = 25


def lips(rng: np.random.Generator, *parts: tuple[float, float]) -> np.ndarray:
    """Give openings for so many seconds each, that move so much a tick."""
    return np.concatenate([
        0.03 + moves * np.where(np.arange(int(seconds * SECOND)) % 2, 0.5, -0.5)
        + 1e-4 * rng.standard_normal(int(seconds * SECOND))
        for seconds, moves in parts
    ])  # fmt: skip


def odds(*parts: tuple[float, float]) -> np.ndarray:
    opening = lips(np.random.default_rng(0), *parts)
    return talking(np.arange(len(opening)), opening, len(opening))


def voices(*parts: tuple[float, int]) -> np.ndarray:
    return np.concatenate([np.full(int(seconds * SECOND), voice) for seconds, voice in parts])


TALKS, LISTENS = 0.012, 0.001
UNLIKE = np.eye(3, dtype=np.float32)


def test_moving_lips_look_like_speech_and_still_ones_do_not():
    found = odds((4, TALKS), (4, LISTENS))
    assert found[20:80].min() > 1
    assert found[120:].max() < -1
    assert np.isnan(talking(np.arange(3), np.zeros(3), 50)).all()
    unseen = talking(np.array([*range(50), *range(100, 150)]), np.full(100, 0.03), 160)
    assert np.isnan(unseen[50:100]).all()


def test_an_interviewer_is_nobody_in_the_picture():
    heard = voices((5, 0), (5, 1), (1, NOBODY), (5, 0))
    found = owners(heard, {0: odds((5, TALKS), (5, LISTENS), (1, LISTENS), (5, TALKS))}, 0, UNLIKE)
    assert found.faces == {0: (0,), 1: ()}
    np.testing.assert_array_equal(found.voices, heard)


@pytest.mark.parametrize(("seconds", "faces"), [(5, (0,)), (8, ())])
def test_one_voice_alone_is_nobodys_only_where_it_is_heard_for_long(seconds: int, faces: tuple[int, ...]):
    found = owners(voices((seconds, 0)), {0: odds((seconds, LISTENS))}, 0, UNLIKE)
    assert found.faces == {0: faces}


def test_two_people_side_by_side():
    left, right = odds((5, TALKS), (5, LISTENS)), odds((5, LISTENS), (5, TALKS))
    assert owners(voices((5, 0), (5, 1)), {3: left, 4: right}, 3, UNLIKE).faces == {0: (3,), 1: (4,)}


def test_voices_of_one_face_are_one():
    found = owners(voices((5, 0), (5, 1), (5, 2)), {0: odds((10, TALKS), (5, LISTENS))}, 0, UNLIKE)
    assert found.faces == {0: (0,), 1: ()}
    np.testing.assert_array_equal(found.voices, voices((10, 0), (5, 1)))


def test_a_person_who_mumbles_stays_the_same_person_by_the_voice():
    heard = voices((10, 0), (5, 1))
    talks = {0: odds((10, TALKS), (5, 0.0035))}
    alike = np.array([[1, 0.7], [0.7, 1]], np.float32)
    assert owners(heard, talks, 0, alike).faces == {0: (0,)}
    assert owners(heard, {0: odds((10, TALKS), (5, 0.002))}, 0, UNLIKE).faces == {0: (0,), 1: ()}


def test_a_person_lost_and_found_again_keeps_the_voice():
    first, again = np.full(250, np.nan), np.full(250, np.nan)
    first[:130], again[125:] = 1.5, 1.2
    assert owners(voices((10, 0)), {0: first, 7: again}, 0, UNLIKE).faces == {0: (0, 7)}


def test_a_voice_with_nobody_in_sight_belongs_to_the_main_face():
    unseen = np.full(250, np.nan)
    unseen[:20] = 1
    assert owners(voices((1, NOBODY), (9, 0)), {2: unseen}, 2, UNLIKE).faces == {0: (2,)}
    assert owners(voices((9, 0)), {}, None, UNLIKE).faces == {0: ()}


@pytest.mark.parametrize(("alike", "faces"), [(0.2, {0: (0,), 1: ()}), (0.5, {0: (0,)})])
def test_a_strange_voice_with_nobody_in_sight_is_nobodys(alike: float, faces: dict[int, tuple[int, ...]]):
    talks = odds((8, TALKS), (8, TALKS))
    talks[8 * SECOND :] = np.nan
    likeness = np.array([[1, alike], [alike, 1]], np.float32)
    assert owners(voices((8, 0), (8, 1)), {0: talks}, 0, likeness).faces == faces


def test_a_person_who_is_lost_and_found_again_is_still_all_the_time():
    first, again = odds((8, TALKS), (6, LISTENS)), odds((8, TALKS), (6, LISTENS))
    seconds = np.arange(14 * SECOND) // SECOND
    in_first = np.isin(seconds, (0, 1, 2, 3, 8, 9, 10))
    first[~in_first], again[in_first] = np.nan, np.nan
    likeness = np.array([[1, 0.6], [0.6, 1]], np.float32)
    heard = voices((8, 0), (6, 1))
    # Three seconds of still lips are not enough beside a like voice; three more of the same seat are.
    assert owners(heard, {0: first}, 0, likeness).faces == {0: (0,)}
    assert owners(heard, {0: first, 4: again}, 0, likeness).faces == {0: (0, 4), 1: ()}


def test_lips_that_move_less_but_more_than_in_listening_are_the_speakers():
    likeness = np.array([[1, 0.1, 0.2], [0.1, 1, 0.2], [0.2, 0.2, 1]], np.float32)
    heard = voices((8, 0), (8, 1), (8, 2))
    talks = odds((8, TALKS), (8, TALKS / 2.6), (8, LISTENS))
    assert owners(heard, {0: talks}, 0, likeness).faces == {0: (0,), 1: ()}
    # Without knowing how they look in listening, the second voice is another's.
    talks = odds((8, TALKS), (8, TALKS / 2.6), (8, TALKS))
    assert owners(heard, {0: talks}, 0, likeness).faces == {0: (0,), 1: ()}
    np.testing.assert_array_equal(
        owners(heard, {0: talks}, 0, likeness).voices, voices((8, 0), (8, 1), (8, 0))
    )


def test_faces_that_are_never_seen_together_take_one_seat():
    first, again, other = (np.full(100, np.nan) for _ in range(3))
    first[:50], again[50:], other[:] = 2.5, 2.5, -2.5
    seen = lips_in([(0, 30), (60, 90)], {0: first, 1: again, 2: other})
    np.testing.assert_allclose(seen, [[-1, 1], [-1, 1]])
    assert lips_in([(0, 30)], {}).shape == (1, 0)


def test_likeness_is_of_the_means():
    said = np.array([[1, 0], [1, 0.2], [0, 1]], np.float32)
    alike = likeness(np.array([0, 0, 0, 1]), [(0, 1), (1, 3), (3, 4)], said)
    assert alike[0, 1] == pytest.approx(0.1, abs=0.02)
    np.testing.assert_allclose(np.diag(alike), 1, atol=1e-6)


def test_like_voices_off_screen_are_one():
    heard, talks = voices((7, 0), (7, 1), (7, 2)), {0: odds((21, LISTENS))}
    alike = np.array([[1, 0.1, 0.5], [0.1, 1, 0], [0.5, 0, 1]], np.float32)
    found = owners(heard, talks, 0, alike)
    assert found.faces == {0: (), 1: ()}
    np.testing.assert_array_equal(found.voices, voices((7, 0), (7, 1), (7, 0)))
    # Without faces nothing is known of who is there.
    assert owners(heard, {}, None, alike).faces == {0: (), 1: (), 2: ()}


def test_lips_that_move_a_little_must_move_with_the_words():
    heard, talks = voices((9, 0)), {0: np.full(225, 0.1)}
    assert owners(heard, talks, 0, UNLIKE).faces == {0: (0,)}
    assert owners(heard, talks, 0, UNLIKE, follow=()).faces == {0: ()}
    assert owners(heard, {0: np.full(225, 1.0)}, 0, UNLIKE, follow=()).faces == {0: (0,)}


@pytest.mark.parametrize(("alike", "faces"), [(0.2, ()), (0.55, (0,))])
def test_lips_of_a_listener_that_move_do_not_make_a_strange_voice_theirs(
    alike: float, faces: tuple[int, ...]
):
    # As much as in some speech, but half as much as in the person's own.
    talks = {0: odds((8, TALKS), (8, TALKS / 2.2), (4, TALKS))}
    heard = voices((8, 0), (8, 1), (4, 0))
    assert np.nanmean(talks[0][heard == 1]) > MOVES
    likeness = np.array([[1, alike], [alike, 1]], np.float32)
    found = owners(heard, talks, 0, likeness)
    assert found.faces[0] == (0,)
    # A voice that is alike is the same person's, who moves the lips less.
    assert (found.faces.get(1, (0,)), found.voices.max()) == (faces, 1 if not faces else 0)
