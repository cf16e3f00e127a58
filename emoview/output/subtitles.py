"""The fused segments as subtitles, for players: WebVTT and SubRip."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from emoview.timeline.in_file import in_file, speed_of
from emoview.timeline.results import Analysis, Segment

SHORTEST_S: Final = 1.0
"""A caption stands for at least so long, in seconds: nobody reads a shorter one."""
# Of a caption: what shares less of it with a segment does not name that.
_LEAST_SHARE = 0.25
_NO_TAGS: Final = str.maketrans("<>{}", "‹›()")

_Cue = tuple[float, float, str]


def vtt_file(analysis: Analysis, _: Path) -> str:
    """Write the segments as WebVTT, in which a name may hold what looks like a tag or an arrow."""
    cues = (
        f"{_time(a, '.')} --> {_time(b, '.')}\n{escape(text, quote=False)}\n"
        for a, b, text in _on_file(analysis)
    )
    return "\n".join(["WEBVTT\n", *cues])


def srt_file(analysis: Analysis, _: Path) -> str:
    """Write the segments as SubRip, which has no way to say that a name is no tag: it gets other brackets."""
    return "\n".join(
        f"{number}\n{_time(a, ',')} --> {_time(b, ',')}\n{text.translate(_NO_TAGS)}\n"
        for number, (a, b, text) in enumerate(_on_file(analysis), 1)
    )


def _on_file(analysis: Analysis) -> Iterator[_Cue]:
    """Give the captions on the clock of the recording, by which players show them."""
    for start, end, text in _cues(analysis):
        yield in_file(analysis, start), in_file(analysis, end), text


def _cues(analysis: Analysis) -> Iterator[_Cue]:
    """Give one caption at a time, with a line for each person; what is too short is stretched or left out."""
    by_person: dict[int | None, list[Segment]] = {}
    for segment in analysis.segments:
        by_person.setdefault(segment.person, []).append(segment)
    several = len(by_person.keys() - {None}) > 1
    waiting: _Cue | None = None
    for start, end in _spans(analysis):
        lines = []
        for person in sorted(by_person, key=lambda one: (one is None, one)):
            shown = _inside(by_person[person], start, end)
            if shown is not None:
                lines.append(_line(analysis, shown, several=several))
        text = "\n".join(lines)
        if waiting is not None and text == waiting[2] and start == waiting[1]:
            waiting = (waiting[0], end, text)
            continue
        if waiting is not None:
            yield waiting
        waiting = (start, end, text) if lines else None
    if waiting is not None:
        yield waiting


def _spans(analysis: Analysis) -> Iterator[tuple[float, float]]:
    """Cut the clip wherever a segment starts or ends, but where that leaves too little to read."""
    # Where it is read: in the recording, which slow motion makes longer, and time lapse shorter.
    shortest = SHORTEST_S / speed_of(analysis)
    end = analysis.media.duration_s
    ends = sorted({edge for s in analysis.segments for edge in (s.start_s, s.end_s)} | {end})
    starts = [s.start_s for s in analysis.segments]
    stops = [s.end_s for s in analysis.segments]
    at, said, over = 0.0, 0, 0
    stops.sort()
    for edge in ends:
        if edge <= at:
            continue
        while said < len(starts) and starts[said] <= at:
            said += 1
        while over < len(stops) and stops[over] <= at:
            over += 1
        silent = said == over
        cut = edge if silent else min(max(edge, at + shortest), end)
        if 0 < end - cut < shortest:
            # The rest is too short for a caption: it takes from what is before, or goes to it.
            cut = end - shortest
            if cut <= at if silent else cut < at + shortest:
                cut = end
        yield at, cut
        at = cut


def _inside(segments: list[Segment], start: float, end: float) -> Segment | None:
    """Give the segment that fills most of a span, if it fills enough of it."""
    while segments and segments[0].end_s <= start:
        segments.pop(0)
    best, most = None, _LEAST_SHARE * (end - start)
    for segment in segments:
        if segment.start_s >= end:
            break
        shared = min(segment.end_s, end) - max(segment.start_s, start)
        if shared > most:
            best, most = segment, shared
    return best


def _line(analysis: Analysis, segment: Segment, *, several: bool) -> str:
    text = f"{segment.label} {100 * segment.confidence:.0f} %"
    if not several:
        return text
    return f"{analysis.who(segment.person)}: {text}"


def _time(seconds: float, point: str) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{ms:03}"
