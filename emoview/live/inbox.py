"""What waits between a source and the analysis: the newest picture, and a few seconds of sound."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK

_MOST_SOUND: Final = 3 * SAMPLE_RATE
"""Samples that wait at most; when more come, those that wait are dropped."""


@dataclass(frozen=True)
class Shot:
    """A picture on its tick.

    Attributes:
        tick: Its number.
        picture: `(height, width, 3)` RGB; None where the source has none at this tick.
        scale: Pixels as shown for each pixel of the picture.
        at: Second of `time.monotonic` at which it came.
        stamp: What the sender gave it; None without.
    """

    tick: int
    picture: NDArray[np.uint8] | None
    scale: float
    at: float
    stamp: float | None = None


class Inbox:
    """The newest picture wins; sound is kept in order.

    Attributes:
        dropped: Pictures that a newer one took the place of, or that had no tick left.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._shot: Shot | None = None
        self._sound: deque[tuple[int | None, NDArray[np.float32]]] = deque()
        self._closed = False
        self._offset, self._new_source = 0, False
        self._position = 0
        self.dropped = 0

    def begin(self, tick: int) -> None:
        """Count the ticks of what comes from now on, from another source, from `tick` on."""
        with self._changed:
            self._offset, self._new_source = tick, True
            self._shot = None
            self._sound.clear()

    def put(self, shot: Shot) -> None:
        """Leave a picture; one that still waits is dropped."""
        with self._changed:
            self.dropped += self._shot is not None and self._shot.picture is not None
            self._shot = replace(shot, tick=self._offset + shot.tick)
            self._changed.notify_all()

    def drop(self) -> None:
        """Count a picture for which no tick is left, since too many came at once."""
        with self._changed:
            self.dropped += 1

    def put_sound(self, samples: NDArray[np.float32], from_tick: int | None = None) -> None:
        """Leave samples; `from_tick` where there was a break before them."""
        with self._changed:
            if from_tick is not None or self._new_source:
                from_tick, self._new_source = self._offset + (from_tick or 0), False
                self._position = from_tick * SAMPLES_PER_TICK
            elif sum(len(part) for _, part in self._sound) > _MOST_SOUND:
                self._sound.clear()
                # It goes on where a tick begins.
                late = -self._position % SAMPLES_PER_TICK
                from_tick = (self._position + late) // SAMPLES_PER_TICK
                self._position += min(late, len(samples))
                samples = samples[late:]
            self._position += len(samples)
            self._sound.append((from_tick, samples))
            self._changed.notify_all()

    def close(self) -> None:
        """Say that nothing more comes."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def take(self, timeout: float | None = None) -> Shot | None:
        """Wait for a picture; None at the end, or when the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._shot is not None or self._closed, timeout)
            shot, self._shot = self._shot, None
            return shot

    def take_sound(self) -> tuple[int | None, NDArray[np.float32]] | None:
        """Wait for sound; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: bool(self._sound) or self._closed)
            return self._sound.popleft() if self._sound else None

    @property
    def unheard_ticks(self) -> int:
        """How much sound waits."""
        with self._changed:
            return sum(len(part) for _, part in self._sound) // SAMPLES_PER_TICK

    @property
    def closed(self) -> bool:
        """Whether nothing more comes, and nothing waits."""
        with self._changed:
            return self._closed and self._shot is None
