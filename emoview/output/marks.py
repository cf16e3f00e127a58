"""Marks of rules as a table that other programs read: BORIS, R, a study's plan."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from emoview.output.cells import cell_of
from emoview.timeline.rules import Mark

COLUMNS = ("start_s", "end_s", "event", "person")
"""Columns of the table."""


def marks_csv(marks: Sequence[Mark]) -> str:
    """Write marks as CSV, one a line; a moment ends where it starts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for mark in marks:
        person = "" if mark.person is None else mark.person
        writer.writerow([f"{mark.start_s:.2f}", f"{mark.end_s:.2f}", cell_of(mark.event), person])
    return text.getvalue()
