"""Explanations of all segments of a result."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.explain.seen import Seen
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.timeline.clock import tick_at
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceReasons
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Analysis, Row, Segment
from emoview.timeline.turns import own_voice

if TYPE_CHECKING:
    from emoview.explain.voice import VoiceOcclusion
    from emoview.fusion.baseline import Baseline
    from emoview.pipeline.models import Models


def explained(analysis: Analysis, seen: Seen, models: Models, on_event: EventHook = ignore) -> Analysis:
    """Give a result whose segments say where their labels came from.

    Of a group, and of a segment that is uncertain, that is the likeliest of the labels in it.
    """
    from emoview.pipeline.models import read_baseline

    file = analysis.options.baseline
    baseline = None if file is None else read_baseline(file)
    explainer = _Explainer(seen, models, baseline, analysis)
    rows: dict[int | None, dict[int, Row]] = {}
    for one in analysis.timeline:
        rows.setdefault(one.face_id, {})[one.tick] = one
    # Where a face is lost for a moment, its segment goes on.
    lost = rows.get(None, {})
    segments = []
    for done, segment in enumerate(analysis.segments, start=1):
        ticks = range(tick_at(segment.start_s), tick_at(segment.end_s))
        inside = [row for tick in ticks if (row := rows[segment.face_id].get(tick) or lost.get(tick))]
        segments.append(replace(segment, explanation=explainer(segment, inside)))
        on_event(Progress("explain", done, len(analysis.segments)))
    return replace(analysis, segments=tuple(segments))


class _Explainer:
    def __init__(self, seen: Seen, models: Models, baseline: Baseline | None, analysis: Analysis) -> None:
        self._seen, self._models, self._baseline, self._analysis = seen, models, baseline, analysis
        self._naming, self._own = analysis.naming, own_voice(analysis)
        self._voices: dict[int | None, VoiceOcclusion] = {}
        if seen.faces:
            from emoview.explain.face import shipped_gradcam

            self._gradcam = shipped_gradcam(models.engine)

    def __call__(self, segment: Segment, rows: list[Row]) -> Explanation:
        label = _likeliest(self._naming.members(segment.label), rows)
        return Explanation(self._of_face(segment, label, rows), self._of_voice(segment, label, rows))

    def _of_face(self, segment: Segment, label: str, rows: list[Row]) -> FaceReasons | None:
        from emoview.explain.face import face_reasons

        position = LABELS.index(label)
        sureness = {row.tick: row.face[position] for row in rows if row.face is not None}
        if segment.face_id is None or not sureness:
            return None
        faces = [self._seen.faces[segment.face_id, tick] for tick in sureness]
        return face_reasons(self._gradcam, [*sureness], faces, [*sureness.values()], label)

    def _of_voice(self, segment: Segment, label: str, rows: list[Row]) -> VoiceReasons | None:
        ticks = self._spoken(rows)
        # What dies away behind the words is in no window that could be explained.
        return self._voice_of(segment.person)(ticks, label) if self._seen.speech[ticks].any() else None

    def _spoken(self, rows: Iterable[Row]) -> NDArray[np.int64]:
        return np.array([row.tick for row in rows if self._own(row)], np.int64)

    def _voice_of(self, person: int | None) -> VoiceOcclusion:
        """Give what explains the voice of a person, beside all that this person says."""
        if person not in self._voices:
            from emoview.explain.voice import VoiceOcclusion

            own = np.zeros(len(self._seen.speech), bool)
            own[self._spoken(row for row in self._analysis.timeline if row.person in (person, None))] = True
            smooth_s = self._analysis.options.smooth
            self._voices[person] = VoiceOcclusion(self._models, self._seen, self._baseline, smooth_s, own)
        return self._voices[person]


def _likeliest(labels: tuple[str, ...], rows: list[Row]) -> str:
    """Choose the label that has most of the probability: the networks know no groups."""
    said = [row.fused for row in rows if row.fused is not None]
    return max(labels, key=lambda label: sum(values[LABELS.index(label)] for values in said))
