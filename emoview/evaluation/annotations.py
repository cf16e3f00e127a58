"""Annotations that people made, as CSV tables and ELAN documents, put on the ticks of the results."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from emoview.common.stored import quoted, read_bytes, read_text
from emoview.datasets.names import listed
from emoview.errors import InputError
from emoview.timeline.clock import TICK_MS

_CURE = "name a CSV table or an ELAN document"
# Of all annotations together: each is spread over its ticks.
_LONGEST_S = 1e5

VALUES: Final = ("valence", "arousal")
_LARGEST_VALUE = 1e6


@dataclass(frozen=True)
class Annotation:
    """What a person said of a stretch, or of a moment.

    Attributes:
        start_s: Second at which it starts.
        end_s: Second at which it ends; None where it is about a moment.
        label: As written; None where only values were given.
        values: Of `VALUES`, those given.
    """

    start_s: float
    end_s: float | None
    label: str | None
    values: Mapping[str, float]

    def ticks(self) -> range:
        """Give the ticks whose middle lies in the stretch; of a moment, the tick that it lies in."""
        start = round(self.start_s * 1000)
        if self.end_s is None:
            return range(start // TICK_MS, start // TICK_MS + 1)
        end = round(self.end_s * 1000)
        return range(*(-((TICK_MS // 2 - ms) // TICK_MS) for ms in (start, end)))


def read_annotations(path: Path, tier: str | None = None) -> list[Annotation]:
    """Read a CSV table (`read_table`), or a tier of an ELAN document (`read_tier`), by the suffix.

    Raises:
        InputError: The file cannot be read, or has another layout.
    """
    if path.suffix.lower() == ".eaf":
        return read_tier(path, tier)
    if tier is not None:
        raise InputError(f"{path} is no ELAN document, so it has no tiers: leave --tier out")
    return read_table(path)


def read_table(path: Path) -> list[Annotation]:
    """Read a CSV with columns `start_s` and `end_s`, or `time_s`; and `label`, `valence`, `arousal`, or some.

    Other columns do not matter; commas, semicolons or tabs may stand between them.  Rows that say nothing
    are left out.

    Raises:
        InputError: The file cannot be read, or has another layout.
    """
    text = read_text(path, _CURE)
    head = text.partition("\n")[0]
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count))
    try:
        return _rows(path, reader)
    except (ValueError, csv.Error) as error:
        raise InputError(f"{path}, line {reader.line_num}: {error}") from None


def _rows(path: Path, reader: csv.DictReader[str]) -> list[Annotation]:
    columns = {name.strip().lower(): name for name in reader.fieldnames or () if name}
    timed = "time_s" in columns or {"start_s", "end_s"} <= set(columns)
    if not timed or not {"label", *VALUES} & set(columns):
        raise InputError(
            f"{path} has the columns {listed(list(columns)) or 'none'}: it needs start_s and end_s, or "
            "time_s, and label, valence or arousal"
        )
    found = [
        _annotation({name: (row[said] or "").strip() for name, said in columns.items()}) for row in reader
    ]
    return _some(path, [one for one in found if one.label is not None or one.values])


def read_tier(path: Path, tier: str | None) -> list[Annotation]:
    """Read a tier of an ELAN document; None names its only one.

    Raises:
        InputError: The file is no ELAN document, or does not have this tier.
    """
    try:
        root = ElementTree.fromstring(read_bytes(path, _CURE))
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise InputError(f"{path} cannot be read ({error}): {_CURE}") from None
    tiers = {str(element.get("TIER_ID")): element for element in root.iter("TIER")}
    if tier is None and len(tiers) == 1:
        (tier,) = tiers
    if tier not in tiers:
        asked = "has several tiers" if tier is None else f"has no tier {tier!r}"
        raise InputError(f"{path} {asked}: name one with --tier, of {listed(list(tiers)) or 'none'}")
    times = {slot.get("TIME_SLOT_ID"): slot.get("TIME_VALUE") for slot in root.iter("TIME_SLOT")}
    found = []
    for element in tiers[tier].iter("ALIGNABLE_ANNOTATION"):
        start, end = (times.get(element.get(f"TIME_SLOT_REF{i}")) for i in (1, 2))
        label = (element.findtext("ANNOTATION_VALUE") or "").strip()
        if start and end and label:
            found.append(_of_tier(path, start, end, label))
    return _some(path, found)


def _of_tier(path: Path, start: str, end: str, label: str) -> Annotation:
    # Nine digits are eleven days.
    right = all(text.isascii() and text.isdigit() and len(text) <= 9 for text in (start, end))
    if not right or int(end) < int(start):
        raise InputError(
            f"{path}: {quoted(start)} to {quoted(end)} is no stretch in milliseconds: correct the document"
        )
    return Annotation(int(start) / 1000, int(end) / 1000, label, {})


def _annotation(row: Mapping[str, str]) -> Annotation:
    values = {name: _value(name, row[name]) for name in VALUES if row.get(name)}
    label = row.get("label") or None
    if "start_s" not in row or "end_s" not in row:
        return Annotation(_time("time_s", row), None, label, values)
    start, end = _time("start_s", row), _time("end_s", row)
    if end < start:
        raise ValueError(f"end_s, {end}, is before start_s, {start}")
    return Annotation(start, end, label, values)


def _time(name: str, row: Mapping[str, str]) -> float:
    seconds = _number(name, row[name])
    # So much that no clip is as long; it would only fill the memory.
    if not 0 <= seconds < 1e6:
        raise ValueError(f"{name} is {quoted(row[name])}, not a time in seconds")
    return seconds


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} is {quoted(text)}, not a number such as 1.25") from None


def _value(name: str, text: str) -> float:
    number = _number(name, text)
    # What nobody rates on would overflow in the sums of squares.
    if not math.isfinite(number) or abs(number) > _LARGEST_VALUE:
        raise ValueError(f"{name} is {quoted(text)}, not a number such as 1.25")
    return number


def _some(path: Path, annotations: Sequence[Annotation]) -> list[Annotation]:
    if not annotations:
        raise InputError(f"{path} holds no annotation with a time and a label or value: name another")
    lasting = sum(one.end_s - one.start_s for one in annotations if one.end_s is not None)
    if lasting > _LONGEST_S:
        raise InputError(
            f"{path} annotates {lasting / 3600:.0f} hours in all, more than any clip has: correct it"
        )
    return list(annotations)
