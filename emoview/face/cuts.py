"""Finding the cuts of a film: where one picture has nothing to do with the one before."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

LOOK_TICKS: Final = 5
"""So many pictures before and after a cut are looked at: what is shorter is a flash, and no shot."""

_SIZE: Final = (48, 27)
_GREATEST_HUE: Final = 180
_DARK: Final = 16
# Of eight people in one room, each in the same place, any two are 7.9 apart; none of 17 videos without a cut
# moves by more than 8.0 from one picture to the next, and where one does, its neighbours do so, too.
_LEAST: Final = 6.0
_ABOVE_NEIGHBOURS: Final = 2.5
# Of the picture, the share that changes, and by how much: of those eight, .34 in any two.  A tile of
# a gallery of four is .25.
_SHARE: Final = 0.3
_CHANGED: Final = 4.0
# A flash, or a dropped picture, is followed by what was there before.
_LASTS: Final = 0.6

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class _Seen:
    tick: int
    picture: Picture
    small: NDArray[np.float32]
    change: float
    spread: float


class CutFinder:
    """Passes pictures on, a few behind those that come in, and tells which of them begin a shot.

    The measure is that of PySceneDetect's `ContentDetector` (Castellano, 2014, scenedetect.com): the mean
    difference of hue, saturation and value between two pictures, here of a few pixels each, and of the hue
    only as far as there is colour.  As in its `AdaptiveDetector`, a cut stands out from the changes around
    it, so that a camera that shakes and a fade make none; and a cut lasts, which a flash does not.
    """

    def __init__(self) -> None:
        self._before: deque[_Seen] = deque(maxlen=LOOK_TICKS)
        self._waiting: deque[_Seen] = deque()

    def through(self, pictures: Iterator[tuple[int, Picture]]) -> Iterator[tuple[int, Picture, bool]]:
        """Give each `(tick, picture, whether it is the first of a shot)`; the first of all is not told."""
        last: NDArray[np.float32] | None = None
        for tick, picture in pictures:
            small = _small(picture)
            difference = None if last is None else _difference(last, small)
            change = 0.0 if difference is None else float(difference.mean())
            spread = 0.0 if difference is None else float((difference > _CHANGED).mean())
            last = small
            self._waiting.append(_Seen(tick, picture, small, change, spread))
            if len(self._waiting) > LOOK_TICKS:
                yield self._next()
        while self._waiting:
            yield self._next()

    def _next(self) -> tuple[int, Picture, bool]:
        one = self._waiting.popleft()
        cut = self._is_cut(one)
        if cut:
            # What is behind the cut is no measure of what is normal before it.
            self._before.clear()
        self._before.append(one)
        return one.tick, one.picture, cut

    def _is_cut(self, one: _Seen) -> bool:
        if one.change < _LEAST or one.spread < _SHARE or not self._before:
            return False
        most = one.change / _ABOVE_NEIGHBOURS
        shot = list(self._before)
        between = next((i for i, seen in enumerate(shot) if i and seen.change > most), len(shot))
        # Some black pictures, or a flash, between two shots are part of neither.
        calm = (*shot[1:between], *shot[between + 1 :], *self._waiting)
        if any(seen.change > most for seen in calm):
            return False
        after = [one, *self._waiting]
        nearest = min(float(_difference(a.small, b.small).mean()) for a in shot[:between] for b in after)
        if between == len(shot):
            return nearest >= max(_LEAST, _LASTS * one.change)
        return nearest >= max(_LEAST, _ABOVE_NEIGHBOURS * max((seen.change for seen in calm), default=0.0))


def _small(picture: Picture) -> NDArray[np.float32]:
    """Give hue (0 to 180), saturation and value (0 to 255) of a few pixels, `(27, 48, 3)`."""
    # Four pixels for each will do: averaging all of them takes ten times as long.
    some = cv2.resize(picture, (2 * _SIZE[0], 2 * _SIZE[1]), interpolation=cv2.INTER_NEAREST)
    small = cv2.resize(some, _SIZE, interpolation=cv2.INTER_AREA)
    seen = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2HSV), np.float32)
    # What is dark has no colour but noise.
    seen[..., 1][seen[..., 2] < _DARK] = 0
    return seen


def _difference(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the difference of two pictures, its mean over hue, saturation and value, `(27, 48)`, 0 to 255."""
    difference = np.abs(one - other)
    hue = np.minimum(difference[..., 0], _GREATEST_HUE - difference[..., 0])
    difference[..., 0] = hue * np.minimum(one[..., 1], other[..., 1]) / 255
    return np.asarray(difference.mean(axis=-1), np.float32)
