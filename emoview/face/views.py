"""Ways to see an aligned face that leave what it shows as it is."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

_TURN = 6.0
VIEWS: Final = (
    (0.0, False),
    (_TURN, True),
    (-_TURN, False),
    (0.0, True),
    (_TURN, False),
    (-_TURN, True),
)
"""By how many degrees a face is turned, counter-clockwise, and whether it is mirrored before."""


def seen(faces: NDArray[np.float32], view: int) -> NDArray[np.float32]:
    """Show faces `(n, size, size, 1)` in one of the `VIEWS`, black where there was nothing."""
    angle, mirrored = VIEWS[view]
    if mirrored:
        faces = faces[:, :, ::-1]
    if not angle:
        return faces
    size = faces.shape[1]
    matrix = cv2.getRotationMatrix2D(((size - 1) / 2, (size - 1) / 2), angle, 1.0)
    result = np.empty(faces.shape, np.float32)
    for i, face in enumerate(faces):
        result[i, ..., 0] = cv2.warpAffine(np.ascontiguousarray(face[..., 0]), matrix, (size, size))
    return result
