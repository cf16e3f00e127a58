"""The clock: ticks of 40 ms, counted from the first picture or sound."""

from __future__ import annotations

from typing import Final

TICK_MS: Final = 40
"""Length of a tick in milliseconds."""
TICK_HZ: Final = 25
"""Ticks a second."""
SAMPLE_RATE: Final = 16_000
"""Sound samples a second, after decoding."""
SAMPLES_PER_TICK: Final = 640
"""Sound samples in a tick."""

LONGEST_S: Final = 6 * 3600
"""Seconds of the longest recording: its rows take a gigabyte of memory."""


def time_of(tick: int) -> float:
    """Second at which `tick` starts; whole milliseconds, so that no error builds up."""
    return tick * TICK_MS / 1000


def tick_at(time_s: float) -> int:
    """Tick that covers `time_s`; a microsecond before a tick counts to it, as rounded numbers do."""
    return int((time_s * 1000 + 1e-3) // TICK_MS)


def ticks_of(samples: int) -> int:
    """How many ticks `samples` sound samples reach into."""
    return -(-samples // SAMPLES_PER_TICK)
