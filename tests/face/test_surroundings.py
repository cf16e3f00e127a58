"""The colours around a face, in a picture that is painted."""

from __future__ import annotations

import numpy as np
import pytest

from emoview.face.find import FACE_OVAL, LEFT_EYE, RIGHT_EYE
from emoview.face.surroundings import surroundings

SKIN, BROWN, GREEN, BLOND = (190, 140, 115), (70, 45, 35), (40, 80, 50), (200, 170, 110)


def face(x: float, y: float) -> np.ndarray:
    """Give landmarks of an upright face of 60 by 80 pixels around a place."""
    points = np.zeros((468, 3), np.float32)
    around = np.linspace(0, 2 * np.pi, len(FACE_OVAL), endpoint=False)
    points[list(FACE_OVAL), :2] = np.stack([30 * np.sin(around), -40 * np.cos(around)], axis=1)
    points[list(LEFT_EYE), :2] = [[-20, -10], [-8, -10]]
    points[list(RIGHT_EYE), :2] = [[8, -10], [20, -10]]
    return points + np.float32([x, y, 0])


def painted(hair: tuple[int, int, int] = BROWN, clothes: tuple[int, int, int] = GREEN) -> np.ndarray:
    picture = np.full((240, 240, 3), 120.0)
    picture[20:70] = hair
    picture[70:150] = SKIN
    picture[150:] = clothes
    return picture + np.random.default_rng(1).normal(0, 4, picture.shape)


def seen(picture: np.ndarray, light: tuple[float, float, float] = (1, 1, 1), y: float = 110) -> np.ndarray:
    shown = np.clip(picture * light, 0, 255).astype(np.uint8)
    return surroundings(shown, face(120, y), beside_skin=True)


def apart(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    hair, clothes = np.linalg.norm(one - other, axis=1)
    return float(hair), float(clothes)


@pytest.mark.parametrize("light", [(0.6, 0.6, 0.6), (1.05, 1, 0.8), (0.5, 0.6, 0.7)])
def test_light_and_tint_of_a_shot_do_not_change_hair_and_clothes(light: tuple[float, float, float]):
    assert max(apart(seen(painted()), seen(painted(), light))) < 0.2
    # As they are in the picture, they do.
    one, other = (
        surroundings(np.clip(painted() * by, 0, 255).astype(np.uint8), face(120, 110))
        for by in ((1, 1, 1), light)
    )
    assert max(apart(one, other)) > 0.3


def test_other_hair_and_other_clothes_are_seen_in_any_light():
    hair, clothes = apart(seen(painted()), seen(painted(hair=BLOND), (0.6, 0.7, 0.8)))
    assert hair > 1
    assert clothes < 0.2
    hair, clothes = apart(seen(painted()), seen(painted(clothes=BLOND), (0.6, 0.7, 0.8)))
    assert hair < 0.2
    assert clothes > 1


def test_nothing_is_known_of_what_lies_outside():
    hair, clothes = seen(painted(), y=35)
    assert not hair.any()
    assert clothes.any()
    hair, clothes = seen(painted(), y=225)
    assert hair.any()
    assert not clothes.any()


def test_a_face_in_the_dark_gives_no_noise_for_colours():
    dark = np.random.default_rng(2).integers(0, 4, (240, 240, 3)).astype(np.uint8)
    described = surroundings(dark, face(120, 110), beside_skin=True)
    # In lightness and both colours, all lies in the corners around black.
    black = (described**2).reshape(2, 8, 8, 8)[:, :2, 2:6, 2:6]
    assert black.sum(axis=(1, 2, 3)) == pytest.approx(1, abs=0.02)
