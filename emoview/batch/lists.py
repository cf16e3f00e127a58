"""Lists of clips: a path a line, or a table of stretches.

What is wrong with a line is said of that line alone.
"""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.batch.storage import Place
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.media.probe import WHOLE, Stretch

SUFFIXES: Final = (".txt", ".csv")
"""Of the files that are taken for lists."""

_COLUMNS: Final = ("path", "start_s", "end_s")
_QUOTED: Final = re.compile(r'"((?:[^"]|"")*)"')
_NO_TEXT: Final = re.compile("[\udc80-\udcff]")
_OTHER_TEXT: Final = (b"\xff\xfe", b"\xfe\xff", b"\0\0\xfe\xff")
# Longer than any path, address or number of seconds need be.
_MOST_CHARACTERS: Final = 4096
_SHOWN_CHARACTERS: Final = 80
_MOST_S: Final = 1e9


@dataclass(frozen=True)
class Entry:
    """A line of a list that names something.

    Attributes:
        text: The path or address; where that cannot be told, the beginning of the line.
        line: Its number, from 1.
        stretch: The part of the file.
        fault: What is wrong with the line; None if nothing is.
    """

    text: str
    line: int
    stretch: Stretch = WHOLE
    fault: str | None = None


def read_list(path: Place) -> list[Entry]:
    """Read a list.

    Raises:
        InputError: It cannot be read, is no list, or names nothing.
    """
    lines = _lines(path)
    found = list(_in_text(path, lines) if path.suffix.lower() == ".txt" else _in_table(path, lines))
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
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = [f"{line}\n" for line in text.split("\n")]
    if (
        content.startswith(_OTHER_TEXT)
        or text.count("\0") > len(text) / 4
        or (_NO_TEXT.search(text) and sum(bool(_NO_TEXT.search(line)) for line in lines) > len(lines) / 2)
    ):
        raise InputError(f"the list {name_of(path)} is not text in UTF-8: save it as such")
    return lines


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


def _in_table(path: Place, lines: Sequence[str]) -> Iterator[Entry]:
    rows = _rows(lines)
    _, columns = next(rows, (0, []))
    columns = [column.strip() for column in columns] if isinstance(columns, list) else []
    if "path" not in columns or not set(columns) <= set(_COLUMNS) or len(set(columns)) < len(columns):
        raise InputError(f"the list {name_of(path)} needs the columns path and, if wanted, start_s and end_s")
    for number, row in rows:
        if isinstance(row, str):
            yield Entry(lines[number - 1].strip(), number, fault=row)
        elif any(cell.strip() for cell in row):
            yield _of_row(number, row, columns)


def _rows(lines: Sequence[str]) -> Iterator[tuple[int, list[str] | str]]:
    """Read the rows of a CSV with the numbers of their first lines; of one that cannot be read, why.

    A quote that is never closed costs its own line, not all that follow.
    """
    first = 0
    while first < len(lines):
        end = first + 1
        quotes = lines[first].count('"')
        while quotes % 2 and end < len(lines):
            quotes += lines[end].count('"')
            end += 1
        if quotes % 2:
            end = first + 1
        yield from _read(lines[first:end], first + 1)
        first = end


def _read(lines: Sequence[str], number: int) -> Iterator[tuple[int, list[str] | str]]:
    reader = csv.reader(lines, strict=True)
    while True:
        here = number + reader.line_num
        try:
            yield here, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield here, f"this is not comma-separated text ({error})"


def _of_row(number: int, row: list[str], columns: list[str]) -> Entry:
    cells = dict(zip(columns, row, strict=False))
    text, whole = cells.get("path", ""), ",".join(row)
    if len(row) > len(columns):
        fault = f"there are {len(row)} cells but {len(columns)} columns: put a path with a comma in quotes"
        return Entry(whole, number, fault=fault)
    try:
        start_s, end_s = (_seconds(cells.get(name, "")) for name in _COLUMNS[1:])
    except ValueError as error:
        return Entry(text or whole, number, fault=str(error))
    start_s = start_s or 0.0
    if end_s is not None and end_s <= start_s:
        fault = f"the end, {end_s:g} s, must lie after the start, {start_s:g} s"
        return Entry(text or whole, number, fault=fault)
    return _named(text, number, Stretch(start_s, end_s), of=whole)


def _seconds(text: str) -> float | None:
    if not text.strip():
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= _MOST_S:
        raise ValueError(f"{_shortened(text.strip())!r} is not a number of seconds from 0 on")
    return seconds


def _checked(entry: Entry, of: Place) -> Entry:
    fault = entry.fault
    if fault is None and len(entry.text) > _MOST_CHARACTERS:
        fault = f"a path of {len(entry.text)} characters is too long"
    if fault is None and "\0" in entry.text:
        fault = "no path holds a NUL character"
    if fault is None and _NO_TEXT.search(entry.text) and not _is_there(of, entry.text):
        fault = "this is not text in UTF-8: save the list as such"
    return entry if fault is None else Entry(_shortened(entry.text), entry.line, fault=fault)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
