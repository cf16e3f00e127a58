"""Reading the table that `emoview batch` leaves beside its results."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

from emoview.output.cells import text_of

SUMMARY_FILE: Final = "summary.csv"


def failures_of(path: Path) -> list[str]:
    """Give a sentence for each clip of the table that has no result; none if there is no table.

    Args:
        path: A CSV with the columns `name` and `error`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        return [f"{path} cannot be read ({error}), so that clips without a result are not listed"]
    return [_sentence(row) for row in rows if row.get("error")]


def _sentence(row: dict[str, str]) -> str:
    name, error = text_of(row.get("name") or ""), text_of(row["error"])
    return error if name in error else f"{name}: {error}"
