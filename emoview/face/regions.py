"""The regions of a face by name, each by points of the face mesh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

REGIONS: Final[Mapping[str, tuple[int, ...]]] = {
    "forehead": (10, 338, 297, 332, 284, 109, 67, 103, 54, 151, 9, 108, 337, 69, 299, 104, 333),
    "brows": (
        70, 63, 105, 66, 107, 55, 65, 52, 53, 46, 300, 293, 334, 296, 336, 285, 295, 282, 283, 276,
    ),
    "eyes": (
        33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246,
        263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466,
    ),
    "nose": (168, 6, 197, 195, 5, 4, 1, 19, 94, 2, 98, 327, 129, 358, 48, 278, 49, 279, 45, 275, 220, 440),
    "mouth": (
        61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,
        78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,
    ),
    "cheeks and jaw": (
        50, 280, 205, 425, 117, 346, 187, 411, 36, 266, 101, 330, 199, 208, 428,
        454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234,
    ),
}  # fmt: skip
"""Points of the mesh around which each region lies, from the top of the face to its bottom."""

REGION_POINTS: Final = tuple(point for points in REGIONS.values() for point in points)
"""All of them, region after region."""

_REGION_OF = np.repeat(np.arange(len(REGIONS)), [len(points) for points in REGIONS.values()])


def region_map(points: NDArray[np.floating[Any]], size: int) -> NDArray[np.int64]:
    """Give each pixel of an aligned face to the region with the nearest point.

    Args:
        points: `(len(REGION_POINTS), 2)`, x and y as shares of the picture's side.
        size: Side of the picture.

    Returns:
        `(size, size)`, positions in `REGIONS`.
    """
    centres = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(centres, centres)
    pixels = np.stack([x, y], axis=-1)[:, :, None]
    distances = np.square(pixels - points.astype(np.float64)).sum(axis=-1)
    return np.asarray(_REGION_OF[distances.argmin(axis=-1)])
