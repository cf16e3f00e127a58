"""From what another program found to a result: its frames on the ticks of the timeline."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from emoview.common.text import name_of, shown
from emoview.errors import InputError
from emoview.imports.programs import Findings, findings_of
from emoview.imports.table import Floats, read_table
from emoview.media.probe import Media, probe
from emoview.timeline.clock import LONGEST_S, TICK_HZ, TICK_MS, time_of
from emoview.timeline.labels import Naming, valence_arousal
from emoview.timeline.measures import MEASURE_COLUMNS, Values, kept
from emoview.timeline.moments import faces_by_presence
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceBox, FaceFound, MediaFacts, Overall, Row, Verdict
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import summed_up

_DECIMALS: Final = 6
# A frame stands for the ticks up to the next; where frames are missing, not for long.
_LASTS: Final = 1.5
# What is older is no picture of a tick.
_LONGEST_S: Final = 1.0
_EARLY_S: Final = 0.001
# A table may end a little before its recording, or a few frames after it.
_SHORTER, _SHORTER_S = 0.05, 1.0


def imported(path: Path, *, rate: float | None = None, video: Path | None = None) -> Analysis:
    """Read what OpenFace or py-feat found as a result.

    Args:
        path: The CSV.
        rate: Frames a second, where the table counts frames alone; by default that of the video.
        video: The recording, which gives the size of the pictures, too.

    Raises:
        InputError: The table or the video cannot be read, or the table is of another program.
    """
    media = None if video is None else probe(video)
    of_video = media.video.rate if media is not None and media.video is not None else None
    found = findings_of(read_table(path), of_video if rate is None else rate)
    late_s = media.video.start_s - media.start_s if media is not None and media.video is not None else 0.0
    if late_s > _EARLY_S:
        # These programs count from the first picture.
        note = f"the pictures start {late_s:.2f} s after the sound, and so do the frames of the table"
        found = replace(found, times_s=found.times_s + late_s, notes=(*found.notes, note))
    timeline, faces = _timeline(found, path)
    options = Options(modality="face", face="all" if len(faces) > 1 else "largest")
    # Of several faces it is the one that has most rows, as where results are summed up.
    main = faces_by_presence(timeline)[:1]
    said = [row.face for row in timeline if row.face is not None and row.person in main]
    verdict = None if not said else Verdict.of(tuple(float(p) for p in np.mean(said, axis=0)))
    return summed_up(Analysis(
        media=_facts(found, path, media, timeline, len(faces)),
        overall=Overall(verdict, verdict, None),
        segments=segments_of(timeline),
        timeline=timeline,
        options=options,
        fusion_used="none",
        device_used="none",
        weights=(),
        warnings=(*found.notes, *_doubts(found, media, given=rate)),
        timings={},
        affect="derived" if found.affect is None else "estimated",
        faces=faces,
        source=found.source,
        action_units=tuple(found.units),
    ))  # fmt: skip


def _doubts(found: Findings, media: Media | None, *, given: float | None) -> Iterator[str]:
    """Say what about the times of a table may be wrong."""
    times = np.unique(found.times_s)
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    if step > _LONGEST_S + _EARLY_S:
        yield (
            f"the frames are {step:.3g} s apart, and a frame counts for {_LONGEST_S:g} s at most: look "
            "whether the times are seconds"
        )
    if given is not None and found.source == "OpenFace":
        yield "the rate was not used: the table has times of its own"
    length, end = None if media is None else media.duration_s, float(times[-1]) + step
    if length is not None and abs(length - end) > max(_SHORTER_S, _SHORTER * length):
        yield (
            f"the table ends at {end:.1f} s, the video at {length:.1f} s: look whether they belong "
            "together, and whether the rate is right"
        )


def _timeline(found: Findings, path: Path) -> tuple[tuple[Row, ...], tuple[FaceFound, ...]]:
    times = np.unique(found.times_s)
    step = float(np.median(np.diff(times))) if len(times) > 1 else TICK_MS / 1000
    count = max(1, round((float(times[-1]) + step) * TICK_HZ))
    if count > LONGEST_S * TICK_HZ:
        raise InputError(f"{name_of(path)} is longer than {LONGEST_S / 3600:g} hours: import parts of it")
    starts = np.arange(count) / TICK_HZ
    frame = np.searchsorted(times, starts + _EARLY_S, side="right") - 1
    lasts = min(_LASTS * max(step, TICK_MS / 1000), _LONGEST_S)
    fresh = (frame >= 0) & (starts - times[frame] < lasts)
    of_frame: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for number, (at, face) in enumerate(zip(np.searchsorted(times, found.times_s), found.faces, strict=True)):
        if face >= 0:
            of_frame[int(at)].setdefault(int(face), number)
    columns = _columns(found)
    ticks: defaultdict[int, list[int]] = defaultdict(list)
    rows = []
    for tick in range(count):
        seen = sorted(of_frame.get(int(frame[tick]), {}).items()) if fresh[tick] else []
        rows += [_row(tick, face, found, columns, number) for face, number in seen] or [Row(tick)]
        for face, _ in seen:
            ticks[face].append(tick)
    faces = tuple(
        FaceFound(face, face, time_of(of[0]), time_of(of[-1] + 1), len(of))
        for face, of in sorted(ticks.items())
    )
    return tuple(rows), faces


def _columns(found: Findings) -> tuple[Floats, Floats]:
    """Give valence and arousal `(rows, 2)`, and measures and action units `(rows, columns)`."""
    affect = valence_arousal(found.probabilities) if found.affect is None else found.affect
    nothing = np.full(len(found.times_s), np.nan)
    measures = [found.measures.get(name, nothing) for name in MEASURE_COLUMNS]
    return affect, np.stack([*measures, *found.units.values()], axis=1)


def _row(tick: int, face: int, found: Findings, columns: tuple[Floats, Floats], number: int) -> Row:
    values = columns[1][number].tolist()
    first = len(MEASURE_COLUMNS)
    units = tuple(None if value != value else value for value in values[first:])
    measures: Values = (*kept(values[:first]), *units)
    box = FaceBox(*(round(float(value), 1) for value in found.boxes[number]))
    row = Row(tick, face, box, measures=measures, naming=Naming())
    affect = columns[0][number]
    if not np.isfinite(found.probabilities[number]).all() or not np.isfinite(affect).all():
        return row
    said = tuple(round(float(p), _DECIMALS) for p in found.probabilities[number])
    valence, arousal = (round(float(value), _DECIMALS) for value in affect)
    return replace(row, face=said, fused=said, valence=valence, arousal=arousal)


def _facts(
    found: Findings, path: Path, media: Media | None, timeline: tuple[Row, ...], faces: int
) -> MediaFacts:
    ticks = timeline[-1].tick + 1
    video = None if media is None else media.video
    audio = None if media is None else media.audio
    with_face = len({row.tick for row in timeline if row.face_id is not None})
    return MediaFacts(
        path=shown(found.media or path if media is None else media.path),
        duration_s=time_of(ticks), ticks=ticks,
        width=video.width if video else None, height=video.height if video else None,
        frame_rate=video.rate if video else None, rotation=video.rotation if video else 0,
        video_codec=video.codec if video else None, audio_codec=audio.codec if audio else None,
        audio_rate=audio.rate if audio else None, audio_channels=audio.channels if audio else None,
        audio_level_db=None, face_share=round(with_face / ticks, 4), speech_share=0.0, faces=faces,
        persons=faces,
    )  # fmt: skip
