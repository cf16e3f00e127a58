"""Detecting faces: where in a picture the mesh is to be placed."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.networks import Square, network, square_around

_LEAST: Final = 0.0
"""Logit from which on a box is a face: a score of a half."""
_LEAST_OF_PARTS: Final = 1.1
"""Likewise in a part of the picture, a score of three quarters: painted smiles have up to .74."""
_SAME_FACE: Final = 0.3
# Side of what the networks see, and, for each of their maps, pixels a cell and boxes in each cell.
_SIDE: Final = {"near": 128, "far": 192}
_MAPS: Final = {"near": ((8, 2), (16, 6)), "far": ((4, 1),)}
# How much of a part the next one shows, too.
_SHARED: Final = 0.17
DOZEN: Final = 0.3
"""Side of a part, as a share of the picture's longer side, where twelve cover a picture of 16:9.

Those of a picture of 640 pixels are seen as they are: enlarged, they would show no more."""
SIX: Final = 0.39
"""Likewise, where six do."""
TEN: Final = 0.2
"""Likewise, where ten cover a row and a column."""

Floats = NDArray[np.float64]


class Detector:
    """Detects faces in single pictures.

    Args:
        far: Look for small faces, from a twentieth of the picture's width, instead of large ones, from a
            tenth.  It takes three times as long, and misses faces that fill the picture.
    """

    def __init__(self, *, far: bool = False) -> None:
        name = "far" if far else "near"
        self._side = _SIDE[name]
        self._network, self._anchors = network(name), _anchors(name)

    def detect(
        self,
        picture: NDArray[np.uint8],
        *,
        part: float | None = None,
        along: tuple[float, float] | None = None,
    ) -> list[tuple[Square, float]]:
        """Give what the mesh is to see of each face of a picture `(height, width, 3)` RGB, and the score.

        The surest come first.

        Args:
            picture: Where to look.
            part: Look at parts of such a side, one by one, instead of the whole: faces may be smaller by far.
            along: Of the parts, look at those of the row and the column through this place alone.
        """
        height, width = picture.shape[:2]
        side = max(width, height)
        whole = Square(width / 2, height / 2, side)
        squares = [whole]
        if part is not None:
            squares = _parts(width, height, max(part * side, self._side), along)
        least = _LEAST if part is None else _LEAST_OF_PARTS
        seen = [self._seen(picture, square, least) for square in squares]
        places, scores = (np.concatenate(values) for values in zip(*seen, strict=True))
        return [
            (square_around(tuple(one[0]), tuple(one[1]), one[2], one[3]), score)
            for one, score in _merged(places, scores)
        ]

    def _seen(self, picture: NDArray[np.uint8], square: Square, least: float) -> tuple[Floats, Floats]:
        """Give the boxes `(n, 8, 2)` of logit `least` or more, in pixels of the picture, and their scores."""
        seen = square.cut(picture, self._side, repeat=False)
        boxes, scores = self._network.run(None, {"picture": seen[None]})
        chosen = np.flatnonzero(scores[0, :, 0] >= least)
        sure = 1 / (1 + np.exp(-scores[0, chosen, 0].astype(np.float64)))
        found = _decoded(boxes[0, chosen].astype(np.float64), self._anchors[chosen])
        corner = np.array([square.x, square.y]) - square.side / 2
        return found * (square.side / self._side) + corner, sure


def _parts(width: int, height: int, side: float, along: tuple[float, float] | None = None) -> list[Square]:
    """Cover a picture, or the row and the column of a place in it, with squares that overlap."""
    across, down = (
        np.linspace(side / 2, length - side / 2, math.ceil((length / side - _SHARED) / (1 - _SHARED)))
        if length > side
        else (length / 2,)
        for length in (width, height)
    )
    if along is None:
        return [Square(float(x), float(y), side) for y in down for x in across]
    x, y = (
        float(np.clip(at, places[0], places[-1])) for at, places in zip(along, (across, down), strict=True)
    )
    return [*(Square(float(one), y, side) for one in across), *(Square(x, float(one), side) for one in down)]


def _anchors(name: str) -> Floats:
    """Give the centre of the cell `(n, 2)` to which each box belongs, in pixels of what the network sees."""
    centres = []
    for pixels, each in _MAPS[name]:
        count = _SIDE[name] // pixels
        y, x = np.mgrid[:count, :count]
        cells = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * pixels
        centres.append(np.repeat(cells, each, axis=0))
    return np.concatenate(centres)


def _decoded(values: Floats, centres: Floats) -> Floats:
    """Give both corners, both eyes, and four more points of each box: `(n, 8, 2)`, like `centres`."""
    places = values.reshape(-1, 8, 2).copy()
    half = places[:, 1] / 2
    places[:, 2:] += centres[:, None]
    middle = places[:, 0] + centres
    places[:, 0], places[:, 1] = middle - half, middle + half
    return places


def _merged(places: Floats, scores: Floats) -> list[tuple[Floats, float]]:
    """Average, by score, the boxes that overlap the surest of them, then those of the rest, and so on."""
    order = np.argsort(-scores, kind="stable")
    merged = []
    while len(order):
        first = places[order[0]]
        low = np.maximum(places[order, 0], first[0])
        high = np.minimum(places[order, 1], first[1])
        both = np.prod(np.maximum(high - low, 0), axis=1)
        areas = np.prod(places[order, 1] - places[order, 0], axis=1)
        own = both / (areas + areas[0] - both) > _SAME_FACE
        own[0] = True
        weights = scores[order[own]]
        merged.append((np.tensordot(weights, places[order[own]], axes=1) / weights.sum(), float(weights[0])))
        order = order[~own]
    return merged
