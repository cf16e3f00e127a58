"""Segments: stretches of one label out of rows."""

from __future__ import annotations

from typing import Final

from emoview.errors import InputError
from emoview.timeline.clock import TICK_MS, time_of
from emoview.timeline.labels import Naming, as_stored
from emoview.timeline.results import MODALITIES, Probabilities, Row, Segment

LOSS_S: Final = 1.0
"""A person who is lost for no longer is taken to be the same, and so is what they show."""
SHORTEST_S: Final = 0.5
"""Default of `shortest_s`."""

_Tick = tuple[int, Probabilities]
_Run = tuple[str, list[_Tick]]
_SEVEN: Final = Naming()
_LOSS = round(LOSS_S * 1000 / TICK_MS)


def segments_of(
    rows: tuple[Row, ...], modality: str = "fused", *, shortest_s: float = SHORTEST_S
) -> tuple[Segment, ...]:
    """Cut the rows into stretches of one person and one label; a cut of the film ends them.

    A loss of the person, or a pause of the voice, of up to `LOSS_S` does not end a stretch; where only the
    face is lost, the voice goes on for it. Stretches under `shortest_s` join the longer neighbour, the
    shortest first; those with no neighbour within `LOSS_S` are left out. Each segment then gets the label of
    its mean probabilities, and neighbours of one label become one.

    Examples:
        >>> [segment.label for segment in segments_of(result.timeline, "voice")]
        ['happy']

    Args:
        rows: The timeline, by tick.
        modality: One of `MODALITIES`.  Segments of the voice belong to no face, whoever's row it is in.
        shortest_s: In seconds; no timeline is too short for a segment.

    Returns:
        By time, then person.

    Raises:
        InputError: There is no such modality.
    """
    if modality not in MODALITIES:
        raise InputError(f"a modality is one of {', '.join(MODALITIES)}, not {modality!r}")
    by_face: dict[int | None, list[_Tick]] = {}
    persons: dict[int | None, int | None] = {}
    filled = _filled(rows) if modality == "fused" else {}
    for row in rows:
        values = getattr(row, modality)
        if row.face_id is not None:
            persons[row.face_id] = row.person
        if values is not None:
            face_id = None if modality == "voice" else filled.get(row.tick, row.face_id)
            by_face.setdefault(face_id, []).append((row.tick, values))
    naming = rows[0].naming if rows else _SEVEN
    ticks = rows[-1].tick + 1 - rows[0].tick if rows else 0
    shortest = min(shortest_s * 1000 / TICK_MS, ticks)
    result = []
    for face_id in sorted(by_face, key=lambda i: -1 if i is None else i):
        for run in _runs_of_face(by_face[face_id], shortest, naming):
            label, mean = _over(run, naming)
            start_s, end_s = time_of(run[0][0]), time_of(run[-1][0] + 1)
            result.append(Segment(start_s, end_s, face_id, label, mean, person=persons.get(face_id)))
    return tuple(sorted(result, key=lambda s: (s.start_s, -1 if s.person is None else s.person)))


def _filled(rows: tuple[Row, ...]) -> dict[int, int]:
    """Say whose the ticks are in which a voice goes on while the one face around them is lost."""
    filled: dict[int, int] = {}
    before: set[int] = set()
    lost: list[int] = []
    here: set[int] = set()
    for place, row in enumerate(rows):
        if row.face_id is None:
            lost.append(row.tick)
            continue
        here.add(row.face_id)
        if place + 1 < len(rows) and rows[place + 1].tick == row.tick:
            continue
        if lost and len(lost) <= _LOSS and len(before & here) == 1:
            filled.update(dict.fromkeys(lost, *(before & here)))
        before, here, lost = here, set(), []
    return filled


def _runs_of_face(ticks: list[_Tick], shortest: float, naming: Naming) -> list[list[_Tick]]:
    runs: list[_Run] = []
    for tick, values in ticks:
        _add(runs, naming.decide(values)[0], [(tick, values)])
    length = 1
    while any(_length(run) < shortest for _, run in runs):
        runs = _without(runs, min(length, shortest))
        length += 1
    joined: list[_Run] = []
    for _, run in runs:
        _add(joined, _over(run, naming)[0], run)
    return [run for _, run in joined]


def _without(runs: list[_Run], length: float) -> list[_Run]:
    """Join the runs of no more than `length` ticks to a neighbour; leave out those that have none."""
    result: list[_Run] = []
    for place, (label, run) in enumerate(runs):
        if _length(run) > length:
            _add(result, label, run)
            continue
        before = result[-1] if result and _near(result[-1][1], run) else None
        after = runs[place + 1] if place + 1 < len(runs) and _near(run, runs[place + 1][1]) else None
        if before is not None and (after is None or _length(before[1]) >= _length(after[1])):
            before[1].extend(run)
        elif after is not None:
            runs[place + 1] = (after[0], run + after[1])
    return result


def _add(runs: list[_Run], label: str, run: list[_Tick]) -> None:
    if runs and runs[-1][0] == label and _near(runs[-1][1], run):
        runs[-1][1].extend(run)
    else:
        runs.append((label, list(run)))


def _length(run: list[_Tick]) -> int:
    return run[-1][0] + 1 - run[0][0]


def _near(before: list[_Tick], run: list[_Tick]) -> bool:
    return run[0][0] - before[-1][0] - 1 <= _LOSS


def _over(run: list[_Tick], naming: Naming) -> tuple[str, float]:
    """Give the label of the mean probabilities over a run, and that probability."""
    said = [naming.sums(values) for _, values in run]
    sums = [sum(of) for of in zip(*said, strict=True)]
    # Decided by what a file holds, without what sums of fractions lose.
    known = as_stored(tuple(sum(of) for of in zip(*map(as_stored, said), strict=True)))
    place = max(range(len(sums)), key=known.__getitem__)
    return naming.named(naming.groups[place], round(sums[place] / len(run), 4))
