"""What the columns of a list are, by their names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from emoview.batch.storage import Place
from emoview.common.stored import quoted
from emoview.common.tables import key_of, recoded, seconds_in, unit_of
from emoview.common.text import name_of
from emoview.errors import InputError

PATHS: Final = (
    "path", "file", "filename", "file_name", "video", "clip", "media", "media_file", "datei", "dateiname",
    "fichier", "archivo", "bestand",
)  # fmt: skip
# Names of starts and ends without blanks; those that may mean something else count where both are there.
_BOUNDS: Final = (
    ("start", "end"), ("begin", "stop"), ("onset", "offset"), ("from", "to"), ("starttime", "endtime"),
    ("begintime", "stoptime"), ("timestart", "timeend"), ("onsettime", "offsettime"), ("inpoint", "outpoint"),
    ("tcin", "tcout"), ("timecodein", "timecodeout"), ("timein", "timeout"), ("markin", "markout"),
    ("anfang", "ende"), ("beginn", "schluss"), ("début", "fin"), ("debut", "fin"), ("inicio", "fin"),
    ("inizio", "fine"), ("início", "fim"), ("begin", "einde"),
)  # fmt: skip
_PAIRS: Final = (("in", "out"), ("t0", "t1"), ("von", "bis"), ("de", "à"), ("van", "tot"), ("da", "a"))
_STARTS, _ENDS = zip(*_BOUNDS, *_PAIRS, strict=True)
_LENGTHS: Final = ("duration", "length", "dur")
_TIMES: Final = {"start_s": _STARTS, "end_s": _ENDS}
_OTHER_UNITS: Final = re.compile(
    r"_(?:in_)?(?:m|mins?|minutes?|h|hrs?|hours?|days?|frames?|fr|f|ticks?|samples?|us|ns)$"
)
_NEEDS: Final = "it needs a column path and, if wanted, start_s and end_s"
# So like the name of a column that it may be a slip.
_LIKE: Final = 0.8
_MOST_COLUMNS: Final = 200


@dataclass(frozen=True)
class Columns:
    """Where in a table what stands.

    Attributes:
        path: Number of the column with the path.
        times: Numbers of those with the start, the end and, where there is no end, the length, with their
            units; None where there is none.
        further: Numbers and names of the others.
        count: How many there are.
    """

    path: int
    times: tuple[tuple[int, str] | None, ...]
    further: tuple[tuple[int, str], ...]
    count: int


def columns_of(path: Place, line: int, head: Sequence[str], notes: list[str]) -> Columns:
    """Find what the columns are by their names, which stand in a line.

    Raises:
        InputError: There is no column of paths, one is there twice, or one may be misspelt.
    """
    keys = [key_of(recoded(name)) for name in head]
    named = [(*_base_of(key), number) for number, key in enumerate(keys)]
    places = [number for name in PATHS for number, key in enumerate(keys) if key == name]
    found = ", ".join(quoted(recoded(name.strip())) for name in head[:12] if name.strip()) or "nothing"
    if not places or len(head) > _MOST_COLUMNS or keys.count(keys[places[0]]) > 1:
        raise InputError(f"line {line} of the list {name_of(path)} has {found}: {_NEEDS}")
    times = _bounds_of(named)
    lengths = [(number, unit) for base, unit, number in named if base in _LENGTHS]
    if times[0] and not times[1]:
        times[2:] = lengths[:1]
    wanted = ((_STARTS, times[0]), (_ENDS, times[1]), (_LENGTHS, times[-1] or times[1]))
    _refuse_other_units(path, head, keys, [names for names, time in wanted if time is None])
    used = {places[0], *(time[0] for time in times if time)}
    twice = next((number for number in sorted(used) if keys.count(keys[number]) > 1), None)
    if twice is not None:
        raise InputError(
            f"the list {name_of(path)} has several columns {quoted(recoded(head[twice].strip()))}: keep one, "
            "or rename others"
        )
    found_times = (times[0], times[-1])
    _refuse_slips(
        path, head, keys, used, missing=[n for n, time in zip(_TIMES, found_times, strict=True) if not time]
    )
    if lengths and not times[0]:
        notes.append(
            f"the column {quoted(recoded(head[lengths[0][0]].strip()))} of the list {name_of(path)} is not "
            "used, since no column tells where the clips start: add start_s, or call it end_s"
        )
    others: list[tuple[int, str]] = []
    for number, name in enumerate(head):
        plain = recoded(name).strip()
        if number not in used and plain:
            again = sum(1 for _, other in others if other == plain)
            others.append((number, f"{plain}_{again + 1}" if again else plain))
    return Columns(places[0], tuple(times), tuple(others), len(head))


def _base_of(key: str) -> tuple[str, str]:
    """Write a column's key without its unit and without blanks; and give the unit."""
    base, unit = unit_of(key)
    return base.replace("_", ""), unit


