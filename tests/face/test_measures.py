"""Measures of faces: the head's pose, what expressions move, blinks, quality and covers."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from turned import rendered, rotation

from emoview.face.align import align
from emoview.face.blinks import blinks
from emoview.face.covered import COVERED, _percentiles, covered_score
from emoview.face.find import FaceFinder
from emoview.face.measures import measure_faces
from emoview.face.quality import look_of, outside
from emoview.face.usable import REASONS, USABLE, qualities
from emoview.pipeline.evidence import Found
from emoview.pipeline.measures import _COVER, _SIDE, _WIDTH, observed
from emoview.timeline.measures import EXPRESSION
from emoview.timeline.results import FaceBox

PORTRAIT = Path(__file__).parents[2] / "samples" / "portrait.mp4"
NAMES = ("width", "yaw", "pitch", "roll", *(measure.name for measure in EXPRESSION))


@pytest.fixture(scope="module")
def portrait():
    """The picture of a face, its mesh, and a finder that takes other pictures."""
    _, picture = cv2.VideoCapture(str(PORTRAIT)).read()
    picture = np.ascontiguousarray(picture[:, :, ::-1])
    with FaceFinder(max_faces=1, stills=True) as finder:
        yield picture, finder.find(picture)[0], finder


def measured(mesh: np.ndarray) -> dict[str, float]:
    return dict(zip(NAMES, measure_faces(mesh[None])[0].tolist(), strict=True))


@pytest.mark.parametrize("angles", [(25, 0, 0), (-25, 0, 0), (0, 20, 0), (0, -20, 0), (15, 10, -20)])
def test_a_rendered_head_is_found_at_its_angles(portrait, angles):
    picture, mesh, finder = portrait
    straight, turned = (finder.find(rendered(picture, mesh, one))[0] for one in ((0, 0, 0), angles))
    before, after = measured(straight), measured(turned)
    off = [after[name] - before[name] - by for name, by in zip(("yaw", "pitch", "roll"), angles, strict=True)]
    assert np.abs(off).max() < 7
    # What is measured on the face hardly depends on the pose.
    assert after["mouth_width"] == pytest.approx(before["mouth_width"], rel=0.12)


def test_a_turn_of_the_mesh_leaves_the_measures_as_they_are(portrait):
    _, mesh, _ = portrait
    turned = mesh.astype(np.float64) @ rotation(20, -15, 40).T * 3 + np.array([100, -50, 7])
    before, after = measured(mesh), measured(turned)
    for name in NAMES[4:]:
        assert after[name] == pytest.approx(before[name], abs=1e-3), name
    assert after["width"] == pytest.approx(3 * before["width"], rel=1e-3)


@pytest.mark.parametrize(
    ("points", "move", "name", "sign"),
    [
        ((61, 291), (0, -0.1, 0), "lip_corners", 1),
        ((107, 55, 336, 285), (0, -0.1, 0), "brow_inner", 1),
        ((70, 63, 300, 293), (0, -0.1, 0), "brow_outer", 1),
        ((14, 17, 152), (0, 0.2, 0), "mouth_open", 1),
        ((152,), (0, 0.2, 0), "jaw_drop", 1),
        ((160, 159, 158), (0, 0.05, 0), "eye_left", -1),
        ((385, 386, 387), (0, 0.05, 0), "eye_right", -1),
        ((0, 17), (0, 0, -0.1), "lip_forward", 1),
        ((61,), (0, -0.1, 0), "mouth_skew", 1),
    ],
)
def test_each_measure_follows_what_it_is_named_after(portrait, points, move, name, sign):
    _, mesh, _ = portrait
    moved = mesh.copy()
    moved[list(points)] += np.array(move) * measured(mesh)["width"]
    assert sign * (measured(moved)[name] - measured(mesh)[name]) > 0.01


def lids(*closed: tuple[int, int], length: int = 200, low: float = 0.12) -> np.ndarray:
    opening = np.full(length, 0.3) + 0.01 * np.sin(np.arange(length))
    for first, last in closed:
        opening[first:last] = low
    return opening


def test_blinks_are_counted_and_long_or_slow_closures_are_not():
    ticks = np.arange(200)
    assert blinks(ticks, lids((20, 24), (60, 62), (100, 105))) == [(20, 24), (60, 62), (100, 105)]
    assert blinks(ticks, lids((20, 24), (196, 200))) == [(20, 24), (196, 200)]
    # Eyes that stay closed, a squint, and lids that sink within a second.
    assert blinks(ticks, lids((20, 60))) == []
    assert blinks(ticks, lids((20, 24), low=0.25)) == []
    slow = lids()
    slow[40:65] = np.linspace(0.3, 0.1, 25)
    slow[65:90] = np.linspace(0.1, 0.3, 25)
    assert blinks(ticks, slow) == []
    assert blinks(np.zeros(0, np.int64), np.zeros(0)) == []


def test_a_blink_in_which_the_face_is_lost_is_none():
    ticks = np.concatenate([np.arange(22), np.arange(24, 100)])
    assert blinks(ticks, lids((20, 26))[ticks]) == []
    assert blinks(ticks, lids((50, 54))[ticks]) == [(50, 54)]


def test_blur_in_any_direction_darkness_and_flatness_are_measured(portrait):
    picture, mesh, _ = portrait
    face = align(picture, mesh)
    sharp, bright, contrast = look_of(face)
    for kernel in (np.full((9, 9), 1 / 81), np.full((1, 13), 1 / 13), np.full((13, 1), 1 / 13)):
        assert look_of(cv2.filter2D(face, -1, kernel))[0] < 0.5 * sharp
    dark = look_of((face * 0.3).astype(np.uint8))
    assert dark[1] == pytest.approx(0.3 * bright, rel=0.05)
    assert dark[2] < 0.5 * contrast
    assert look_of(np.zeros_like(face)) == (0, 0, 0)


def test_what_lies_outside_the_picture(portrait):
    picture, mesh, _ = portrait
    assert outside(mesh, picture.shape[:2]) == 0
    left = mesh - np.array([mesh[:, 0].mean(), 0, 0])
    assert 0.4 < outside(left, picture.shape[:2]) < 0.6


GOOD = {
    "width_px": 120.0, "sharpness": 0.15, "brightness": 0.5, "contrast": 0.2, "yaw": 5.0, "pitch": 5.0,
    "outside": 0.0, "covered": False,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("width_px", 15.0, "too small"), ("sharpness", 0.02, "blurred"), ("brightness", 0.06, "too dark"),
        ("brightness", 0.93, "too bright"), ("contrast", 0.03, "without contrast"),
        ("yaw", -60.0, "turned away"), ("pitch", 50.0, "turned away"),
        ("outside", 0.5, "outside the picture"), ("covered", True, "covered"),
    ],
)  # fmt: skip
def test_the_rule_names_the_reason(name, value, reason):
    good = {key: np.array([one]) for key, one in GOOD.items()}
    assert qualities(**good).min() == 1
    each = qualities(**{**good, name: np.array([value])})[0]
    assert each.min() < USABLE
    assert REASONS[int(each.argmin())] == reason


def test_masks_and_text_over_the_mouth_are_covers(portrait):
    picture, mesh, _ = portrait
    assert covered_score(align(picture, mesh), mesh) < COVERED
    low = int(mesh[1, 1])
    left, right, chin = int(mesh[:, 0].min()), int(mesh[:, 0].max()), int(mesh[152, 1])
    for colour in ((60, 60, 65), (170, 200, 225), (240, 240, 240)):
        masked = picture.copy()
        cv2.rectangle(masked, (left, low), (right, chin), colour, -1)
        assert covered_score(align(masked, mesh), mesh) > COVERED
    titled = picture.copy()
    size = (chin - low) / 60
    for line, y in enumerate((mesh[13, 1], mesh[13, 1] + 32 * size)):
        place = (left - line * 5, int(y))
        for ink, thick in (((0, 0, 0), 5), ((255, 255, 255), 2)):
            thick = max(1, int(thick * size))
            cv2.putText(titled, "WE WILL SEE WHAT HAPPENS", place, 0, size, ink, thick, cv2.LINE_AA)
    assert covered_score(align(titled, mesh), mesh) > COVERED


@pytest.mark.parametrize("count", [1, 2, 29, 1000])
def test_percentiles_are_those_of_numpy(count: int):
    values, shares = np.random.default_rng(count).normal(size=count), (2, 25, 50, 98, 100)
    assert _percentiles(values, shares) == pytest.approx(np.percentile(values, shares))


def test_a_cover_of_a_squeezed_picture_is_looked_for_where_the_face_was_widened(portrait):
    picture, mesh, _ = portrait
    left, right, chin = int(mesh[:, 0].min()), int(mesh[:, 0].max()), int(mesh[152, 1])
    cv2.rectangle(picture := picture.copy(), (left, int(mesh[1, 1])), (right, chin), (170, 200, 225), -1)
    squeezed = cv2.resize(picture, None, fx=0.5, fy=1, interpolation=cv2.INTER_AREA)
    narrow, widen = mesh * np.array([0.5, 1, 0.5], np.float32), (2.0, 1.0)
    face = align(squeezed, narrow, widen=widen)
    found = Found(0, 0, FaceBox(0, 0, 1, 1), narrow, face, 1.0, widen, size=squeezed.shape[:2])
    (score,) = observed([found])[:, _COVER]
    assert score == pytest.approx(covered_score(face, mesh), abs=1e-3)
    assert score > COVERED


def test_the_edge_of_the_picture_is_no_cover(portrait):
    picture, mesh, finder = portrait
    low, high = mesh[:, 1].min(), mesh[:, 1].max()
    cut = np.ascontiguousarray(picture[: int(high - 0.35 * (high - low))])
    (points,) = finder.find(cut)
    face = align(cut, points)
    assert covered_score(face, points) > COVERED
    found = Found(0, 0, FaceBox(0, 0, 1, 1), points, face, 1.0, (1.0, 1.0), size=cut.shape[:2])
    assert np.isnan(observed([found])[0, _COVER])
    found = Found(0, 0, FaceBox(0, 0, 1, 1), mesh, align(picture, mesh), 1.0, (1.0, 1.0), size=(480, 480))
    assert observed([found])[0, _COVER] < COVERED


@pytest.mark.parametrize("lies", [False, True])
def test_a_squeezed_face_is_as_far_away_and_has_the_pixels_that_are_seen(portrait, lies: bool):
    picture, mesh, _ = portrait
    height, width = picture.shape[:2]
    if lies:
        # On the side at the picture's right, as after a quarter turn clockwise.
        mesh = np.stack([height - mesh[:, 1], mesh[:, 0], mesh[:, 2]], axis=1)
        width, height = height, width

    def look(widen: tuple[float, float]) -> np.ndarray:
        points = mesh / np.array([*widen, widen[0]], np.float32)
        size = (round(height / widen[1]), round(width / widen[0]))
        face = np.zeros((112, 112, 3), np.uint8)
        return observed([Found(1, 0, FaceBox(0, 0, 1, 1), points, face, 1.0, widen, size=size)])[0]

    true, squeezed = look((1.0, 1.0)), look((1.0, 4 / 3) if lies else (4 / 3, 1.0))
    assert squeezed[_WIDTH] == pytest.approx(true[_WIDTH] * 3 / 4, rel=0.01)
    assert squeezed[_SIDE] / squeezed[_WIDTH] == pytest.approx(true[_SIDE] / true[_WIDTH], rel=0.01)
