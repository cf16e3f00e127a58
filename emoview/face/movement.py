"""Whether a face moves at all: one on a photograph does not."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.regions import REGIONS

STILL: Final = 0.006
"""Movement below which a face is taken for a picture of one: three in four photographs in videos, whether the
camera moves or not; the calmest 2 s of 60 films of 18 people have .009.  See docs/reliability.md."""

_POINTS: Final = [*REGIONS["mouth"], *REGIONS["eyes"], *REGIONS["brows"]]


class Movement:
    """Measures how much the shape of a face changes, from its landmarks of one tick after the other.

    Where the face is, how large, and how the head is tilted does not count: a camera may pan over a
    photograph.
    """

    def __init__(self) -> None:
        self._count = 0
        self._first: NDArray[np.complex128] = np.zeros(0, np.complex128)
        self._sum: Any = np.complex128(0)
        self._squares = 0.0

    def add(self, landmarks: NDArray[np.floating[Any]]) -> None:
        """Take the landmarks `(468, 2 or 3)` of the next tick."""
        points = landmarks[_POINTS, :2].astype(np.float64)
        shape = points[:, 0] + 1j * points[:, 1]
        shape -= shape.mean()
        shape /= max(float(np.sqrt((np.abs(shape) ** 2).mean())), 1e-12)
        if not self._count:
            self._first = shape
        turn = complex(np.vdot(shape, self._first))
        shape *= turn / max(abs(turn), 1e-12)
        self._count += 1
        self._sum = self._sum + shape
        self._squares += float((np.abs(shape) ** 2).mean())

    def spread(self) -> float:
        """Give the standard deviation of the points' places, as a share of how far these lie apart."""
        if not self._count:
            return 0.0
        variance = self._squares / self._count - float((np.abs(self._sum / self._count) ** 2).mean())
        return float(np.sqrt(max(variance, 0.0)))
