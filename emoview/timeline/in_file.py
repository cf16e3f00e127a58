"""The clock of the recording, as players count, beside that of the timeline."""

from __future__ import annotations

from emoview.timeline.results import Analysis


def speed_of(analysis: Analysis) -> float:
    """Tell how many seconds of the recording pass in one of the timeline: 1 but for slow motion undone."""
    asked, rate = analysis.options.capture_rate, analysis.media.frame_rate
    return asked / rate if asked and rate else 1.0


def in_file(analysis: Analysis, time_s: float) -> float:
    """Give the second of the recording at a second of the timeline, which may be of a stretch of it."""
    return (analysis.media.start_s + time_s) * speed_of(analysis)


def in_timeline(analysis: Analysis, time_s: float) -> float:
    """Give the second of the timeline at a second of the recording; below 0 before the timeline begins."""
    return time_s / speed_of(analysis) - analysis.media.start_s
