"""Cutting an upright face out of a picture, as the networks were trained to see it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.face.find import FACE_OVAL, LEFT_EYE, RIGHT_EYE
from emoview.timeline.options import ratio_of

CROP_SIZE: Final = 112
"""Side of an aligned face, in pixels."""

Widening = tuple[float, float]
"""Factors for the width and the height of a picture."""
AS_IT_IS: Final[Widening] = (1.0, 1.0)

_OVAL = np.array(FACE_OVAL)
_EYES_AND_OVAL = np.array([*LEFT_EYE, *RIGHT_EYE, *FACE_OVAL])
# Width to height of upright ovals, medians of videos: 0.777 to 0.87 of twelve people, 0.67 to 0.78 of eight
# others after 16:9 was squeezed to 4:3.
_NARROW = 0.78
_UNSQUEEZED = 4 / 3
# Pictures of 16:9 that were squeezed so far are no longer as wide as this, beside their height.
_WIDEST = 1.5
# Pixels around what is cut out.
_EDGE = 8
_LEAST_SCALE = 0.5


def align(
    picture: NDArray[np.uint8],
    landmarks: NDArray[np.float32],
    size: int = CROP_SIZE,
    *,
    widen: Widening = AS_IT_IS,
) -> NDArray[np.uint8]:
    """Turn a face upright, cut out its oval on black and crop it tightly.

    The eyes come to lie level, and the longer side of the oval fills the picture.

    Args:
        picture: `(height, width, 3)` RGB, or `(height, width)` grey.
        landmarks: `(468, 2 or 3)` in pixels of the picture.
        size: Side of the result.
        widen: How much wider and higher the picture is made before, see `Proportions`.

    Returns:
        `(size, size, 3)` or `(size, size)`, like the picture.
    """
    matrix = alignment(landmarks, size, widen=widen)
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.round(moved(matrix, landmarks[_OVAL])).astype(np.int32)], 255)
    if np.hypot(*matrix[1, :2]) < _LEAST_SCALE:
        face = _shrunk(picture, matrix, size)
    else:
        face = np.asarray(cv2.warpAffine(picture, matrix, (size, size), flags=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(cv2.bitwise_and(face, face, mask=mask), dtype=np.uint8)


def _shrunk(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Shrink a picture to less than half, by steps: one alone would leave out pixels, and flicker."""
    picture, offset = _shown(picture, matrix, size)
    scaled = matrix[:, :2]
    while np.hypot(*scaled[1]) < _LEAST_SCALE / 2 and min(picture.shape[:2]) > 1:
        picture = _halved(picture)
        # The middle of the first pixel lies at 0.
        offset = offset + scaled.sum(axis=1) / 2
        scaled = 2 * scaled
    large = np.column_stack([2 * scaled, 2 * offset + 0.5])
    return _halved(
        np.asarray(cv2.warpAffine(picture, large, (2 * size, 2 * size), flags=cv2.INTER_LINEAR), np.uint8)
    )


