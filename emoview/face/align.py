"""Cutting an upright face out of a picture, as the networks were trained to see it."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.face.find import FACE_OVAL, LEFT_EYE, RIGHT_EYE

CROP_SIZE: Final = 112
"""Side of an aligned face, in pixels."""

_OVAL = np.array(FACE_OVAL)


def align(
    picture: NDArray[np.uint8], landmarks: NDArray[np.float32], size: int = CROP_SIZE
) -> NDArray[np.uint8]:
    """Turn a face upright, cut out its oval on black and crop it tightly.

    The eyes come to lie level, and the longer side of the oval fills the picture.

    Args:
        picture: `(height, width, 3)` RGB, or `(height, width)` grey.
        landmarks: `(468, 2 or 3)` in pixels of the picture.
        size: Side of the result.

    Returns:
        `(size, size, 3)` or `(size, size)`, like the picture.
    """
    matrix = alignment(landmarks, size)
    # Shrinking by more than half in one step would leave out pixels, and flicker.
    flags = cv2.INTER_LINEAR if np.hypot(*matrix[0, :2]) > 0.5 else cv2.INTER_AREA
    face = cv2.warpAffine(picture, matrix, (size, size), flags=flags)
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(moved(matrix, landmarks[_OVAL])).astype(np.int32)], 255)
    return np.asarray(cv2.bitwise_and(face, face, mask=mask), dtype=np.uint8)


def alignment(landmarks: NDArray[np.float32], size: int = CROP_SIZE) -> NDArray[np.float64]:
    """Give the matrix `(2, 3)` that takes places in the picture to places in the aligned face."""
    points = landmarks[:, :2].astype(np.float64)
    left, right = points[list(LEFT_EYE)].mean(axis=0), points[list(RIGHT_EYE)].mean(axis=0)
    angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    oval = points[_OVAL] @ turn.T
    low, high = oval.min(axis=0), oval.max(axis=0)
    scale = size / max(float((high - low).max()), 1.0)
    return np.column_stack([turn * scale, size / 2 - scale * (low + high) / 2])


def moved(matrix: NDArray[np.float64], points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Take points `(n, 2 or 3)` through a matrix `(2, 3)`."""
    return np.asarray(points[:, :2] @ matrix[:, :2].T + matrix[:, 2])


def network_input(face: NDArray[np.uint8], size: int, *, colour: bool = False) -> NDArray[np.float32]:
    """Make an aligned face what a network takes: `size` pixels, in [0, 1], grey but for networks of colours.

    Args:
        face: `(side, side, 3)` RGB or `(side, side)` grey, of any side.
        size: Side of the network's pictures.
        colour: Whether it takes colours; then the face is RGB.

    Returns:
        `(size, size, 1)`, or `(size, size, 3)` with `colour`.
    """
    picture = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) if face.ndim == 3 and not colour else face
    # From large to small every pixel counts; the other way round they are interpolated.
    how = cv2.INTER_AREA if size < len(face) else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, (size, size), interpolation=how)
    return np.asarray(scaled.reshape(size, size, -1), dtype=np.float32) / 255


def box_of(landmarks: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """Give the box around the landmarks: left, top, width, height in pixels."""
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    return float(low[0]), float(low[1]), float(high[0] - low[0]), float(high[1] - low[1])
