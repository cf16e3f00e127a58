"""Faces that do not stand upright, and those that do not move."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.face.align import Proportions, align, upright
from emoview.face.find import FaceFinder
from emoview.face.movement import STILL, Movement
from emoview.face.square import square_of_mesh
from emoview.face.still import StillFaces
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe


@pytest.fixture(scope="module")
def pictures(sample: Path) -> list[np.ndarray]:
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        return [picture for _, (_, picture) in zip(range(6), decoder, strict=False)]


def test_a_face_is_found_whatever_side_is_up(pictures: list[np.ndarray]):
    crops, height, offs = [], len(pictures[0]), []
    for turns in range(4):
        with FaceFinder(max_faces=1) as finder:
            for picture in pictures:
                (points,) = finder.find(np.rot90(picture, turns))
        crops.append(align(np.rot90(pictures[-1], turns), points).astype(float))
        x, y = points[:, 0].mean(), points[:, 1].mean()
        last = height - 1
        offs.append([(x, y), (last - y, x), (last - x, last - y), (y, last - x)][turns])
        # The nose lies between the eyes and the chin in the picture as it was given.
        assert points[:, :2].min() > 0
        assert points[:, :2].max() < height
    # It lies in the same place, to the pixel.
    assert np.ptp(offs, axis=0) == pytest.approx(0, abs=0.5)
    for crop in crops[1:]:
        both = (crop > 0) & (crops[0] > 0)
        assert np.corrcoef(crop[both], crops[0][both])[0, 1] > 0.9


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("squeezed", [False, True])
def test_the_square_about_a_face_shows_it_upright_and_in_its_true_shape(
    pictures: list[np.ndarray], turns: int, squeezed: bool
):
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(pictures[0])
    true = square_of_mesh(pictures[0], points, 96).astype(float)
    size = (360, 480) if squeezed else (480, 480)
    picture = np.rot90(cv2.resize(pictures[0], size, interpolation=cv2.INTER_AREA), -turns)
    x, y = ((points[:, :2] + 0.5) * np.array(size) / 480 - 0.5).T
    width, height = size
    for _ in range(turns):
        # Clockwise by a quarter.
        x, y, width, height = height - 1 - y, x, height, width
    widen = (1.0, 1.0) if not squeezed else (1.0, 4 / 3) if turns % 2 else (4 / 3, 1.0)
    cut = square_of_mesh(picture, np.stack([x, y], axis=1), 96, widen=widen)
    assert np.abs(cut - true).mean() < (4 if squeezed else 1e-9)


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


def test_nor_is_it_in_a_photograph(pictures: list[np.ndarray]):
    narrow = cv2.resize(pictures[0], (270, 360), interpolation=cv2.INTER_AREA)
    with StillFaces() as stills:
        for beside, factors in ((0, (4 / 3, 1.0)), (185, (1.0, 1.0))):
            wide = cv2.copyMakeBorder(narrow, 0, 0, beside, beside, cv2.BORDER_REPLICATE)
            mesh, cut = stills.mesh(wide), stills.cut(wide)
            assert mesh is not None
            np.testing.assert_array_equal(cut, align(wide, mesh, widen=factors))


@pytest.mark.parametrize("shape", [(1, 2000, 3), (2000, 1, 3), (1, 1, 3)])
def test_a_line_is_no_face(shape: tuple[int, int, int]):
    line = np.full(shape, 128, np.uint8)
    with StillFaces(smallest=0) as stills:
        assert stills.cut(line) is None
        assert stills.mesh(line) is None
        assert stills.face(line) is line


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
