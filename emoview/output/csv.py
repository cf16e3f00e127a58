"""The timeline as CSV: one row per tick and face."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from emoview.timeline.results import COLUMNS, Analysis


def to_csv(analysis: Analysis) -> str:
    """Write the timeline with the columns `COLUMNS`; what is missing is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in analysis.timeline:
        record = analysis.record(row)
        writer.writerow([_cell(name, record[name]) for name in COLUMNS])
    return text.getvalue()


def csv_file(analysis: Analysis, _: Path) -> str:
    """Write the timeline, wherever the file is to be."""
    return to_csv(analysis)


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "time_s":
        return f"{value:.2f}"
    if isinstance(value, float):
        return f"{value:.1f}" if name.startswith("box_") else f"{value:.4f}"
    return value