def _bounds_of(named: Sequence[tuple[str, str, int]]) -> list[tuple[int, str] | None]:
    """Find the columns of starts and of ends by their names, with their units.

    Of two that may be meant, such as `start` and `start_s`, the one that names its unit counts.
    """
    named = sorted(named, key=lambda one: not one[1])
    there = {base for base, _, _ in named}
    pairs = () if not there.isdisjoint(name for both in _BOUNDS for name in both) else _PAIRS
    counting = (*_BOUNDS, *(both for both in pairs if there.issuperset(both)))
    return [
        next(
            ((number, unit) for both in counting for base, unit, number in named if base == both[side]), None
        )
        for side in (0, 1)
    ]


def _refuse_other_units(
    path: Place, head: Sequence[str], keys: Sequence[str], missing: Sequence[Sequence[str]]
) -> None:
    """Refuse times in minutes, or in frames: without them, whole files would be analysed."""
    names = {name for group in missing for name in group}
    for shown, key in zip(head, keys, strict=True):
        unit = _OTHER_UNITS.search(key)
        if unit and key[: unit.start()].replace("_", "") in names:
            raise InputError(
                f"the list {name_of(path)} has a column {quoted(shown.strip())}: give the times in seconds, "
                "as start_s and end_s, or as mm:ss, as start and end"
            )


def _refuse_slips(
    path: Place, head: Sequence[str], keys: Sequence[str], used: set[int], missing: Sequence[str]
) -> None:
    """Refuse a misspelt column, or one such as `clip_start`: without it, whole files would be analysed."""
    for number, key in enumerate(keys):
        last = unit_of(key)[0].rpartition("_")[2]
        for name in missing:
            like = last in _TIMES[name][:3] or _base_of(key)[0] in _TIMES[name]
            like = like or difflib.SequenceMatcher(None, key, name).ratio() >= _LIKE
            if number not in used and like:
                raise InputError(
                    f"the list {name_of(path)} has a column {quoted(head[number].strip())}: is {name} meant? "
                    "rename it"
                )


def note_of_times(path: Place, columns: Columns, rows: Sequence[Sequence[str]]) -> str | None:
    """Tell of a column that holds times, but whose name says nothing, where a start or an end is missing."""
    start, end, *lengths = columns.times
    if end is not None or any(lengths):
        return None
    for number, name in columns.further:
        cells = [row[number].strip() for row in rows if number < len(row) and row[number].strip()]
        begins = [
            row[start[0]].strip() for row in rows if start and number < len(row) and row[number].strip()
        ]
        if cells and _are_times(cells, begins):
            what = "whole files are" if start is None else "all from the start on is"
            cure = "start_s or end_s" if start is None else "end_s"
            return (
                f"the column {quoted(name)} of the list {name_of(path)} holds times, but its name is "
                f"not known: {what} analysed; if stretches are meant, call it {cure}"
            )
    return None


def _are_times(cells: Sequence[str], begins: Sequence[str]) -> bool:
    """Tell whether cells are times: with a colon each, or all of them behind what begins there."""
    try:
        seconds = [seconds_in(cell) for cell in cells]
        starts = [seconds_in(begin) for begin in begins]
    except ValueError:
        return False
    clocks = all(":" in cell for cell in cells)
    return clocks or (bool(starts) and all(end > begin for end, begin in zip(seconds, starts, strict=True)))
