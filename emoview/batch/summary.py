"""The summary of a batch: a row a clip."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct, convert, defstruct

from emoview.batch.inputs import Clip
from emoview.batch.storage import Place, write_whole
from emoview.common.text import json_of, shown
from emoview.output.cells import cell_of
from emoview.timeline.labels import LABELS, LabelCount
from emoview.timeline.results import Analysis, Segment, Verdict, group_columns
from emoview.timeline.shares import overall_rows
from emoview.timeline.sums import sums_of_persons, voice_of

if TYPE_CHECKING:
    from emoview.batch.record import Wanted

DONE: Final = "done"
FAILED: Final = "failed"

VERSION: Final = "1.2"
"""Version of the form of `summary.json`."""

_DOMINANT = 3

COLUMNS: Final[tuple[str, ...]] = (
    "path", "name", "start_s", "end_s", "status", "label", "confidence",
    *(f"fused_{label}" for label in LABELS),
    *(f"face_{column}" for column in ("label", "confidence", *LABELS)),
    *(f"voice_{column}" for column in ("label", "confidence", *LABELS)),
    "face_share", "speech_share", "duration_s", "segments", "warnings", "error",
    "usable_share", "blinks", "blinks_per_min", "syllables_per_s", "pauses", "pitch_hz", "snr_db",
)  # fmt: skip
"""Columns of `summary.csv`, in their order."""


_Figure = Annotated[float, Meta(ge=-1e9, le=1e9)]


class _Dominant(Struct):
    label: str
    seconds: _Figure
    start_s: _Figure
    end_s: _Figure


_KINDS: dict[str, Any] = {
    **dict.fromkeys(("path", "name", "status"), str),
    **dict.fromkeys(("label", "face_label", "voice_label", "error"), str | None),
    "segments": list[_Dominant],
    "warnings": list[str],
}
_MEASURED: Final = COLUMNS[COLUMNS.index("usable_share") :]
_SUMMED: Final = ("fused", "face", "voice")
_COUNTS: Final[tuple[LabelCount, ...]] = (3, 2)
_GROUP_COLUMNS: Final = tuple(
    dict.fromkeys(column for count in _COUNTS for column in group_columns(count, _SUMMED))
)


def _missing(name: str) -> tuple[None, ...]:
    """Give the value of a column that earlier versions did not write."""
    return (None,) if name in _MEASURED else ()


_ROW = defstruct(
    "_ROW",
    [
        *((name, _KINDS.get(name, _Figure | None), *_missing(name)) for name in COLUMNS),
        *((name, _Figure | None, None) for name in _GROUP_COLUMNS),
        ("further", dict[str, str] | None, None),
    ],
)


def checked_row(row: dict[str, Any]) -> dict[str, Any]:
    """Give a row that was stored.

    Raises:
        ValueError: It is none.
    """
    convert(row, _ROW)
    # As it is written again: NaN and halves of characters cannot be.
    json.dumps(row, ensure_ascii=False, allow_nan=False).encode()
    return row


def row_of(clip: Clip, analysis: Analysis) -> dict[str, Any]:
    """Summarise a clip."""
    media, overall = analysis.media, analysis.overall
    row = _row(clip, DONE)
    row.update(_of_verdict("", "fused_", overall.fused, analysis))
    row.update(_of_verdict("face_", "face_", overall.face, analysis))
    row.update(_of_verdict("voice_", "voice_", overall.voice, analysis))
    row["face_share"], row["speech_share"] = media.face_share, media.speech_share
    row["duration_s"] = media.duration_s
    # Of the main person, as the label is.
    about = {row.person for row in overall_rows(analysis)}
    row["segments"] = _dominant([one for one in analysis.segments if one.person in {None, *about}])
    row["warnings"] = list(analysis.warnings)
    persons = [one for one in sums_of_persons(analysis) if one.person in about]
    for found in (*persons[:1], voice_of(analysis, about)):
        row.update({name: getattr(found, name) for name in _MEASURED if hasattr(found, name)})
    return row


def row_of_failure(clip: Clip, error: str) -> dict[str, Any]:
    """Summarise a clip that could not be analysed."""
    return {**_row(clip, FAILED), "error": shown(clip.said(error))}


def summary_files(folder: Place) -> list[Place]:
    """Name the files of the summary."""
    return [folder / "summary.csv", folder / "summary.json"]


def write_summary(folder: Place, wanted: Wanted, rows: Sequence[Mapping[str, Any]]) -> list[Place]:
    """Write `summary.csv` and `summary.json`."""
    paths = summary_files(folder)
    write_whole(paths[0], to_csv(rows))
    write_whole(paths[1], to_json(wanted, rows))
    return paths


def to_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write rows with the columns `COLUMNS`, those of groups, and those of lists.

    What is missing is an empty cell.  A column of a list that is named like another becomes `list_NAME`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = (*COLUMNS, *(name for name in _GROUP_COLUMNS if any(name in row for row in rows)))
    further = tuple(dict.fromkeys(name for row in rows for name in row.get("further") or ()))
    writer.writerow((*columns, *(cell_of(f"list_{name}" if name in columns else name) for name in further)))
    for row in rows:
        cells = [_cell(name, row.get(name)) for name in columns]
        others = row.get("further") or {}
        writer.writerow([*cells, *(cell_of(others.get(name, "")) for name in further)])
    return text.getvalue()


def to_json(wanted: Wanted, rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the options, how many clips were done and failed, and the rows, one a line."""
    from emoview import __version__

    counts = Counter(row["status"] for row in rows)
    head = {
        "summary_version": VERSION,
        "emoview": __version__,
        "wanted": wanted.asked(),
        "done": counts[DONE],
        "failed": counts[FAILED],
    }
    lines = ",\n    ".join(json_of(row) for row in rows)
    text = json_of(head, indent=2).rstrip("}\n")
    return f'{text},\n  "clips": [\n    {lines}\n  ]\n}}\n'


