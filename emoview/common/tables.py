"""Tables that people keep in spreadsheets and annotation tools: their encoding, separators and times."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Iterable, Sequence
from typing import Final

WORKBOOKS: Final = (".xlsx", ".xls", ".xlsm", ".ods")
"""Endings of a spreadsheet's own files; Excel's since 2007 are read."""
WORKBOOK_STARTS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""How they begin, whatever their names end in: archives, and what Excel wrote before 2007."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
# Of one column and the next; where two stand equally often, the earlier one: a comma may be a decimal one.
_SEPARATORS: Final = "\t;,|"
# A spreadsheet that saves it again fills it up with separators.
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)\1*"?\s*', re.IGNORECASE)
_NUMBER: Final = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# One comma and three digits: decimals, or thousands. Several commas, or a point behind, leave no doubt.
_EITHER: Final = re.compile(r"[1-9]\d{0,2},\d{3}", re.ASCII)
_THOUSANDS: Final = re.compile(r"[1-9]\d{0,2}(?:(?:,\d{3})+\.\d*|(?:,\d{3}){2,})", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9}(?:[.,]\d{0,20})?)", re.ASCII)
_UNITS: Final = re.compile(
    r"_(?:(s|secs?|seconds?|ss\.msec|h?h?:?mm:ss(?:[.:]\w+)?|sf|hms|hmsf)|(ms|msecs?|milliseconds?))$"
)


def is_workbook(content: bytes) -> bool:
    """Tell a spreadsheet's own file from text."""
    return content.startswith(WORKBOOK_STARTS)


def decoded(content: bytes) -> str | None:
    """Decode text in UTF-8, or in UTF-16 or UTF-32 as Windows programs write it; None where it is neither.

    Bytes that are not UTF-8 stay as surrogates, see `recoded`.  Lines that end in CR alone, as in a
    format of Excel, end in LF.
    """
    mark, name = next((pair for pair in _MARKS if content.startswith(pair[0])), (b"", _unmarked(content)))
    try:
        if name == "utf-8":
            text = content.removeprefix(mark).decode(name, "surrogateescape")
        else:
            text = content.decode(name)
    except UnicodeDecodeError:
        return None
    return text if "\n" in text else text.replace("\r", "\n")


def _unmarked(content: bytes) -> str:
    """Guess the encoding of text without a mark: every other byte of Latin text in UTF-16 is 0."""
    zeros = [content[first::2].count(0) for first in (0, 1)]
    half = len(content) / 2
    if len(content) % 2 == 0 and max(zeros) > 0.7 * half and min(zeros) < 0.05 * half:
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    return "utf-8"


def recoded(text: str) -> str:
    """Take bytes that are not UTF-8 for the code page 1252, in which Windows saves in western Europe."""
    if not re.search("[\udc80-\udcff]", text):
        return text
    return text.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def separator_of(lines: Sequence[str]) -> tuple[str, int]:
    """Tell what stands between the columns of a table, and at which line it begins.

    A first line such as `sep=;` is for the spreadsheet.
    """
    said = _SEPARATOR_LINE.fullmatch(lines[0]) if lines else None
    if said:
        return said[1], 1
    bare = re.sub(r'"[^"]*"', "", lines[0]) if lines else ""
    best = max(_SEPARATORS, key=bare.count)
    return (best if best in bare else ","), 0


def key_of(column: str) -> str:
    """Write the name of a column plainly: `Start (s)` and `start_s` are the same.

    >>> key_of(" Begin Time - msec ")
    'begin_time_msec'
    """
    return re.sub(r"[\s_-]+", "_", re.sub(r"[()\[\]{}\"]", " ", column)).strip("_").casefold()


def unit_of(key: str) -> tuple[str, str]:
    """Take the unit off a column's key: `s`, `ms`, or nothing where it names none.

    >>> unit_of("start_ms")
    ('start', 'ms')
    """
    found = _UNITS.search(key)
    if not found:
        return key, ""
    return key[: found.start()], "s" if found[1] else "ms"


def number_in(text: str) -> float:
    """Read a number with a decimal point or a decimal comma.

    Raises:
        ValueError: It is none, or not finite.
    """
    number = float(text.strip().replace(",", ".")) if _NUMBER.fullmatch(text.strip()) else math.nan
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def has_decimal_commas(numbers: Iterable[str]) -> bool | None:
    """Tell from numbers and times of a table whether a comma stands before decimals, or between thousands.

    >>> has_decimal_commas(["1,234", "2.5"])
    False

    Returns:
        None where they do not show it, or show both.
    """
    shown = set()
    for number in map(str.strip, numbers):
        if _THOUSANDS.fullmatch(number) or re.search(r"\d\.\d", number):
            shown.add(False)
        elif re.search(r"\d,\d", number) and not _EITHER.fullmatch(number):
            shown.add(True)
    return shown.pop() if len(shown) == 1 else None


def without_thousands(number: str, *, decimal: bool | None) -> str | None:
    """Leave out commas between thousands; None where a comma may be one of them or not.

    Args:
        number: A number or a time.
        decimal: What `has_decimal_commas` tells.

    >>> without_thousands("1,234", decimal=False)
    '1234'
    """
    plain = number.strip()
    either = _EITHER.fullmatch(plain)
    if either and decimal is None:
        return None
    return plain.replace(",", "") if (either and not decimal) or _THOUSANDS.fullmatch(plain) else plain


def hint_of(text: str) -> str:
    """Tell why a cell of a workbook is no time, see `emoview.common.workbooks`."""
    hours = re.fullmatch(r"\d+:\d\d h", text.strip())
    return ": the spreadsheet took it for hours and minutes; type 0:01:02 for a minute" if hours else ""


def seconds_in(text: str) -> float:
    """Read a time: seconds, `mm:ss` or `hh:mm:ss`, each with decimals or not.

    >>> seconds_in("1:02,5")
    62.5

    Raises:
        ValueError: It is none.
    """
    plain = text.strip()
    clock = _CLOCK.fullmatch(plain)
    if clock is None:
        return number_in(re.sub(r"\s*s(?:ec)?$", "", plain))
    hours, minutes, seconds = int(clock[1] or 0), int(clock[2]), float(clock[3].replace(",", "."))
    if seconds >= 60 or (clock[1] and minutes >= 60):
        raise ValueError(text)
    return 3600 * hours + 60 * minutes + seconds
