"""The whole result as JSON, described by `analysis.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any

from emoview.common.text import json_of
from emoview.timeline.explanation import Explanation
from emoview.timeline.labels import LABELS
from emoview.timeline.results import (
    MODALITIES,
    SCHEMA_VERSION,
    Analysis,
    Probabilities,
    Row,
    Segment,
    Verdict,
)
from emoview.timeline.shares import LEAST_SHARE, Shares, shares_by_person, shares_of
from emoview.timeline.sums import PersonSum, VoiceSum, overall_voice, sums_of_persons
from emoview.timeline.turns import turns_of


def to_json(analysis: Analysis) -> str:
    """Write a result as JSON text; the timeline takes one line a row, and the segments one each."""
    return "".join(_pieces(analysis))


def json_file(analysis: Analysis, _: Path) -> Iterator[str]:
    """Write the result, in pieces, wherever the file is to be."""
    return _pieces(analysis)


def _pieces(analysis: Analysis) -> Iterator[str]:
    text = json_of(_without_lists(analysis), indent=2)
    lists = {
        "timeline": (_row(analysis, row) for row in analysis.timeline),
        "segments": (_segment(segment) for segment in analysis.segments),
    }
    for name, entries in lists.items():
        before, _, text = text.partition(f'"{name}": null')
        yield f'{before}"{name}": '
        yield from _lines(entries)
    yield text + "\n"


def schema() -> dict[str, Any]:
    """Read the JSON Schema of what `to_json` writes."""
    text = resources.files("emoview.output").joinpath("analysis.schema.json").read_text("utf-8")
    result: dict[str, Any] = json.loads(text)
    return result


def _lines(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    before = "["
    for entry in entries:
        yield f"{before}\n    {json.dumps(entry, ensure_ascii=False, allow_nan=False)}"
        before = ","
    yield "[]" if before == "[" else "\n  ]"


def _without_lists(analysis: Analysis) -> dict[str, Any]:
    media = analysis.media
    overall = analysis.overall
    return {
        "schema_version": SCHEMA_VERSION,
        "version": analysis.version,
        **({} if analysis.source is None else {"source": analysis.source}),
        # The name can hold any character, so the places kept for the lists stand before it.
        "timeline": None,
        "overall": {
            **_verdict(analysis, overall.fused),
            "face": _verdict(analysis, overall.face) if overall.face else None,
            "voice": _verdict(analysis, overall.voice) if overall.voice else None,
        },
        "segments": None,
        "summary": _summary(analysis),
        "labels": list(LABELS),
        "measures": list(analysis.measure_columns),
        "valence_arousal": analysis.affect,
        "cuts": list(analysis.cuts),
        "faces": [{name: getattr(face, name) for name in face.__slots__} for face in analysis.faces],
        "fusion_used": analysis.fusion_used,
        "device_used": analysis.device_used,
        "media": {name: getattr(media, name) for name in media.__slots__},
        "options": analysis.options.asked(),
        "speakers": [
            {"voice_id": one.voice_id, "seconds": one.seconds, "person": one.person}
            for one in analysis.speakers
        ],
        "turns": [
            {"start_s": one.start_s, "end_s": one.end_s, "voice_id": one.voice_id}
            for one in turns_of(analysis.timeline)
        ],
        "weights": [{"name": w.name, "sha256": w.sha256} for w in analysis.weights],
        "warnings": list(analysis.warnings),
        "baseline_clips": dict(analysis.baseline_clips),
        "own_baselines": [
            {"person": one.person, "seconds": one.seconds, "variety": one.variety}
            for one in analysis.own_baselines
        ],
        "timings": {name: round(seconds, 3) for name, seconds in analysis.timings.items()},
    }


def _summary(analysis: Analysis) -> dict[str, Any]:
    """Sum up for how long which label lasts, and the same for each person."""
    whole, persons = shares_of(analysis), shares_by_person(analysis)
    return {
        **_shares(whole),
        "margin": 0.0,
        "least_share": LEAST_SHARE,
        "persons": [{"person": one.person, **_shares(one)} for one in persons],
        **_sums_of_measures(analysis),
    }


def _sums_of_measures(analysis: Analysis) -> dict[str, Any]:
    """Sum up what was measured on each person, and on the voice; nothing where nothing was."""
    if not analysis.options.measured:
        return {}
    voice = overall_voice(analysis)
    return {"measures": {
        "persons": [_fields(one) for one in sums_of_persons(analysis)],
        "voice": None if voice is None else _fields(voice),
    }}  # fmt: skip


def _fields(value: PersonSum | VoiceSum) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}


def _shares(shares: Shares) -> dict[str, Any]:
    labels = {}
    for one in shares.labels:
        values = {"share": one.share, "seconds": one.seconds, "segments": one.segments, "mean_s": one.mean_s}
        labels[one.label] = values
    return {"leads": shares.leads, "seconds": shares.seconds, "labels": labels}


def provenance(analysis: Analysis) -> dict[str, Any]:
    """Tell where the numbers come from: version, file, options, weights and baseline."""
    media = analysis.media
    return {
        "schema_version": SCHEMA_VERSION,
        "version": analysis.version,
        **({} if analysis.source is None else {"source": analysis.source}),
        "media": {"path": media.path, "sha256": media.sha256, "start_s": media.start_s},
        "options": analysis.options.asked(),
        "fusion_used": analysis.fusion_used,
        "weights": [{"name": w.name, "sha256": w.sha256} for w in analysis.weights],
        "baseline_clips": dict(analysis.baseline_clips),
    }


def _segment(segment: Segment) -> dict[str, Any]:
    return {
        "start_s": segment.start_s,
        "end_s": segment.end_s,
        "face_id": segment.face_id,
        "person": segment.person,
        "label": segment.label,
        "confidence": segment.confidence,
        "explanation": _explanation(segment.explanation),
    }


def _explanation(explanation: Explanation | None) -> dict[str, Any] | None:
    if explanation is None:
        return None
    face, voice = explanation.face, explanation.voice
    return {
        "face": face and {
            "sentence": face.sentence,
            "regions": dict(face.regions),
            "grid": [list(row) for row in face.grid],
            "ticks": face.ticks,
            "time_s": face.time_s,
            "corners": [list(corner) for corner in face.corners],
        },
        "voice": voice and {
            "sentence": voice.sentence,
            "against": voice.against,
            "log_odds": voice.log_odds,
            "effects": [{"group": e.group, "effect": e.effect, "z": e.z} for e in voice.effects],
        },
    }  # fmt: skip


def _verdict(analysis: Analysis, verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"label": None, "confidence": None, "probabilities": None}
    return {
        "label": verdict.label,
        "confidence": round(verdict.confidence, 4),
        "probabilities": _named(verdict.probabilities),
        **({"groups": _sums(analysis, verdict.probabilities)} if _has_groups(analysis) else {}),
    }


def _row(analysis: Analysis, row: Row) -> dict[str, Any]:
    box = row.box
    return {
        "tick": row.tick,
        "time_s": row.time_s,
        **({"clock": analysis.clock_of(row)} if analysis.options.clock else {}),
        "face_id": row.face_id,
        "person": row.person,
        "label": row.label,
        "confidence": _rounded(row.confidence),
        "valence": _rounded(row.valence),
        "arousal": _rounded(row.arousal),
        **{name: _named(getattr(row, name)) for name in MODALITIES},
        "voice_id": row.voice_id,
        "speaking": row.speaking,
        "off_screen": row.off_screen,
        **({} if row.measures is None else {"measures": row.measures}),
        "box": None if box is None else [round(v, 1) for v in (box.x, box.y, box.width, box.height)],
        **(
            {"groups": {name: _sums(analysis, getattr(row, name)) for name in MODALITIES}}
            if _has_groups(analysis)
            else {}
        ),
    }


def _has_groups(analysis: Analysis) -> bool:
    return analysis.options.labels != len(LABELS)


def _sums(analysis: Analysis, probabilities: Probabilities | None) -> dict[str, float] | None:
    if probabilities is None:
        return None
    naming = analysis.naming
    return {g: round(p, 4) for g, p in zip(naming.groups, naming.sums(probabilities), strict=True)}


def _named(probabilities: Probabilities | None) -> dict[str, float] | None:
    if probabilities is None:
        return None
    return {label: round(p, 4) for label, p in zip(LABELS, probabilities, strict=True)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
