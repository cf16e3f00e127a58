"""The timeline as a page carries it: quantised to bytes, base64, one block a face."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from emoview.timeline.clock import time_of
from emoview.timeline.labels import UNCERTAIN, Naming
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.moments import faces_by_presence
from emoview.timeline.results import Analysis, Probabilities, Row
from emoview.timeline.sums import blinks_of, unusable_of
from emoview.timeline.turns import turns_of

STEPS: Final = 254
"""A probability p is stored as round(254 p); valence and arousal v as round(127 (v + 1))."""
MISSING: Final = 255
_HEAD: Final = (MEASURE_COLUMNS.index("head_yaw"), MEASURE_COLUMNS.index("head_pitch"))


def tracks(analysis: Analysis) -> dict[str, Any]:
    """Pack the timeline for the page.

    Returns:
        `voice`: ticks x 7 bytes for the whole clip, or as many as there are groups; `faces`: for each
        person, the one with most rows first, where its rows start, and its bytes; `nobody`: likewise for the
        ticks without a face; `turns`: start, end and voice of each turn.
    """
    rows = analysis.timeline
    by_face: dict[int | None, list[Row]] = {}
    for row in rows:
        by_face.setdefault(row.person, []).append(row)
    return {
        "voice": _voice(rows, analysis.media.ticks, analysis.naming),
        "faces": [_track(by_face[face], face, analysis.naming) for face in faces_by_presence(rows)],
        "turns": [(turn.start_s, turn.end_s, turn.voice_id) for turn in turns_of(rows)],
        "nobody": _track(by_face[None], None, analysis.naming) if None in by_face else None,
    }


def _track(rows: Sequence[Row], face: int | None, naming: Naming) -> dict[str, Any]:
    start = rows[0].tick
    ticks = rows[-1].tick + 1 - start
    shown = np.full((ticks, len(naming.groups)), MISSING, np.uint8)
    fused = shown.copy()
    affect = np.full((ticks, 2), MISSING, np.uint8)
    for row in rows:
        at = row.tick - start
        if row.face:
            shown[at] = _of_groups(row.face, naming)
        if row.fused:
            fused[at] = _of_groups(row.fused, naming)
        if row.valence is not None and row.arousal is not None:
            affect[at] = _quantised(((row.valence + 1) / 2, (row.arousal + 1) / 2))
    return {
        "id": face, "start": start, "ticks": ticks,
        "face": None if face is None else _text(shown), "fused": _text(fused), "affect": _text(affect),
        **({} if face is None else _measures(rows)),
    }  # fmt: skip


def _measures(rows: Sequence[Row]) -> dict[str, Any]:
    """Give, of one person, how the head is turned, and in seconds blinks and what is not usable."""
    if not any(row.measures for row in rows):
        return {}
    start = rows[0].tick
    head = np.full((rows[-1].tick + 1 - start, 2), MISSING, np.uint8)
    for row in rows:
        angles = [row.measures[at] for at in _HEAD] if row.measures else [None]
        if None not in angles:
            head[row.tick - start] = _quantised([(angle or 0.0) / 180 + 0.5 for angle in angles])
    spans = {"blinks": blinks_of(rows), "poor": unusable_of(rows)}
    seconds = {name: [[time_of(a), time_of(b)] for a, b in found] for name, found in spans.items()}
    return {"head": _text(head), **seconds}


def _voice(rows: Sequence[Row], ticks: int, naming: Naming) -> str:
    voice = np.full((ticks, len(naming.groups)), MISSING, np.uint8)
    for row in rows:
        if row.voice:
            voice[row.tick] = _of_groups(row.voice, naming)
    return _text(voice)


def limit(naming: Naming) -> int | None:
    """Give the limit as it is stored: labels below it are uncertain; None where there is none."""
    return None if naming.least is None else _quantised([naming.least])[0]


def _of_groups(probabilities: Probabilities, naming: Naming) -> list[int]:
    values = _quantised(naming.sums(probabilities))
    least = limit(naming)
    if least is None or naming.decide(probabilities)[0] != UNCERTAIN:
        return values
    # What is just below the limit must not be rounded up to it.
    return [min(value, least - 1) for value in values]


def _quantised(values: Sequence[float]) -> list[int]:
    return [int(min(max(value, 0.0), 1.0) * STEPS + 0.5) for value in values]


def _text(numbers: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(numbers.tobytes()).decode("ascii")
