"""How good the picture of a face is: what the rule for usable ticks looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.face.find import FACE_OVAL

# Grey values from 0 to 1; a picture of one grey has no edges.
_FLAT: Final = 1e-3
_SECOND: Final = np.array([1.0, -2.0, 1.0])
# Second differences between neighbours along the sides and the diagonals, and the squares of the distances.
# OpenCV filters whole numbers in a third of the time.
_DIFFERENCES: Final = (
    (np.outer([0, 1, 0], _SECOND), 1),
    (np.outer(_SECOND, [0, 1, 0]), 1),
    (np.diag(_SECOND), 2),
    (np.fliplr(np.diag(_SECOND)), 2),
)


def outside(
    landmarks: NDArray[np.floating[Any]], size: tuple[int, int], points: Sequence[int] = FACE_OVAL
) -> float:
    """Give the share of a face's outline that lies outside a picture of this height and width.

    Args:
        landmarks: `(468, 2 or 3)` in pixels of the picture.
        size: Height and width.
        points: Which of them to look at, if not the outline.
    """
    places = landmarks[list(points), :2]
    beyond = (places < 0) | (places >= np.array(size[::-1]))
    return float(beyond.any(axis=1).mean())


def look_of(face: NDArray[np.uint8]) -> tuple[float, float, float]:
    """Measure the picture of a face.

    Sharpness is the standard deviation of the second differences of neighbouring pixels over that of the
    pixels, in the direction in which it is smallest, since a movement blurs one direction alone.  It is
    measured after alignment, so that a small face, which is enlarged, counts as blurred.

    Args:
        face: `(side, side, 3)` RGB, aligned, black outside the oval.

    Returns:
        Sharpness; and mean and standard deviation of the grey values, from 0 to 1.
    """
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
    # The edge of the oval is none of the face.
    inside = cv2.erode((grey > 0).view(np.uint8), np.ones((5, 5), np.uint8))
    mean, spread = cv2.meanStdDev(grey, mask=inside)
    edges = (
        float(cv2.meanStdDev(cv2.filter2D(grey, cv2.CV_16S, kernel), mask=inside)[1][0, 0]) / apart
        for kernel, apart in _DIFFERENCES
    )
    contrast = float(spread[0, 0]) / 255
    sharpness = min(edges) / 255 / max(contrast, _FLAT)
    return sharpness, float(mean[0, 0]) / 255, contrast
