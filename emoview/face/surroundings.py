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


def _grid(
    left: float, right: float, top: float, bottom: float, across: int, down: int
) -> NDArray[np.float64]:
    x, y = np.meshgrid(np.linspace(left, right, across), np.linspace(top, bottom, down))
    return np.stack([x.ravel(), y.ravel()], axis=1)


# Above and below a face, as shares of its width and height from its upper left corner.
_HAIR: Final = _grid(0.0, 1.0, -0.4, 0.0, 20, 8)
_BELOW: Final = _grid(-0.3, 1.3, 1.1, 1.8, 32, 14)
# Of the face itself: mostly skin, of whose colours the median counts.
_SKIN: Final = _grid(0.25, 0.75, 0.3, 0.8, 10, 10)
_SKIN_AS: Final = 180
"""Of 255, what skin is lit up to: bright enough to tell dark hair and clothes apart."""
_DARKEST: Final = 30
"""Of 255: darker skin is lit up no further, since that would show noise."""
_PLACES: Final = np.concatenate([_HAIR, _BELOW, _SKIN])
_BINS: Final = 8
_LOW: Final = np.array([0.0, 96.0, 96.0])
_HIGH: Final = np.array([256.0, 160.0, 160.0])
# Bins between which a value is shared out, those of the three colours together: as steps, and as numbers.
_CORNERS: Final = np.array(list(np.ndindex(2, 2, 2)))
_NUMBERS: Final = np.array([_BINS * _BINS, _BINS, 1])


def surroundings(
    picture: NDArray[np.uint8], landmarks: NDArray[np.float32], *, beside_skin: bool = False
) -> NDArray[np.float32]:
    """Describe the colours above and below a face.

    Args:
        picture: `(height, width, 3)`, RGB.
        landmarks: `(468, 2 or 3)`, in pixels of it.
        beside_skin: Whether to light the picture so that the skin is a light grey.  Light, exposure and white
            balance of a shot, which another does not share, change hair, clothes and skin alike.

    Returns:
        `(2, 512)`: histograms over lightness and both colours of CIELAB, each value shared out between the
        neighbouring bins, as square roots, so that their distance is Hellinger's; zeros for what lies outside
        of the picture.
    """
    turn, points = upright(landmarks)
    low, high = points.min(axis=0), points.max(axis=0)
    # Of a rotation the transpose is the inverse.
    columns, rows = np.round((low + (high - low) * _PLACES) @ turn).astype(np.int64).T
    inside = (columns >= 0) & (rows >= 0) & (columns < picture.shape[1]) & (rows < picture.shape[0])
    colours = picture[rows[inside], columns[inside]]
    above, around = int(inside[: len(_HAIR)].sum()), int(inside[: -len(_SKIN)].sum())
    colours, skin = colours[:around], colours[around:]
    if beside_skin and len(skin):
        light = _SKIN_AS / np.maximum(np.median(skin, axis=0), _DARKEST)
        colours = np.minimum(colours * light, 255).astype(np.uint8)
    lab = lab_of(colours)
    return np.stack([_histogram(lab[:above]), _histogram(lab[above:])])


def _histogram(colours: NDArray[np.int64]) -> NDArray[np.float32]:
    if not len(colours):
        return np.zeros(_BINS**3, np.float32)
    places = np.clip((colours - _LOW) / (_HIGH - _LOW) * _BINS - 0.5, 0, _BINS - 1 - 1e-6)
    first = places.astype(np.int64)
    rest = places - first
    both = np.stack([1 - rest, rest])
    shares = both[_CORNERS[:, 0], :, 0] * both[_CORNERS[:, 1], :, 1] * both[_CORNERS[:, 2], :, 2]
    bins = first @ _NUMBERS + (_CORNERS @ _NUMBERS)[:, None]
    counts = np.bincount(bins.ravel(), shares.ravel(), _BINS**3)
    return np.asarray(np.sqrt(counts / len(colours)), np.float32)
