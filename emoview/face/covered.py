"""Whether something covers the lower face: a mask, a hand, or the text of subtitles."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.face.align import alignment, moved
from emoview.face.lab import lab_of

Floats = NDArray[np.float32]

COVERED: Final = 0.8
"""Score from which on a face is taken for covered, see `covered_score`."""

# Points of forehead, nose and upper cheeks, which are skin; of the red of the lips; and of the inner lips.
_SKIN: Final = [151, 9, 108, 337, 69, 299, 6, 197, 195, 50, 280, 117, 346, 101, 330, 107, 336]
LOWER: Final = [
    199, 200, 175, 18, 83, 313, 164, 167, 393, 207, 427, 214, 434, 210, 430, 135, 364, 169, 394, 140, 369, 32,
    262, 192, 416, 186, 410, 212, 432,
]  # fmt: skip
"""Points of chin, jaws and the skin around the mouth."""
_LIPS: Final = [37, 267, 84, 314, 0, 17, 39, 269, 91, 321]
_INNER: Final = [13, 14, 82, 312, 87, 317]
_UPPER_PART: Final = [50, 280, 101, 330, 6, 197, 117, 346]

# A logistic regression on what `_looks` gives, standardised, and on its squares.
_MEAN: Final = np.array([
    -0.005863, 0.359, 18.72, 17.68, 22.24, 0.3718, 0.4759, 0.4948, 0.134, 0.1381, -4.244, -3.034, -2.568,
    -3.565, -2.455, 0.6968, 1.291, 0.1443, 0.08069, -0.2674,
])  # fmt: skip
_SPREAD: Final = np.array([
    0.5265, 0.3851, 17.91, 17.99, 17.04, 0.3812, 0.3798, 3.127, 0.2157, 0.1678, 1.03, 1.568, 1.65, 0.3381,
    0.5124, 0.6138, 0.5824, 0.3256, 0.206, 0.8466,
])  # fmt: skip
_WEIGHTS: Final = np.array([
    0.1903, -0.4265, 0.3578, 0.09074, 0.7896, -0.3707, -0.7409, -0.7248, -0.7522, -0.6323, -3.79, -0.9163,
    -0.9791, -0.3328, 0.06517, 1.219, 0.0788, 0.09578, 0.9284, 0.6144,
])  # fmt: skip
_OF_SQUARES: Final = np.array([
    -0.5565, 0.08881, -0.2744, 0.6245, -0.4733, 0.1942, 0.271, 0.09459, 0.03588, -0.06653, 1.266, 3.141,
    2.308, -0.2903, -0.1419, 0.5905, 0.001035, -0.04969, 0.09196, 1.419,
])  # fmt: skip
_BIAS: Final = -0.715811
_FARTHEST: Final = 4.0


def covered_score(face: NDArray[np.uint8], landmarks: NDArray[np.floating[Any]]) -> float:
    """Score how much the lower part of a face looks like something else than a face.

    The colour and the lightness of chin, jaws and the skin around the mouth are held against those of
    forehead, nose and upper cheeks, the lips against the skin around them, and edges below against edges
    above.

    Args:
        face: `(side, side, 3)` RGB, aligned.
        landmarks: `(468, 2 or 3)`, in pixels of the picture that it was cut out of, made as wide and as high.

    Returns:
        The log-odds of a covered face; `COVERED` tells them apart.
    """
    looks = np.clip((_looks(face, landmarks) - _MEAN) / _SPREAD, -_FARTHEST, _FARTHEST)
    return float(looks @ _WEIGHTS + np.square(looks) @ _OF_SQUARES + _BIAS)


def _looks(face: NDArray[np.uint8], landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Describe the lower part of a face beside the upper one."""
    points = moved(alignment(landmarks.astype(np.float32), len(face)), landmarks)
    places = np.clip(np.round(points).astype(np.int64), 0, len(face) - 1)
    # All at once: each call takes longer than what it computes.
    around = _colours_around(face, places[[*_SKIN, *LOWER, *_LIPS, *_INNER]])
    above, below, lips, inner = np.split(around, np.cumsum([len(_SKIN), len(LOWER), len(_LIPS)]))
    skin = np.median(above, axis=0)
    usual, light = np.median(below, axis=0), max(float(skin[0]), 20.0)
    colour = np.hypot(*(below - skin)[:, 1:].T) * 128 / light
    lightness = np.abs(below[:, 0] - skin[0]) / light
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY).astype(np.float32)
    across, down = (cv2.Sobel(grey, cv2.CV_32F, *way) / 8 for way in ((1, 0), (0, 1)))
    lower, upper = _inside(points[LOWER], len(face)), _inside(points[_UPPER_PART], len(face))
    edges = cv2.magnitude(across, down) / light
    shades = grey[lower] / light
    return np.array([
        (usual[0] - skin[0]) / light,
        abs(usual[0] - skin[0]) / light,
        np.hypot(*(usual - skin)[1:]) * 128 / light,
        *_percentiles(colour, (25, 80)),
        *_percentiles(lightness, (50, 85)),
        (lips[:, 1].mean() - usual[1]) * 128 / light,
        (usual[0] - inner[:, 0].min()) / light,
        below[:, 0].std() / light,
        *np.log(_percentiles(edges[lower], (50, 90, 98)) + 0.002),
        *np.log(_percentiles(edges[upper], (50, 90)) + 0.002),
        *_percentiles(shades, (2, 98)), (shades > 1.5).mean(), (shades < 0.3).mean(),
        np.log(np.abs(across[lower]).mean() / (np.abs(down[lower]).mean() + 0.01) + 0.01),
    ])  # fmt: skip


def _colours_around(face: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the mean colours in CIELAB, whole numbers, of the nine pixels around each place `(n, 2)`."""
    last = len(face) - 1
    # What would lie outside is mirrored.
    near = last - np.abs(last - np.abs(places[:, None] + np.arange(-1, 2)[:, None]))
    columns, rows = near[:, None, :, 0], near[:, :, None, 1]
    return np.asarray(np.rint(lab_of(face[rows, columns]).mean(axis=(1, 2))), np.float64)


def _percentiles(values: NDArray[Any], shares: tuple[int, ...]) -> NDArray[Any]:
    """Do as `numpy.percentile`, in a tenth of the time for few values."""
    places = np.array(shares) / 100 * (len(values) - 1)
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(values) - 1)
    ordered = np.partition(values, [*before, *after])
    return np.asarray(ordered[before] + (ordered[after] - ordered[before]) * (places - before))


def _inside(points: NDArray[np.float64], side: int) -> NDArray[np.bool_]:
    """Mark what lies within points, of a square picture; at least one pixel."""
    marks = np.zeros((side, side), np.uint8)
    corners = np.clip(np.round(points), 0, side - 1).astype(np.int32)
    cv2.fillConvexPoly(marks, cv2.convexHull(corners), 1)
    return marks.view(bool)
