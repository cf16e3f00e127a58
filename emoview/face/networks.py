"""The three networks that find faces and their landmarks, and the squares of a picture that they see.

They are mediapipe's, taken out of its wheel by `tools/face_models.py` and run without its graph.  Those of
Bazarevsky et al. 2019 (arXiv:1907.05047) detect, that of Kartynnik et al. 2019 (arXiv:1907.06724) places the
mesh.
"""

from __future__ import annotations

import functools
import math
import threading
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.networks.onnx_runtime import session
from emoview.networks.weights import shipped

# Of so many pixels for each that is cut out most are not looked at: copying them takes longer.
_LARGEST: Final = 3

_LOADING = threading.Lock()


def network(name: str) -> Any:
    """Load `mesh`, `near` or `far`, once a process; threads may share it.

    Raises:
        WeightsError: Its file is missing or damaged.
    """
    with _LOADING:
        return _loaded(name)


@functools.cache
def _loaded(name: str) -> Any:
    return session(shipped(f"{name}.onnx").path)


@dataclass(frozen=True)
class Square:
    """A square of a picture, maybe turned.

    Attributes:
        x: Of its centre, in pixels.
        y: Likewise.
        side: In pixels.
        angle: By which it is turned, in radians, clockwise as shown.
    """

    x: float
    y: float
    side: float
    angle: float = 0.0

    def scaled(self, factor: float) -> Square:
        """Give it in a picture `factor` times as large."""
        return Square(self.x * factor, self.y * factor, self.side * factor, self.angle)

    def overlap(self, other: Square) -> float:
        """Give the intersection over the union, both as if they were not turned."""
        across, down = (
            max(0.0, min(a + self.side / 2, b + other.side / 2) - max(a - self.side / 2, b - other.side / 2))
            for a, b in ((self.x, other.x), (self.y, other.y))
        )
        both = across * down
        return both / max(self.side**2 + other.side**2 - both, 1e-12)

    def holds(self, other: Square) -> bool:
        """Tell whether the centre of another lies in its inner two thirds, where the face is."""
        return max(abs(self.x - other.x), abs(self.y - other.y)) < self.side / 3

    def matrix(self, side: int) -> NDArray[np.float64]:
        """Give the matrix `(2, 3)` that takes places in what is cut out to places in the picture."""
        scale = self.side / side
        cosine, sine = scale * math.cos(self.angle), scale * math.sin(self.angle)
        half = side / 2
        return np.array([
            [cosine, -sine, self.x - half * (cosine - sine)],
            [sine, cosine, self.y - half * (sine + cosine)],
        ])  # fmt: skip

    def cut(self, picture: NDArray[np.uint8], side: int, *, repeat: bool) -> NDArray[np.uint8]:
        """Cut it out as `(side, side, 3)`; outside of the picture is black, or, with `repeat`, its edge."""
        border = cv2.BORDER_REPLICATE if repeat else cv2.BORDER_CONSTANT
        matrix = self.matrix(side)
        picture, corner = _reaching(picture, matrix, side, border)
        matrix[:, 2] -= corner
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        cut = cv2.warpAffine(picture, matrix, (side, side), flags=flags, borderMode=border)
        return np.asarray(cut, np.uint8)


def _reaching(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], side: int, border: int
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Copy the part of a picture that a square shows, with edges where it reaches over: part, and its corner.

    From a part that was just copied, and over no edge, OpenCV cuts in half the time.
    """
    corners = matrix @ np.array([(0, side, 0, side), (0, 0, side, side), (1, 1, 1, 1)])
    low = np.floor(corners.min(axis=1)).astype(np.int64) - 1
    high = np.ceil(corners.max(axis=1)).astype(np.int64) + 2
    limit = np.array(picture.shape[1::-1])
    inside_low, inside_high = np.maximum(low, 0), np.minimum(high, limit)
    if (inside_low >= inside_high).any() or (high - low).max() > _LARGEST * side:
        return picture, np.zeros(2, np.int64)
    (left, top), (right, bottom) = inside_low - low, high - inside_high
    part = picture[inside_low[1] : inside_high[1], inside_low[0] : inside_high[0]]
    return np.asarray(cv2.copyMakeBorder(part, top, bottom, left, right, border), np.uint8), low


def square_around(
    low: tuple[float, float], high: tuple[float, float], left_eye: Any, right_eye: Any
) -> Square:
    """Give the square that the mesh sees of a face: half as much again as its box, turned as its eyes are.

    Args:
        low: x and y of the upper left corner of the box.
        high: Likewise of the lower right one.
        left_eye: x and y of the eye at the picture's left.
        right_eye: Likewise.
    """
    angle = math.atan2(right_eye[1] - left_eye[1], right_eye[0] - left_eye[0])
    side = 1.5 * max(high[0] - low[0], high[1] - low[1])
    return Square((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, side, angle)
