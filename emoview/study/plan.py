"""The plan of a study: a row a clip, with its participant, its condition and what happens in it."""

from __future__ import annotations

import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.batch.inputs import Clip, clips_of
from emoview.batch.lists import Entry, read_list
from emoview.common.stored import is_file, quoted, read_bytes
from emoview.common.tables import decoded, key_of, recoded, seconds_in, separator_of
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.evaluation.annotations import read_annotations

_NEEDED: Final = ("participant", "condition")
_EVENTS: Final = "events"
_TIMES: Final = ("time_s", "start_s")
_MOST_TOLD: Final = 10
_MOST_EVENTS: Final = 100_000


@dataclass(frozen=True)
class Event:
    """Something that happens in a clip.

    Attributes:
        name: What.
        start_s: When, in seconds of the clip.
        end_s: Its end; that of a moment is its start.
    """

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True)
class PlanRow:
    """A clip of a study.

    Attributes:
        clip: The clip, with the name of its results.
        participant: Who is seen.
        condition: Under which condition.
        further: Other columns of the plan, by name.
        events: What happens.
    """

    clip: Clip
    participant: str
    condition: str
    further: Mapping[str, str]
    events: tuple[Event, ...] = ()


def read_plan(path: Path) -> list[PlanRow]:
    """Read a plan: a list of clips as a batch takes it, with the columns participant and condition.

    A column `events` names a file for a clip: a table with `time_s`, or `start_s` and `end_s`, and `event`;
    an ELAN document; or a Praat TextGrid.  Its path counts from the plan's folder.

    Raises:
        InputError: Something is missing or doubled; the message names all of it.
    """
    entries = read_list(path)
    columns = {key_of(name): name for name, _ in entries[0].further}
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise InputError(
            f"{name_of(path)} has no column {' and no column '.join(missing)}: a plan needs path, "
            "participant and condition"
        )
    faults = [*_faults(entries, columns, path)]
    if faults:
        more = f"; and {len(faults) - _MOST_TOLD} more" if len(faults) > _MOST_TOLD else ""
        raise InputError(f"the plan {name_of(path)} has faults: {'; '.join(faults[:_MOST_TOLD])}{more}")
    clips = clips_of([str(path)])
    return [
        _row(clip, dict(entry.further), columns, path) for clip, entry in zip(clips, entries, strict=True)
    ]


def _faults(entries: list[Entry], columns: Mapping[str, str], path: Path) -> Iterator[str]:
    """Tell what is wrong, by line."""
    files = [(os.path.realpath(path.parent / entry.text), entry.stretch) for entry in entries]
    counts = Counter(files)
    for entry, file in zip(entries, files, strict=True):
        cells = dict(entry.further)
        if entry.fault is not None:
            yield f"line {entry.line}: {entry.fault}"
        elif not is_file(path.parent / entry.text):
            yield f"line {entry.line}: {quoted(entry.text)} does not exist"
        elif counts[file] > 1:
            times = counts[file]
            yield f"line {entry.line}: {quoted(entry.text)} is there {times} times"
        for name in _NEEDED:
            if not cells.get(columns[name], "").strip():
                yield f"line {entry.line}: the {name} is missing"
        events = cells.get(columns.get(_EVENTS, ""), "").strip()
        if events and not is_file(path.parent / events):
            yield f"line {entry.line}: the events {quoted(events)} do not exist"


def _row(clip: Clip, cells: Mapping[str, str], columns: Mapping[str, str], path: Path) -> PlanRow:
    events = cells.get(columns.get(_EVENTS, ""), "").strip()
    own = {columns[name] for name in (*_NEEDED, _EVENTS) if name in columns}
    return PlanRow(
        clip,
        cells[columns["participant"]].strip(),
        cells[columns["condition"]].strip(),
        {name: value for name, value in cells.items() if name not in own},
        tuple(read_events(path.parent / events)) if events else (),
    )


def read_events(path: Path) -> list[Event]:
    """Read what happens in a clip, by time.

    Raises:
        InputError: The file cannot be read, or has another layout.
    """
    if path.suffix.lower() in (".eaf", ".textgrid"):
        found = [
            Event(one.label or "event", one.start_s, one.start_s if one.end_s is None else one.end_s)
            for one in read_annotations(path)
        ]
    else:
        found = list(_in_table(path))
    return sorted(found, key=lambda event: (event.start_s, event.end_s, event.name))


def _in_table(path: Path) -> Iterator[Event]:
    cure = "write the columns time_s, or start_s and end_s, and event"
    text = decoded(read_bytes(path, cure))
    if text is None:
        raise InputError(f"{name_of(path)} is not text: {cure}")
    lines = recoded(text).splitlines()
    separator, first = separator_of(lines)
    rows = csv.reader(lines[first:], delimiter=separator)
    head = [key_of(cell) for cell in next(rows, [])]
    start = next((head.index(name) for name in _TIMES if name in head), None)
    if start is None or "event" not in head:
        raise InputError(f"{name_of(path)} has no times or no event: {cure}")
    end = head.index("end_s") if "end_s" in head else start
    for number, cells in enumerate(rows, first + 2):
        if number > _MOST_EVENTS:
            raise InputError(f"{name_of(path)} has more than {_MOST_EVENTS} events")
        if not any(cell.strip() for cell in cells):
            continue
        try:
            times = seconds_in(cells[start]), seconds_in(cells[end] or cells[start])
            name = cells[head.index("event")].strip()
        except (ValueError, IndexError):
            raise InputError(f"{name_of(path)} has no time or no event in line {number}: {cure}") from None
        if not name or times[0] < 0 or times[1] < times[0]:
            raise InputError(
                f"{name_of(path)} has no event, or one that ends before it starts, in line {number}"
            )
        yield Event(name, *times)
