"""Explanations of all segments of a result."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from emoview.explain.seen import Seen
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.timeline.clock import tick_at
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceReasons
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Analysis, Row, Segment

if TYPE_CHECKING:
    from emoview.fusion.baseline import Baseline
    from emoview.pipeline.models import Models


def explained(analysis: Analysis, seen: Seen, models: Models, on_event: EventHook = ignore) -> Analysis:
    """Give a result whose segments say where their labels came from."""
    from emoview.pipeline.models import read_baseline

    file = analysis.options.baseline
    explainer = _Explainer(seen, models, None if file is None else read_baseline(file))
    rows: dict[int | None, dict[int, Row]] = {}
    for one in analysis.timeline:
        rows.setdefault(one.face_id, {})[one.tick] = one
    segments = []
    for done, segment in enumerate(analysis.segments, start=1):
        ticks = range(tick_at(segment.start_s), tick_at(segment.end_s))
        inside = [row for tick in ticks if (row := rows[segment.face_id].get(tick))]
        segments.append(replace(segment, explanation=explainer(segment, inside)))
        on_event(Progress("explain", done, len(analysis.segments)))
    return replace(analysis, segments=tuple(segments))


class _Explainer:
    def __init__(self, seen: Seen, models: Models, baseline: Baseline | None) -> None:
        self._seen = seen
        if seen.faces:
            from emoview.explain.face import shipped_gradcam

            self._gradcam = shipped_gradcam(models.engine)
        if len(seen.cuts):
            from emoview.explain.voice import VoiceOcclusion

            self._voice = VoiceOcclusion(models, seen, baseline)

    def __call__(self, segment: Segment, rows: list[Row]) -> Explanation:
        return Explanation(self._of_face(segment, rows), self._of_voice(segment, rows))

    def _of_face(self, segment: Segment, rows: list[Row]) -> FaceReasons | None:
        from emoview.explain.face import face_reasons

        position = LABELS.index(segment.label)
        sureness = {row.tick: row.face[position] for row in rows if row.face is not None}
        if segment.face_id is None or not sureness:
            return None
        faces = [self._seen.faces[segment.face_id, tick] for tick in sureness]
        return face_reasons(self._gradcam, [*sureness], faces, [*sureness.values()], segment.label)

    def _of_voice(self, segment: Segment, rows: list[Row]) -> VoiceReasons | None:
        ticks = np.array([row.tick for row in rows if row.voice is not None], np.int64)
        return self._voice(ticks, segment.label) if len(ticks) else None
