"""Colours in CIELAB are OpenCV's, of all pictures."""

from __future__ import annotations

import cv2
import numpy as np

from emoview.face.covered import _colours_around
from emoview.face.lab import lab_of


def test_every_colour_is_as_opencv_gives_it():
    green, blue = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    for red in range(256):
        picture = np.stack([np.full_like(green, red), green, blue], axis=-1)
        assert np.array_equal(lab_of(picture), cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)), red


def test_colours_around_places_are_those_of_the_blurred_picture_up_to_its_edges():
    face = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    blurred = cv2.blur(cv2.cvtColor(face, cv2.COLOR_RGB2LAB), (3, 3))
    places = np.stack(np.meshgrid(np.arange(24), np.arange(24)), axis=-1).reshape(-1, 2)
    assert np.array_equal(_colours_around(face, places), blurred[places[:, 1], places[:, 0]])
