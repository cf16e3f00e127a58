"""Which face speaks: the one whose lips move when the voice is heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

_SMOOTHING_TICKS: Final = 5
_LEAST_SEEN: Final = TICK_HZ
_LEAST_CORRELATION: Final = 0.15
# Below this the voice has no course that lips could follow.
_RANGE_DB: Final = 40.0


Seen: TypeAlias = tuple[NDArray[np.int64], NDArray[np.float64]]
"""Of a track its ticks, and how large it was, `(n,)` each."""


@dataclass(frozen=True)
class Speaker:
    """The face that speaks.

    Attributes:
        face_id: Its track.
        correlation: Of its lips' movement with the loudness of the voice.
    """

    face_id: int
    correlation: float


@dataclass(frozen=True)
class Turns:
    """Who speaks when.

    Attributes:
        speaking: `(ticks,)`, the track of whoever speaks and is seen; -1 where nobody does.
        shown: `(ticks,)`, the track that is looked at: the one that speaks, in pauses the one that spoke
            before or does so next, else the largest; -1 where there is none.
        covered: Share of the speech in which a face speaks.
        count: How many turns there are.
    """

    speaking: NDArray[np.int64]
    shown: NDArray[np.int64]
    covered: float
    count: int


def find_turns(
    tracks: Mapping[int, Seen], cuts: tuple[int, ...], speaks: Mapping[int, NDArray[np.bool_]], heard: int
) -> Turns | None:
    """Tell which of the faces that are seen speaks in each turn, and which is looked at in each shot.

    Args:
        tracks: By id; none goes on over a cut.
        cuts: Ticks at which a shot begins.
        speaks: By id, where whoever has this face speaks, `(ticks,)` each.
        heard: Ticks in which somebody speaks.

    Returns:
        The turns; None where none of them speaks.
    """
    length = max(map(len, speaks.values()), default=0)
    speaking, shown, largest = np.full(length, -1), np.full(length, -1), np.zeros(length)
    for track_id, (ticks, area) in tracks.items():
        own = ticks[speaks[track_id][ticks]]
        speaking[own] = track_id
        larger = area > largest[ticks]
        largest[ticks[larger]], shown[ticks[larger]] = area[larger], track_id
    if not (speaking >= 0).any():
        return None
    visible = {i: np.isin(np.arange(length), ticks) for i, (ticks, _) in tracks.items()}
    for first, last in pairwise((0, *(cut for cut in cuts if cut < length), length)):
        _look_at(speaking[first:last], shown[first:last], {i: v[first:last] for i, v in visible.items()})
    spoke = speaking[speaking >= 0]
    return Turns(speaking, shown, float((speaking >= 0).sum() / heard), 1 + int((np.diff(spoke) != 0).sum()))


def _look_at(
    speaking: NDArray[np.int64], shown: NDArray[np.int64], visible: Mapping[int, NDArray[np.bool_]]
) -> None:
    """Let the one that speaks be looked at in a shot, and in pauses the one that spoke, where it is there."""
    spoken = np.flatnonzero(speaking >= 0)
    if not len(spoken):
        return
    places = np.arange(len(speaking))
    before = spoken[np.maximum(np.searchsorted(spoken, places, side="right") - 1, 0)]
    for track_id in np.unique(speaking[spoken]):
        wanted = (speaking[before] == track_id) & visible[int(track_id)]
        shown[wanted] = track_id


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
