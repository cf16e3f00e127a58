"""Faces cut out upright and averaged."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.face.align import CROP_SIZE, Proportions, align
from emoview.face.find import LANDMARKS, FaceFinder
from emoview.face.networks import Square
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe


def test_aligned_face_is_upright_whatever_the_tilt(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    faces = []
    for angle in (0, 25):
        turn = cv2.getRotationMatrix2D((240, 240), angle, 1)
        with FaceFinder(max_faces=1) as finder:
            turned = cv2.warpAffine(picture, turn, (480, 480))
            (points,) = finder.find(turned)
        assert points.shape == (LANDMARKS, 3)
        faces.append(align(turned, points).astype(float))
    assert faces[0].shape == (CROP_SIZE, CROP_SIZE, 3)
    assert faces[0][0, 0].sum() == 0
    assert (faces[0].sum(axis=2) > 0).mean() > 0.5
    both = (faces[0].sum(axis=2) > 0) & (faces[1].sum(axis=2) > 0)
    alike = np.corrcoef(faces[0][both].ravel(), faces[1][both].ravel())[0, 1]
    assert alike > 0.9


def test_a_squeezed_video_is_widened_and_another_is_not(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    faces, factors = [], []
    for width in (480, 360):
        proportions = Proportions()
        with FaceFinder(max_faces=1) as finder:
            shown = cv2.resize(picture, (width, 480), interpolation=cv2.INTER_AREA)
            (points,) = finder.find(shown)
        factors.append(proportions.widening([points]))
        faces += [
            cv2.cvtColor(align(shown, points, widen=widen), cv2.COLOR_RGB2GRAY)
            for widen in ((1.0, 1.0), factors[-1])
        ]
    assert factors == [(1, 1), (4 / 3, 1)]
    true, _, narrow, widened = faces
    outline, likeness = [], []
    for one in (narrow, widened):
        both = (one > 0) & (true > 0)
        outline.append(((one > 0) == (true > 0)).mean())
        likeness.append(np.corrcoef(one[both], true[both])[0, 1])
    assert outline[1] > outline[0] + 0.03
    assert likeness[1] > likeness[0] + 0.1
    assert likeness[1] > 0.85
    # What was asked for wins.
    assert Proportions("keep").widening([points], (480, 360)) == (1, 1)
    assert Proportions("16:9").widening([points], (480, 640)) == pytest.approx((4 / 3, 1))
    # What a face does in one picture is not taken for the shape of all.
    usual = points * [4 / 3, 1, 1]
    assert [proportions.widening([usual]) for _ in range(2)][-1] == (1, 1)
    assert proportions.widening([points]) == (1, 1)
    assert proportions.widening([]) == (1, 1)


def test_a_face_that_fills_a_large_picture_is_not_sampled_but_averaged(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    with FaceFinder(max_faces=1) as finder:
        (points,) = finder.find(picture)
    large = cv2.resize(picture, (1920, 1920), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(0).integers(-60, 61, large.shape)
    noisy = np.clip(large.astype(int) + noise, 0, 255).astype(np.uint8)
    clean, seen_through = align(large, points * 4).astype(int), align(noisy, points * 4).astype(int)
    assert np.abs(align(picture, points).astype(int) - clean).mean() < 3
    # Of one pixel in sixteen, the mean deviation would stay 30.
    assert np.abs(clean - seen_through)[clean > 0].mean() < 15


def test_what_reaches_over_the_edge_is_cut_out_as_opencv_does():
    rng = np.random.default_rng(3)
    for number in range(200):
        height, width = (int(side) for side in rng.integers(30, 400, 2))
        noise = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
        picture = np.asarray(cv2.GaussianBlur(noise, (3, 3), 1), np.uint8)
        place = Square(
            float(rng.uniform(-60, width + 60)), float(rng.uniform(-60, height + 60)),
            float(rng.uniform(4, 700)), float(rng.uniform(-3.1, 3.1)) if number % 2 else 0.0,
        )  # fmt: skip
        for repeat, border in ((True, cv2.BORDER_REPLICATE), (False, cv2.BORDER_CONSTANT)):
            expected = cv2.warpAffine(
                picture, place.matrix(96), (96, 96), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=border,
            )  # fmt: skip
            np.testing.assert_array_equal(place.cut(picture, 96, repeat=repeat), expected)
