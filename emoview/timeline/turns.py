"""Turns: who speaks from when to when, as people would list it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from emoview.timeline.clock import TICK_MS, time_of
from emoview.timeline.results import Analysis, Row

PAUSE_S: Final = 0.5
"""A voice that pauses for no longer still has its turn, unless another speaks in between."""

_PAUSE = int(PAUSE_S * 1000 / TICK_MS)


@dataclass(frozen=True, slots=True)
class Turn:
    """A stretch of one voice, with its short pauses.

    Attributes:
        start_s: Where it begins, in seconds.
        end_s: Where it ends, in seconds.
        voice_id: Number of the voice.
    """

    start_s: float
    end_s: float
    voice_id: int


def own_voice(analysis: Analysis) -> Callable[[Row], bool]:
    """Give what tells whether the voice in a row is that of whom the row is about.

    The voice in a row is what is heard, whoever speaks.  Where voices were not told apart, as with `causal`,
    or other voices were asked for, each in a row counts.
    """
    if analysis.options.voice != "face" or all(row.voice_id is None for row in analysis.timeline):
        return lambda row: row.voice is not None

    def own(row: Row) -> bool:
        # A row without a face has something together where the voice is that of the measured person.
        return row.voice is not None and (row.fused is not None if row.face_id is None else row.speaking)

    return own


def turns_of(rows: Sequence[Row]) -> tuple[Turn, ...]:
    """List the turns of all voices, by time.

    Args:
        rows: The timeline, by tick.
    """
    heard = {row.tick: row.voice_id for row in rows if row.voice_id is not None}
    return tuple(Turn(time_of(first), time_of(last), voice) for first, last, voice in joined(heard))


def joined(heard: Mapping[int, int]) -> list[tuple[int, int, int]]:
    """Join ticks of one voice to turns: first tick, the one after the last, and the voice.

    Args:
        heard: Voice by tick, by time.
    """
    turns: list[tuple[int, int, int]] = []
    for tick, voice in heard.items():
        if turns and turns[-1][2] == voice and tick - turns[-1][1] <= _PAUSE:
            turns[-1] = (turns[-1][0], tick + 1, voice)
        else:
            turns.append((tick, tick + 1, voice))
    return turns
