"""Annotations in tables: from spreadsheets, BORIS, ELAN's export, Datavyu, Praat, The Observer."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from emoview.common.stored import quoted
from emoview.common.tables import (
    has_decimal_commas,
    hint_of,
    key_of,
    number_in,
    seconds_in,
    separator_of,
    unit_of,
    without_thousands,
)
from emoview.common.text import name_of
from emoview.datasets.names import listed
from emoview.errors import InputError
from emoview.evaluation.annotation_columns import SHIFT, Layout, Time, elan_layout, layout_of, refuse_twice
from emoview.evaluation.annotations import Annotation, Notes, chosen

_BEGINS, _STOPS = frozenset({"start", "state start"}), frozenset({"stop", "state stop"})
_NOTHING: Final = frozenset({"", "na", "nan", "n/a", "-"})
# Exports may begin with lines about the observation.
_MOST_HEAD: Final = 60
_SEPARATORS: Final = "\t;,|"
# Of ELAN's export without names of columns.
_EXPORTED: Final = "\t,;"
_LARGEST_VALUE: Final = 1e6
_LATEST_S: Final = 1e6
# Whole numbers so far beyond the recording are milliseconds.
_BEYOND, _BEYOND_S = 2.0, 5.0
# pandas writes whole numbers so where a cell of the column is empty.
_WHOLE_NUMBER: Final = re.compile(r"(\d{1,11})(?:[.,]0*)?", re.ASCII)


def read_table(
    path: Path, text: str, wanted: Sequence[str], *, length_s: float | None, on_note: Notes
) -> list[Annotation]:
    """Read a table; the arguments are those of `read_annotations`.

    Raises:
        InputError: It has another layout, or a cell is no good.
    """
    head = text.split("\n", _MOST_HEAD)[:_MOST_HEAD]
    for separator in _SEPARATORS:
        shift = ""
        for number, cells in enumerate(_read_head(head, separator)):
            layout = layout_of([key_of(cell) for cell in cells])
            if layout is not None:
                refuse_twice(path, cells, layout)
                rows = _rows(path, text, separator, skip=number + 1)
                layout = replace(layout, separator=separator, shift_of_all=shift)
                return _read(path, rows, layout, wanted, length_s, on_note)
            if len(cells) > 1 and unit_of(key_of(cells[0]))[0] == SHIFT:
                shift = cells[1].strip()
    for separator in _EXPORTED:
        rows = _rows(path, text, separator, skip=0)
        exported = elan_layout([cells for _, cells in rows])
        if exported is not None:
            return _read(path, rows, replace(exported, separator=separator), wanted, length_s, on_note)
    separator, first = separator_of([line.strip("\r") for line in head[:2]])
    names = [name.strip() for name in next(_read_head(head[first:], separator), []) if name.strip()]
    raise InputError(
        f"{name_of(path)} has the columns {name_of(listed(names)) or 'none'}: it needs start_s and end_s, or "
        "time_s, and label, valence or arousal"
    )


def _read_head(lines: Sequence[str], separator: str) -> Iterator[list[str]]:
    # What is no table is refused below.
    with suppress(csv.Error):
        yield from csv.reader(lines, delimiter=separator)


def _rows(path: Path, text: str, separator: str, *, skip: int) -> list[tuple[int, list[str]]]:
    """Give the rows that hold something, with their line numbers.

    Raises:
        InputError: A cell is too long, or a quote that is not closed has taken rows along.
    """
    rows = list(_cut(path, text, separator, csv.QUOTE_MINIMAL, skip))
    usual = Counter(len(row) for _, row in rows).most_common(1)
    most = max(1, usual[0][0] - 1) if usual else 1
    swallowed = next(
        (line for line, row in rows if any(_holds_rows(cell, separator, most) for cell in row)), None
    )
    if swallowed is None:
        return rows
    if separator == "\t":
        # ELAN writes what was said as it is.
        return list(_cut(path, text, separator, csv.QUOTE_NONE, skip))
    raise InputError(f"{name_of(path)}, line {swallowed}: a quote that was opened before is closed only here")


def _holds_rows(cell: str, separator: str, least: int) -> bool:
    """Tell whether a cell holds lines that have as many separators as a row, and not only a long remark."""
    _, *more = cell.split("\n")
    return any(line.count(separator) >= least for line in more[:-1] or more)


def _cut(
    path: Path, text: str, separator: str, quoting: Literal[0, 3], skip: int
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    try:
        for number, cells in enumerate(reader):
            if number >= skip and any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(f"{name_of(path)}, line {reader.line_num}: {error}") from None


def _read(
    path: Path,
    rows: Sequence[tuple[int, list[str]]],
    layout: Layout,
    wanted: Sequence[str],
    length_s: float | None,
    on_note: Notes,
) -> list[Annotation]:
    milliseconds = _in_milliseconds(rows, layout, length_s)
    decimal = has_decimal_commas(_times(rows, (layout.start, layout.end, layout.length)))
    if decimal is None and layout.separator != ",":
        # A comma that cannot stand between columns is there for decimals.
        decimal = True
    shifts = {shift for _, cells in rows if (shift := _Row(cells, layout, milliseconds, decimal).shift)}
    if shifts:
        said = listed([f"{shift} s" for shift in sorted(shifts)])
        on_note(f"{name_of(path)}: a time offset of {said} was taken off its times")
    if milliseconds:
        on_note(f"{name_of(path)}: its times lie far beyond the recording and are read as milliseconds")
    tiers: defaultdict[str, list[Annotation]] = defaultdict(list)
    open_: dict[tuple[str, str, str], Annotation] = {}
    for line, cells in rows:
        row = _Row(cells, layout, milliseconds, decimal)
        try:
            one = row.annotation()
            if one is None:
                continue
            state = row.cell(layout.state).casefold()
            key = (row.tier, one.rater, str(one.label))
            if state in _BEGINS:
                if key in open_:
                    raise ValueError(f"{quoted(str(one.label))} starts again, but has not stopped")
                open_[key] = one
                continue
            if state in _STOPS:
                begun = open_.pop(key, None)
                if begun is None:
                    raise ValueError(f"{quoted(str(one.label))} stops, but has not started")
                one = Annotation(begun.start_s, one.start_s, one.label, begun.values, one.rater)
            tiers[row.tier].append(one)
        except ValueError as error:
            raise InputError(f"{name_of(path)}, line {line}: {error}") from None
    if open_:
        (_, _, label), one = next(iter(open_.items()))
        raise InputError(f"{name_of(path)}: {quoted(label)} starts at {one.start_s:g} s, but never stops")
    return (
        chosen(path, tiers, wanted)
        if len(tiers) > 1 or wanted
        else [one for t in tiers.values() for one in t]
    )


def _in_milliseconds(rows: Sequence[tuple[int, list[str]]], layout: Layout, length_s: float | None) -> bool:
    """Tell whether times without a unit are milliseconds: whole, and far beyond the recording."""
    times = (layout.start, layout.end, layout.length)
    said = _times(rows, [time for time in times if time and not time.unit])
    whole = [int(found[1]) for cell in said if (found := _WHOLE_NUMBER.fullmatch(cell))]
    if length_s is None or not said or len(whole) < len(said):
        return False
    latest, longest = max(whole), _BEYOND * length_s + _BEYOND_S
    return latest > longest and latest / 1000 <= longest


def _times(rows: Sequence[tuple[int, list[str]]], times: Sequence[Time | None]) -> list[str]:
    """Give the cells of these columns that say something."""
    columns = [time.column for time in times if time]
    return [c[n] for _, c in rows for n in columns if n < len(c) and c[n].casefold() not in _NOTHING]


@dataclass(frozen=True)
class _Row:
    """A row, with what is known of its columns."""

    cells: Sequence[str]
    layout: Layout
    milliseconds: bool
    decimal: bool | None

    def cell(self, column: int | None) -> str:
        """Give a cell; rows may end early."""
        return "" if column is None or column >= len(self.cells) else self.cells[column]

    @property
    def tier(self) -> str:
        """Name the tier, or the observation and the subject."""
        return " ".join(filter(None, (self.cell(column) for column in self.layout.tiers)))

    @property
    def shift(self) -> str:
        """Give the seconds that were added to its times; nothing where none were."""
        text = self.cell(self.layout.shift) or self.layout.shift_of_all
        with suppress(ValueError):
            return text if number_in(text) else ""
        return "" if text.casefold() in _NOTHING else text

    def annotation(self) -> Annotation | None:
        """Give what the row says; None where that is nothing.

        Raises:
            ValueError: A cell is no good.
        """
        layout = self.layout
        values = dict(self._values())
        label = self.cell(layout.label) or None
        if label is None and not values:
            return None
        start = self._time(layout.start)
        end = None
        if layout.end is not None and self.cell(layout.end.column).casefold() not in _NOTHING:
            end = self._time(layout.end)
        elif layout.length is not None and self.cell(layout.length.column).casefold() not in _NOTHING:
            end = start + self._time(layout.length)
        if end is not None and end < start:
            raise ValueError(f"the end, {end:g} s, is before the start, {start:g} s")
        if self.shift:
            off = number_in(self.shift)
            start, end = start - off, None if end is None else end - off
            if start < 0:
                raise ValueError(f"the time less its offset of {off:g} s is before the recording")
        # What lasts no time at all is about a moment.
        end = None if end == start else end
        return Annotation(start, end, label, values, self.cell(layout.raters), layout.of_result)

    def _values(self) -> Iterator[tuple[str, float]]:
        for name, column in self.layout.values:
            text = self.cell(column)
            if text.casefold() in _NOTHING:
                continue
            try:
                number = number_in(text)
            except ValueError:
                number = float("inf")
            # What nobody rates on would overflow in the sums of squares.
            if abs(number) > _LARGEST_VALUE:
                raise ValueError(f"{name} is {quoted(text)}, not a number such as 1.25")
            yield name, number

    def _time(self, time: Time) -> float:
        text = self.cell(time.column)
        in_ms = time.unit == "ms" or (self.milliseconds and not time.unit)
        # Nobody writes thousandths of milliseconds.
        plain = without_thousands(text, decimal=False if in_ms else self.decimal)
        if plain is None:
            raise ValueError(
                f"{quoted(text)} may be {text.replace(',', '')} or {text.replace(',', '.')} seconds, and no "
                "other time in the table tells which: write it without the comma, or with a decimal point"
            )
        try:
            seconds = seconds_in(plain) / (1000 if in_ms else 1)
        except ValueError:
            seconds = -1
        # Later than any clip is long; it would only fill the memory.
        if not 0 <= seconds < _LATEST_S:
            raise ValueError(
                f"{quoted(text)} is not a time, such as 62.5, 1:02.5 or 0:01:02.5{hint_of(text)}"
            )
        return seconds
