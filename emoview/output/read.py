"""Reading a result back from its JSON."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from emoview.errors import InputError
from emoview.text import shown
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceEffect, VoiceReasons
from emoview.timeline.labels import LABELS
from emoview.timeline.results import (
    SCHEMA_VERSION,
    Analysis,
    FaceBox,
    MediaFacts,
    Options,
    Overall,
    Probabilities,
    Row,
    Segment,
    Verdict,
    WeightUsed,
    segments_of,
)


def read_json(path: Path) -> Analysis:
    """Read what `to_json` wrote; numbers are as rounded there.

    Raises:
        InputError: The file is missing, or not a result of this or an earlier version.
    """
    try:
        stored = json.loads(path.read_text("utf-8"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path} cannot be read ({reason}): name the JSON of a result") from error
    except ValueError:
        raise InputError(f"{path} is not JSON: name the JSON of a result") from None
    if not isinstance(stored, dict) or "schema_version" not in stored:
        raise InputError(f"{path} is not a result of emoview analyze: name the JSON of one")
    version = str(stored["schema_version"])
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise InputError(f"{path} has version {version}, not {SCHEMA_VERSION}: analyze again")
    try:
        return _analysis(stored)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path} is damaged ({error!r}): analyze again") from None


def with_media_found(analysis: Analysis, result: Path) -> Analysis:
    """Name the media beside the result where it is not, or no longer, where the analysis found it."""
    media = Path(analysis.media.path)
    beside = result.parent / media.name
    # Unlike those of pathlib, these take whatever a result may say.
    if os.path.exists(media) or not os.path.exists(beside):  # noqa: PTH110
        return analysis
    return replace(analysis, media=replace(analysis.media, path=str(beside)))


def _analysis(stored: dict[str, Any]) -> Analysis:
    overall = stored["overall"]
    timeline = tuple(_row(row) for row in stored["timeline"])
    return Analysis(
        media=MediaFacts(**{**stored["media"], "path": shown(stored["media"]["path"])}),
        overall=Overall(_verdict(overall), _verdict(overall["face"]), _verdict(overall["voice"])),
        segments=_segments(timeline, stored["segments"]),
        timeline=timeline,
        options=Options(**stored["options"]),
        fusion_used=stored["fusion_used"],
        device_used=stored["device_used"],
        weights=tuple(WeightUsed(**weight) for weight in stored["weights"]),
        warnings=tuple(stored["warnings"]),
        timings=stored["timings"],
    )


def _segments(timeline: tuple[Row, ...], stored: list[dict[str, Any]]) -> tuple[Segment, ...]:
    """Cut the timeline again, since groups of labels are stored by their names alone.

    The confidences are as stored, since those of the rounded rows may differ in the last digit, and so are
    the explanations.
    """
    segments = segments_of(timeline)
    if [s.start_s for s in segments] != [s["start_s"] for s in stored]:
        return segments
    return tuple(
        replace(segment, confidence=one["confidence"], explanation=_explanation(one.get("explanation")))
        for segment, one in zip(segments, stored, strict=True)
    )


def _explanation(stored: dict[str, Any] | None) -> Explanation | None:
    if stored is None:
        return None
    face, voice = stored["face"], stored["voice"]
    return Explanation(
        face=face and FaceReasons(
            tuple(map(tuple, face["grid"])), face["regions"], face["ticks"], face["time_s"],
            tuple(map(tuple, face["corners"])),
        ),
        voice=voice and VoiceReasons(
            voice["against"], voice["log_odds"], tuple(VoiceEffect(**effect) for effect in voice["effects"])
        ),
    )  # fmt: skip


def _row(stored: dict[str, Any]) -> Row:
    box = stored["box"]
    if not isinstance(stored["face_id"], int | None):
        raise TypeError("a face_id is no number")
    return Row(
        stored["tick"],
        stored["face_id"],
        None if box is None else FaceBox(*box),
        _probabilities(stored["face"]),
        _probabilities(stored["voice"]),
        _probabilities(stored["fused"]),
        stored["valence"],
        stored["arousal"],
    )


def _verdict(stored: dict[str, Any] | None) -> Verdict | None:
    probabilities = None if stored is None else _probabilities(stored["probabilities"])
    return None if probabilities is None else Verdict.of(probabilities)


def _probabilities(stored: dict[str, float] | None) -> Probabilities | None:
    return None if stored is None else tuple(stored[label] for label in LABELS)
