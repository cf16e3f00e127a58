"""Whose voice is whose face, by how lips move while each voice is heard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.speakers.turns import NOBODY
from emoview.timeline.clock import TICK_HZ

Talking = Mapping[int, NDArray[np.float64]]
"""By face, the log-odds of each tick that it speaks, `(ticks,)`, NaN where it is not seen: see `talking`."""

# Mean log-odds over all that is heard of a voice, from which on lips surely move with it, or surely not.
_MOVES: Final = 0.4
_STILL: Final = -0.6
# So much more must the lips move in another voice for this one to be none of the face's.
_CONTRAST: Final = 1.0
_LEAST_SEEN: Final = TICK_HZ
# A voice alone, which nothing can be held against, must be heard for longer before it is nobody's.
_LEAST_ALONE: Final = 6 * TICK_HZ
_LEAST_BESIDE: Final = 2 * TICK_HZ


def owners(voices: NDArray[np.int64], talks: Talking, main: int | None) -> dict[int, tuple[int, ...]]:
    """Give each voice its face: the one whose lips move most while it is heard.

    Where lips tell nothing, the voice belongs to the main face, and to others that are never seen with it: a
    person who was lost and found again has several tracks.

    Args:
        voices: `(ticks,)`, see `voices_of`.
        talks: By face.
        main: The face that is taken for the speaker where lips tell nothing.

    Returns:
        By voice, its faces, the best first; none for a voice of nobody in the picture.
    """
    heard = {int(voice): voices == voice for voice in np.unique(voices[voices != NOBODY])}
    evidence = {
        voice: {face: _mean(odds[: len(voices)], ticks[: len(odds)]) for face, odds in talks.items()}
        for voice, ticks in heard.items()
    }
    return {voice: _faces_of(voice, evidence, talks, main) for voice in heard}


_Evidence = Mapping[int, Mapping[int, tuple[float, int]]]


def _mean(odds: NDArray[np.float64], heard: NDArray[np.bool_]) -> tuple[float, int]:
    """Give the mean of the odds where a voice is heard and the face seen, and over how many ticks that is."""
    values = odds[heard]
    values = values[~np.isnan(values)]
    return (float(values.mean()) if len(values) else 0.0), len(values)


def _faces_of(voice: int, evidence: _Evidence, talks: Talking, main: int | None) -> tuple[int, ...]:
    seen = {face: mean for face, (mean, count) in evidence[voice].items() if count >= _LEAST_SEEN}
    if not seen:
        return () if main is None else (main,)
    best = max(seen, key=lambda face: (seen[face], -face))
    if seen[best] < _MOVES:
        if all(_is_still(voice, face, evidence) for face in seen):
            return ()
        if main in seen and not _is_still(voice, main, evidence):
            best = main
    faces = [best]
    for face in sorted(seen, key=lambda face: -seen[face]):
        apart = all(not _together(talks[face], talks[other]) for other in faces)
        if face not in faces and seen[face] > _STILL and apart:
            faces.append(face)
    return tuple(faces)


def _is_still(voice: int, face: int, evidence: _Evidence) -> bool:
    """Tell whether the lips of a face surely do not move with a voice."""
    mean, count = evidence[voice][face]
    beside = [other[face] for number, other in evidence.items() if number != voice]
    if any(most >= _LEAST_SEEN and moves - mean >= _CONTRAST for moves, most in beside):
        return count >= _LEAST_BESIDE and mean < _MOVES
    return count >= _LEAST_ALONE and mean < _STILL


def _together(one: NDArray[np.float64], other: NDArray[np.float64]) -> bool:
    return bool((~np.isnan(one) & ~np.isnan(other)).any())
