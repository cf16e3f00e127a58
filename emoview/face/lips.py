"""How far a mouth is open, from the face mesh."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

# Points of the inner lips that lie above each other, at the middle and to both sides of it.
_UPPER: Final = (82, 13, 312)
_LOWER: Final = (87, 14, 317)
_FOREHEAD: Final = 10
_CHIN: Final = 152


def lip_opening(landmarks: NDArray[np.float32]) -> float:
    """Give the distance between the inner lips as a share of the height of the face.

    Args:
        landmarks: `(468, 2 or 3)` in pixels.
    """
    points = landmarks[:, :2].astype(np.float64)
    gaps = np.linalg.norm(points[list(_UPPER)] - points[list(_LOWER)], axis=1)
    height = float(np.linalg.norm(points[_FOREHEAD] - points[_CHIN]))
    return float(gaps.mean()) / max(height, 1.0)
