"""The clock of a stream: what comes is put on ticks by the time at which it came, or was captured."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ

# Sound comes in parts, and clocks differ: only what is off by more samples is moved.
_TOLERANCE = round(0.3 * SAMPLE_RATE)


class StreamClock:
    """Counts ticks from the first picture or sound, whichever came first."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._samples = 0
        self._last_tick = -1

    def tick(self, at: float) -> int:
        """Number the tick of a picture that came `at` a time in seconds; always a later one than before."""
        self._start = at if self._start is None else self._start
        self._last_tick = max(self._last_tick + 1, int((at - self._start) * TICK_HZ))
        return self._last_tick

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
