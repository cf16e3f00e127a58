"""How fast somebody speaks: syllables and pauses, from level, pitch and speech of each tick."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Final

from emoview.timeline.clock import TICK_HZ

SHORTEST_PAUSE_S: Final = 0.25
"""Silence between speech that is shorter belongs to the sounds of speech (Goldman-Eisler 1968)."""

_DIP_DB: Final = 2.0
_RANGE_DB: Final = 25.0
_LOUD: Final = 0.95
# What is silence in a noisy room: so little above the background, but never so near to the loudest speech.
_ABOVE_REST_DB: Final = 6.0
_NEAREST_DB: Final = 20.0


def syllables(level_db: Sequence[float], voiced: Sequence[bool], speech: Sequence[bool]) -> list[int]:
    """Find the nuclei of syllables.

    After de Jong and Wempe (2009, Behavior Research Methods 41, 385-390), on ticks of 40 ms: peaks of the
    level within 25 dB of the loudest speech, with dips of 2 dB to both sides, that are voiced.

    Args:
        level_db: Of each tick.
        voiced: Whether each has a pitch.
        speech: Whether somebody speaks in each.

    Returns:
        Their ticks.
    """
    if not any(speech):
        return []
    least = _loudest(level_db, speech) - _RANGE_DB
    found = []
    low, peak = level_db[0], -1
    for tick, level in enumerate(level_db):
        if peak < 0:
            low = min(low, level)
            peak = tick if level >= low + _DIP_DB else -1
        elif level > level_db[peak]:
            peak = tick
        elif level <= level_db[peak] - _DIP_DB:
            if level_db[peak] >= least and speech[peak] and any(voiced[max(0, peak - 1) : peak + 2]):
                found.append(peak)
            low, peak = level, -1
    return found


def sounding(level_db: Sequence[float], speech: Sequence[bool], rest_db: float | None) -> list[bool]:
    """Tell the ticks of speech that are no silence, which goes on over short pauses and until its last sound.

    Silence is 25 dB below the loudest speech (de Jong and Wempe 2009), or little above a background that is
    nearer than that.

    Args:
        level_db: Of each tick.
        speech: Whether somebody speaks in each.
        rest_db: Level of the background, where it is known.
    """
    if not any(speech):
        return [False] * len(speech)
    loudest = _loudest(level_db, speech)
    least = loudest - _RANGE_DB
    if rest_db is not None:
        least = max(least, min(rest_db + _ABOVE_REST_DB, loudest - _NEAREST_DB))
    return [said and level >= least for level, said in zip(level_db, speech, strict=True)]


def pauses(speech: Sequence[bool]) -> list[tuple[int, int]]:
    """Give the pauses between speech: of each the first tick, and the one after its last."""
    at, runs = 0, []
    for spoken, run in groupby(speech):
        length = sum(1 for _ in run)
        runs.append((bool(spoken), at, at + length))
        at += length
    between = [(first, last) for spoken, first, last in runs[1:-1] if not spoken]
    return [(first, last) for first, last in between if last - first >= SHORTEST_PAUSE_S * TICK_HZ]


def _loudest(level_db: Sequence[float], speech: Sequence[bool]) -> float:
    """Give the level that little of the speech exceeds."""
    loud = sorted(level for level, spoken in zip(level_db, speech, strict=True) if spoken)
    return loud[int(_LOUD * (len(loud) - 1))]
