"""The clock of a stream: what comes is put on ticks by the time at which it came, or was captured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ

# Sound comes in parts, and clocks differ: only what is off by more samples is moved.
_TOLERANCE = round(0.3 * SAMPLE_RATE)
# Pictures jitter; those that waited somewhere and come all at once are of the past.
_AHEAD = 2


class StreamClock:
    """Counts ticks from the first picture or sound, whichever came first."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._samples = 0
        self._last_tick = -1

    @property
    def start(self) -> float | None:
        """Second, of the clock by which things come, at which the first tick began; None before it."""
        return self._start

    def tick(self, at: float, *, ahead: int = _AHEAD) -> int | None:
        """Number the tick of a picture that came `at` a time in seconds; always a later one than before.

        Args:
            at: The time.
            ahead: Ticks that pictures which come too fast may be ahead of it.

        Returns:
            The number; None where that would be further ahead, and away from the sound.
        """
        self._start = at if self._start is None else self._start
        due = int((at - self._start) * TICK_HZ)
        tick = max(self._last_tick + 1, due)
        if tick > due + ahead:
            return None
        self._last_tick = tick
        return tick

    def place(self, samples: NDArray[np.float32], at: float) -> tuple[int | None, NDArray[np.float32]]:
        """Put samples on the clock whose last one came `at` a time.

        Returns:
            The tick to go on at, where there was a break before them, and the samples: with silence up to the
            first, so that they begin with a tick, or without those that come too late.
        """
        length = len(samples) / SAMPLE_RATE
        self._start = at - length if self._start is None else self._start
        due = round((at - length - self._start) * SAMPLE_RATE)
        off = due - self._samples
        if off > _TOLERANCE or (not self._samples and off > 0):
            tick = due // SAMPLES_PER_TICK
            samples = np.pad(samples, (due - tick * SAMPLES_PER_TICK, 0))
            self._samples = tick * SAMPLES_PER_TICK + len(samples)
            return tick, samples
        if off < -_TOLERANCE or (not self._samples and off < 0):
            samples = samples[-off:]
        self._samples += len(samples)
        return None, samples
