"""Reading the table that `emoview batch` leaves beside its results."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Final

SUMMARY_FILE: Final = "summary.csv"
_NAMES: Final = ("name", "clip", "file", "path", "input", "video")
_REASONS: Final = ("error", "message", "reason")
_FURTHER: Final = ("status", "speaker", "group", "condition", "session")
"""Columns that the results themselves do not hold, and an overview may sort by."""


@dataclass
class Summary:
    """What the table says beyond the results.

    Attributes:
        columns: Further columns: by their name, the cell of each clip.
        failures: A sentence for each clip that has no result.
    """

    columns: dict[str, dict[str, str]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def read_summary(path: Path, clips: set[str]) -> Summary:
    """Read the table, if it is there.

    Args:
        path: The CSV.
        clips: Names of the clips that have a result.
    """
    summary = Summary()
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except FileNotFoundError:
        return summary
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        summary.failures.append(f"{path} cannot be read ({error})")
        return summary
    for row in rows:
        _add(summary, row, clips)
    return summary


def _add(summary: Summary, row: dict[str, str], clips: set[str]) -> None:
    named = next((row[column] for column in _NAMES if row.get(column)), None)
    if named is None:
        return
    clip = _clip(named, clips)
    if clip is None:
        reason = next((row[column] for column in _REASONS if row.get(column)), "no result was found")
        summary.failures.append(f"{named}: {reason}")
        return
    for column in _FURTHER:
        if row.get(column):
            summary.columns.setdefault(column, {})[clip] = row[column]


def _clip(named: str, clips: set[str]) -> str | None:
    """The clip that a row is about: by its path without the suffix, or its end."""
    file = PurePath(named)
    for parts in (file.parts[start:] for start in range(len(file.parts))):
        whole = PurePath(*parts)
        for name in (whole.as_posix(), whole.with_suffix("").as_posix()):
            if name in clips:
                return name
    return None