def _halved(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Average each two by two pixels: OpenCV takes ten times as long to average over any other area."""
    height, width = (side // 2 for side in picture.shape[:2])
    even = picture[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _shown(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Cut out what an aligned face shows of a picture, and give the place `(2,)` to which its corner goes."""
    corners = np.array([(0, 0), (size, 0), (0, size), (size, size)])
    # Not by linalg.inv, for which OpenBLAS wakes threads that keep a core busy until the next picture.
    places = moved(np.asarray(cv2.invertAffineTransform(matrix), np.float64), corners)
    limit = np.array(picture.shape[1::-1])
    # Some more, for what is averaged at the edge.
    low = np.clip(np.floor(places.min(axis=0)).astype(int) - _EDGE, 0, limit - 1)
    high = np.clip(np.ceil(places.max(axis=0)).astype(int) + _EDGE, low + 1, limit)
    # A copy is read in half the time, since the picture was last looked at some ticks ago.
    part = np.ascontiguousarray(picture[low[1] : high[1], low[0] : high[0]])
    return part, matrix[:, 2] + matrix[:, :2] @ low


def alignment(
    landmarks: NDArray[np.float32], size: int = CROP_SIZE, *, widen: Widening = AS_IT_IS
) -> NDArray[np.float64]:
    """Give the matrix `(2, 3)` that takes places in the picture to places in the aligned face."""
    wider = np.array(widen)
    turn, oval = _turned(landmarks[_EYES_AND_OVAL, :2] * wider)
    low, high = oval.min(axis=0), oval.max(axis=0)
    scale = size / max(float((high - low).max()), 1.0)
    return np.column_stack([turn * scale * wider, size / 2 - scale * (low + high) / 2])


class Proportions:
    """Tells how much wider the pictures of a video have to be made for its faces to have their true shape.

    Pictures of 16:9 are now and then stored in 4:3 without a note, and a network that has seen no such faces
    takes them for surprised.  The factor is one for all faces of a video, since a dropped jaw makes a face
    narrower beside its length, too: it hangs on the median of all so far.  Where most faces lie on their
    side, the camera did, and it is the height that was squeezed.

    Args:
        aspect: `auto` looks at the faces, `keep` leaves pictures as they are, and a ratio such as `16:9` is
            that of the pictures as they are meant.
    """

    def __init__(self, aspect: str = "auto") -> None:
        self._upright: list[float] = []
        self._lying: list[float] = []
        self._kept, self._ratio = aspect == "keep", ratio_of(aspect)

    def widening(self, faces: Iterable[NDArray[np.float32]], size: tuple[int, int] = (1, 1)) -> Widening:
        """Give the factors for the next picture.

        Args:
            faces: Landmarks `(468, 2 or 3)` of the faces in it.
            size: Its height and width.

        Returns:
            1, or 4/3 where faces are narrow, and the picture is not as wide, or as high, as it was before it
            could be squeezed; where a ratio is given, what brings the picture to it.
        """
        if self._kept:
            return AS_IT_IS
        if self._ratio is not None:
            return (self._ratio * size[0] / size[1], 1.0)
        for landmarks in faces:
            turn, oval = upright(landmarks)
            width, height = np.maximum(np.ptp(oval, axis=0), 1.0)
            lies = abs(turn[0, 1]) > abs(turn[0, 0])
            insort(self._lying if lies else self._upright, float(width / height))
        ratios = max(self._upright, self._lying, key=len)
        if not ratios or ratios[len(ratios) // 2] >= _NARROW or max(size) > _WIDEST * min(size):
            return AS_IT_IS
        return (_UNSQUEEZED, 1.0) if ratios is self._upright else (1.0, _UNSQUEEZED)


def upright(landmarks: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the rotation `(2, 2)` that brings the eyes level, and the face's oval `(36, 2)` rotated by it.

    Args:
        landmarks: `(468, 2 or 3)`.
    """
    return _turned(landmarks[_EYES_AND_OVAL, :2])


def _turned(points: NDArray[np.floating[Any]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Do as `upright`, of eyes and oval `(40, 2)`."""
    points = points.astype(np.float64)
    left, right = (points[0] + points[1]) / 2, (points[2] + points[3]) / 2
    angle = float(np.arctan2(right[1] - left[1], right[0] - left[0]))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return turn, points[4:] @ turn.T


def as_meant(
    picture: NDArray[np.uint8], landmarks: NDArray[np.float32], widen: Widening = AS_IT_IS
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Make a picture wider, and turn it by quarters so that a face in it stands upright, as near as may be.

    Args:
        picture: `(height, width, 3)`.
        landmarks: `(468, 2 or 3)` of the face.
        widen: How much wider and higher it is made.

    Returns:
        The picture, and the landmarks in it, `(468, 2)`.
    """
    points = landmarks[:, :2]
    if widen != AS_IT_IS:
        before = picture.shape[1::-1]
        size = [max(1, round(side * by)) for side, by in zip(before, widen, strict=True)]
        # The middle of the first pixel lies at 0.
        points = (points + 0.5) * (np.array(size) / before).astype(np.float32) - 0.5
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    turn, _ = _turned(points[_EYES_AND_OVAL])
    for _ in range(round(float(np.arctan2(turn[0, 1], turn[0, 0])) / (np.pi / 2)) % 4):
        points = np.stack([points[:, 1], picture.shape[1] - 1 - points[:, 0]], axis=1)
        picture = np.rot90(picture)
    return picture, points


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
    # Column by column: numpy takes three times as long for both at once.
    x, y = landmarks[:, 0], landmarks[:, 1]
    left, top = float(x.min()), float(y.min())
    return left, top, float(x.max()) - left, float(y.max()) - top
