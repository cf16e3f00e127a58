"""What the columns of a table of annotations are, by their names or by what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.common.stored import quoted
from emoview.common.tables import key_of, seconds_in, unit_of
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.evaluation.annotations import VALUES

_STARTS: Final = ("start", "begin", "onset", "begin_time", "start_time", "tmin", "from")
_ENDS: Final = ("end", "stop", "offset", "end_time", "stop_time", "tmax", "to")
_MOMENTS: Final = ("time", "time_relative", "timestamp")
_LENGTHS: Final = ("duration", "length")
_LABELS: Final = (
    "label", "emotion", "behavior", "behaviour", "annotation", "value", "text", "code", "event", "category",
)  # fmt: skip
_RATERS: Final = ("rater", "coder", "annotator", "judge", "observer")
_TIERS: Final = ("tier", "tier_name", "observation_id", "observation", "subject")
_STATES: Final = ("status", "behavior_type", "behaviour_type", "event_type")
# What BORIS has added to the times of the recording.
SHIFT: Final = "time_offset"
_WHOLE: Final = re.compile(r"\d+", re.ASCII)
_CLOCK: Final = re.compile(r"\d+:\d+:\d+[.,]\d+", re.ASCII)
_DECIMAL: Final = re.compile(r"\d+[.,]\d+", re.ASCII)


@dataclass(frozen=True)
class Time:
    """A column of times: its number, and the unit; none where it does not say."""

    column: int
    unit: str


@dataclass(frozen=True)
class Layout:
    """Which columns hold what, by their numbers, and what stands between them."""

    start: Time
    end: Time | None = None
    length: Time | None = None
    label: int | None = None
    values: tuple[tuple[str, int], ...] = ()
    raters: int | None = None
    tiers: tuple[int, ...] = ()
    state: int | None = None
    separator: str = ","
    shift: int | None = None
    shift_of_all: str = ""
    of_result: bool = False


def refuse_twice(path: Path, names: Sequence[str], layout: Layout) -> None:
    """Refuse two columns of one name, where it is not known which of them is meant."""
    keys = [key_of(name) for name in names]
    times = [time.column for time in (layout.start, layout.end, layout.length) if time]
    used = [*times, layout.label, layout.raters, layout.state, *(number for _, number in layout.values)]
    twice = next((n for n in used if n is not None and keys.count(keys[n]) > 1), None)
    if twice is not None:
        raise InputError(
            f"{name_of(path)} has several columns {quoted(names[twice].strip())}: keep one, or rename others"
        )


def layout_of(keys: Sequence[str]) -> Layout | None:
    """Tell what the columns are by their keys; None where this is no head of a table of annotations."""
    # Of two that may be meant, such as `start` and `start_s`, the one that names its unit counts.
    times = sorted(((*unit_of(key), number) for number, key in enumerate(keys)), key=lambda time: not time[1])

    def time_of(names: Sequence[str]) -> Time | None:
        # A clock that counts pictures depends on their rate.
        fitting = [
            Time(n, unit)
            for name in names
            for base, unit, n in times
            if base == name and keys[n][-3:] != ":ff"
        ]
        # That of The Observer has whole seconds.
        exact = [time for time in fitting if keys[time.column][-4:] != "_hms"]
        return next(iter(exact or fitting), None)

    def column_of(names: Sequence[str]) -> int | None:
        return next((keys.index(name) for name in names if name in keys), None)

    start, end, moment = time_of(_STARTS), time_of(_ENDS), time_of(_MOMENTS)
    label, state = column_of(_LABELS), column_of(_STATES)
    values = tuple((name, keys.index(name)) for name in VALUES if name in keys)
    if start is None and end is None and moment is None:
        return _datavyu_layout(keys)
    if label is None and not values:
        return None
    length, shift = time_of(_LENGTHS), time_of((SHIFT,))
    tiers = tuple(keys.index(name) for name in _TIERS if name in keys)
    common = {"label": label, "values": values, "raters": column_of(_RATERS), "tiers": tiers,
              "shift": shift and shift.column, "of_result": keys[:2] == ["tick", "time_s"]}  # fmt: skip
    if start is None and end is not None and state is None:
        start = moment
    if start is not None and (end is not None or length is not None):
        return Layout(start, end, None if end else length, **common)  # type: ignore[arg-type]
    if moment is None:
        return None
    return Layout(moment, state=state, length=None if state is not None else length, **common)  # type: ignore[arg-type]


def _datavyu_layout(keys: Sequence[str]) -> Layout | None:
    """Tell the columns of one code of Datavyu, such as `mood.onset`, whose times are milliseconds."""
    parts = [key.rpartition(".") for key in keys]
    codes = {code for code, _, last in parts if code and last == "onset" and f"{code}.offset" in keys}
    if len(codes) != 1:
        return None
    (code,) = codes
    said = [
        n
        for n, (of, _, last) in enumerate(parts)
        if of == code and last not in ("onset", "offset", "ordinal")
    ]
    start, end = (Time(keys.index(f"{code}.{last}"), "ms") for last in ("onset", "offset"))
    return Layout(start, end, label=said[0]) if said else None


def elan_layout(rows: Sequence[Sequence[str]]) -> Layout | None:
    """Tell the columns of ELAN's export without a head: the tier, times in one or more units, the text."""
    if not rows or len({len(cells) for cells in rows}) != 1:
        return None
    columns = list(zip(*rows, strict=True))
    times = {
        unit: [n for n, cells in enumerate(columns) if n and all(pattern.fullmatch(cell) for cell in cells)]
        for unit, pattern in (("s", _DECIMAL), ("ms", _WHOLE), ("", _CLOCK))
    }
    # Behind the text may stand the name of the file.
    label = max((n for found in times.values() for n in found), default=len(columns)) + 1
    for unit, found in times.items():
        if len(found) >= 2 and label < len(columns):
            start, other = (Time(n, unit) for n in found[:2])
            common = {"label": label, "tiers": (0,)}
            if any(map(_is_less, columns[found[1]], columns[found[0]])):
                # These are no ends: the times of the ends were left out of the export.
                return Layout(start, length=other, **common)  # type: ignore[arg-type]
            return Layout(start, other, **common)  # type: ignore[arg-type]
    return None


def _is_less(one: str, other: str) -> bool:
    try:
        return seconds_in(one) < seconds_in(other)
    except ValueError:
        # Which is told with the line.
        return False
