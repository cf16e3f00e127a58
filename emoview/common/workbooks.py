"""Workbooks of Excel, read as the text that the readers of tables take."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from emoview.common.stored import MOST_TEXT
from emoview.common.tables import WORKBOOK_STARTS
from emoview.common.text import name_of
from emoview.errors import InputError

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_SAVE: Final = "save the sheet as .xlsx or CSV and name that"
_PART: Final = "name a file with the part that is needed"
# Excel has no more rows; nobody's table has more columns.
_MOST_ROWS, _MOST_COLUMNS, _MOST_SHEETS = 2**20, 1000, 100
# What a number format shows as it stands, and what depends on the country.
_NO_CODE: Final = re.compile(r'"[^"]*"|\\.|\[\$[^\]]*\]')


def workbook_as_text(content: bytes, name: str) -> str:
    """Give the sheet of a workbook as a table with tabs, a line a row; each cell stands in quotes.

    Numbers have a decimal point.  What Excel shows as a time with seconds is `h:mm:ss`, to the microsecond.
    A time without seconds has an `h` behind it, which no reader takes for a time in a clip: whoever types
    1:02 means minutes, and Excel stores hours.

    Args:
        content: The file, as `.xlsx` or `.xlsm`.
        name: What messages call it.

    Raises:
        InputError: It is another spreadsheet's file, has a password, is damaged, has several sheets that are
            not hidden, or a formula whose value is not stored.
    """
    called = f"{name_of(name)} is a workbook"
    if not content.startswith(WORKBOOK_STARTS[0]):
        raise InputError(f"{called} of an old Excel or another program, or has a password: {_SAVE}")
    _refuse_bombs(content, called)
    try:
        with warnings.catch_warnings():
            # Of pictures, rules for cells and the like, which no table needs.
            warnings.simplefilter("ignore")
            return _text_of(content, called)
    except InputError:
        raise
    except Exception as error:  # openpyxl raises whatever damage leads it to.
        raise InputError(f"{called} that cannot be read ({type(error).__name__}): {_SAVE}") from None


def _refuse_bombs(content: bytes, called: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {one.filename: one.file_size for one in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        raise InputError(f"{called} that cannot be read, as it is damaged: {_SAVE}") from None
    if "xl/workbook.xml" not in parts:
        raise InputError(f"{called} of another program than Excel: {_SAVE}")
    # Pictures and the like are not read.
    size = sum(size for part, size in parts.items() if part.endswith((".xml", ".rels")))
    if size > MOST_TEXT:
        raise InputError(f"{called} of {size / 1e6:.0f} MB of text, more than a table needs: {_PART}")


def _text_of(content: bytes, called: str) -> str:
    from openpyxl import load_workbook

    books = [load_workbook(io.BytesIO(content), read_only=True, data_only=only) for only in (True, False)]
    if len(books[0].worksheets) > _MOST_SHEETS:
        raise InputError(f"{called} with more than {_MOST_SHEETS} sheets: {_PART}")
    shown = [
        (sheet, formulas)
        for sheet, formulas in zip(*(book.worksheets for book in books), strict=True)
        if sheet.sheet_state == "visible" and _has_cells(sheet)
    ]
    if len(shown) != 1:
        names = ", ".join(name_of(sheet.title) for sheet, _ in shown) or "none"
        raise InputError(
            f"{called} with {len(shown)} sheets that hold something ({names}), where one is expected: hide "
            "the others, or save one as CSV and name that"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n")
    for cells in _rows(*shown[0], called):
        if any(cells):
            writer.writerow(cells)
        else:
            text.write("\n")
        if text.tell() > MOST_TEXT:
            raise InputError(f"{called} of too much text for a table: {_PART}")
    return text.getvalue()


def _has_cells(sheet: Worksheet) -> bool:
    # What the file says of its own size may be wrong.
    sheet.reset_dimensions()
    # A row may say that it is the billionth, and openpyxl gives all empty ones before it.
    rows = islice(sheet.iter_rows(), _MOST_ROWS)
    return any(cell.value is not None for row in rows for cell in row)


def _rows(sheet: Worksheet, formulas: Worksheet, called: str) -> Iterator[list[str]]:
    formulas.reset_dimensions()
    for number, (row, other) in enumerate(zip(sheet.iter_rows(), formulas.iter_rows(), strict=True), 1):
        if number > _MOST_ROWS or len(row) > _MOST_COLUMNS:
            raise InputError(f"{called} with too many rows or columns for a table: {_PART}")
        for cell, formula in zip(row, other, strict=True):
            if cell.value is None and formula.data_type == "f" and cell.data_type == "n":
                raise InputError(
                    f"{called} in which {cell.coordinate} is a formula without its value: open the file in "
                    "the spreadsheet program and save it again"
                )
        cells = [_cell(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _cell(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, time | timedelta | datetime):
        return _clock(value, _NO_CODE.sub("", cell.number_format or "").lower(), cell.parent.parent.epoch)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    # A cell of several lines is one cell of one row.
    return " ".join(str(value).splitlines())


def _clock(value: time | timedelta | datetime, code: str, epoch: datetime) -> str:
    """Write what Excel stores as a part of a day, or as days since its epoch."""
    if isinstance(value, datetime):
        if "y" in code or "d" in code:
            day = "h" not in code and value.time() == time.min
            return value.date().isoformat() if day else value.isoformat(" ")
        from openpyxl.utils.datetime import to_excel

        value = timedelta(days=to_excel(value, epoch))
    elif isinstance(value, time):
        value = datetime.combine(date.min, value) - datetime.min
    micros = round(value / timedelta(microseconds=1))
    seconds, rest = divmod(micros, 1_000_000)
    if "s" not in code and not (seconds % 60 or rest):
        return f"{seconds // 3600}:{seconds // 60 % 60:02d} h"
    clock = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{clock}.{rest:06d}".rstrip("0") if rest else clock
