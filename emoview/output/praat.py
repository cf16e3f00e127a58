"""The segments as a Praat TextGrid: an interval tier for each modality, without gaps."""

from __future__ import annotations

from pathlib import Path

from emoview.output.tiers import Tier, tiers_of
from emoview.timeline.in_file import in_file
from emoview.timeline.results import Analysis

Interval = tuple[float, float, str]


def textgrid_file(analysis: Analysis, _: Path) -> str:
    """Write the segments as a TextGrid in Praat's long text form; intervals without a label have no text.

    Times are those of the recording, so that the grid fits its sound, also where a stretch was analysed.
    """
    end = in_file(analysis, analysis.media.duration_s)
    # Praat refuses a grid without a tier.
    tiers = tiers_of(analysis) or [Tier("fused", ())]
    lines = [
        'File type = "ooTextFile"', 'Object class = "TextGrid"', "",
        "xmin = 0", f"xmax = {_time(end)}", "tiers? <exists>", f"size = {len(tiers)}", "item []:",
    ]  # fmt: skip
    for number, tier in enumerate(tiers, 1):
        said = [(in_file(analysis, s.start_s), in_file(analysis, s.end_s), s.label) for s in tier.segments]
        intervals = _without_gaps(said, end)
        lines += [
            f"    item [{number}]:", '        class = "IntervalTier"',
            f'        name = "{_quoted(tier.name)}"',
            "        xmin = 0", f"        xmax = {_time(end)}",
            f"        intervals: size = {len(intervals)}",
        ]  # fmt: skip
        for i, (first, last, text) in enumerate(intervals, 1):
            lines += [
                f"        intervals [{i}]:", f"            xmin = {_time(first)}",
                f"            xmax = {_time(last)}", f'            text = "{text}"',
            ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _time(seconds: float) -> str:
    """Write a time; in hundredths a tick of time lapse would have no length, which Praat refuses."""
    text = f"{seconds:.6f}".rstrip("0")
    return text + "0" * (2 - len(text.partition(".")[2]))


def _quoted(text: str) -> str:
    """Write a quotation mark twice, as Praat does."""
    return text.replace('"', '""')


def _without_gaps(segments: list[Interval], end: float) -> list[Interval]:
    """Put an empty interval wherever nothing is said: the tiers of a TextGrid have no holes."""
    filled: list[Interval] = []
    reached = 0.0
    for start, stop, text in segments:
        if start > reached:
            filled.append((reached, start, ""))
        filled.append((start, stop, text))
        reached = stop
    if reached < end or not filled:
        filled.append((reached, end, ""))
    return filled
