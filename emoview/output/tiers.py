"""The segments as annotation tools hold them: tiers of stretches that do not overlap."""

from __future__ import annotations

from dataclasses import dataclass

from emoview.timeline.clock import time_of
from emoview.timeline.results import Analysis, Row, Segment
from emoview.timeline.segments import segments_of
from emoview.timeline.sums import blinks_of


@dataclass(frozen=True)
class Tier:
    """Stretches of one modality, by time.

    Attributes:
        name: `fused`, `face` or `voice`; with several faces, `face 1` or `fused 1` for face 1, or its name.
        segments: None of them overlaps another.
        labels: Whether they are labels; blinks are none.
    """

    name: str
    segments: tuple[Segment, ...]
    labels: bool = True


def tiers_of(analysis: Analysis) -> list[Tier]:
    """Give a tier for each modality that says anything, and for blinks; with several faces, one for each."""
    several = len({row.person for row in analysis.timeline} - {None}) > 1
    tiers = []
    for modality in ("fused", "face", "voice"):
        segments = segments_of(analysis.timeline, modality, shortest_s=analysis.options.min_segment)
        if not several:
            tiers.append(Tier(modality, segments))
            continue
        ids = sorted({s.person for s in segments}, key=lambda i: -1 if i is None else i)
        tiers += [
            Tier(
                modality if person is None else f"{modality} {_called(analysis, person)}",
                tuple(s for s in segments if s.person == person),
            )
            for person in ids
        ]
    return [tier for tier in (*tiers, *_blinks(analysis, several=several)) if tier.segments]


def _blinks(analysis: Analysis, *, several: bool) -> list[Tier]:
    persons: dict[int, list[Row]] = {}
    for row in analysis.timeline:
        if row.person is not None and row.face_id is not None:
            persons.setdefault(row.person, []).append(row)
    return [
        Tier(
            f"blinks {_called(analysis, person)}" if several else "blinks",
            tuple(
                Segment(time_of(first), time_of(last), rows[0].face_id, "blink", 1.0, person=person)
                for first, last in blinks_of(rows)
            ),
            labels=False,
        )
        for person, rows in sorted(persons.items())
    ]


def _called(analysis: Analysis, person: int) -> str:
    """Call a person by their name, with its number where another goes by the same: tiers differ in name."""
    numbers = {row.person for row in analysis.timeline if row.person is not None}
    called = {number: analysis.names.get(number, str(number)) for number in numbers}
    name = analysis.names.get(person, str(person))
    # Somebody may even be called as another is with the number.
    others = [one for number, one in called.items() if number != person]
    others += [f"{one} ({number})" for number, one in called.items()]
    return f"{name} ({person})" if name in others else name
