"""Segments: stretches of one label out of rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from emoview.timeline.clock import TICK_MS, time_of
from emoview.timeline.labels import UNCERTAIN, Naming
from emoview.timeline.results import Probabilities, Row, Segment

_Tick = tuple[int, Probabilities]
_Run = tuple[str, list[_Tick]]
_SEVEN: Final = Naming()


def segments_of(
    rows: tuple[Row, ...], modality: str = "fused", *, shortest_s: float = 0.2
) -> tuple[Segment, ...]:
    """Join neighbouring ticks of one face with one label.

    Runs under `shortest_s` join the run before them, those that nothing precedes the run behind them: nobody
    changes an emotion for two ticks. The rows say how labels are chosen; where they have a limit, a segment
    whose mean probability is below it is uncertain.

    Args:
        rows: The timeline, by tick.
        modality: One of `MODALITIES`.  Segments of the voice belong to no face, whoever's row it is in.
        shortest_s: In seconds.

    Returns:
        By time, then face.
    """
    by_face: dict[int | None, list[_Tick]] = {}
    persons: dict[int | None, int | None] = {None: None}
    for row in rows:
        values = getattr(row, modality)
        if values is not None:
            face_id = None if modality == "voice" else row.face_id
            if face_id is not None:
                persons[face_id] = row.person
            by_face.setdefault(face_id, []).append((row.tick, values))
    naming = rows[0].naming if rows else _SEVEN
    result: list[Segment] = []
    for face_id in sorted(by_face, key=lambda i: -1 if i is None else i):
        found = _segments_of_face(by_face[face_id], face_id, shortest_s, naming)
        result.extend(replace(one, person=persons[face_id]) for one in found)
    return tuple(sorted(result, key=lambda s: (s.start_s, -1 if s.face_id is None else s.face_id)))


def _segments_of_face(
    ticks: list[_Tick], face_id: int | None, shortest_s: float, naming: Naming
) -> list[Segment]:
    runs: list[_Run] = []
    for tick, values in ticks:
        label, _ = naming.decide(values)
        if runs and runs[-1][0] == label and tick == runs[-1][1][-1][0] + 1:
            runs[-1][1].append((tick, values))
        else:
            runs.append((label, [(tick, values)]))
    shortest = shortest_s * 1000 / TICK_MS
    joined: list[_Run] = []
    for label, run in runs:
        follows = bool(joined) and _follows(run, joined[-1][1])
        if follows and (len(run) < shortest or label == joined[-1][0]):
            joined[-1][1].extend(run)
        elif follows and len(joined[-1][1]) < shortest:
            joined[-1] = (label, joined[-1][1] + run)
        else:
            joined.append((label, list(run)))
    if naming.least is not None:
        joined = _told_apart(joined, naming)
    segments = []
    for one, run in joined:
        label, mean = _over(one, run, naming)
        segments.append(Segment(time_of(run[0][0]), time_of(run[-1][0] + 1), face_id, label, mean))
    return segments


def _follows(run: list[_Tick], before: list[_Tick]) -> bool:
    return run[0][0] == before[-1][0] + 1


def _told_apart(runs: list[_Run], naming: Naming) -> list[_Run]:
    """Name each run by its means, since short ones were joined to it, and join neighbours of one name."""
    result: list[_Run] = []
    for one, run in runs:
        label, _ = _over(one, run, naming)
        if result and label == result[-1][0] and _follows(run, result[-1][1]):
            result[-1][1].extend(run)
        else:
            result.append((label, run))
    return result


def _over(label: str, run: list[_Tick], naming: Naming) -> tuple[str, float]:
    """Give the label of a run and its mean probability; where that is too low, look at all labels."""
    if label != UNCERTAIN:
        named, mean = naming.named(label, _mean(label, run, naming))
        if named != UNCERTAIN:
            return named, mean
    means = {group: _mean(group, run, naming) for group in naming.groups}
    best = max(means, key=means.__getitem__)
    return naming.named(best, means[best])


def _mean(label: str, run: list[_Tick], naming: Naming) -> float:
    place = naming.groups.index(label)
    return round(sum(naming.sums(values)[place] for _, values in run) / len(run), 4)
