"""Many results on one page: a row a clip, to sort and filter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoview.common.text import name_of
from emoview.output.pages import page
from emoview.output.words import length_of
from emoview.timeline.moments import disagreements
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis, Verdict
from emoview.timeline.shares import is_long, overall_rows, sentence_of, shares_of

_COLUMNS = (
    ("clip", False), ("seconds", True), ("together", False), ("face", False), ("voice", False),
    ("face seen", True), ("speech", True), ("disagree, s", True), ("warnings", True),
)  # fmt: skip


@dataclass(frozen=True)
class Clip:
    """What the page needs of one result, so that the results themselves need not stay in memory.

    Attributes:
        name: Of the clip, with its folder.
        link: Relative address of its report.
        values: What its row shows.
    """

    name: str
    link: str
    values: Mapping[str, Any]


def clip_of(analysis: Analysis, *, name: str, link: str) -> Clip:
    """Sum up a result for its row."""
    overall, media = analysis.overall, analysis.media
    verdicts = [_verdict(v) for v in (overall.fused, overall.face, overall.voice)]
    found, shares = disagreements(analysis), presence_of(analysis)
    strip = strip_of(analysis)
    values = {
        "seconds": media.duration_s,
        "label": verdicts[0] and verdicts[0]["label"],
        "verdicts": verdicts,
        "long": is_long(analysis),
        "shares": [shares.get(what) for what in ("face", "speech")],
        "disagree_s": round(sum(d.end_s - d.start_s for d in found), 2),
        "warnings": len(analysis.warnings),
        "strip": strip,
        "strip_text": ", ".join(dict.fromkeys(part["label"] for part in strip)) or "nothing",
        "labels": analysis.naming.labels,
    }
    return Clip(name, link, values)


def to_overview(
    clips: Sequence[Clip],
    *,
    title: str,
    failures: Sequence[str] = (),
) -> str:
    """Write the page.

    Args:
        clips: One a row, in the order to start with.
        title: Of the page.
        failures: Sentences about what has no result.
    """
    rows = [{"name": clip.name, "link": clip.link, **clip.values} for clip in clips]
    return page(
        "overview.html",
        title=title,
        clips=rows,
        labels=list(dict.fromkeys(label for row in rows for label in row["labels"])),
        columns=[{"name": name, "number": number} for name, number in _COLUMNS],
        names=sorted({row["label"] for row in rows if row["label"]}),
        minutes=sum(row["seconds"] for row in rows) / 60,
        failures=[name_of(failure) for failure in failures],
    )


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {"label": verdict.label, "confidence": verdict.confidence}


def strip_of(analysis: Analysis) -> list[dict[str, Any]]:
    """Give the segments of whom the overall result is about, and of the voice alone, as shares of it all."""
    main = {None, *(row.person for row in overall_rows(analysis))}
    whole = max(analysis.media.duration_s, 1e-3) / 100
    return [
        {
            "x": round(s.start_s / whole, 2),
            "width": round((s.end_s - s.start_s) / whole, 2),
            "label": s.label,
        }
        for s in analysis.segments
        if s.person in main
    ]


def to_notebook(analysis: Analysis) -> str:
    """Write what a notebook shows of a result: the label, the segments over time, and shares of time."""
    strip, shares = strip_of(analysis), shares_of(analysis)
    return page(
        "notebook.html",
        name=name_of(Path(analysis.media.path).name),
        length=length_of(analysis.media.duration_s),
        label=analysis.overall.label,
        confidence=analysis.overall.confidence,
        long=is_long(analysis),
        sentence=sentence_of(shares),
        strip=strip,
        strip_text=", ".join(dict.fromkeys(part["label"] for part in strip)) or "nothing",
        shares=shares.labels,
        warnings=[name_of(warning) for warning in analysis.warnings],
    )
