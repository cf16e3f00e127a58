"""One result as one page that needs nothing else: timeline, moments, tables."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from emoview.common.text import name_of
from emoview.output.pages import page
from emoview.output.palette import ink
from emoview.output.tracks import limit, tracks
from emoview.timeline.clock import TICK_MS
from emoview.timeline.labels import COLOURS, LETTERS
from emoview.timeline.moments import (
    DISTANCE,
    Disagreement,
    Moment,
    disagreements,
    faces_by_presence,
)
from emoview.timeline.results import Analysis, Segment

_ESTIMATED = ("valence and arousal", "estimated from the face; where there is none, derived from the labels")


@dataclass(frozen=True)
class Source:
    """What the page plays.

    Attributes:
        kind: With pictures, or sound alone.
        address: Relative address, or the whole file as a data address.
    """

    kind: Literal["video", "audio"]
    address: str


def to_html(
    analysis: Analysis,
    *,
    title: str,
    origin: str,
    source: Source | None = None,
    moments: Sequence[tuple[Moment, bytes | None]] = (),
    explanations: Sequence[tuple[Segment, bytes | None]] = (),
    notes: Sequence[str] = (),
    overview: str | None = None,
) -> str:
    """Write the page.

    Args:
        analysis: The result.
        title: Name of the clip.
        origin: Name of the file the result came from.
        source: What is played; None for a timeline alone.
        moments: Moments to look at, each with a JPEG where there is one.
        explanations: Segments that say where their labels came from, each with a WebP of the map on the face
            where there is one.
        notes: Sentences about this page, such as that the video was not found.
        overview: Relative address of the page of all clips, for a link back.
    """
    found = disagreements(analysis)
    return page(
        "report.html",
        title=title,
        origin=origin,
        overview=overview,
        media=analysis.media,
        overall=analysis.overall,
        labels=analysis.naming.labels,
        sums=_sums(analysis),
        faces=faces_by_presence(analysis.timeline),
        player=source and source.kind,
        source=source and source.address,
        moments=[_moment(analysis, moment, jpeg) for moment, jpeg in moments],
        shape=f"{analysis.media.width or 16} / {analysis.media.height or 9}",
        explanations=[
            {"segment": segment, "why": segment.explanation, "picture": webp and _address("webp", webp)}
            for segment, webp in explanations
        ],
        segments=analysis.segments,
        speakers=analysis.speakers,
        disagreements=found,
        disagreement_s=sum(d.end_s - d.start_s for d in found),
        distance=DISTANCE,
        notes=notes,
        warnings=[name_of(warning) for warning in analysis.warnings],
        facts=_facts(analysis.media),
        options=[
            *_said(analysis.options.asked().items()),
            ("fusion used", analysis.fusion_used),
            ("device used", analysis.device_used),
            *([_ESTIMATED] if analysis.affect == "estimated" else []),
        ],
        weights=analysis.weights,
        data=_data(analysis, found),
    )


def _sums(analysis: Analysis) -> list[Mapping[str, float] | None]:
    """The probability of each group, together, in the face and in the voice."""
    naming, overall = analysis.naming, analysis.overall
    return [
        None if verdict is None else dict(zip(naming.groups, naming.sums(verdict.probabilities), strict=True))
        for verdict in (overall.fused, overall.face, overall.voice)
    ]


def _data(analysis: Analysis, found: Sequence[Disagreement]) -> dict[str, Any]:
    labels = analysis.naming.labels
    position = {label: i for i, label in enumerate(labels)}
    least = limit(analysis.naming)
    return {
        "tick": TICK_MS / 1000,
        "ticks": analysis.media.ticks,
        "duration": analysis.media.ticks * TICK_MS / 1000,
        "start": analysis.media.start_s,
        "labels": list(analysis.naming.groups),
        "names": list(labels),
        "colours": [COLOURS[label] for label in labels],
        "inks": [ink(label) for label in labels],
        "letters": [LETTERS[label] for label in labels],
        **({} if least is None else {"least": least}),
        "segments": [[s.start_s, s.end_s, s.face_id, position[s.label]] for s in analysis.segments],
        "speakers": [[one.voice_id, one.face_id] for one in analysis.speakers],
        "disagreements": [[d.start_s, d.end_s, d.face_id] for d in found],
        **tracks(analysis),
    }


def _moment(analysis: Analysis, moment: Moment, jpeg: bytes | None) -> dict[str, Any]:
    return {
        "time_s": moment.time_s,
        "face_id": moment.face_id,
        "label": moment.label,
        "confidence": moment.confidence,
        "picture": jpeg and _address("jpeg", jpeg),
        "box": _box(analysis, moment),
    }


def _address(kind: str, picture: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(picture).decode("ascii")


def _box(analysis: Analysis, moment: Moment) -> str | None:
    """Where the face is in its thumbnail, whatever size that is shown at."""
    box, media = moment.box, analysis.media
    if box is None or not media.width or not media.height:
        return None
    parts = {
        "left": box.x / media.width,
        "top": box.y / media.height,
        "width": box.width / media.width,
        "height": box.height / media.height,
    }
    return ";".join(f"{name}:{share:.1%}" for name, share in parts.items())


def _facts(values: Any) -> list[tuple[str, str]]:
    """The fields of a dataclass as a person reads them."""
    return _said((field.name, getattr(values, field.name)) for field in fields(values))


def _said(pairs: Iterable[tuple[str, Any]]) -> list[tuple[str, str]]:
    said = {name: ", ".join(map(str, v)) if isinstance(v, tuple) else v for name, v in pairs}
    return [(name.replace("_", " "), "–" if v is None else name_of(v)) for name, v in said.items()]
