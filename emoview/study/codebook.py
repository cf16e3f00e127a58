"""What the columns of a study's tables mean: one place for the codebook and the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emoview.timeline.labels import LABELS
from emoview.timeline.measures import ACTION_UNIT, MEASURES

if TYPE_CHECKING:
    import pandas

OF_PLAN: Final = "Column of the plan"
"""The meaning of columns of which nothing else is known."""
_P: Final = "probability"
_MEASURE: Final = "unit of the measure"
_YES: Final = "0 = no; 1 = yes"
_AFFECT: Final = {
    "valence": "from -1 = unpleasant to 1 = pleasant",
    "arousal": "from -1 = calm to 1 = excited",
}


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes:
        meaning: In a few words.
        unit: Such as `s`; empty for text and counts.
        values: What its values stand for, where that is not plain.
    """

    meaning: str
    unit: str = ""
    values: str = ""


_WHOSE: Final[Mapping[str, Column]] = {
    "clip": Column("Name of the clip, and of its result"),
    "participant": Column("Who is seen"),
    "condition": Column("Condition of the clip"),
}
_TICKS: Final[Mapping[str, Column]] = {
    "tick": Column("Number of the tick, from 0", "40 ms"),
    "time_s": Column("Start of the tick", "s"),
    "clock": Column("Time of day at its start"),
    "face_id": Column("Number of the face track"),
    "person": Column("Number of the person"),
    "label": Column("Most probable label of face and voice together"),
    "confidence": Column("Probability of the label", _P),
    "valence": Column("Valence", "", _AFFECT["valence"]),
    "arousal": Column("Arousal", "", _AFFECT["arousal"]),
    "box_x": Column("Left edge of the face", "pixels"),
    "box_y": Column("Top edge of the face", "pixels"),
    "box_width": Column("Width of the face's box", "pixels"),
    "box_height": Column("Height of the face's box", "pixels"),
    "voice_id": Column("Number of the voice"),
    "speaking": Column("Whether this face speaks", "", _YES),
    "off_screen": Column("Whether the voice belongs to nobody in the picture", "", _YES),
    **{one.name: Column(one.meaning, one.unit) for one in MEASURES},
}
_CLIPS: Final[Mapping[str, Column]] = {
    "seconds": Column("Length of the clip", "s"),
    "label": Column("Label of the whole clip; missing where that is of another face"),
    "face_share": Column("Share of ticks with a face, whoever it is; missing without pictures", "share"),
    "speech_share": Column("Share of ticks with speech, whoever speaks; missing without sound", "share"),
    "left_out_share": Column("Share of ticks with a face that have no label of it (--min-quality)", "share"),
    "valence_mean": Column("Mean valence", "", _AFFECT["valence"]),
    "arousal_mean": Column("Mean arousal", "", _AFFECT["arousal"]),
    "smiles": Column("Stretches of half a second in which the face is happy by more than 0.5"),
    "usable_share": Column("Share of ticks with a face whose quality is 0.8 or more", "share"),
    "blinks": Column("Number of blinks"),
    "blinks_per_min": Column("Blinks a minute in which the eyes are seen", "1/min"),
    "blink_s": Column("Mean length of a blink", "s"),
    "syllables_per_s": Column("Syllables a second of their speech, or of any if no face speaks", "1/s"),
    "pauses": Column("Number of pauses in this speech in which nobody else speaks"),
    "pause_s": Column("Mean length of these pauses", "s"),
    "pitch_hz": Column("Median pitch of this speech", "Hz"),
    "snr_db": Column("Level of this speech over that of the rest", "dB"),
    **{
        f"head_{angle}_{end}": Column(f"{what} of the head's {angle}", "degrees")
        for angle in ("yaw", "pitch", "roll")
        for end, what in (("mean", "Mean"), ("sd", "Standard deviation"))
    },
}
_OF_LABEL: Final[Mapping[str, Column]] = {
    "mean": Column("Mean probability of {}, in face and voice together", _P),
    "peak": Column("Largest probability of {}, in face and voice together", _P),
    "peak_s": Column("Time of the largest probability of {}", "s"),
    "area_s": Column("Area of {} above the mean of all the participant's clips", "probability x s"),
    "share": Column("Share of the ticks that have a label in which it is {}", "share"),
    "segments": Column("Number of segments with the label {}"),
}
_GROUPS: Final = ("positive", "neutral_surprise", "negative", "other")
_OF_GROUP: Final = ("mean", "share", "segments")
_EVENTS: Final[Mapping[str, Column]] = {
    "event": Column("What happens"),
    "start_s": Column("Start of the event", "s"),
    "end_s": Column("End of the event", "s"),
}
_OF_EVENT: Final[Mapping[str, Column]] = {
    "before": Column("Mean of {} in the second before the event"),
    "change": Column("Mean of {} up to the event's end, 3 s at least, less `before`"),
    "peak": Column("Largest change of {} in this time from `before`, up or down"),
    "latency_s": Column("Time of the largest change after the start of the event", "s"),
}
_EFFECTS: Final[Mapping[str, Column]] = {
    "measure": Column("Column of clips.csv"),
    "condition": Column("Condition that is compared"),
    "against": Column("Condition that it is compared with"),
    "clips": Column("Number of clips in which the measure is known, under all conditions"),
    "participants": Column("Number of their participants"),
    "effect": Column("Difference of the conditions: `condition` less `against`", _MEASURE),
    "low": Column("Lower end of its 95 % interval", _MEASURE),
    "high": Column("Upper end of its 95 % interval", _MEASURE),
    "standard_error": Column("Standard error of the effect", _MEASURE),
    "degrees": Column("Degrees of freedom"),
    "p": Column("Chance of such an effect or a larger one, up or down, if there is none"),
    "p_holm": Column("p corrected for the number of rows (Holm 1979)"),
    "effect_in_sd": Column("Effect over the standard deviation of a clip (root of the two variances' sum)"),
    "sd_between": Column("Standard deviation of the participants", _MEASURE),
    "sd_within": Column("Standard deviation of clips of one participant", _MEASURE),
    "pairs": Column("Number of participants who saw both conditions"),
    "p_paired": Column("p of a paired t-test of their means, which holds where they differ in the effect"),
    "p_paired_holm": Column("p_paired corrected for the number of rows that have one (Holm 1979)"),
}


