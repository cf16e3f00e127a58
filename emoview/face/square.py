"""Cutting the square about the landmarks of a face out of a picture, with a bit of what is around it."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.align import AS_IT_IS, Widening, as_meant

# The outermost landmarks run from the brows to the chin, so a little of the forehead is added.
_MARGIN: Final = 0.1
# How much larger than its picture a face can be.
_LARGEST: Final = 4


def square(image: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.uint8] | None:
    """Cut out the square about the outermost landmarks and a small margin (system C, section 4.3).

    Args:
        image: `(height, width, 3)` RGB.
        landmarks: The 68 of iBUG, `(68, 2)`, in pixels of the picture.

    Returns:
        `(side, side, 3)`, black where it leaves the picture; None where it is much larger than the picture,
        or misses it.
    """
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    side = max(2, round(float((high - low).max()) * (1 + 2 * _MARGIN)))
    left, top = np.round((low + high) / 2 - side / 2).astype(int).tolist()
    height, width = image.shape[:2]
    if side > _LARGEST * max(height, width) or left >= width or top >= height or min(left, top) <= -side:
        return None
    result = np.zeros((side, side, 3), np.uint8)
    inside = image[max(0, top) : max(0, top + side), max(0, left) : max(0, left + side)]
    y, x = max(0, -top), max(0, -left)
    result[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    return result


def square_of_mesh(
    picture: NDArray[np.uint8], mesh: NDArray[np.float32], size: int, *, widen: Widening = AS_IT_IS
) -> NDArray[np.uint8]:
    """Cut a face out as `square` does, brought to `(size, size, 3)`.

    Args:
        picture: `(height, width, 3)` RGB; where the face lies on its side, it is turned by a quarter.
        mesh: `(468, 2 or 3)`.
        size: Side of the result.
        widen: How much wider and higher the picture is made before, see `Proportions`.
    """
    from emoview.face.ibug import ibug_landmarks

    picture, mesh = as_meant(picture, mesh, widen)
    landmarks = ibug_landmarks(mesh)
    cut = square(picture, landmarks)
    if cut is None:
        # Of a face that the mesh puts far outside, what is inside.
        height, width = picture.shape[:2]
        cut = square(picture, np.clip(landmarks, 0, np.array([width - 1, height - 1], np.float32)))
        assert cut is not None
    return resized(cut, size)


def resized(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Bring a picture `(height, width, 3)` to `(size, size, 3)`, as frames are in training."""
    import cv2

    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
