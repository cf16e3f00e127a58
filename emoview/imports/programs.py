"""What OpenFace and py-feat write, in the terms of emoview.

OpenFace: https://github.com/TadasBaltrusaitis/OpenFace/wiki/Output-Format (Baltrusaitis et al. 2018).
py-feat: https://py-feat.org, class `Fex` (Cheong et al. 2023).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import counted, name_of
from emoview.errors import InputError
from emoview.imports.table import CURE, Floats, Table, numbered
from emoview.timeline.clock import LONGEST_S
from emoview.timeline.labels import LABELS

_INTENSITY: Final = re.compile(r"AU(\d\d)_r", re.ASCII)
_UNIT: Final = re.compile(r"AU(\d\d)", re.ASCII)
_POINTS: Final = 68
_MOST_INTENSE: Final = 5.0
_FASTEST_HZ: Final = 1000.0
_RECTANGLE: Final = {
    "FaceRectX": (-1e6, 1e6), "FaceRectY": (-1e6, 1e6), "FaceRectWidth": (0, 1e6), "FaceRectHeight": (0, 1e6),
}  # fmt: skip
# Names of earlier and later versions, in lower case.
_EMOTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "neutral": ("neutral",), "anger": ("anger",), "disgust": ("disgust",), "fear": ("fear",),
    "happy": ("happiness", "happy"), "sad": ("sadness", "sad"), "surprise": ("surprise",),
}  # fmt: skip
_OFF: Final = 0.01


@dataclass(frozen=True)
class Findings:
    """What another program found, a row a frame and face.

    Attributes:
        source: The program.
        times_s: `(rows,)`, in seconds of the recording, not falling.
        faces: `(rows,)`, number of the face; -1 where none was found.
        boxes: `(rows, 4)`: left, top, width, height in pixels.
        probabilities: `(rows, 7)` in the order of `LABELS`, summing to 1; NaN where nothing is said.
        affect: `(rows, 2)`, valence and arousal; None where the program gives none.
        measures: Measures of emoview that it gives, by name, each `(rows,)`.
        units: Action units, by name, each `(rows,)`.
        notes: What a user should know.
        media: Name of the recording; None where the table does not say.
    """

    source: str
    times_s: Floats
    faces: NDArray[np.int64]
    boxes: Floats
    probabilities: Floats
    affect: Floats | None = None
    measures: Mapping[str, Floats] = field(default_factory=dict)
    units: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    media: str | None = None


def findings_of(table: Table, rate: float | None) -> Findings:
    """Tell which program wrote a table, and give what it found.

    Args:
        table: The table.
        rate: Frames a second of the recording, where the table counts frames alone.

    Raises:
        InputError: It is of neither, a number is wrong, or the rate is missing.
    """
    if table.has("frame", "timestamp", "confidence", "success"):
        return _of_openface(table)
    if table.has(*_RECTANGLE):
        return _of_feat(table, rate)
    found = ", ".join(table.cells.columns[:8])
    raise InputError(
        f"{name_of(table.path)} has the columns {name_of(found)}, which are neither those of OpenFace nor of "
        f"py-feat: {CURE}"
    )


def _of_openface(table: Table) -> Findings:
    """Read the table of FeatureExtraction or FaceLandmarkVidMulti.

    Its camera looks along z, with x to the right and y down; R = Rx Ry Rz.  So a head that looks to the
    picture's left or down has a positive yaw or pitch, and one tilted clockwise a positive roll.
    """
    times = _times(table, table.numbers("timestamp", 0, LONGEST_S))
    if len(np.unique(times)) == 1 < len(np.unique(table.numbers("frame", -1, np.inf))):
        raise InputError(
            f"{name_of(table.path)}: all frames have the timestamp {times[0]:g}: run OpenFace on the "
            "video, or write the times of the frames in seconds there"
        )
    notes = [
        "imported from OpenFace, which gives no emotions and hears nothing: there are no labels, no valence "
        "and no arousal; au01 to au45 are its intensities from 0 to 5"
    ]
    if table.has("x_0", f"y_{_POINTS - 1}"):
        x, y = (np.stack([table.numbers(f"{axis}_{i}") for i in range(_POINTS)]) for axis in "xy")
        boxes = np.stack([x.min(0), y.min(0), np.ptp(x, 0), np.ptp(y, 0)], axis=1)
    else:
        boxes = np.zeros((len(times), 4))
        notes.append("the table has no landmarks (-2Dfp), so that boxes of faces are empty")
    # What is no success are guesses of where the face may be.
    found = (table.numbers("success") == 1) & np.isfinite(boxes).all(axis=1)
    faces = np.where(found, np.nan_to_num(table.numbers("face_id", 0, 1e5)), -1)
    if not found.all():
        notes.append(
            f"OpenFace was not successful in {int((~found).sum())} of {counted(len(found), 'row')}: no face "
            "there"
        )
    signs = {"head_yaw": ("pose_Ry", -1), "head_pitch": ("pose_Rx", -1), "head_roll": ("pose_Rz", 1)}
    measures: dict[str, Floats] = {
        name: np.degrees(table.numbers(column, -7, 7)) * float(sign) for name, (column, sign) in signs.items()
    }
    if table.has("AU45_c"):
        measures["blink"] = (table.numbers("AU45_c") == 1).astype(float)
    order = np.argsort(times, kind="stable")
    return _sorted(
        Findings(
            "OpenFace", times, faces.astype(np.int64), boxes, np.full((len(times), len(LABELS)), np.nan),
            measures=measures, units=_units(table, _INTENSITY, _MOST_INTENSE), notes=tuple(notes),
        ), order,
    )  # fmt: skip


def _of_feat(table: Table, rate: float | None) -> Findings:
    if not table.has("frame"):
        raise InputError(f"{name_of(table.path)} has no column frame: import the table of a video")
    if rate is None:
        raise InputError(
            f"{name_of(table.path)} counts frames, but does not say how many a second: add --rate, such as "
            "--rate 25, or --video with the recording"
        )
    if not 0 < rate <= _FASTEST_HZ:
        raise InputError(f"{rate:g} frames a second cannot be right: name a rate such as 25")
    times = _times(table, table.numbers("frame", 0, LONGEST_S * _FASTEST_HZ) / rate)
    boxes = np.stack([table.numbers(name, *limits) for name, limits in _RECTANGLE.items()], axis=1)
    notes = [
        f"imported from py-feat, whose frames are taken to be {rate:g} a second, and which hears nothing; "
        "its documentation does not say which way its angles count, so they are as it wrote them; au01 to "
        "au43 are its action units from 0 to 1"
    ]
    # Later versions write a face without a size where none is found.
    seen = np.isfinite(boxes).all(axis=1) & (boxes[:, 2:] > 0).all(axis=1)
    faces, note = _identities(table, times, boxes, seen)
    probabilities, note_of_sums = _emotions(table)
    affect = None
    if table.has("valence", "arousal"):
        affect = np.stack([table.numbers(name, -1.5, 1.5) for name in ("valence", "arousal")], axis=1)
        affect = np.clip(affect, -1, 1)
    elif np.isfinite(probabilities).any():
        notes.append("valence and arousal are derived from the probabilities, as emoview does")
    _refuse_several(table)
    angles = {"head_yaw": "Yaw", "head_pitch": "Pitch", "head_roll": "Roll"}
    inputs = sorted({one for one in table.text("input") if one}) if table.has("input") else []
    found = Findings(
        "py-feat", times, faces, boxes, probabilities, affect,
        {name: table.numbers(column, -360, 360) for name, column in angles.items()},
        _units(table, _UNIT, 1.0), (*notes, *note, *note_of_sums), inputs[0] if len(inputs) == 1 else None,
    )  # fmt: skip
    return _sorted(found, np.argsort(times, kind="stable"))


def _refuse_several(table: Table) -> None:
    """Refuse a table of several recordings, whose frames would be mixed."""
    if not table.has("input"):
        return
    of_frame: dict[str, str] = {}
    for frame, one in zip(table.text("frame"), table.text("input"), strict=True):
        other = of_frame.setdefault(frame, one)
        if other != one:
            raise InputError(
                f"{name_of(table.path)} holds several recordings, such as {name_of(other)} and "
                f"{name_of(one)}: import a table of each"
            )


def _times(table: Table, times: Floats) -> Floats:
    if np.isnan(times).any():
        row = int(np.flatnonzero(np.isnan(times))[0]) + 1
        raise InputError(f"{name_of(table.path)}, row {row}: the time is missing")
    return times


def _identities(
    table: Table, times: Floats, boxes: Floats, seen: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number the faces; without identities the largest of each frame is kept."""
    if table.has("Identity"):
        numbers = numbered(table.text("Identity"))
        # Of one name there may be two faces in a frame; the first counts.
        return np.where(seen & (numbers >= 0), numbers, -1), ()
    faces = np.where(seen, 0, -1)
    size = np.where(seen, boxes[:, 2] * boxes[:, 3], -1.0)
    order = np.lexsort((-size, times))
    further = np.zeros(len(times), bool)
    further[order[1:]] = times[order[1:]] == times[order[:-1]]
    if not (further & seen).any():
        return faces, ()
    note = "some frames have several faces without identities: the largest of each is kept"
    return np.where(further, -1, faces), (note,)


