"""Reading a result back from its JSON."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Final, cast

from msgspec.structs import asdict, astuple

from emoview.common.files import sha256_of
from emoview.common.stored import decode_json, is_file, read_bytes
from emoview.common.text import name_of, shown
from emoview.errors import InputError, NoResultError
from emoview.media.endings import MEDIA
from emoview.output import form
from emoview.output.faces import names_file, read_names
from emoview.timeline.clock import time_of
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceEffect, VoiceReasons
from emoview.timeline.labels import UNCERTAIN, Naming
from emoview.timeline.measures import ACTION_UNIT, MEASURE_COLUMNS, kept
from emoview.timeline.options import Options, ratio_of
from emoview.timeline.results import (
    SCHEMA_VERSION,
    Analysis,
    FaceBox,
    FaceFound,
    MediaFacts,
    Overall,
    OwnBaseline,
    Probabilities,
    Row,
    Segment,
    Speaker,
    Verdict,
    WeightUsed,
)
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import summed_up

MOST_BYTES: Final = 2**30
"""Of a result: some twenty hours of one face."""

_CURE = "name the JSON of a result"
_AGAIN = "analyze again"
# From here on groups are decided by the sums over their labels.
_BY_SUMS = (1, 4)
# Seven numbers rounded to four digits are off by less, and what other programs wrote again hardly by more.
_OFF = 0.01
_OFF_S = 0.001


def read_json(path: Path) -> Analysis:
    """Read what `to_json` wrote; numbers are as rounded there.

    Raises:
        InputError: The file is missing, or not a result of this or an earlier version.
        NoResultError: It is other JSON.
    """
    beside = path.with_suffix(".json") if path.name else path
    if path != beside and is_file(beside):
        raise InputError(f"{name_of(path)} is not the JSON of a result: name {name_of(beside)}")
    if path.suffix.lower() in MEDIA and is_file(path):
        raise InputError(
            f"{name_of(path)} is a recording: analyze it first, then name the JSON of its result"
        )
    # Names that people gave to the faces lie beside it.
    content = read_bytes(path, _CURE, most=MOST_BYTES)
    head = decode_json(content, cast("type[object]", form.Any), path, _CURE)
    version = head.schema_version if isinstance(head, form.Version) else None
    if version is None:
        raise NoResultError(f"{name_of(path)} is not a result of emoview analyze: name the JSON of one")
    if version.split(".")[0] != SCHEMA_VERSION.split(".")[0]:
        raise InputError(
            f"{name_of(path)} has version {name_of(version[:20])}, not {SCHEMA_VERSION}: {_AGAIN}"
        )
    stored = decode_json(content, form.Result, path, _AGAIN)
    try:
        _check(stored)
        analysis = _analysis(stored, by_sums=_number(version) >= _BY_SUMS)
    except ValueError as error:
        raise InputError(f"{name_of(path)} is damaged at {error}: {_AGAIN}") from None
    return replace(analysis, names=read_names(path))


@dataclass(frozen=True)
class OfWhat:
    """Of what a result is.

    Attributes:
        path: Name of the file.
        sha256: Of the file; None where the result does not say.
        source: Program whose findings these are; None if it is emoview.
    """

    path: str
    sha256: str | None
    source: str | None


def of_what(path: Path) -> OfWhat | None:
    """Tell of what a result is; None where there is no such result."""
    if not is_file(path):
        return None
    try:
        stored = decode_json(read_bytes(path, _CURE, most=MOST_BYTES), form.OfFile, path, _CURE)
    except InputError:
        return None
    return OfWhat(stored.media.path, stored.media.sha256, stored.source)


def doubt_about_names(analysis: Analysis, path: Path) -> str | None:
    """Tell in a sentence where names were given to other faces than a result has that is going to `path`."""
    file = names_file(path)
    if path.suffix != ".json" or not (analysis.faces and is_file(file)):
        return None
    try:
        before = decode_json(read_bytes(path, _CURE, most=MOST_BYTES), form.WithFaces, path, _CURE).faces
    except InputError:
        before = []
    if [FaceFound(*astuple(face)) for face in before] == list(analysis.faces):
        return None
    return (
        f"{name_of(file)} has the names of faces of an earlier result, and here the numbers may be others: "
        "name the faces again with --name, or remove it"
    )


def media_of(analysis: Analysis, result: Path) -> Path | None:
    """Find the recording where the result says it was, or beside the result; None where it is not.

    A name that counts from some folder may be that of several files: then the one of the same content is
    meant, or else the one that is nearest to the result.
    """
    said = Path(analysis.media.path)
    if said.is_absolute() and is_file(said):
        return said
    there: dict[str, Path] = {}
    for place in (result.parent / said, result.parent / said.name, said):
        if is_file(place):
            there.setdefault(os.path.realpath(place), place)
    found = list(there.values())
    if len(found) > 1 and analysis.media.sha256:
        found.sort(key=lambda place: sha256_of(place) != analysis.media.sha256)
    return found[0] if found else None


def doubt_about_media(analysis: Analysis, file: Path) -> str | None:
    """Tell in a sentence that a file is not the one that was analysed, by its content; None if it may be."""
    known = analysis.media.sha256
    if known is None or sha256_of(file) in (known, None):
        return None
    return (
        f"{name_of(file)} is not the file that was analysed, by its content: look whether it is the same "
        "recording"
    )


def with_media_found(analysis: Analysis, result: Path) -> Analysis:
    """Name the media by where they are now, if they are not, or no longer, where the analysis found them."""
    found = media_of(analysis, result)
    if found is None or found == Path(analysis.media.path):
        return analysis
    return replace(analysis, media=replace(analysis.media, path=str(found)))


def _check(stored: form.Result) -> None:
    """Check what goes beyond single values.

    Raises:
        ValueError: A place, and what is wrong there.
    """
    _check_media(stored)
    _check_order(stored.timeline)
    for number, segment in enumerate(stored.segments):
        if segment.end_s <= segment.start_s:
            raise ValueError(f"$.segments[{number}].end_s (it is not after start_s)")
        face = segment.explanation and segment.explanation.face
        if face and len({len(row) for row in face.grid}) != 1:
            raise ValueError(f"$.segments[{number}].explanation.face.grid (its rows differ in length)")


def _check_media(stored: form.Result) -> None:
    media, rows = stored.media, stored.timeline
    if (media.width is None) != (media.height is None):
        raise ValueError("$.media.width (it goes with height)")
    if media.created is not None:
        try:
            datetime.fromisoformat(media.created)
        except ValueError:
            raise ValueError("$.media.created (it is no time)") from None
    if media.ticks != (rows[-1].tick + 1 if rows else 0):
        raise ValueError("$.media.ticks (the timeline has another length)")
    if abs(media.duration_s - time_of(media.ticks)) > _OFF_S:
        raise ValueError("$.media.duration_s (the timeline has another length)")


def _check_order(rows: list[form.Row]) -> None:
    before, face_before = -1, -1
    for number, row in enumerate(rows):
        tick, face = row.tick, -1 if row.face_id is None else row.face_id
        if tick != before + 1 and not (tick == before and face > face_before):
            raise ValueError(f"$.timeline[{number}].tick (rows are by tick and face, none is left out)")
        if abs(row.time_s - time_of(tick)) > _OFF_S:
            raise ValueError(f"$.timeline[{number}].time_s (it is not that of the tick)")
        if (row.box is None) != (row.face_id is None):
            raise ValueError(f"$.timeline[{number}].box (it goes with face_id)")
        if row.person is not None and row.face_id is None:
            raise ValueError(f"$.timeline[{number}].person (it goes with face_id)")
        if row.face is not None and row.face_id is None:
            raise ValueError(f"$.timeline[{number}].face (it goes with face_id)")
        if (row.valence is None) != (row.fused is None) or (row.arousal is None) != (row.fused is None):
            raise ValueError(f"$.timeline[{number}].valence (valence and arousal go with fused)")
        before, face_before = tick, face


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdecimal())


def _analysis(stored: form.Result, *, by_sums: bool) -> Analysis:
    overall = stored.overall
    given = stored.options.measure
    # Earlier versions measured nothing, and without looking ahead nothing can be measured.
    measure = given if given is not None else bool(stored.measures) or stored.options.causal
    options = Options(**{**asdict(stored.options), "measure": measure})
    _check_aspect(options)
    naming = options.naming
    units = tuple(dict.fromkeys(name for name in stored.measures if ACTION_UNIT.fullmatch(name)))
    timeline = tuple(_rows(stored.timeline, naming, stored.measures, units))
    return summed_up(Analysis(
        media=_media(stored.media),
        overall=Overall(
            _verdict(overall, "$.overall", naming),
            _verdict(overall.face, "$.overall.face", naming),
            _verdict(overall.voice, "$.overall.voice", naming),
        ),
        segments=_segments(
            timeline,
            stored.segments,
            shortest_s=options.min_segment,
            as_stored=by_sums or options.labels == 7,
        ),
        timeline=timeline,
        options=options,
        fusion_used=stored.fusion_used,
        device_used=stored.device_used,
        weights=tuple(WeightUsed(weight.name, weight.sha256) for weight in stored.weights),
        warnings=tuple(stored.warnings),
        timings=stored.timings,
        affect=stored.valence_arousal,
        cuts=tuple(stored.cuts),
        faces=tuple(FaceFound(*astuple(face)) for face in stored.faces),
        baseline_clips=dict(stored.baseline_clips.items()),
        version=stored.version,
        own_baselines=tuple(OwnBaseline(*astuple(one)) for one in stored.own_baselines),
        speakers=tuple(Speaker(one.voice_id, one.seconds, one.person) for one in stored.speakers),
        source=None if stored.source is None else shown(stored.source),
        action_units=units if options.measured else (),
    ))  # fmt: skip


def _media(stored: form.Media) -> MediaFacts:
    """Give the facts; earlier versions took each track for a person."""
    persons = stored.faces if stored.persons is None else stored.persons
    return MediaFacts(**{**asdict(stored), "path": shown(stored.path), "persons": persons})


def _check_aspect(options: Options) -> None:
    try:
        ratio_of(options.aspect)
    except InputError:
        raise ValueError("$.options.aspect (it is no ratio)") from None


def _segments(
    timeline: tuple[Row, ...], stored: list[form.Segment], *, shortest_s: float, as_stored: bool
) -> tuple[Segment, ...]:
    """Cut the timeline again, since earlier versions had other segments, groups and probabilities.

    Of segments that are the same, confidences are as stored, since those of the rounded rows may differ in
    the last digit, and so are the explanations.
    """
    segments = segments_of(timeline, shortest_s=shortest_s)
    known = {(one.start_s, one.end_s, one.face_id): one for one in stored}
    return tuple(
        replace(
            segment,
            # Rounded, a mean just below the limit may reach it.
            label=UNCERTAIN if one.label == UNCERTAIN else segment.label,
            confidence=one.confidence if as_stored else segment.confidence,
            explanation=_explanation(one.explanation),
        )
        if (one := known.get((segment.start_s, segment.end_s, segment.face_id)))
        else segment
        for segment in segments
    )


def _explanation(stored: form.Explanation | None) -> Explanation | None:
    if stored is None:
        return None
    return Explanation(_face_reasons(stored.face), _voice_reasons(stored.voice))


def _face_reasons(stored: form.FaceReasons | None) -> FaceReasons | None:
    if stored is None:
        return None
    regions = {str(name): share for name, share in stored.regions.items()}
    return FaceReasons(stored.grid, regions, stored.ticks, stored.time_s, stored.corners)


def _voice_reasons(stored: form.VoiceReasons | None) -> VoiceReasons | None:
    if stored is None:
        return None
    effects = tuple(VoiceEffect(*astuple(effect)) for effect in stored.effects)
    return VoiceReasons(stored.against, stored.log_odds, effects)


def _rows(
    stored: list[form.Row], naming: Naming, measures: list[str], units: tuple[str, ...]
) -> Iterator[Row]:
    # Later versions may measure more, and earlier ones less.
    places = [measures.index(name) if name in measures else None for name in MEASURE_COLUMNS]
    behind = [measures.index(name) for name in units]
    for number, row in enumerate(stored):
        values = row.measures
        if values is not None and len(values) != len(measures):
            raise ValueError(f"$.timeline[{number}].measures (it has not as many as $.measures)")
        yield Row(
            row.tick,
            row.face_id,
            None if row.box is None else FaceBox(*row.box),
            _probabilities(row.face, "face", number),
            _probabilities(row.voice, "voice", number),
            _probabilities(row.fused, "fused", number),
            row.valence,
            row.arousal,
            naming,
            row.person,
            row.voice_id,
            row.speaking,
            row.off_screen,
            None
            if values is None
            else (
                *kept([None if at is None else values[at] for at in places]),
                *(values[at] for at in behind),
            ),
        )


def _verdict(stored: form.Verdict | None, place: str, naming: Naming) -> Verdict | None:
    probabilities = None if stored is None else _probabilities(stored.probabilities, f"{place}.probabilities")
    return None if probabilities is None else Verdict.of(probabilities, naming)


def _probabilities(stored: form.Seven | None, place: str, row: int | None = None) -> Probabilities | None:
    if stored is None:
        return None
    values: Probabilities = astuple(stored)
    if abs(sum(values) - 1) > _OFF:
        where = place if row is None else f"$.timeline[{row}].{place}"
        raise ValueError(f"{where} (the probabilities do not sum to 1)")
    return values
