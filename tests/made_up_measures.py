"""The made-up result, with measures."""

from __future__ import annotations

from dataclasses import replace

from made_up import made_up

from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.results import Analysis, Row


def values(**given: float) -> tuple[float | None, ...]:
    """Measures of a row of which these are known."""
    return tuple(given.get(name) for name in MEASURE_COLUMNS)


def measured(second_face: bool = False) -> Analysis:
    """The made-up result with measures: three blinks, a dark second, and four syllables."""
    result = made_up(second_face=second_face)
    beats = {22: -10.0, 28: -11.0, 34: -10.0, 70: -12.0}

    def row(one: Row) -> Row:
        heard = 20 <= one.tick < 40 or 60 <= one.tick < 95
        given: dict[str, float] = {"sound_db": beats.get(one.tick, -30.0 if heard else -60.0)}
        if one.tick in beats:
            given["pitch_hz"] = 100.0 + one.tick
        if one.face_id is not None:
            closed = one.tick in (10, 11, 30, 31, 32, 70) and one.face_id == 0
            given |= {"blink": int(closed), "usable": int(not 40 <= one.tick < 60), "head_yaw": 5.0}
        speaks = heard and one.face_id == 0
        return replace(one, measures=values(**given), voice_id=0 if heard else None, speaking=speaks)

    rows = tuple(row(one) for one in result.timeline)
    return replace(result, timeline=rows, options=replace(result.options, measure=True))
