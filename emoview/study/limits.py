"""What the tables, figures and models of a study leave out, in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from emoview.common.text import counted, name_of
from emoview.output.fonts import without_font
from emoview.study.around import MOST_NAMES, names_of_events
from emoview.study.models import not_compared
from emoview.study.plan import PlanRow
from emoview.study.tables import BEFORE_S
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Analysis

if TYPE_CHECKING:
    import pandas

_MOST_NAMED: Final = 10
_LONGER: Final = 1.1


def left_out(
    rows: Sequence[PlanRow], results: Sequence[Analysis], clips: pandas.DataFrame, effects: pandas.DataFrame
) -> list[str]:
    """Say which clips, events, names and measures count for nothing, and why.

    Args:
        rows: The plan.
        results: Of each row.
        clips: As in `clips_table`.
        effects: As in `effects_table`.
    """
    return [
        *_of_clips(results, clips), *_of_events(rows, results), *_of_names(rows), *_of_models(clips, effects)
    ]  # fmt: skip


def _of_clips(results: Sequence[Analysis], clips: pandas.DataFrame) -> Iterator[str]:
    silent = [
        str(row["clip"])
        for row, result in zip(clips.to_dict("records"), results, strict=True)
        if row["neutral_mean"] != row["neutral_mean"] and result.source is None
    ]
    if silent:
        yield f"No tick has a label in {_clips(silent)}: figures and models of labels are without it."
    lengths = clips.groupby("condition", sort=False)["seconds"].mean().astype(float)
    short, long = lengths.idxmin(), lengths.idxmax()
    if lengths[long] > _LONGER * lengths[short]:
        yield (
            f"Clips under {name_of(long)} last longer ({lengths[long]:.1f} s on average) than those under "
            f"{name_of(short)} ({lengths[short]:.1f} s). Peaks (_peak), areas (_area_s) and smiles grow with "
            "the length, and may differ by it alone: compare clips of one length, or the other measures."
        )
    if any(one.options.labels != len(LABELS) for one in results):
        yield (
            "Results with groups of labels (--labels) have shares and segments of the groups, and none of "
            "the seven labels."
        )


def _of_events(rows: Sequence[PlanRow], results: Sequence[Analysis]) -> Iterator[str]:
    late = [
        row.clip.name
        for row, result in zip(rows, results, strict=True)
        for event in row.events
        if event.start_s >= result.media.duration_s
    ]
    if late:
        count = sum(len(row.events) for row in rows)
        lie = "lies" if len(late) == 1 else "lie"
        yield (
            f"{len(late)} of {counted(count, 'event')} {lie} behind the end of the clip, with empty rows, in "
            f"{_clips(late)}. Times of events are seconds from the start of the clip, or of its stretch."
        )
    early = [row.clip.name for row in rows for event in row.events if event.start_s < BEFORE_S]
    if early:
        lie, are = ("lies", "is") if len(early) == 1 else ("lie", "are")
        yield (
            f"{counted(len(early), 'event')} {lie} in the first second of {_clips(early)}, and {are} held "
            "against what is there before; at the very start there is nothing."
        )
    names = names_of_events(rows)
    if len(names) > MOST_NAMES:
        yield (
            f"Of {len(names)} names of events the {MOST_NAMES} most frequent are drawn, and not: "
            f"{_listed(names[MOST_NAMES:])}."
        )


def _of_names(rows: Sequence[PlanRow]) -> Iterator[str]:
    names = [*names_of_events(rows), *(one for row in rows for one in (row.participant, row.condition))]
    if boxes := without_font("".join(names)):
        more = " and others" if len(boxes) > _MOST_NAMED else ""
        yield (
            f"No font that is installed has {' '.join(boxes[:_MOST_NAMED])}{more}: figures show boxes in "
            "their place. Install one, such as Noto Sans CJK, and run the study again."
        )


def _of_models(clips: pandas.DataFrame, effects: pandas.DataFrame) -> Iterator[str]:
    if len(effects):
        # One clip of each participant cannot tell their spread.
        zero = (effects["sd_between"] == 0) & (effects["clips"] > effects["participants"])
        if zero.any():
            yield (
                f"No spread between participants is found in the models of "
                f"{_listed(list(dict.fromkeys(effects.loc[zero, 'measure'])))}: their errors are those of "
                "clips that are all by other people, and sd_between is 0."
            )
    missing = not_compared(clips, effects) if clips["condition"].nunique() > 1 else []
    if missing:
        yield (
            f"Not compared: {_listed(missing)}. That takes three clips under each condition, two "
            "participants, either participants who saw both conditions, or several under each, and values "
            "that vary within conditions and participants."
        )


def _clips(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    return f"{'clip' if len(different) == 1 else 'clips'} {_listed(different)}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(name_of(one) for one in names[:_MOST_NAMED]) + more
