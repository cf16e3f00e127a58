"""Voice activity: which ticks hold speech, so that silence says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLES_PER_TICK, TICK_HZ
from emoview.voice.blocks import Samples, in_blocks

# Column of the descriptors, by openSMILE or not.
_VOICING = 1

_SILENCE_DB = -55.0
_BELOW_PEAK_DB = 35.0
_ABOVE_FLOOR_DB = 6.0
_VOICED = 0.55
_LONGEST_PAUSE = round(0.3 * TICK_HZ)
_SHORTEST_SPEECH = round(0.12 * TICK_HZ)
_LEAST_VOICED = 0.2
# What is silence around speech, against the loudest 20 ms.
_BELOW_LOUDEST_DB = 40.0


def level_db(samples: Samples) -> NDArray[np.float32]:
    """Give the level of each tick in dB below full scale.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].

    Returns:
        `(ticks,)`, -120 at the least.
    """
    return in_blocks(samples, _levels, 1)[:, 0]


def voice_activity(level: NDArray[np.float32], descriptors: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the ticks in which somebody speaks.

    A stretch counts when it is louder than the background of its file and a fair part of it is voiced;
    pauses within a word do not interrupt it.  Noise is loud but not voiced, hum is steady and so is
    its own background.

    Args:
        level: `(ticks,)`, see `level_db`.
        descriptors: `(ticks, 2 or more)`, the second column tells voicing, see `VoiceFeatures`.

    Returns:
        `(ticks,)`.
    """
    if not len(level):
        return np.zeros(0, bool)
    peak = float(np.percentile(level, 95))
    floor = min(float(np.percentile(level, 10)), peak - 15)
    loud = level > max(_SILENCE_DB, peak - _BELOW_PEAK_DB, floor + _ABOVE_FLOOR_DB)
    voiced = loud & (descriptors[: len(level), _VOICING] > _VOICED)
    active = np.zeros(len(level), bool)
    for first, last in _runs(_without_short(loud, ~loud, _LONGEST_PAUSE)):
        if last - first >= _SHORTEST_SPEECH and voiced[first:last].mean() >= _LEAST_VOICED:
            active[first:last] = True
    return active


def trim(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut the silence before and behind the speech, but for a tenth of a second.

    Args:
        samples: `(n,)`, 16 kHz mono.
    """
    first, last = trimmed(samples)
    return samples[first:last]


def trimmed(samples: NDArray[np.float32]) -> tuple[int, int]:
    """Give the first sample that `trim` leaves, and the one after the last: multiples of 20 ms, or all."""
    frame = 320
    frames = len(samples) // frame
    if frames < 4:
        return 0, len(samples)
    power = (samples[: frames * frame].reshape(frames, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-_BELOW_LOUDEST_DB / 10))
    return int(max(0, loud[0] - 5)) * frame, int(min(frames, loud[-1] + 6)) * frame


def _levels(samples: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    padded = np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples)))
    power = np.square(padded.reshape(ticks, SAMPLES_PER_TICK)).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)[:, None]


def _without_short(flags: NDArray[np.bool_], gaps: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Set the flags within gaps of up to `longest` that lie between set flags."""
    result = flags.copy()
    for first, last in _runs(gaps):
        if last - first <= longest and first > 0 and last < len(flags):
            result[first:last] = True
    return result


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give `(first, after the last)` of every run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