def _emotions(table: Table) -> tuple[Floats, tuple[str, ...]]:
    """Give the probabilities of the seven labels, which sum to 1."""
    by_key = {name.casefold(): name for name in reversed(list(table.cells.columns))}
    names = [next((by_key[key] for key in keys if key in by_key), "") for keys in _EMOTIONS.values()]
    if not all(names):
        return np.full((len(table.cells), len(LABELS)), np.nan), ("the table has not all seven emotions",)
    found = np.stack([table.numbers(name, 0, 1) for name in names], axis=1)
    sums = found.sum(axis=1, keepdims=True)
    known = np.isfinite(sums) & (sums > 0)
    off = known & (np.abs(sums - 1) > _OFF)
    note = (f"emotions that do not sum to 1 are divided by their sum, in {counted(int(off.sum()), 'row')}",)
    return np.where(known, found / np.where(known, sums, 1), np.nan), note if off.any() else ()


def _units(table: Table, pattern: re.Pattern[str], most: float) -> dict[str, Floats]:
    found = {
        f"au{match[1]}": table.numbers(name, -0.01 * most, 1.2 * most)
        for name in sorted(table.cells.columns)
        if (match := pattern.fullmatch(name))
    }
    return {name: np.clip(values, 0, most).round(4) for name, values in found.items()}


def _sorted(found: Findings, order: NDArray[np.intp]) -> Findings:
    return Findings(
        found.source, found.times_s[order], found.faces[order], found.boxes[order],
        found.probabilities[order], None if found.affect is None else found.affect[order],
        {name: values[order] for name, values in found.measures.items()},
        {name: values[order] for name, values in found.units.items()}, found.notes, found.media,
    )  # fmt: skip
