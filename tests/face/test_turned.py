"""Faces that do not stand upright, and those that do not move."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emoview.face.align import Proportions, align, upright
from emoview.face.find import FaceFinder
from emoview.face.movement import STILL, Movement
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe


@pytest.fixture(scope="module")
def pictures(sample: Path) -> list[np.ndarray]:
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        return [picture for _, (_, picture) in zip(range(6), decoder, strict=False)]


def test_a_face_is_found_whatever_side_is_up(pictures: list[np.ndarray]):
    crops, height = [], len(pictures[0])
    for turns in range(4):
        with FaceFinder(max_faces=1) as finder:
            for picture in pictures:
                (points,) = finder.find(np.rot90(picture, turns))
        crops.append(align(np.rot90(pictures[-1], turns), points).astype(float))
        # The nose lies between the eyes and the chin in the picture as it was given.
        assert points[:, :2].min() > 0
        assert points[:, :2].max() < height
    for crop in crops[1:]:
        both = (crop > 0) & (crops[0] > 0)
        assert np.corrcoef(crop[both], crops[0][both])[0, 1] > 0.9


def test_the_widening_goes_along_the_face(pictures: list[np.ndarray]):
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(pictures[0])
    squeezed = points * [0.75, 1, 1]
    assert Proportions().widening([squeezed]) == (4 / 3, 1)
    lying = np.stack([squeezed[:, 1], 400 - squeezed[:, 0], squeezed[:, 2]], axis=1)
    assert Proportions().widening([lying]) == (1, 4 / 3)
    assert Proportions().widening([squeezed, squeezed, lying]) == (4 / 3, 1)


def test_a_narrow_face_in_a_picture_as_wide_as_cameras_make_them_is_no_sign(pictures: list[np.ndarray]):
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(pictures[0])
    squeezed = points * [0.75, 1, 1]
    for height, width in ((480, 640), (576, 720), (640, 480), (480, 360)):
        assert Proportions().widening([squeezed], (height, width)) == (4 / 3, 1)
    for height, width in ((360, 640), (1920, 1080), (800, 1920)):
        assert Proportions().widening([squeezed], (height, width)) == (1, 1)
    # Nor are faces somewhat narrow.
    _, oval = upright(points)
    width, height = np.ptp(oval, axis=0)
    narrow = points * [0.785 * height / width, 1, 1]
    assert Proportions().widening([narrow], (480, 640)) == (1, 1)


def test_after_a_cut_nobody_is_followed(pictures: list[np.ndarray]):
    empty = np.full_like(pictures[0], 128)
    with FaceFinder(max_faces=1) as finder:
        assert finder.find(pictures[0])
        finder.cut()
        assert not finder.find(empty)
        finder.cut()
        assert finder.find(pictures[1])


def test_a_photograph_does_not_move_and_a_calm_face_does():
    rng = np.random.default_rng(1)
    face = rng.normal(0, 50, (468, 3))
    photograph, calm = Movement(), Movement()
    for tick in range(50):
        # A camera that pans, turns and comes nearer.
        turn = np.array([[np.cos(tick / 50), -np.sin(tick / 50)], [np.sin(tick / 50), np.cos(tick / 50)]])
        seen = (face[:, :2] + rng.normal(0, 0.1, (468, 2))) @ turn * (1 + tick / 50) + tick
        photograph.add(seen)
        calm.add(face + np.sin(tick / 5) * np.linspace(0, 2, 468)[:, None])
    assert photograph.spread() < STILL < calm.spread()
    assert Movement().spread() == 0
