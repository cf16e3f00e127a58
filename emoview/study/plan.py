"""The plan of a study: a row a clip, with its participant, its condition and what happens in it."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.batch.inputs import Clip, clips_of
from emoview.batch.lists import Entry, read_list
from emoview.common.stored import is_file, quoted
from emoview.common.tables import key_of
from emoview.common.text import ADDRESS, name_of
from emoview.errors import InputError
from emoview.evaluation.annotations import Notes, read_annotations
from emoview.media.probe import WHOLE

_NEEDED: Final = ("participant", "condition")
_EVENTS: Final = "events"
_TIER: Final = "tier"
_OF_AGREE, _OF_PLAN = "name one with --tier", "name one in the column tier of the plan"
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

    @property
    def result(self) -> Path | None:
        """The result that the plan names in place of a clip; None if it names a clip."""
        path = self.clip.path
        return path if isinstance(path, Path) and path.suffix.lower() == ".json" else None


def read_plan(path: Path, notes: list[str] | None = None) -> list[PlanRow]:
    """Read a plan: a list of clips as a batch takes it, with the columns participant and condition.

    A column `events` names a file for a clip, as `read_events` takes it, and a column `tier` which of its
    tiers is meant.  Paths count from the plan's folder.  A path to the JSON of a result stands for its clip.
    What a user should know of the list, and of how files of events were understood, is added to `notes`.

    Raises:
        InputError: Something is missing or doubled; the message names all of it.
    """
    entries = read_list(path, notes)
    # A row of which no cell could be read has none.
    names = next(([name for name, _ in entry.further] for entry in entries if entry.further), [])
    columns = {key_of(name): name for name in names}
    for key in (*_NEEDED, _EVENTS, _TIER):
        alike = [quoted(name) for name in names if key_of(name) == key]
        if len(alike) > 1:
            raise InputError(f"{name_of(path)} has the columns {' and '.join(alike)}: keep one of them")
    missing = [name for name in _NEEDED if name not in columns]
    if missing and (names or all(entry.fault is None for entry in entries)):
        raise InputError(
            f"{name_of(path)} has no column {' and no column '.join(missing)}: a plan needs path, "
            "participant and condition"
        )
    _refuse_addresses(entries, columns, path)
    faults = [*_faults(entries, columns, path), *_look_alikes(entries, columns)]
    if faults:
        more = f"; and {len(faults) - _MOST_TOLD} more" if len(faults) > _MOST_TOLD else ""
        raise InputError(f"the plan {name_of(path)} has faults: {'; '.join(faults[:_MOST_TOLD])}{more}")
    clips = clips_of([str(path)])
    told: list[str] = []
    rows = [
        _row(clip, dict(entry.further), columns, path, told.append)
        for clip, entry in zip(clips, entries, strict=True)
    ]
    if notes is not None:
        notes += dict.fromkeys(told)
    return rows


def _refuse_addresses(entries: Sequence[Entry], columns: Mapping[str, str], path: Path) -> None:
    """Refuse clips and events elsewhere, in one sentence; what stands behind `://` may be a password."""
    kinds: dict[str, None] = {}
    lines = []
    for entry in entries:
        events = dict(entry.further).get(columns.get(_EVENTS, ""), "")
        found = [match[0] for text in (entry.text, events) if (match := ADDRESS.match(text.strip()))]
        kinds.update(dict.fromkeys(found))
        lines += [str(entry.line)] if found else []
    if lines:
        where = "line" if len(lines) == 1 else "lines"
        more = f" and {len(lines) - _MOST_TOLD} more" if len(lines) > _MOST_TOLD else ""
        raise InputError(
            f"the plan {name_of(path)} names addresses ({', '.join(kinds)}) in {where} "
            f"{', '.join(lines[:_MOST_TOLD])}{more}: a study takes files of this machine; copy them here, "
            "and name the copies"
        )


def _faults(entries: Sequence[Entry], columns: Mapping[str, str], path: Path) -> Iterator[str]:
    """Tell what is wrong, by line."""
    files = [(os.path.realpath(_place(path, entry.text)), entry.stretch) for entry in entries]
    counts = Counter(files)
    for entry, file in zip(entries, files, strict=True):
        cells = dict(entry.further)
        if entry.fault is not None:
            yield f"line {entry.line}: {entry.fault}"
            if not cells:
                continue
        elif not is_file(_place(path, entry.text)):
            yield f"line {entry.line}: {quoted(entry.text)} does not exist"
        elif entry.text.lower().endswith(".json") and entry.stretch != WHOLE:
            yield f"line {entry.line}: {quoted(entry.text)} is a result, of which no stretch can be taken"
        elif counts[file] > 1:
            times = counts[file]
            yield f"line {entry.line}: {quoted(entry.text)} is there {times} times"
        for name in _NEEDED:
            if not cells.get(columns[name], "").strip():
                yield f"line {entry.line}: the {name} is missing"
        events = cells.get(columns.get(_EVENTS, ""), "").strip()
        if events and not is_file(_place(path, events)):
            yield f"line {entry.line}: the events {quoted(events)} do not exist"


def _look_alikes(entries: Sequence[Entry], columns: Mapping[str, str]) -> Iterator[str]:
    """Tell which participants or conditions would be two because of how they were typed."""
    for kind in _NEEDED:
        written: dict[str, str] = {}
        for entry in entries:
            name = dict(entry.further).get(columns.get(kind, ""), "").strip()
            plain = " ".join(unicodedata.normalize("NFC", name).casefold().split())
            if name and (other := written.setdefault(plain, name)) != name:
                yield (
                    f"line {entry.line}: the {kind} {quoted(name)} was {quoted(other)} before, and differs "
                    "only in capitals, blanks or how accents are stored: write them alike"
                )


def _place(path: Path, text: str) -> Path:
    """Give a file that a plan names, which may be written as on Windows."""
    whole, other = path.parent / text, path.parent / text.replace("\\", "/")
    return other if "\\" in text and not is_file(whole) and is_file(other) else whole


def _row(
    clip: Clip, cells: Mapping[str, str], columns: Mapping[str, str], path: Path, on_note: Notes
) -> PlanRow:
    events = cells.get(columns.get(_EVENTS, ""), "").strip()
    own = {columns[name] for name in (*_NEEDED, _EVENTS, *((_TIER,) if events else ())) if name in columns}
    tier = cells.get(columns.get(_TIER, ""), "").strip()
    return PlanRow(
        clip,
        cells[columns["participant"]].strip(),
        cells[columns["condition"]].strip(),
        {name: value for name, value in cells.items() if name not in own},
        tuple(read_events(_place(path, events), tier, on_note=on_note)) if events else (),
    )


def read_events(path: Path, tier: str = "", *, on_note: Notes = lambda _: None) -> list[Event]:
    """Read what happens in a clip, by time, from any file that `agree` takes for annotations.

    Args:
        path: A table with times and `event`, an ELAN document or export, a TextGrid, or a BORIS export.
        tier: Of several tiers, observations or subjects the one that is meant.
        on_note: Told how something was understood that could be meant otherwise.

    Raises:
        InputError: The file cannot be read, or has another layout.
    """
    try:
        said = read_annotations(path, tier or None, on_note=on_note)
    except InputError as error:
        raise InputError(str(error).replace(_OF_AGREE, _OF_PLAN)) from None
    found = [
        Event(one.label, one.start_s, one.start_s if one.end_s is None else one.end_s)
        for one in said
        if one.label is not None
    ]
    if not 0 < len(found) <= _MOST_EVENTS:
        raise InputError(f"{name_of(path)} has {len(found)} events: name a file with 1 to {_MOST_EVENTS}")
    return sorted(found, key=lambda event: (event.start_s, event.end_s, event.name))
