"""The tables of a study, from the results of its clips: a row a tick, a clip, and an event."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from emoview.common.text import shown
from emoview.study.plan import PlanRow
from emoview.timeline.clock import TICK_HZ, TICK_MS
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Analysis, main_rows
from emoview.timeline.rules import marks_of, read_rule
from emoview.timeline.sums import sum_of_voice, sums_of_persons

if TYPE_CHECKING:
    import pandas

_TICK_S: Final = TICK_MS / 1000
_AFFECT: Final = ("valence", "arousal")
_PROBABILITIES: Final = tuple(f"fused_{label}" for label in LABELS)
FOLLOWED: Final = (*_PROBABILITIES, *_AFFECT)
"""Columns of a tick that are followed through clips and around events."""
_SMILE: Final = "face_happy > 0.5 for 0.5 s"
BEFORE_S: Final = 1.0
"""Seconds before an event that it is held against."""
AFTER_S: Final = 3.0
"""Seconds behind its start in which it may show."""


def ticks_table(rows: Sequence[PlanRow], results: Sequence[Analysis]) -> pandas.DataFrame:
    """Lay the timelines below each other: clip, participant, condition, columns of the plan, the timeline.

    Of several faces it is the one that has most ticks, as in a plot.
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
    found = [one for row in rows for one in _of_events(row, groups.get(shown(row.clip.name)))]
    return pandas.DataFrame(
        found, columns=list(found[0]) if found else ["clip", "participant", "condition", "event"]
    )


def _known(row: PlanRow) -> dict[str, Any]:
    further = {f"plan_{name}" if name in _TAKEN else name: value for name, value in row.further.items()}
    return {
        "clip": shown(row.clip.name), "participant": row.participant, "condition": row.condition, **further
    }  # fmt: skip


_TAKEN: Final = frozenset(("clip", "participant", "condition", "tick", "time_s", "label", "event", *FOLLOWED))


def _of_clip(ticks: pandas.DataFrame | None, result: Analysis, usual: Mapping[str, float]) -> dict[str, Any]:
    media = result.media
    values: dict[str, Any] = {
        "seconds": media.duration_s, "label": result.overall.label, "face_share": media.face_share,
        "speech_share": media.speech_share,
    }  # fmt: skip
    for name, column in zip(LABELS, _PROBABILITIES, strict=True):
        values |= _of_label(name, ticks, column, usual[column])
        values[f"{name}_segments"] = sum(segment.label == name for segment in result.segments)
    for name in _AFFECT:
        values[f"{name}_mean"] = None if ticks is None else ticks[name].mean()
    values["smiles"] = len(marks_of(result, read_rule(_SMILE)))
    if result.options.measured:
        person, voice = next(iter(sums_of_persons(result)), None), sum_of_voice(result)
        for name in ("usable_share", "blinks", "blinks_per_min", "blink_s"):
            values[name] = None if person is None else getattr(person, name)
        for name in ("syllables_per_s", "pauses", "pause_s", "pitch_hz", "snr_db"):
            values[name] = None if voice is None else getattr(voice, name)
        for name in ("head_yaw", "head_pitch", "head_roll"):
            values[f"{name}_mean"] = None if ticks is None else ticks[name].mean()
            values[f"{name}_sd"] = None if ticks is None else ticks[name].std()
    return values


def _of_label(name: str, ticks: pandas.DataFrame | None, column: str, usual: float) -> dict[str, Any]:
    columns = [f"{name}_{end}" for end in ("mean", "peak", "peak_s", "area_s", "share")]
    series = None if ticks is None else ticks[column].dropna()
    if ticks is None or series is None or series.empty:
        return dict.fromkeys(columns)
    area = (series - usual).clip(lower=0).sum() * _TICK_S
    share = (ticks["label"].dropna() == name).mean()
    found = (series.mean(), series.max(), ticks["time_s"][series.idxmax()], area, share)
    return dict(zip(columns, found, strict=True))


_OF_EVENT: Final = ("before", "change", "peak", "latency_s")


def _of_events(row: PlanRow, ticks: pandas.DataFrame | None) -> Iterator[dict[str, Any]]:
    for event in row.events:
        values: dict[str, Any] = {
            **_known(row), "event": event.name, "start_s": event.start_s, "end_s": event.end_s,
        }  # fmt: skip
        first = round(event.start_s * TICK_HZ)
        last = round(max(event.end_s, event.start_s + AFTER_S) * TICK_HZ)
        for column in FOLLOWED:
            name = column.removeprefix("fused_")
            before = _between(ticks, column, first - round(BEFORE_S * TICK_HZ), first)
            after = _between(ticks, column, first, last)
            found: tuple[float | None, ...] = (None,) * len(_OF_EVENT)
            if before is not None and after is not None:
                level = float(before[1].mean())
                change = after[1] - level
                at = int(np.abs(change).argmax())
                found = (level, change.mean(), change[at], round((after[0][at] - first) * _TICK_S, 3))
            values |= {f"{name}_{end}": value for end, value in zip(_OF_EVENT, found, strict=True)}
        yield values


def _between(ticks: pandas.DataFrame | None, column: str, first: int, last: int) -> Any:
    """Give ticks and values of a column from a tick up to another; None where there is none."""
    if ticks is None:
        return None
    chosen = ticks[(ticks["tick"] >= first) & (ticks["tick"] < last)][["tick", column]].dropna()
    return None if chosen.empty else (chosen["tick"].to_numpy(), chosen[column].to_numpy(float))
