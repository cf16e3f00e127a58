"""What stands out in a timeline: the strongest moments, and where face and voice disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from emoview.timeline.clock import TICK_MS, tick_at, time_of
from emoview.timeline.labels import UNCERTAIN
from emoview.timeline.results import Analysis, FaceBox, Probabilities, Row
from emoview.timeline.turns import own_voice

DISTANCE: Final = 0.4
"""Total variation distance from which on two distributions with different winners are said to disagree."""
_WORTH_A_LOOK = 0.25
_BRIDGED_TICKS = 5
_SHORTEST_MS = 400


@dataclass(frozen=True, slots=True)
class Moment:
    """A tick where a label stands out.

    Examples:
        >>> moment = strongest(result)[0]
        >>> moment.label, moment.confidence > 0.8
        ('happy', True)

    Attributes:
        time_s: Second at which it starts.
        person: Whose face it is about; None for voice alone.
        label: One of those that were asked for.
        confidence: Probability of the label.
        box: Where the face is; None without one.
    """

    time_s: float
    person: int | None
    label: str
    confidence: float
    box: FaceBox | None


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A stretch over which the face says one thing and the voice another.

    Examples:
        >>> one = Disagreement(start_s=0.4, end_s=1.2, person=0, face="happy", voice="sad", distance=0.62)
        >>> f"{one.start_s}-{one.end_s} s: the face says {one.face}, the voice {one.voice}"
        '0.4-1.2 s: the face says happy, the voice sad'

    Attributes:
        start_s: Second at which it starts.
        end_s: Second at which it ends.
        person: Whose face.
        face: Label that leads over the stretch in the face.
        voice: Likewise in the voice.
        distance: Mean total variation distance of the two, in [0, 1].
    """

    start_s: float
    end_s: float
    person: int | None
    face: str
    voice: str
    distance: float


def faces_by_presence(rows: Iterable[Row]) -> list[int]:
    """List the persons, the one with most rows first."""
    counts = Counter(row.person for row in rows if row.person is not None)
    return sorted(counts, key=lambda face: (-counts[face], face))


def strongest(analysis: Analysis, *, most: int = 8, apart_s: float = 0.8) -> list[Moment]:
    """Choose moments to look at: where each label is most probable, then the peaks of the segments.

    Examples:
        >>> [moment.label for moment in strongest(result, most=3)]
        ['happy']

    Args:
        analysis: The result.
        most: How many moments at most.
        apart_s: Seconds between two of them, at least; a longer clip spreads those of the segments further.

    Returns:
        Moments by time.
    """
    spread_s = max(apart_s, analysis.media.duration_s / (4 * most))
    chosen: list[Moment] = []
    for moments, gap_s in ((_label_peaks(analysis), apart_s), (_segment_peaks(analysis), spread_s)):
        for moment in _ranked(moments):
            far = all(abs(moment.time_s - other.time_s) >= gap_s for other in chosen)
            if far and len(chosen) < most:
                chosen.append(moment)
    return sorted(chosen, key=lambda moment: moment.time_s)


def _ranked(moments: Iterable[Moment]) -> list[Moment]:
    # Sorting is stable, so of equals the earliest comes first.
    return sorted(moments, key=lambda moment: -moment.confidence)


def _label_peaks(analysis: Analysis) -> Iterator[Moment]:
    naming = analysis.naming
    said = [(naming.sums(row.fused), row) for row in analysis.timeline if row.fused]
    for position, label in enumerate(naming.groups):
        if said:
            p, row = max(((sums[position], row) for sums, row in said), key=lambda pair: pair[0])
            if p >= max(_WORTH_A_LOOK, naming.least or 0.0):
                yield Moment(row.time_s, row.person, label, p, row.box)


def _segment_peaks(analysis: Analysis) -> Iterator[Moment]:
    rows = {(row.person, row.tick): row for row in analysis.timeline if row.fused}
    for segment in analysis.segments:
        ticks = range(tick_at(segment.start_s), tick_at(segment.end_s))
        inside = [row for tick in ticks if (row := rows.get((segment.person, tick)))]
        named = [row for row in inside if row.label == segment.label]
        if named and segment.label != UNCERTAIN:
            row = max(named, key=lambda row: row.confidence or 0.0)
            yield Moment(row.time_s, row.person, segment.label, row.confidence or 0.0, row.box)


def distance(one: Probabilities, other: Probabilities) -> float:
    """Total variation distance: the share of probability that would have to move; 0 same, 1 disjoint."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2


def disagreements(analysis: Analysis) -> list[Disagreement]:
    """Find the stretches over which a face and its voice disagree.

    A tick disagrees where both say something that is not uncertain, their labels differ (as grouped by the
    options), and the distributions over these are at least `DISTANCE` apart; what others say meanwhile does
    not count. Gaps of a few ticks are bridged,
    and what stays shorter than 0.4 s is left out.

    Examples:
        >>> disagreements(result)  # face and voice are both happy
        []
    """
    by_face: dict[int | None, list[Row]] = {}
    own = own_voice(analysis)
    for row in analysis.timeline:
        if row.face and row.voice and own(row) and _disagrees(row, row.face, row.voice):
            by_face.setdefault(row.person, []).append(row)
    found = [
        _disagreement(run)
        for face_rows in by_face.values()
        for run in _runs(face_rows)
        if (run[-1].tick + 1 - run[0].tick) * TICK_MS >= _SHORTEST_MS
    ]
    return sorted(found, key=lambda d: (d.start_s, -1 if d.person is None else d.person))


def _disagrees(row: Row, face: Probabilities, voice: Probabilities) -> bool:
    labels = row.said("face"), row.said("voice")
    if labels[0] == labels[1] or UNCERTAIN in labels:
        return False
    return distance(row.naming.sums(face), row.naming.sums(voice)) >= DISTANCE


def _runs(rows: list[Row]) -> list[list[Row]]:
    runs = [rows[:1]]
    for before, row in pairwise(rows):
        if row.tick - before.tick <= _BRIDGED_TICKS:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _disagreement(run: list[Row]) -> Disagreement:
    naming = run[0].naming
    pairs = [(naming.sums(row.face), naming.sums(row.voice)) for row in run if row.face and row.voice]
    leads = Counter((row.said("face") or "", row.said("voice") or "") for row in run)
    (face_label, voice_label), _ = leads.most_common(1)[0]
    mean = sum(distance(face, voice) for face, voice in pairs) / len(pairs)
    return Disagreement(
        run[0].time_s, time_of(run[-1].tick + 1), run[0].person, face_label, voice_label, round(mean, 4)
    )
