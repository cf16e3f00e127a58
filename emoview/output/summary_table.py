"""Reading the table that `emoview batch` leaves beside its results."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Final

from emoview.common.stored import read_text
from emoview.errors import InputError
from emoview.output.cells import text_of

SUMMARY_FILE: Final = "summary.csv"


def failures_of(path: Path) -> list[str]:
    """Give a sentence for each clip of the table that has no result; none if there is no table.

    Args:
        path: A CSV with the columns `name` and `error`.
    """
    if not path.exists():
        return []
    try:
        text = read_text(path, "clips without a result are not listed")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except InputError as error:
        return [str(error)]
    except csv.Error as error:
        return [f"{path} is damaged ({error}): clips without a result are not listed"]
    return [_sentence(row) for row in rows if row.get("error")]


def _sentence(row: dict[str, str]) -> str:
    name, error = text_of(row.get("name") or ""), text_of(row["error"])
    return error if name in error else f"{name}: {error}"
