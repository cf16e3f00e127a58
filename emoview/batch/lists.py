"""Lists of clips: a path a line, or a table of stretches.

What is wrong with a line is said of that line alone.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from emoview.batch.columns import PATHS, Columns, columns_of, note_of_times
from emoview.batch.storage import Place
from emoview.common.stored import quoted
from emoview.common.tables import (
    WORKBOOKS,
    decoded,
    has_decimal_commas,
    hint_of,
    is_workbook,
    key_of,
    recoded,
    seconds_in,
    separator_of,
    without_thousands,
)
from emoview.common.text import name_of
from emoview.common.workbooks import workbook_as_text
from emoview.errors import InputError
from emoview.media.probe import WHOLE, Stretch
from emoview.timeline.clock import TICK_HZ

SUFFIXES: Final = (".txt", ".csv", ".tsv", *WORKBOOKS)
"""Of the files that are taken for lists, or refused as such: old workbooks are."""

# R writes it into cells that hold nothing.
_NOTHING: Final = ("", "NA")
_KINDS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
_CONTROL: Final = re.compile("[\0-\x08\x0e-\x1f]")
# Longer than any path, address or number of seconds need be.
_MOST_CHARACTERS: Final = 4096
_SHOWN_CHARACTERS: Final = 80
_MOST_S: Final = 1e9
_LEAST_S: Final = 0.99 / TICK_HZ
_POINTS: Final = re.compile(r"\d{1,3}(?:\.\d{3})+")

Further = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Entry:
    """A line of a list that names something.

    Attributes:
        text: The path or address; where that cannot be told, the beginning of the line.
        line: Its number, from 1.
        stretch: The part of the file.
        fault: What is wrong with the line; None if nothing is.
        further: What other columns say, by their names.
    """

    text: str
    line: int
    stretch: Stretch = WHOLE
    fault: str | None = None
    further: Further = ()


def read_list(path: Place, notes: list[str] | None = None) -> list[Entry]:
    """Read a list, in whatever encoding and with whatever separator a spreadsheet or an editor has saved it.

    What a user should know of it is added to `notes`.

    Raises:
        InputError: It cannot be read, is no list, or names nothing.
    """
    lines = _lines(path)
    as_text = path.suffix.lower() == ".txt" and not _is_table(path, lines)
    found = list(_in_text(path, lines) if as_text else _in_table(path, lines, [] if notes is None else notes))
    if not found:
        raise InputError(f"the list {name_of(path)} names no file: write a path a line")
    return [_checked(entry, path) for entry in found]


def _lines(path: Place) -> list[str]:
    """Cut a list at its line ends, which stay; bytes that are no text stay, too, as they may be of a name."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"the list {name_of(path)} cannot be read ({reason}): check its name") from error
    if is_workbook(content) or path.suffix.lower() in WORKBOOKS:
        content = workbook_as_text(content, str(path)).encode()
    text = decoded(content)
    if (
        text is None
        or text.count("\0") > len(text) / 4
        or (_NO_TEXT.search(text) and len(_CONTROL.findall(text)) > len(text) / 50)
    ):
        raise InputError(f"the list {name_of(path)} is not text: save it as CSV or as text in UTF-8")
    return [f"{line}\n" for line in text.split("\n")]


def _is_table(path: Place, lines: Sequence[str]) -> bool:
    """Tell whether text is a table with tabs or semicolons, as spreadsheets save it under this ending."""
    separator, first = _layout(lines)
    head = lines[first].strip("\r\n")
    if separator not in "\t;" or _is_there(path, head):
        return False
    return not {key_of(cell) for cell in head.split(separator)}.isdisjoint(PATHS)


def _layout(lines: Sequence[str]) -> tuple[str, int]:
    """Tell what stands between the columns of a table, and at which line their names stand."""
    begin = next((number for number, line in enumerate(lines) if line.strip("\t;,| \r\n")), 0)
    separator, first = separator_of([line.strip("\r\n") for line in lines[begin : begin + 2]])
    return separator, min(begin + first, len(lines) - 1)


def _in_text(path: Place, lines: Sequence[str]) -> Iterator[Entry]:
    for number, whole in enumerate(lines, 1):
        line = whole.removesuffix("\n").removesuffix("\r")
        text = line.strip()
        quoted = _QUOTED.fullmatch(text)
        if line and (text != line or text.startswith("#") or quoted) and _is_there(path, line):
            yield Entry(line, number)
        elif quoted:
            yield _named(quoted[1].replace('""', '"'), number, of=text)
        elif text and not text.startswith("#"):
            yield Entry(text, number)


def _named(text: str, number: int, stretch: Stretch = WHOLE, *, of: str) -> Entry:
    """Give the entry of a line, `of`, whose path may be empty."""
    return Entry(text, number, stretch) if text else Entry(of, number, fault="it names no file")


def _is_there(of: Place, line: str) -> bool:
    # Unlike that of pathlib, this takes whatever a line may hold.
    return isinstance(of, Path) and os.path.isfile(of.parent / line)  # noqa: PTH113


