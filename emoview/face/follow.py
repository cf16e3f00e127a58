"""Following faces from picture to picture, so that each keeps its number."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

_LONGEST_MOTION = round(0.6 * TICK_HZ)
MEMORY_TICKS = round(1.0 * TICK_HZ)
"""A face that was lost for longer is another when it is found again."""
# How fast a velocity is learned: slowly enough that the mesh's jitter is not taken for motion.
_LEARNING = 0.3


@dataclass
class _Track:
    face_id: int
    centre: NDArray[np.float64]
    size: float
    last_tick: int
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def expected(self, tick: int) -> NDArray[np.float64]:
        """Where it would be if it moved on as it did; whoever is lost for long has stopped."""
        return self.centre + self.velocity * min(tick - self.last_tick, _LONGEST_MOTION)

    def meet(self, tick: int, centre: NDArray[np.float64], size: float) -> None:
        """Note where it was found."""
        pace = (centre - self.centre) / (tick - self.last_tick)
        self.velocity += _LEARNING * (pace - self.velocity)
        self.centre, self.size, self.last_tick = centre, size, tick


class FaceFollower:
    """Gives faces their track ids.

    A face belongs to the track whose expected place it is nearest to, measured in face widths: faces
    that cross keep their ids because each is expected to move on.  A track that is lost is kept for
    `MEMORY_TICKS`, and the longer it has been lost the further its face may have moved.  A cut ends all.
    Ids count from 0 in the order of appearance.
    """

    def __init__(self, *, reach: float = 0.8) -> None:
        self._reach = reach
        self._tracks: list[_Track] = []
        self._next_id = 0

    def cut(self) -> None:
        """End all tracks: the next picture shows something else."""
        self._tracks.clear()

    def end(self, face_id: int) -> None:
        """End a track: what is followed is another face from the next picture on."""
        self._tracks = [track for track in self._tracks if track.face_id != face_id]

    def follow(self, tick: int, faces: list[NDArray[np.float32]]) -> list[int]:
        """Give the id of each face of one picture.

        Args:
            tick: Tick of the picture; later than at the last call.
            faces: Landmarks of each face, `(468, 3)` in pixels.

        Returns:
            One id for each face, no id twice.
        """
        self._tracks = [t for t in self._tracks if tick - t.last_tick - 1 <= MEMORY_TICKS]
        centres = [face[:, :2].mean(axis=0, dtype=np.float64) for face in faces]
        sizes = [float(np.ptp(face[:, 0]) + np.ptp(face[:, 1])) / 2 for face in faces]
        ids = [-1] * len(faces)
        if faces and self._tracks:
            cost = np.array([[self._cost(t, tick, c, s) for t in self._tracks]
                             for c, s in zip(centres, sizes, strict=True)])  # fmt: skip
            for row, column in _matches(cost):
                if cost[row, column] <= 1.0:
                    ids[row] = self._tracks[column].face_id
        for i, (centre, size) in enumerate(zip(centres, sizes, strict=True)):
            if ids[i] < 0:
                ids[i] = self._next_id
                self._next_id += 1
                self._tracks.append(_Track(ids[i], centre, size, tick))
            else:
                track = next(t for t in self._tracks if t.face_id == ids[i])
                track.meet(tick, centre, size)
        return ids

    def _cost(self, track: _Track, tick: int, centre: NDArray[np.float64], size: float) -> float:
        """Distance as a share of what is believable: 1 is the limit, far above it is impossible."""
        distance = float(np.linalg.norm(centre - track.expected(tick))) / max(track.size, 1.0)
        lost = (tick - track.last_tick) / TICK_HZ
        change = abs(np.log(max(size, 1.0) / max(track.size, 1.0)))
        cost = distance / (self._reach * (1 + lost)) + change / 1.5
        return float(min(cost, 1e3))


def _matches(cost: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Match faces, the rows, with tracks, the columns, at the least cost together."""
    if min(cost.shape) == 1:
        row, column = np.unravel_index(int(cost.argmin()), cost.shape)
        return [(int(row), int(column))]
    # It takes a third of a second to import, and most clips show one face.
    from scipy.optimize import linear_sum_assignment

    return list(zip(*linear_sum_assignment(cost), strict=True))
