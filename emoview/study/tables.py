"""The tables of a study, from the results of its clips: a row a tick, a clip, and an event."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import shown
from emoview.study.codebook import OF_PLAN, column_of
from emoview.study.plan import PlanRow
from emoview.timeline.clock import TICK_HZ, TICK_MS
from emoview.timeline.labels import GROUPS, LABELS
from emoview.timeline.measures import ACTION_UNIT
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis, group_columns, main_rows
from emoview.timeline.rules import marks_of, read_rule
from emoview.timeline.shares import overall_rows
from emoview.timeline.sums import sums_of_persons, voice_of

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

_TICK_S: Final = TICK_MS / 1000
_AFFECT: Final = ("valence", "arousal")
_PROBABILITIES: Final = tuple(f"fused_{label}" for label in LABELS)
FOLLOWED: Final = (*_PROBABILITIES, *_AFFECT)
"""Columns of a tick that are followed through clips and around events, where there are labels."""
_SMILE: Final = "face_happy > 0.5 for 0.5 s"
BEFORE_S: Final = 1.0
"""Seconds before an event that it is held against."""
AFTER_S: Final = 3.0
"""Seconds behind its start in which it may show."""


def ticks_table(rows: Sequence[PlanRow], results: Sequence[Analysis]) -> pandas.DataFrame:
    """Lay the timelines below each other: clip, participant, condition, columns of the plan, the timeline.

    Of several faces it is the one that has most ticks, whoever the overall result is about.
    """
    import pandas

    columns = dict.fromkeys(name for result in results for name in result.columns)
    known = dict.fromkeys(name for row in rows for name in _known(row))
    records = [
        {**_known(row), **result.record(one)}
        for row, result in zip(rows, results, strict=True)
        for one in main_rows(result)
    ]
    return pandas.DataFrame(records, columns=[*known, *columns])


def followed_in(ticks: pandas.DataFrame) -> tuple[str, ...]:
    """Name the columns that are followed: `FOLLOWED`, or as many action units where there is no label."""
    units = tuple(name for name in ticks if ACTION_UNIT.fullmatch(name))
    said = ticks[list(FOLLOWED)].notna().any(axis=None)
    return FOLLOWED if said or not units else units[: len(FOLLOWED)]


def clips_table(
    rows: Sequence[PlanRow], ticks: pandas.DataFrame, results: Sequence[Analysis]
) -> pandas.DataFrame:
    """Sum up each clip: see the page on studies for the columns."""
    import pandas

    # Who scowls by nature scowls in all of their clips.
    usual = ticks.groupby("participant", sort=False)[list(FOLLOWED)].mean()
    groups = dict(tuple(ticks.groupby("clip", sort=False)))
    return pandas.DataFrame(
        [
            {**_known(row), **_of_clip(groups.get(shown(row.clip.name)), result, usual.loc[row.participant])}
            for row, result in zip(rows, results, strict=True)
        ]
    )


def events_table(rows: Sequence[PlanRow], ticks: pandas.DataFrame) -> pandas.DataFrame:
    """Sum up what follows each event, against the second before it."""
    import pandas

    groups = dict(tuple(ticks.groupby("clip", sort=False)))
    followed = followed_in(ticks)
    found = [one for row in rows for one in _of_events(row, groups.get(shown(row.clip.name)), followed)]
    return pandas.DataFrame(
        found, columns=list(found[0]) if found else ["clip", "participant", "condition", "event"]
    )


def _known(row: PlanRow) -> dict[str, Any]:
    """Give what the plan says; a column that is called as one of the tables has `plan_` before its name."""
    values = {"clip": shown(row.clip.name), "participant": row.participant, "condition": row.condition}
    for name, value in row.further.items():
        free = name
        while free in values or _is_ours(free) or (free != name and free in row.further):
            free = f"plan_{free}"
        values[free] = value
    return values


@cache
def _is_ours(name: str) -> bool:
    tables = ("ticks.parquet", "clips.csv", "events.csv")
    return any(column_of(table, name).meaning != OF_PLAN for table in tables)


def _of_clip(ticks: pandas.DataFrame | None, result: Analysis, usual: Mapping[str, float]) -> dict[str, Any]:
    # Of several people it is the one whom the ticks are about.
    main = replace(result, timeline=main_rows(result))
    people = {None, *(row.person for row in main.timeline)}
    grouped, shares = result.options.labels != len(LABELS), presence_of(result)
    # Of all faces the one that speaks most need not be the one that is seen most.
    same = people - {None} <= {row.person for row in overall_rows(result)}
    values: dict[str, Any] = {
        "seconds": result.media.duration_s, "label": result.overall.label if same else None,
        "face_share": shares.get("face"),
        "speech_share": shares.get("speech"), "left_out_share": _left_out(ticks, result),
    }  # fmt: skip
    for name, column in zip(LABELS, _PROBABILITIES, strict=True):
        values |= _of_label(name, ticks, column, usual[column])
        count = sum(one.label == name for one in result.segments if one.person in people)
        values[f"{name}_segments"] = None if grouped else count
        if grouped:
            values[f"{name}_share"] = None
    values |= _of_groups(ticks, result, people)
    for name in _AFFECT:
        values[f"{name}_mean"] = None if ticks is None else ticks[name].mean()
    read = any(row.face is not None for row in main.timeline)
    values["smiles"] = len(marks_of(main, read_rule(_SMILE))) if read else None
    if result.options.measured:
        person, voice = next(iter(sums_of_persons(result)), None), voice_of(result, people)
        for name in ("usable_share", "blinks", "blinks_per_min", "blink_s"):
            values[name] = None if person is None else getattr(person, name)
        for name in ("syllables_per_s", "pauses", "pause_s", "pitch_hz", "snr_db"):
            values[name] = None if voice is None else getattr(voice, name)
        for name in ("head_yaw", "head_pitch", "head_roll"):
            values[f"{name}_mean"] = None if ticks is None else ticks[name].mean()
            values[f"{name}_sd"] = None if ticks is None else ticks[name].std()
    for name in result.action_units:
        values[f"{name}_mean"] = None if ticks is None else ticks[name].mean()
    return values


def _left_out(ticks: pandas.DataFrame | None, result: Analysis) -> float | None:
    """Give the share of ticks with a face that have no label of it; None where nothing was to be left out."""
    if ticks is None or result.options.min_quality is None:
        return None
    seen = ticks["face_id"].notna()
    return float(ticks.loc[seen, "face_neutral"].isna().mean()) if seen.any() else None


def _of_label(name: str, ticks: pandas.DataFrame | None, column: str, usual: float) -> dict[str, Any]:
    columns = [f"{name}_{end}" for end in ("mean", "peak", "peak_s", "area_s", "share")]
    series = None if ticks is None else ticks[column].dropna()
    if ticks is None or series is None or series.empty:
        return dict.fromkeys(columns)
    area = (series - usual).clip(lower=0).sum() * _TICK_S
    share = (ticks["label"].dropna() == name).mean()
    found = (series.mean(), series.max(), ticks["time_s"][series.idxmax()], area, share)
    return dict(zip(columns, found, strict=True))


def _of_groups(
    ticks: pandas.DataFrame | None, result: Analysis, people: Collection[int | None]
) -> dict[str, Any]:
    """Sum up the groups of labels of a clip; nothing of the seven labels."""
    count = result.options.labels
    columns = group_columns(count, ("fused",))
    values: dict[str, Any] = {}
    for group, column in zip(GROUPS[count] if columns else (), columns, strict=True):
        said = None if ticks is None else ticks["label"].dropna()
        name = column.removeprefix("fused_")
        values[f"{name}_mean"] = None if ticks is None else ticks[column].mean()
        values[f"{name}_share"] = float(np.mean(said == group)) if said is not None and len(said) else None
        values[f"{name}_segments"] = sum(
            one.label == group for one in result.segments if one.person in people
        )
    return values


_OF_EVENT: Final = ("before", "change", "peak", "latency_s")


def _of_events(
    row: PlanRow, ticks: pandas.DataFrame | None, followed: Sequence[str]
) -> Iterator[dict[str, Any]]:
    at = np.zeros(0, int) if ticks is None else ticks["tick"].to_numpy()
    series = np.zeros((0, len(followed))) if ticks is None else ticks[list(followed)].to_numpy(float)
    for event in row.events:
        values: dict[str, Any] = {
            **_known(row), "event": event.name, "start_s": event.start_s, "end_s": event.end_s,
        }  # fmt: skip
        first = round(event.start_s * TICK_HZ)
        last = round(max(event.end_s, event.start_s + AFTER_S) * TICK_HZ)
        before = (at >= first - round(BEFORE_S * TICK_HZ)) & (at < first)
        after = (at >= first) & (at < last)
        for column, level, shown_after in zip(followed, series[before].T, series[after].T, strict=True):
            found = _of_event(level, shown_after, at[after] - first)
            name = column.removeprefix("fused_")
            values |= {f"{name}_{end}": value for end, value in zip(_OF_EVENT, found, strict=True)}
        yield values


def _of_event(before: Floats, after: Floats, at: NDArray[np.int64]) -> tuple[float | None, ...]:
    """Give level, mean change, largest change and its time, of one column; None where nothing is said."""
    known = np.isfinite(after)
    before = before[np.isfinite(before)]
    if not len(before) or not known.any():
        return (None,) * len(_OF_EVENT)
    level = float(before.mean())
    change = after[known] - level
    peak = int(np.abs(change).argmax())
    return level, change.mean(), change[peak], round(int(at[known][peak]) * _TICK_S, 3)