def column_of(table: str, name: str) -> Column:
    """Tell what a column of a table, such as `clips.csv`, holds."""
    fixed: Mapping[str, Mapping[str, Column]] = {
        "ticks.parquet": {**_WHOSE, **_TICKS}, "clips.csv": {**_WHOSE, **_CLIPS},
        "events.csv": {**_WHOSE, **_EVENTS}, "effects.csv": _EFFECTS,
    }  # fmt: skip
    found = fixed[table].get(name) or _made(table, name)
    if found is not None:
        return found
    if ACTION_UNIT.fullmatch(name.removesuffix("_mean")):
        unit = f"action unit {int(name[2:4])}, as the program that was imported from gives it"
        return Column(f"Mean of {unit}" if name.endswith("_mean") else unit.capitalize())
    return Column(OF_PLAN)


def _made(table: str, name: str) -> Column | None:
    """Tell what a column that names a label holds; None where it is no such column."""
    first, _, end = name.partition("_")
    if table == "ticks.parquet" and first in ("face", "voice", "fused") and end:
        whose = {"face": "in the face", "voice": "in the voice", "fused": "in face and voice together"}[first]
        return Column(f"Probability of {end} {whose}", _P)
    group, _, of_group = name.rpartition("_")
    if table == "clips.csv" and group in _GROUPS and of_group in _OF_GROUP:
        kind = _OF_LABEL[of_group]
        return Column(kind.meaning.format(group.replace("_", " or ")), kind.unit)
    kinds = {"clips.csv": (LABELS, _OF_LABEL), "events.csv": ((*LABELS, *_AFFECT), _OF_EVENT)}
    names, ends = kinds.get(table, ((), {}))
    unit = table == "events.csv" and ACTION_UNIT.fullmatch(first)
    if not (first in names or unit) or end not in ends:
        return None
    kind = ends[end]
    return Column(
        kind.meaning.format(first), kind.unit or (_P if first in LABELS and end != "segments" else "")
    )


def codebook(tables: Mapping[str, pandas.DataFrame]) -> pandas.DataFrame:
    """Describe all columns of tables: table, column, meaning, unit and values."""
    import pandas

    rows = []
    for table, frame in tables.items():
        for name in frame.columns:
            about = column_of(table, name)
            rows.append((table, name, about.meaning, about.unit, about.values))
    return pandas.DataFrame(rows, columns=["table", "column", "meaning", "unit", "values"])
