"""How long each label lasts: what sums up a clip in which moods change."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from emoview.timeline.clock import time_of
from emoview.timeline.labels import MIXED
from emoview.timeline.moments import faces_by_presence
from emoview.timeline.results import Analysis, Overall, Row, Segment, Verdict, main_rows
from emoview.timeline.turns import own_voice

LONG_S: Final = 60.0
"""A clip that lasts longer is summed up by shares of time: one label over all of it says little."""
LEAST_SHARE: Final = 0.4
"""A label leads if none lasts longer, and it has at least this share of the time."""


@dataclass(frozen=True, slots=True)
class LabelShare:
    """How long a label lasts.

    Examples:
        >>> longest = shares_of(result).labels[0]
        >>> longest.label, longest.share, longest.seconds, longest.segments
        ('happy', 1.0, 2.0, 1)

    Attributes:
        label: A label, a label group, or `uncertain`.
        share: Share of the ticks that have a label, from 0 to 1.
        seconds: Time with this label, in seconds.
        segments: Number of segments.
        mean_s: Mean length of the segments, in seconds. Missing if there is none.
    """

    label: str
    share: float
    seconds: float
    segments: int
    mean_s: float | None


@dataclass(frozen=True, slots=True)
class Shares:
    """How long each label lasts, for the main face or one face.

    Examples:
        >>> shares_of(result).leads
        'happy'

    Attributes:
        person: Number of the person. Missing for the main person with the ticks without a face.
        leads: The label that lasts longest. Missing if it has less than 40 % of the time.
        seconds: Time that has a label, in seconds.
        labels: Those that occur, the longest first: share of the time, seconds, number of segments and their
            mean length.
    """

    person: int | None
    leads: str | None
    seconds: float
    labels: tuple[LabelShare, ...]


def is_long(analysis: Analysis) -> bool:
    """Tell whether a clip is summed up by shares of time."""
    return analysis.media.duration_s > LONG_S


def summed_up(analysis: Analysis) -> Analysis:
    """Let the overall labels of a long clip be those that last longest, or `MIXED` where none leads.

    Probabilities stay those of the whole.  A short clip is given back as it is.
    """
    if not is_long(analysis):
        return analysis
    rows, overall, own = overall_rows(analysis), analysis.overall, own_voice(analysis)

    def lasting(verdict: Verdict | None, modality: str) -> Verdict | None:
        counted = rows if modality != "voice" else [row for row in rows if own(row)]
        counts = Counter(label for row in counted if (label := row.said(modality)) is not None)
        if verdict is None or not counts:
            return verdict
        first, share = _shares_of_time(counts)[0]
        return replace(verdict, label=first if share >= LEAST_SHARE else MIXED, confidence=share)

    return replace(analysis, overall=Overall(
        fused=lasting(overall.fused, "fused"), face=lasting(overall.face, "face"),
        voice=lasting(overall.voice, "voice"),
    ))  # fmt: skip


def overall_rows(analysis: Analysis) -> Sequence[Row]:
    """Give the rows that the overall result is about, as `main_rows` does.

    Of all faces it is that of the one that speaks most, or of the largest; what another program found has no
    such face.
    """
    if analysis.options.face != "all" or analysis.source is not None:
        return main_rows(analysis)
    weights: dict[int, float] = defaultdict(float)
    for one in analysis.speakers:
        if one.person is not None and analysis.options.voice in ("face", "all", str(one.voice_id)):
            weights[one.person] += one.seconds
    if not weights:
        for row in analysis.timeline:
            if row.person is not None and row.box is not None:
                weights[row.person] += row.box.width * row.box.height
        still = {face.person for face in analysis.faces if face.still}
        weights = {i: weight for i, weight in weights.items() if i not in still} or weights
    main = min(weights, key=lambda person: (-weights[person], person), default=None)
    return [row for row in analysis.timeline if row.person in (main, None)]


def one_of_several(analysis: Analysis) -> tuple[int, list[int]] | None:
    """Give the person that the overall result is about, and the others; None where there are no others.

    Only a result of all faces has others.
    """
    persons = faces_by_presence(analysis.timeline) if analysis.options.face == "all" else []
    drawn = {row.person for row in overall_rows(analysis)}
    others = [person for person in persons if person not in drawn]
    main = next((person for person in persons if person in drawn), None)
    return None if main is None or not others else (main, others)


def shares_of(analysis: Analysis) -> Shares:
    """Sum up what the overall result is about: the main face, or whoever speaks, and ticks without a face.

    Examples:
        >>> {one.label: one.share for one in shares_of(result).labels}
        {'happy': 1.0}
    """
    rows = overall_rows(analysis)
    persons = {None, *(row.person for row in rows)}
    return _shares(None, rows, [s for s in analysis.segments if s.person in persons])


def shares_by_person(analysis: Analysis) -> list[Shares]:
    """Sum up each person, the one that has most rows first.

    Examples:
        >>> [(shares.person, shares.leads) for shares in shares_by_person(result)]
        [(0, 'happy')]
    """
    rows: dict[int | None, list[Row]] = {}
    for row in analysis.timeline:
        rows.setdefault(row.person, []).append(row)
    return [
        _shares(face, rows[face], [s for s in analysis.segments if s.person == face])
        for face in faces_by_presence(analysis.timeline)
    ]


def sentence_of(shares: Shares) -> str:
    """Say in words which label leads, in how many segments of which mean length, or which two last long."""
    if not shares.labels:
        return "nothing to say"
    said = [f"{one.label} {one.share:.0%}" for one in shares.labels[:2]]
    if shares.leads is None:
        return f"{MIXED} ({', '.join(said)} of the time)"
    first = shares.labels[0]
    if first.mean_s is None:
        return f"{said[0]} of the time"
    many = "segment" if first.segments == 1 else "segments"
    return f"{said[0]} of the time, {first.segments} {many} of {first.mean_s:.1f} s"


def _shares(person: int | None, rows: Sequence[Row], segments: list[Segment]) -> Shares:
    counts = Counter(label for row in rows if (label := row.label) is not None)
    lasts: dict[str, list[float]] = {}
    for segment in segments:
        lasts.setdefault(segment.label, []).append(segment.end_s - segment.start_s)
    shares = dict(_shares_of_time(counts))
    labels = []
    for label in sorted({*counts, *lasts}, key=lambda one: (-counts[one], one)):
        found = lasts.get(label, [])
        labels.append(
            LabelShare(
                label, shares.get(label, 0.0), time_of(counts[label]), len(found),
                round(sum(found) / len(found), 2) if found else None,
            )
        )  # fmt: skip
    leads = labels[0].label if labels and labels[0].share >= LEAST_SHARE else None
    return Shares(person, leads, time_of(counts.total()), tuple(labels))


def _shares_of_time(counts: Mapping[str, int]) -> list[tuple[str, float]]:
    """Give the share of each label in all ticks, the largest first, of equals by name."""
    total = sum(counts.values())
    order = sorted(counts, key=lambda one: (-counts[one], one))
    return [(label, round(counts[label] / total, 4)) for label in order]
