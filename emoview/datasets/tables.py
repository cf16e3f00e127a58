"""Tables, comma-separated or of Excel, read so that every complaint names the file and the line."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emoview.common.stored import is_file, quoted, read_bytes
from emoview.common.tables import is_workbook
from emoview.common.workbooks import workbook_as_text
from emoview.datasets.names import label_named, listed
from emoview.errors import DatasetError, InputError
from emoview.timeline.labels import LABELS


@dataclass(frozen=True)
class Row:
    """One line of a table.

    Attributes:
        path: The table.
        line: Counted from 1, the heading included.
        values: Text by column.
    """

    path: Path
    line: int
    values: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.values[column]

    def get(self, column: str) -> str | None:
        """Give the text of a column that a table may lack; None where it is absent or empty."""
        return self.values.get(column) or None

    def error(self, complaint: str) -> DatasetError:
        """Make an error that says where `complaint` applies."""
        return DatasetError(f"{self.path}, line {self.line}: {complaint}")

    def number(self, column: str, low: float = -math.inf, high: float = math.inf) -> float:
        """Give the number of a column, refused unless it lies in [`low`, `high`]."""
        text = self.values[column]
        try:
            value = float(text)
        except ValueError:
            raise self.error(
                f"{column} is {quoted(text)}, which is not a number; correct the line."
            ) from None
        if not (math.isfinite(value) and low <= value <= high):
            raise self.error(f"{column} is {value:g}, but must lie between {low:g} and {high:g}; correct it.")
        return value

    def label(self, column: str = "label", labels: Sequence[str] = LABELS) -> str:
        """Give the label of a column, refused unless it means one of `labels`."""
        label = label_named(self.values[column], labels)
        if label is None:
            word, known = quoted(self.values[column]), listed(labels)
            raise self.error(f"the label {word} is not one of {known}; correct it or leave the line out.")
        return label

    def file(self, column: str = "path") -> Path:
        """Give the file that a column names relative to the table, refused unless it is there."""
        path = self.path.parent / self.values[column]
        if not is_file(path):
            raise self.error(f"there is no file {quoted(str(path), 500)}; add it or leave the line out.")
        return path

    def file_inside(self, column: str = "path") -> Path:
        """Give the file that a column names, refused unless it lies in the folder of the table."""
        path = self.file(column)
        if not path.is_relative_to(self.path.parent) or ".." in path.parts:
            raise self.error("the path leads out of the folder; name files that lie in it.")
        return path


def columns_of(path: Path) -> tuple[str, ...]:
    """Read the heading of a table; empty for an empty file."""
    for row in _lines(path):
        return tuple(row[1])
    return ()


def read_table(path: Path, required: Sequence[str]) -> Iterator[Row]:
    """Read the lines of a table with a heading, in order; empty lines are skipped.

    Args:
        path: UTF-8 text, with or without a byte order mark, or a workbook of Excel.
        required: Columns that must be there; there may be others.

    Raises:
        DatasetError: There is no such file, it is not a table, a column or a field is missing, or a column
            is there twice.
    """
    lines = _lines(path)
    _, heading = next(lines, (0, []))
    missing = [column for column in required if column not in heading]
    if missing:
        raise DatasetError(
            f"{path}, line 1: the column {missing[0]!r} is missing; the heading must name {listed(required)}."
        )
    twice = next((c for i, c in enumerate(heading) if c and c in heading[:i]), None)
    if twice is not None:
        raise DatasetError(f"{path}, line 1: the column {quoted(twice)} stands there twice; rename one.")
    for line, fields in lines:
        row = Row(path, line, dict(zip(heading, fields, strict=False)))
        if len(fields) != len(heading):
            raise row.error(
                f"there are {len(fields)} fields under {len(heading)} columns; complete or remove the line."
            )
        yield row


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    if not path.is_file():
        raise DatasetError(f"There is no file {path}; name the folder that holds it.")
    line = 0
    try:
        with path.open("rb") as opened:
            workbook = is_workbook(opened.read(8))
        if workbook:
            yield from _lines_of_workbook(path)
            return
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            for fields in reader:
                line = reader.line_num
                if fields:
                    yield line, [field.strip() for field in fields]
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror or error}); check its rights.") from None
    except (csv.Error, UnicodeDecodeError):
        raise DatasetError(
            f"{path}, line {line + 1}: this is not comma-separated UTF-8 text; save the table again as such."
        ) from None


def _lines_of_workbook(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = workbook_as_text(read_bytes(path, "save the table as CSV"), str(path))
    except InputError as error:
        raise DatasetError(str(error)) from None
    width = 0
    for line, fields in enumerate(csv.reader(text.splitlines(), delimiter="\t"), 1):
        if fields:
            # Cells behind the last that holds something are not in the file.
            width = width or len(fields)
            yield line, [*(field.strip() for field in fields), *[""] * (width - len(fields))]