def _row(clip: Clip, status: str) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS)
    row["path"], row["name"], row["status"] = shown(clip.path), shown(clip.name), status
    for column, time_s in (("start_s", clip.stretch.start_s), ("end_s", clip.stretch.end_s)):
        row[column] = time_s if time_s is not None and math.isfinite(time_s) else None
    row["segments"], row["warnings"] = [], []
    return with_further(row, clip)


def with_further(row: dict[str, Any], clip: Clip) -> dict[str, Any]:
    """Add to a row what a list says of the clip besides, in the place of what an earlier list said."""
    row.pop("further", None)
    return {**row, "further": {shown(k): shown(v) for k, v in clip.further}} if clip.further else row


def _of_verdict(
    before: str, before_labels: str, verdict: Verdict | None, analysis: Analysis
) -> dict[str, Any]:
    if verdict is None:
        return {}
    named = zip(LABELS, verdict.probabilities, strict=True)
    groups = group_columns(analysis.options.labels, (before_labels.rstrip("_"),))
    sums = analysis.naming.sums(verdict.probabilities) if groups else ()
    return {
        f"{before}label": verdict.label,
        f"{before}confidence": round(verdict.confidence, 4),
        **{f"{before_labels}{label}": round(p, 4) for label, p in named},
        **{name: round(p, 4) for name, p in zip(groups, sums, strict=True)},
    }


def _dominant(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """The labels that last longest, with the longest stretch of each."""
    lasts: defaultdict[str, float] = defaultdict(float)
    longest: dict[str, tuple[float, float]] = {}
    for segment in segments:
        name = segment.label
        lasts[name] += segment.end_s - segment.start_s
        start, end = longest.get(name, (0.0, 0.0))
        if segment.end_s - segment.start_s > end - start:
            longest[name] = (segment.start_s, segment.end_s)
    order = sorted(lasts, key=lambda name: (-lasts[name], name))[:_DOMINANT]
    return [
        {
            "label": name, "seconds": round(lasts[name], 2),
            "start_s": longest[name][0], "end_s": longest[name][1],
        }
        for name in order
    ]  # fmt: skip


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name == "segments":
        value = "; ".join(f"{s['label']} {s['start_s']:.2f}-{s['end_s']:.2f}" for s in value)
    if name == "warnings":
        value = "; ".join(value)
    return cell_of(value) if isinstance(value, str) else value
