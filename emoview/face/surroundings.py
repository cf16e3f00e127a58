"""What is around a face, and tells people of one video apart: hair or headdress, and neck and clothes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.align import upright
from emoview.face.lab import lab_of

_NEW, _OFTEN, _SELDOM = 50, 5, 20


def due(age: int, since: int) -> bool:
    """Tell whether to look at a face and what is around it, to tell whose it is.

    Shots are short, and a few looks at one expression say little: a new face is looked at more often.

    Args:
        age: Ticks for which it has been followed.
        since: Ticks since the last look.
    """
    return since >= (_OFTEN if age < _NEW else _SELDOM)


# As shares of the face's width and height, from its upper left corner: left, right, top, bottom.
_HAIR: Final = (0.0, 1.0, -0.4, 0.0)
_BELOW: Final = (-0.3, 1.3, 1.1, 1.8)
_POINTS: Final = ((20, 8), (32, 14))
_BINS: Final = 8
_LOW: Final = np.array([0.0, 96.0, 96.0])
_HIGH: Final = np.array([256.0, 160.0, 160.0])


def surroundings(picture: NDArray[np.uint8], landmarks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Describe the colours above and below a face.

    Args:
        picture: `(height, width, 3)`, RGB.
        landmarks: `(468, 2 or 3)`, in pixels of it.

    Returns:
        `(2, 512)`: histograms over lightness and both colours of CIELAB, each value shared out between the
        neighbouring bins, as square roots, so that their distance is Hellinger's; zeros for what lies outside
        of the picture.
    """
    turn, points = upright(landmarks)
    low, high = points.min(axis=0), points.max(axis=0)
    found = []
    for (left, right, top, bottom), (across, down) in zip((_HAIR, _BELOW), _POINTS, strict=True):
        x, y = np.meshgrid(np.linspace(left, right, across), np.linspace(top, bottom, down))
        places = low + (high - low) * np.stack([x.ravel(), y.ravel()], axis=1)
        # Of a rotation the transpose is the inverse.
        columns, rows = np.round(places @ turn).astype(np.int64).T
        inside = (columns >= 0) & (rows >= 0) & (columns < picture.shape[1]) & (rows < picture.shape[0])
        found.append(_histogram(picture[rows[inside], columns[inside]]))
    return np.stack(found)


def _histogram(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    if not len(pixels):
        return np.zeros(_BINS**3, np.float32)
    places = np.clip((lab_of(pixels) - _LOW) / (_HIGH - _LOW) * _BINS - 0.5, 0, _BINS - 1 - 1e-6)
    first = places.astype(np.int64)
    rest = places - first
    counts = np.zeros(_BINS**3)
    steps = np.array([_BINS * _BINS, _BINS, 1])
    both = np.stack([1 - rest, rest])
    for corner in np.ndindex(2, 2, 2):
        shares = both[corner[0], :, 0] * both[corner[1], :, 1] * both[corner[2], :, 2]
        counts += np.bincount((first + corner) @ steps, shares, _BINS**3)
    return np.asarray(np.sqrt(counts / len(pixels)), np.float32)
