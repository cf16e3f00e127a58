"""The 68 landmarks of the iBUG annotation, taken from the face mesh."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.find import FaceFinder

IBUG: Final = (
    127, 234, 93, 132, 58, 136, 150, 176, 152, 400, 379, 365, 288, 361, 323, 454, 356,
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 75, 97, 2, 326, 305,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
"""The mesh's point nearest to each: jaw, brows, nose, eyes, outer and inner outline of the lips."""

# The mesh wants a face of some size with something around it; a cropped face of 48 pixels has neither.
_ENLARGED = 192
_BORDER = 40


def ibug_landmarks(mesh: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Take the 68 landmarks `(68, 2)` from those of the mesh, `(468, 2 or 3)`."""
    return np.asarray(mesh[list(IBUG), :2], np.float32)


def landmarks_of_crop(finder: FaceFinder, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Find the 68 landmarks in a picture that is cropped to a face.

    Args:
        finder: Made for stills.
        picture: `(side, side)` grey.

    Returns:
        `(68, 2)` with mean 0 and standard deviation 1, so that place and size of the face do not
        matter; None where no face is found.
    """
    points = _enlarged_points(finder, picture)
    if points is None:
        return None
    points -= points.mean(axis=0)
    return np.asarray(points / points.std(), np.float32)


def points_of_crop(finder: FaceFinder, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Find the 68 landmarks as `landmarks_of_crop` does, and give them in pixels of the picture.

    The picture, `(height, width)` grey, need not be a square.
    """
    points = _enlarged_points(finder, picture)
    scale = np.array(picture.shape[1::-1], np.float32) / np.float32(_ENLARGED)
    return None if points is None else (points - _BORDER) * scale


def _enlarged_points(finder: FaceFinder, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    import cv2

    large = cv2.resize(picture, (_ENLARGED, _ENLARGED), interpolation=cv2.INTER_CUBIC)
    large = cv2.copyMakeBorder(large, _BORDER, _BORDER, _BORDER, _BORDER, cv2.BORDER_REPLICATE)
    found = finder.find(np.asarray(cv2.cvtColor(large, cv2.COLOR_GRAY2RGB), np.uint8))
    return ibug_landmarks(found[0]) if found else None
