"""What must hold of every result, whatever the input was."""

from __future__ import annotations

import csv
import functools
import io
import json
import math
from typing import Any

import jsonschema

from emoview.timeline.labels import LABELS
from emoview.timeline.results import COLUMNS

from .common import SCHEMA

_TICK_S = 0.04
# Each of seven numbers is rounded to four digits.
_OFF = 5e-4
# Rows are alike: of long results the schema is held against the first and the last.
_ROWS_AT_EACH_END = 60


@functools.cache
def _validator() -> Any:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return jsonschema.Draft202012Validator(schema)


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is not JSON")


def read_strictly(text: str) -> Any:
    """Read JSON as the standard has it: without NaN and infinity."""
    return json.loads(text, parse_constant=_no_constant)


def broken_rules(text: str, *, off: float = _OFF) -> list[str]:
    """Name the rules that a JSON result breaks; sums of probabilities may be `off` by so much."""
    try:
        document = read_strictly(text)
    except ValueError as error:
        return [f"not JSON: {error}"]
    return rules_broken_by(document, off)


def rules_broken_by(document: dict[str, Any], off: float = _OFF) -> list[str]:
    """Name the rules that a result breaks, once it is read."""
    rows = document.get("timeline")
    short = document
    if isinstance(rows, list) and len(rows) > 2 * _ROWS_AT_EACH_END:
        short = {**document, "timeline": rows[:_ROWS_AT_EACH_END] + rows[-_ROWS_AT_EACH_END:]}
    broken = [
        f"schema: {'/'.join(map(str, error.absolute_path))}: {error.message[:120]}"
        for error in list(_validator().iter_errors(short))[:3]
    ]
    return broken or [*_rows(document, off), *_times(document)]


def _rows(document: dict[str, Any], off: float) -> list[str]:
    broken = []
    rows, ticks = document["timeline"], document["media"]["ticks"]
    places = [(row["tick"], -1 if row["face_id"] is None else row["face_id"]) for row in rows]
    if places != sorted(set(places)):
        broken.append("rows are out of order, or one of a tick and face is there twice")
    if {tick for tick, _ in places} != set(range(ticks)):
        broken.append(f"{len({tick for tick, _ in places})} ticks have rows, of {ticks}")
    for row in rows:
        broken += _row(row, off)
        if len(broken) > 3:
            break
    return broken


def _row(row: dict[str, Any], off: float) -> list[str]:
    broken = [
        f"tick {row['tick']}: {modality} does not sum to 1"
        for modality in ("face", "voice", "fused")
        if row[modality] is not None and abs(sum(row[modality][label] for label in LABELS) - 1) > off
    ]
    if row["face_id"] is None and row["face"] is not None:
        broken.append(f"tick {row['tick']}: a face without a number")
    if row["fused"] is None and (row["face"] is not None or row["voice"] is not None):
        broken.append(f"tick {row['tick']}: nothing fused where there is something")
    if row["fused"] is not None and row["label"] is None:
        broken.append(f"tick {row['tick']}: probabilities without a label")
    return broken


def _times(document: dict[str, Any]) -> list[str]:
    broken = []
    media = document["media"]
    if not math.isclose(media["duration_s"], media["ticks"] * _TICK_S, abs_tol=1e-3):
        broken.append(f"{media['duration_s']} s, but {media['ticks']} ticks")
    if media["ticks"] < 1:
        broken.append("no tick at all")
    for segment in document["segments"]:
        if not 0 <= segment["start_s"] < segment["end_s"] <= media["duration_s"] + 1e-6:
            broken.append(f"a segment from {segment['start_s']} to {segment['end_s']} s")
            break
    return broken


def table_rules_broken(text: str, document: dict[str, Any]) -> list[str]:
    """Name the rules that a CSV breaks, beside the JSON of the same result."""
    rows = list(csv.reader(io.StringIO(text)))
    broken = []
    if not rows or tuple(rows[0][: len(COLUMNS)]) != COLUMNS:
        broken.append("the columns of the CSV are others")
    if len(rows) - 1 != len(document["timeline"]):
        broken.append(f"the CSV has {len(rows) - 1} rows, the JSON {len(document['timeline'])}")
    if any(cell.lower() in ("nan", "inf", "-inf", "none") for row in rows[1:] for cell in row):
        broken.append("the CSV says nan or none")
    return broken
