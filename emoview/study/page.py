"""The page of a study: tables, figures, statistics in words, and what was left out."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from emoview.common.text import name_of
from emoview.output.pages import page
from emoview.study.around import counts_of_events
from emoview.study.codebook import column_of
from emoview.study.words import chance_of, findings, number_of

if TYPE_CHECKING:
    import pandas

_FIGURES: Final[Mapping[str, tuple[str, str]]] = {
    "rainclouds": (
        "Means of the participants",
        "Of each condition: the density over participants, a line from the lower to the upper quartile with "
        "the median, and a dot for each participant (the mean of their clips). Labels are probabilities, "
        "valence and arousal go from −1 to 1. Numbers beside conditions are participants.",
    ),
    "curves": (
        "Over time",
        "Mean of the participants from the start of the clip on, in units as above. Bands are 95 % bootstrap "
        "intervals over participants, point by point. Where clips of some end, the mean is of the others; "
        "where one is left, there is no band. Numbers beside conditions are participants.",
    ),
    "events": (
        "Around events",
        "Mean change against the second before the event, of the mean of each participant. Bands as above. "
        "Of several names of events the most frequent have a column each, and numbers of participants stand "
        "above it, in the order of the conditions.",
    ),
    "synchrony": (
        "Agreement of participants over time",
        "Mean correlation of each pair of participants in a sliding window, with 95 % bootstrap bands over "
        "participants. It says something only where they saw the same at the same time; 0 is no agreement.",
    ),
    "grid": (
        "Participants and conditions",
        "Shares of the time of the seven labels, together; uncertain labels are left white.",
    ),
}
_REACH_SD: Final = 2.0
_MOST_EVENTS: Final = 30


def study_page(
    *,
    title: str,
    clips: pandas.DataFrame,
    effects: pandas.DataFrame,
    events: pandas.DataFrame,
    figures: Mapping[str, Mapping[str, bytes]],
    files: Sequence[str],
    links: Mapping[str, str],
    failures: Sequence[str],
    limits: Sequence[str],
) -> str:
    """Write the page.

    Args:
        title: Of the page.
        clips: As in `clips_table`.
        effects: As in `effects_table`.
        events: As in `events_table`.
        figures: PNG and SVG of each, by their names and endings.
        files: Names of all files beside the page.
        links: Relative addresses of the clips' reports, by the names of clips.
        failures: Sentences about clips without a result.
        limits: Other sentences that belong to what was left out.
    """
    sentences, whole = findings(effects) if len(effects) else ([], "")
    counted = _events(events)
    return page(
        "study.html",
        title=title,
        counts=_counts(clips),
        conditions=_conditions(clips),
        poor=_poor(clips, links),
        failures=[name_of(one) for one in failures],
        limits=list(limits),
        sentences=sentences,
        whole=whole,
        effects=_effects(effects),
        events=counted[:_MOST_EVENTS],
        more_events=max(len(counted) - _MOST_EVENTS, 0),
        figures=[
            {"name": name, "title": heading, "caption": caption, "address": _inside(figures[name])}
            for name, (heading, caption) in _FIGURES.items()
            if name in figures
        ],
        clips=[_clip(row, links) for row in clips.to_dict("records")],
        files=[{"name": name, "link": quote(name)} for name in files],
    )  # fmt: skip


def _inside(forms: Mapping[str, bytes]) -> str:
    """Put a figure into an address, in the form that takes less room."""
    ending, content = min(forms.items(), key=lambda form: len(form[1]))
    kind = {".png": "image/png", ".svg": "image/svg+xml"}[ending]
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def link_of(report: Path, folder: Path) -> str:
    """Give the relative address of a report."""
    return quote(os.fsencode(os.path.relpath(report, folder)))


def _counts(clips: pandas.DataFrame) -> dict[str, Any]:
    return {
        "clips": len(clips), "participants": clips["participant"].nunique(),
        "conditions": clips["condition"].nunique(), "minutes": float(clips["seconds"].sum()) / 60,
    }  # fmt: skip


def _conditions(clips: pandas.DataFrame) -> list[dict[str, Any]]:
    """Sum up each condition, and all; shares are means over time, that of faces over the time with one."""
    parts = [*clips.groupby("condition", sort=False), ("all", clips)]
    return [
        {
            "name": name_of(name), **_counts(part),
            "face_share": _weighted(part, "face_share", part["seconds"]),
            **{
                share: _weighted(part, share, part["seconds"] * part["face_share"].astype(float))
                for share in ("usable_share", "left_out_share")
            },
        }
        for name, part in parts
    ]  # fmt: skip


def _events(events: pandas.DataFrame) -> list[dict[str, Any]]:
    """Count the events of each name and condition, and those with values."""
    if not len(events):
        return []
    rows = counts_of_events(events).to_dict("records")
    return [{**row, **{key: name_of(row[key]) for key in ("event", "condition")}} for row in rows]


def _weighted(part: pandas.DataFrame, share: str, seconds: pandas.Series) -> float | None:
    if share not in part:
        return None
    known = part[share].astype(float)
    seconds = seconds.where(known.notna(), 0.0)
    return float((known * seconds).sum() / seconds.sum()) if seconds.sum() else None


def _poor(clips: pandas.DataFrame, links: Mapping[str, str]) -> list[dict[str, Any]]:
    """Give the clips of which less than half is usable, the worst first."""
    if "usable_share" not in clips:
        return []
    known = clips[clips["usable_share"].astype(float) < 0.5].sort_values("usable_share")
    return [_clip(row, links) for row in known.to_dict("records")]


def _clip(row: Mapping[str, Any], links: Mapping[str, str]) -> dict[str, Any]:
    def number(name: str) -> float | None:
        value = row.get(name)
        return None if value is None or value != value else float(value)

    return {
        "name": name_of(row["clip"]), "link": links.get(row["clip"]),
        "participant": name_of(row["participant"]), "condition": name_of(row["condition"]),
        "label": row["label"] if isinstance(row["label"], str) else None, "seconds": number("seconds"),
        "face": number("face_share"), "usable": number("usable_share"),
        "valence": None if (mean := number("valence_mean")) is None else number_of(mean),
    }  # fmt: skip


def _effects(effects: pandas.DataFrame) -> list[dict[str, Any]]:
    """Give the rows of the table, the largest effect first; bars reach over two standard deviations."""
    if not len(effects):
        return []
    order = effects["effect_in_sd"].abs().sort_values(ascending=False).index
    return [_effect(row) for row in effects.loc[order].to_dict("records")]


def _effect(row: Mapping[str, Any]) -> dict[str, Any]:
    sd = row["effect"] / row["effect_in_sd"] if row["effect_in_sd"] else float("inf")
    low, middle, high = (
        100 * min(max((value / sd + _REACH_SD) / (2 * _REACH_SD), 0), 1)
        for value in (row["low"], row["effect"], row["high"])
    )
    about = column_of("clips.csv", row["measure"])
    return {
        "measure": row["measure"], "meaning": about.meaning, "unit": about.unit,
        "condition": name_of(row["condition"]), "against": name_of(row["against"]),
        "effect": number_of(row["effect"]), "low": number_of(row["low"]), "high": number_of(row["high"]),
        "in_sd": number_of(row["effect_in_sd"]), "p": chance_of(row["p"]), "p_holm": chance_of(row["p_holm"]),
        "paired": chance_of(row["p_paired_holm"]) if row["p_paired"] == row["p_paired"] else "–",
        "clips": int(row["clips"]), "participants": int(row["participants"]),
        "x": round(low, 1), "width": round(max(high - low, 0.5), 1), "middle": round(middle, 1),
    }  # fmt: skip
