"""Faces made unrecognisable in pictures that are shown or recorded."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.results import FaceBox

# So many cells are left across a face: enough to see that it is one.
_CELLS = 6
_MARGIN = 0.25


def blurred(picture: NDArray[np.uint8], boxes: Iterable[FaceBox], scale: float) -> NDArray[np.uint8]:
    """Give a copy of a picture in which faces are a few cells of colour.

    Args:
        picture: `(height, width, 3)`.
        boxes: Of the faces, in pixels as shown.
        scale: Pixels as shown for each pixel of the picture.
    """
    import cv2

    result = picture.copy()
    height, width = picture.shape[:2]
    for box in boxes:
        x, y, w, h = (value / scale for value in (box.x, box.y, box.width, box.height))
        left, right = int(max(0, x - _MARGIN * w)), int(min(width, x + (1 + _MARGIN) * w) + 1)
        top, bottom = int(max(0, y - _MARGIN * h)), int(min(height, y + (1 + _MARGIN) * h) + 1)
        part = result[top:bottom, left:right]
        if part.size:
            small = cv2.resize(part, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
            size = (part.shape[1], part.shape[0])
            result[top:bottom, left:right] = cv2.resize(small, size, interpolation=cv2.INTER_LINEAR)
    return result
