"""Where a film is cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from emoview.face.cuts import CutFinder

Picture = np.ndarray
NOISE = np.random.default_rng(1)


def scene(seed: int, size: tuple[int, int] = (90, 160)) -> Picture:
    """Coloured blocks with a little grain, as large as things in a room."""
    blocks = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    return blocks.repeat(size[0] // 6 + 1, axis=0).repeat(size[1] // 8 + 1, axis=1)[: size[0], : size[1]]


def grained(picture: Picture) -> Picture:
    return np.clip(picture + NOISE.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


def cuts(pictures: Iterable[Picture]) -> list[int]:
    given = [(7 + i, grained(one)) for i, one in enumerate(pictures)]
    told = list(CutFinder().through(iter(given)))
    assert [tick for tick, _, _ in told] == [tick for tick, _ in given]
    assert all(one is other for (_, one, _), (_, other) in zip(told, given, strict=True))
    return [tick - 7 for tick, _, cut in told if cut]


def test_each_shot_begins_with_a_cut():
    a, b = scene(1), scene(2)
    assert cuts([a] * 20 + [b] * 15 + [a] * 8) == [20, 35]
    assert cuts([a] * 20) == []
    # As pictures of a slow camera come, each several times.
    moved = [np.roll(a, 2 * (i // 3), axis=1) for i in range(18)]
    assert cuts(moved + [b] * 12) == [18]


@pytest.mark.parametrize("light", [0, 255])
@pytest.mark.parametrize("ticks", [1, 2, 3, 4, 5])
def test_black_pictures_or_a_flash_between_two_shots_hide_no_cut(ticks: int, light: int):
    between = [np.full_like(scene(1), light)] * ticks
    assert cuts([scene(1)] * 15 + between + [scene(2)] * 15) == [15 + ticks]
    assert cuts([scene(1)] * 15 + between + [scene(1)] * 15) == ([] if ticks < 5 else [15 + ticks])


def test_the_shortest_films_have_cuts_too():
    white = np.full_like(scene(1), 255)
    assert cuts([scene(1), white, scene(2)]) == [2]
    assert cuts([scene(1), scene(2)]) == [1]
    assert cuts([scene(1)]) == []


def jolted() -> list[Picture]:
    """A camera that shakes for a moment, and then stands elsewhere."""
    steps = [0] * 15 + [9, 2, 11, 5, 8] + [6] * 15
    return [np.roll(scene(1), step, axis=1) for step in steps]


def shaking() -> list[Picture]:
    steps = np.random.default_rng(3).integers(-6, 7, (40, 2))
    return [np.roll(scene(1), tuple(step), axis=(0, 1)) for step in steps]


def fading() -> list[Picture]:
    shares = np.linspace(0, 1, 25)[:, None, None, None]
    return [*(scene(1) * (1 - shares)).astype(np.uint8), *(scene(2) * shares).astype(np.uint8)]


def dissolving() -> list[Picture]:
    shares = np.linspace(0, 1, 25)[:, None, None, None]
    return list((scene(1) * (1 - shares) + scene(2) * shares).astype(np.uint8))


def flashing() -> list[Picture]:
    white = np.full_like(scene(1), 255)
    return [scene(1)] * 15 + [white] * 2 + [scene(1)] * 15 + [white] + [scene(1)] * 12


def tile() -> list[Picture]:
    """One of four people in a gallery changes."""
    other = scene(1).copy()
    other[45:, 80:] = scene(2)[45:, 80:]
    return [scene(1)] * 15 + [other] * 15


@pytest.mark.parametrize("film", [shaking, jolted, fading, dissolving, flashing, tile])
def test_what_changes_a_picture_otherwise_is_no_cut(film: Callable[[], list[Picture]]):
    assert cuts(film()) == []
