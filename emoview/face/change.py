"""Whether a face that is followed has become somebody else's: over a dissolve, a wipe, or a fast pan."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray

EVERY: Final = 5
"""Ticks between two looks."""
_LOOKS: Final = 8
_OLDEST: Final = 3
# Weights of the colours above and below a face.  Of some 40 faces that are followed through one shot, none
# changes by more than 7.0, a flash included; from one person to another, over dissolves, wipes, fades and
# pans, by 8.1 to 10.2.
_HAIR, _CLOTHES = 5.8, 5.3
_ANOTHER: Final = 8.0
# While it still changes by so much from look to look, as in a fade, nobody is there yet.
_UNSETTLED: Final = 3.5


class Change:
    """Compares what is around one face with what was there before.

    What is seen in one look alone, such as a flash, is no change.
    """

    def __init__(self) -> None:
        self._looks: deque[NDArray[np.float32]] = deque(maxlen=_LOOKS)
        self._last: int | None = None

    def due(self, tick: int) -> bool:
        """Tell whether to look again."""
        return self._last is None or tick - self._last >= EVERY

    def another(self, tick: int, around: NDArray[np.float32]) -> bool:
        """Tell whether the face of a tick is another than before, by its surroundings `(2, 512)`."""
        self._last = tick
        self._looks.append(around)
        count = len(self._looks)
        if count < 3:
            return False
        looks = list(self._looks)
        if _distance(looks[-2], looks[-1]) >= _UNSETTLED:
            return False
        before = np.mean(looks[: min(_OLDEST, count - 2)], axis=0)
        return all(_distance(before, look) >= _ANOTHER for look in looks[-2:])


def _distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Give how far surroundings lie apart; 0 where some of them are not seen."""
    if not (one.any(axis=1).all() and other.any(axis=1).all()):
        return 0.0
    hair, clothes = np.linalg.norm(one - other, axis=1)
    return float(_HAIR * hair + _CLOTHES * clothes)