def _in_table(path: Place, lines: Sequence[str], notes: list[str]) -> Iterator[Entry]:
    separator, first = _layout(lines)
    (number, head), *rows = _rows(lines, separator, first)
    columns = columns_of(path, number, head if isinstance(head, list) else [lines[first]], notes)
    note = note_of_times(path, columns, [row for _, row in rows if isinstance(row, list)])
    notes += [note] if note else []
    numbers = [cell for _, row in rows if isinstance(row, list) for cell in _cells_of_times(row, columns)]
    decimal = has_decimal_commas(numbers)
    if decimal is None and separator != ",":
        # A comma that cannot stand between columns is there for decimals.
        decimal = True
    for number, row in rows:
        if isinstance(row, str):
            yield Entry(lines[number - 1].strip(), number, fault=row)
        elif any(cell.strip() for cell in row):
            yield _of_row(number, row, columns, separator, decimal=decimal)


def _cells_of_times(row: Sequence[str], columns: Columns) -> list[str]:
    return [row[time[0]] for time in columns.times if time is not None and time[0] < len(row)]


def _rows(lines: Sequence[str], separator: str, first: int) -> Iterator[tuple[int, list[str] | str]]:
    """Read the rows of a CSV with the numbers of their first lines; of one that cannot be read, why.

    A quote that is never closed costs its own line, not all that follow.
    """
    while first < len(lines):
        end = first + 1
        quotes = lines[first].count('"')
        while quotes % 2 and end < len(lines):
            quotes += lines[end].count('"')
            end += 1
        if quotes % 2:
            end = first + 1
        yield from _read(lines[first:end], first + 1, separator)
        first = end


def _read(lines: Sequence[str], number: int, separator: str) -> Iterator[tuple[int, list[str] | str]]:
    reader = csv.reader(lines, strict=True, delimiter=separator, skipinitialspace=True)
    while True:
        here = number + reader.line_num
        try:
            yield here, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield here, f"this is not {_KINDS.get(separator, repr(separator))}-separated text ({error})"


def _of_row(number: int, row: list[str], columns: Columns, separator: str, *, decimal: bool | None) -> Entry:
    cells = [*row, *[""] * (columns.count - len(row))]
    text, whole = cells[columns.path], separator.join(row)
    further = tuple((name, recoded(cells[i].strip())) for i, name in columns.further)
    if any(cell.strip() for cell in cells[columns.count :]):
        fault = (
            f"there are {len(row)} cells but {columns.count} columns: put cells that hold "
            f"{quoted(separator)} in quotes"
        )
        return Entry(whole, number, fault=fault)
    try:
        start_s, end_s, *lengths = (_seconds(cells, column, decimal=decimal) for column in columns.times)
    except ValueError as error:
        return Entry(text or whole, number, fault=str(error), further=further)
    start_s = start_s or 0.0
    if lengths and lengths[0] is not None:
        end_s = start_s + lengths[0]
    if end_s is not None and end_s <= start_s:
        fault = f"the end, {end_s:g} s, must lie after the start, {start_s:g} s"
        return Entry(text or whole, number, fault=fault, further=further)
    if end_s is not None and end_s - start_s < _LEAST_S:
        fault = (
            f"from {start_s:g} to {end_s:g} s are less than {1 / TICK_HZ:g} s: write times in seconds, or as "
            "h:mm:ss in cells of the format text, since spreadsheets keep times as parts of a day"
        )
        return Entry(text or whole, number, fault=fault, further=further)
    return replace(_named(_plain(text), number, Stretch(start_s, end_s), of=whole), further=further)


def _plain(cell: str) -> str:
    """Take off the blanks around a path, and quotes that a spreadsheet has quoted once more."""
    quotes = _QUOTED.fullmatch(cell.strip())
    return quotes[1] if quotes and quotes[1] else cell.strip()


def _seconds(cells: Sequence[str], column: tuple[int, str] | None, *, decimal: bool | None) -> float | None:
    text = "" if column is None else cells[column[0]].strip()
    if column is None or text in _NOTHING:
        return None
    # Nobody writes thousandths of milliseconds.
    if column[1] == "ms" and _POINTS.fullmatch(text):
        text = text.replace(".", "")
    plain = without_thousands(text, decimal=False if column[1] == "ms" else decimal)
    if plain is None:
        raise ValueError(
            f"{quoted(text)} may be {text.replace(',', '')} or {text.replace(',', '.')} seconds, and no "
            "other time in the list tells which: write it without the comma, or with a decimal point"
        )
    try:
        seconds = seconds_in(plain) / (1000 if column[1] == "ms" else 1)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _MOST_S:
        raise ValueError(
            f"{quoted(text)} is not a number of seconds from 0 on, nor a time such as 1:02.5 or "
            f"0:01:02.5{hint_of(text)}"
        )
    return seconds


def _checked(entry: Entry, of: Place) -> Entry:
    fault = entry.fault
    if _NO_TEXT.search(entry.text) and not _is_there(of, entry.text):
        other = recoded(entry.text)
        entry = replace(entry, text=other) if _is_there(of, other) else entry
    if fault is None and len(entry.text) > _MOST_CHARACTERS:
        fault = f"a path of {len(entry.text)} characters is too long"
    if fault is None and "\0" in entry.text:
        fault = "no path holds a NUL character"
    if fault is None and _NO_TEXT.search(entry.text) and not _is_there(of, entry.text):
        fault = "this is not text in UTF-8: save the list as such"
    return entry if fault is None else replace(entry, text=_shortened(entry.text), stretch=WHOLE, fault=fault)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
