"""One result as one page that needs nothing else: timeline, moments, tables."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from emoview.common.text import name_of
from emoview.output.pages import page
from emoview.output.palette import ink
from emoview.output.tracks import limit, tracks
from emoview.output.words import facts_of, length_of, options_of, technical_of, why_nothing
from emoview.timeline.clock import TICK_MS
from emoview.timeline.in_file import speed_of
from emoview.timeline.labels import COLOURS, LETTERS
from emoview.timeline.moments import (
    DISTANCE,
    Disagreement,
    Moment,
    disagreements,
    faces_by_presence,
)
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis, MediaFacts, Segment
from emoview.timeline.shares import is_long, shares_by_person, shares_of
from emoview.timeline.sums import overall_voice, sums_of_persons


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
    made_with: str = "",
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
        made_with: What the page says it was made with.
    """
    found = disagreements(analysis)
    faces = faces_by_presence(analysis.timeline)
    return page(
        "report.html",
        made_with=made_with,
        title=title,
        origin=origin,
        overview=overview,
        media=analysis.media,
        presence=presence_of(analysis),
        why_nothing=why_nothing(analysis),
        overall=analysis.overall,
        labels=analysis.naming.labels,
        sums=_sums(analysis),
        faces=faces,
        # Somebody may be heard, of whom nothing else is reported.
        who={one: analysis.who(one) for one in (*faces, *(one.person for one in analysis.speakers), None)},
        length=length_of(analysis.media.duration_s),
        long=is_long(analysis),
        shares=shares_of(analysis),
        by_face=shares_by_person(analysis) if len(faces) > 1 else [],
        guess=1 / len(analysis.naming.groups),
        player=source and source.kind,
        source=source and source.address,
        moments=[_moment(analysis, moment, jpeg) for moment, jpeg in moments],
        shape=_shape(analysis.media),
        widened=analysis.media.widened,
        explanations=[
            {"segment": segment, "why": segment.explanation, "picture": webp and _address("webp", webp)}
            for segment, webp in explanations
        ],
        segments=analysis.segments,
        speakers=analysis.speakers,
        measured=sums_of_persons(analysis),
        voice_sum=overall_voice(analysis),
        disagreements=found,
        disagreement_s=sum(d.end_s - d.start_s for d in found),
        distance=DISTANCE,
        notes=notes,
        warnings=[name_of(warning) for warning in analysis.warnings],
        facts=facts_of(analysis),
        options=options_of(analysis),
        technical=technical_of(analysis),
        estimated=analysis.affect == "estimated",
        weights=analysis.weights,
        data=_data(analysis, found),
    )


def _shape(media: MediaFacts) -> str:
    """The shape of the pictures as they were analysed."""
    return f"{round((media.width or 16) * media.widened)} / {media.height or 9}"


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
        "speed": speed_of(analysis),
        "cuts": list(analysis.cuts),
        "labels": list(analysis.naming.groups),
        "names": list(labels),
        "colours": [COLOURS[label] for label in labels],
        "inks": [ink(label) for label in labels],
        "letters": [LETTERS[label] for label in labels],
        **({} if least is None else {"least": least}),
        "segments": [[s.start_s, s.end_s, s.person, position[s.label]] for s in analysis.segments],
        "disagreements": [[d.start_s, d.end_s, d.person] for d in found],
        "who": {str(one): analysis.who(one) for one in faces_by_presence(analysis.timeline)},
        "speakers": [[one.voice_id, one.person] for one in analysis.speakers],
        **tracks(analysis),
    }


def _moment(analysis: Analysis, moment: Moment, jpeg: bytes | None) -> dict[str, Any]:
    return {
        "time_s": moment.time_s,
        "person": moment.person,
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
