"""The fused segments as subtitles, for players: WebVTT and SubRip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emoview.timeline.results import Analysis


def vtt_file(analysis: Analysis, _: Path) -> str:
    """Write the segments as WebVTT."""
    cues = (f"{_time(a, '.')} --> {_time(b, '.')}\n{text}\n" for a, b, text in _cues(analysis))
    return "\n".join(["WEBVTT\n", *cues])


def srt_file(analysis: Analysis, _: Path) -> str:
    """Write the segments as SubRip."""
    return "\n".join(
        f"{number}\n{_time(a, ',')} --> {_time(b, ',')}\n{text}\n"
        for number, (a, b, text) in enumerate(_cues(analysis), 1)
    )


def _cues(analysis: Analysis) -> Iterator[tuple[float, float, str]]:
    several = len({segment.person for segment in analysis.segments} - {None}) > 1
    for segment in analysis.segments:
        text = f"{segment.label} {100 * segment.confidence:.0f} %"
        if several:
            text = f"{'voice' if segment.person is None else f'face {segment.person}'}: {text}"
        yield segment.start_s, segment.end_s, text


def _time(seconds: float, point: str) -> str:
    whole, ms = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}{point}{ms:03}"
