"""What can be measured on a face beside its label: head, eyes, brows and mouth, corrected for the pose."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.pose import fit_pose

Floats = NDArray[np.float64]

FACE_WIDTH: Final = 2.2
"""Width of a face in distances between the eyes: that of the shape which poses are fitted with."""

# Upper and lower lid above each other at three places, and the corners.
_LIDS: Final = (
    ((160, 159, 158), (144, 145, 153), (33, 133)),
    ((385, 386, 387), (380, 374, 373), (362, 263)),
)
_INNER_BROWS, _OUTER_BROWS = ((107, 55), (336, 285)), ((70, 63), (300, 293))
_INNER_EYES, _OUTER_EYES = (133, 362), (33, 263)
_CORNERS: Final = (61, 291)
_NOSTRILS: Final = (129, 358)
_CHEEKS: Final = (205, 425)
_NOSE_BASE, _CHIN = 2, 152
_UPPER_OUTER, _UPPER_INNER, _LOWER_INNER, _LOWER_OUTER = 0, 13, 14, 17


def measure_faces(landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Measure faces from their meshes.

    Args:
        landmarks: `(n, 468, 3)`, x, y and depth in pixels.

    Returns:
        `(n, 1 + 3 + 15)`: width of the face in pixels, as it would be from straight ahead; yaw, pitch and
        roll; and `EXPRESSION` of `emoview.timeline.measures`, in its order.
    """
    angles, eyes_px, face = fit_pose(landmarks)

    def height(*points: int) -> Floats:
        # y grows downwards.
        return -np.asarray(face[:, list(points), 1].mean(axis=1), np.float64)

    def apart(a: int, b: int) -> Floats:
        return np.asarray(np.linalg.norm(face[:, a] - face[:, b], axis=1), np.float64)

    eyes = [_opening(face, *eye) for eye in _LIDS]
    inner = [point for pair in _INNER_BROWS for point in pair]
    outer = [point for pair in _OUTER_BROWS for point in pair]
    lips = (_UPPER_OUTER, _LOWER_OUTER)
    columns = [
        *eyes,
        height(*inner) - height(*_INNER_EYES),
        height(*outer) - height(*_OUTER_EYES),
        apart(*(pair[0] for pair in _INNER_BROWS)),
        (apart(_NOSTRILS[0], _INNER_EYES[0]) + apart(_NOSTRILS[1], _INNER_EYES[1])) / 2,
        height(*_CHEEKS) - height(_NOSE_BASE),
        apart(_NOSE_BASE, _UPPER_OUTER),
        height(*_CORNERS) - height(_UPPER_INNER, _LOWER_INNER),
        apart(*_CORNERS),
        apart(_UPPER_INNER, _LOWER_INNER),
        apart(_UPPER_OUTER, _UPPER_INNER) + apart(_LOWER_INNER, _LOWER_OUTER),
        face[:, _NOSE_BASE, 2] - face[:, lips, 2].mean(axis=1),
        apart(_NOSE_BASE, _CHIN),
        height(_CORNERS[0]) - height(_CORNERS[1]),
    ]
    return np.column_stack([eyes_px * FACE_WIDTH, angles, *columns]).astype(np.float32)


def _opening(
    face: Floats, upper: tuple[int, ...], lower: tuple[int, ...], corners: tuple[int, ...]
) -> Floats:
    """Give the mean distance of the lids over the width of the eye (Soukupova and Cech 2016, CVWW)."""
    lids = np.linalg.norm(face[:, list(upper)] - face[:, list(lower)], axis=2).mean(axis=1)
    width = np.linalg.norm(face[:, corners[0]] - face[:, corners[1]], axis=1)
    return np.asarray(lids / np.maximum(width, 1e-9), np.float64)
