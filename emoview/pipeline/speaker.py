"""Which face speaks: the one whose lips move when the voice is heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

_SMOOTHING_TICKS: Final = 5
_LEAST_SEEN: Final = TICK_HZ
_LEAST_CORRELATION: Final = 0.15
# Below this the voice has no course that lips could follow.
_RANGE_DB: Final = 40.0


@dataclass(frozen=True)
class Speaker:
    """The face that speaks.

    Attributes:
        face_id: Its track.
        correlation: Of its lips' movement with the loudness of the voice.
    """

    face_id: int
    correlation: float


def find_speaker(
    lips: Mapping[int, tuple[NDArray[np.int64], NDArray[np.float64]]],
    speech: NDArray[np.bool_],
    level: NDArray[np.float32],
) -> Speaker | None:
    """Find the track whose lips move most in step with the voice.

    Args:
        lips: By track id, the ticks at which it was seen, `(n,)`, and how far its lips were open, `(n,)`.
        speech: `(ticks,)`, where somebody speaks.
        level: `(ticks,)`, level of the sound in dB below full scale.

    Returns:
        The best track; None where nobody speaks, or no lips move with the voice by more than chance.
    """
    if not speech.any():
        return None
    voice = loudness(speech, level)
    best: Speaker | None = None
    for face_id in sorted(lips):
        score = correlation(*lips[face_id], voice)
        if score is not None and (best is None or score > best.correlation):
            best = Speaker(face_id, score)
    return best


def loudness(speech: NDArray[np.bool_], level: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give the loudness of the voice, `(ticks,)` from 0 for none to 1 for its loudest, smoothed."""
    peak = float(level[speech].max())
    return _smooth(np.where(speech, np.clip((level - peak) / _RANGE_DB + 1, 0, 1), 0.0))


def correlation(
    ticks: NDArray[np.int64], opening: NDArray[np.float64], voice: NDArray[np.float64]
) -> float | None:
    """Correlate the movement of lips with the loudness of a voice, over the ticks where both are known.

    Returns:
        The correlation; None where it rests on too little, or is no more than chance would give.
    """
    neighbours = np.flatnonzero((np.diff(ticks) == 1) & (ticks[1:] < len(voice)))
    if len(neighbours) < _LEAST_SEEN:
        return None
    places = ticks[neighbours + 1]
    moved = np.abs(opening[neighbours + 1] - opening[neighbours])
    known = np.zeros(len(voice))
    known[places] = 1.0
    course = np.zeros(len(voice))
    course[places] = moved
    lips = _smooth(course)[places] / np.maximum(_smooth(known)[places], 1e-9)
    heard = voice[places]
    if lips.std() < 1e-6 or heard.std() < 1e-6:
        return None
    value = float(np.corrcoef(lips, heard)[0, 1])
    # Smoothing leaves one independent value in so many ticks; one standard error is asked for.
    chance = 1 / np.sqrt(max(1.0, len(places) / _SMOOTHING_TICKS - 3))
    return value if value >= max(_LEAST_CORRELATION, chance) else None


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    window = np.full(_SMOOTHING_TICKS, 1 / _SMOOTHING_TICKS)
    padded = np.pad(values, _SMOOTHING_TICKS // 2)
    return np.convolve(padded, window, mode="valid")
