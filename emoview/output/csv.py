"""The timeline as CSV: one row per tick and face."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.results import Analysis, Row

_PIECE = 1 << 16


def to_csv(analysis: Analysis) -> str:
    """Write the timeline with the columns of the result; what is missing is an empty cell."""
    return "".join(_pieces(analysis))


def csv_file(analysis: Analysis, _: Path) -> Iterator[str]:
    """Write the timeline, in pieces, wherever the file is to be."""
    return _pieces(analysis)


def excel_file(analysis: Analysis, _: Path) -> Iterator[str]:
    """Write the timeline as spreadsheets with decimal commas open it at a click: semicolons, and a mark."""
    yield "\ufeff"
    yield from _pieces(analysis, comma=True)


def _pieces(analysis: Analysis, *, comma: bool = False) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if comma else ",", lineterminator="\r\n" if comma else "\n")
    writer.writerow(analysis.columns)
    for row in analysis.timeline:
        cells = row_cells(analysis, row)
        if comma:
            record = analysis.record(row)
            cells = [
                str(c).replace(".", ",") if isinstance(record[n], float) else c
                for n, c in zip(analysis.columns, cells, strict=True)
            ]
        writer.writerow(cells)
        if text.tell() > _PIECE:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def row_cells(analysis: Analysis, row: Row) -> list[Any]:
    """Give the cells of a row of a result, in the order of its columns."""
    record = analysis.record(row)
    return [_cell(name, record[name]) for name in analysis.columns]


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "time_s":
        return f"{value:.2f}"
    if isinstance(value, float):
        # Measures are rounded already, each to digits of its own.
        if name in MEASURE_COLUMNS:
            return repr(value)
        return f"{value:.1f}" if name.startswith("box_") else f"{value:.4f}"
    return value
