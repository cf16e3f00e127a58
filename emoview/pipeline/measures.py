"""The measures of rows: what is measured on each face as it is found, and what follows from a whole track."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.blinks import blinks
from emoview.face.measures import measure_faces
from emoview.face.usable import REASONS, USABLE, qualities
from emoview.pipeline.evidence import FaceTrack, Floats, Found
from emoview.timeline.measures import EXPRESSION, FACE, NO_FACE, NO_SOUND, Values, kept

COVER_EVERY: Final = 5
"""Ticks from one look at whether something covers a face to the next: a fifth of a second."""

# Columns of what is measured on a face as it is found: width in pixels as decoded, yaw, pitch and roll, the
# expression, look, share outside, score of a cover (no number where nobody looked), pixels as shown for
# each, and the longer side of the picture, in pixels of the same length as those of the width.
_WIDTH, _YAW, _PITCH, _ROLL = range(4)
_EXPRESSION: Final = slice(4, 4 + len(EXPRESSION))
_EYES: Final = slice(4, 6)
_SHARP, _BRIGHT, _CONTRAST, _OUTSIDE, _COVER, _SCALE, _SIDE = range(_EXPRESSION.stop, _EXPRESSION.stop + 7)
WIDTH: Final = _SIDE + 1
"""Numbers that are kept of each face."""
# Of the lower face, the share that may lie outside the picture for a cover to be looked for.
_MOST_OUTSIDE = 0.4
# A cover counts where most looks within so many ticks to both sides see it.
_COVER_AROUND: Final = 10
# Eyes of faces that are smaller have too few pixels for lids.
_LEAST_FOR_BLINKS_PX: Final = 60.0


def observed(found: Sequence[Found]) -> Floats:
    """Measure faces as they are found: `(n, WIDTH)`."""
    from emoview.face.align import AS_IT_IS
    from emoview.face.covered import LOWER, covered_score
    from emoview.face.quality import look_of, outside

    values = np.full((len(found), WIDTH), np.nan, np.float32)
    # Depth is on the scale of x.
    widths = [(one.widen[0], one.widen[1], one.widen[0]) for one in found]
    points = np.stack([one.landmarks for one in found]) * np.array(widths, np.float32)[:, None]
    values[:, : _EXPRESSION.stop] = measure_faces(points)
    for row, one, mesh in zip(values, found, points, strict=True):
        row[_SHARP], row[_BRIGHT], row[_CONTRAST] = look_of(one.face)
        row[_OUTSIDE] = outside(one.landmarks, one.size)
        # The picture ends no face that something covers.
        if one.tick % COVER_EVERY == 0 and outside(one.landmarks, one.size, LOWER) <= _MOST_OUTSIDE:
            row[_COVER] = covered_score(one.face, mesh)
        row[_SCALE], row[_SIDE] = one.scale, max(one.size[0] * one.widen[1], one.size[1] * one.widen[0])
        if one.widen != AS_IT_IS:
            # Pixels that were seen are fewer than those of the picture that was made wider.
            roll = np.radians(float(row[_ROLL]))
            row[[_WIDTH, _SIDE]] *= np.hypot(np.cos(roll) / one.widen[0], np.sin(roll) / one.widen[1])
    return values


@dataclass(frozen=True)
class FaceMeasures:
    """What is measured on the face of a person.

    Attributes:
        ticks: `(n,)`, those in which the face was found.
        values: Of each, those of `FACE`, in its order.
        quality: `(n,)`, accuracy that is expected, as a share of that of a good picture.
        reasons: `(n,)`, number of the worst of `REASONS`, -1 where the tick is usable.
        covered: Those ticks in which something covers its lower half.
    """

    ticks: NDArray[np.int64]
    values: list[tuple[float | None, ...]]
    quality: NDArray[np.float64]
    reasons: NDArray[np.int64]
    covered: list[int]


def measured(track: FaceTrack, persons: Mapping[int, int] | None = None) -> FaceMeasures | None:
    """Give what is measured on a face through the video; None where nothing was.

    Args:
        track: Of one person, or of several in turn.
        persons: The person of each track; None where they are of one.
    """
    if track.measures is None:
        return None
    seen = track.measures.astype(np.float64)
    whose = np.array([0 if persons is None else persons[i] for i in track.ids.tolist()])
    covered, blinking = np.zeros(len(seen), bool), np.zeros(len(seen))
    for person in np.unique(whose):
        # How far eyes are open, and what is in front of a face, is no measure of the next one.
        own = whose == person
        covered[own] = _covered(track.ticks[own], seen[own, _COVER])
        blinking[own] = _blinking(track.ticks[own], seen[own])
    each = qualities(
        seen[:, _WIDTH], seen[:, _SHARP], seen[:, _BRIGHT], seen[:, _CONTRAST], seen[:, _YAW],
        seen[:, _PITCH], seen[:, _OUTSIDE], covered,
    )  # fmt: skip
    quality = np.round(each.min(axis=1), 3)
    usable = quality >= USABLE
    width = seen[:, _WIDTH] * seen[:, _SCALE]
    columns = np.column_stack([
        seen[:, [_YAW, _PITCH, _ROLL]],
        seen[:, _SIDE] / np.maximum(seen[:, _WIDTH], 1.0),
        seen[:, _EXPRESSION],
        blinking,
        width, seen[:, [_SHARP, _BRIGHT, _CONTRAST, _OUTSIDE]], covered, quality, usable,
    ])  # fmt: skip
    assert columns.shape[1] == len(FACE)
    return FaceMeasures(
        track.ticks, [kept((*row, *NO_SOUND))[: len(FACE)] for row in columns.tolist()], quality,
        np.where(usable, -1, each.argmin(axis=1)), track.ticks[covered].tolist(),
    )  # fmt: skip


def _blinking(ticks: NDArray[np.int64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Tell the ticks in which the eyes are closed in a blink; no number where the face is too small."""
    closed = np.zeros(int(ticks[-1]) + 2)
    for first, last in blinks(ticks, seen[:, _EYES].mean(axis=1)):
        closed[first:last] = 1
    return np.where(seen[:, _WIDTH] < _LEAST_FOR_BLINKS_PX, np.nan, closed[ticks])


def _covered(ticks: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell the ticks around which most looks see a cover."""
    from emoview.face.covered import COVERED

    looked = np.flatnonzero(np.isfinite(scores))
    if not len(looked):
        return np.zeros(len(ticks), bool)
    seen = np.concatenate([[0], np.cumsum(scores[looked] > COVERED)])
    first = np.searchsorted(ticks[looked], ticks - _COVER_AROUND)
    last = np.searchsorted(ticks[looked], ticks + _COVER_AROUND, side="right")
    return np.asarray(2 * (seen[last] - seen[first]) > last - first)


class RowMeasures:
    """Puts the measures into rows.

    Args:
        faces: By person.
        sound: `(ticks, sounds)`, as in `emoview.voice.measures`; None without sound.
    """

    def __init__(self, faces: dict[int, FaceMeasures], sound: Floats | None) -> None:
        self._faces = {
            (person, tick): values
            for person, one in faces.items()
            for tick, values in zip(one.ticks.tolist(), one.values, strict=True)
        }
        none = (None,) * len(FACE)
        self._sound = [] if sound is None else [kept((*none, *row))[len(FACE) :] for row in sound.tolist()]

    def of(self, person: int | None, tick: int) -> Values:
        """Give the measures of a row."""
        face = NO_FACE if person is None else self._faces.get((person, tick), NO_FACE)
        return (*face, *(self._sound[tick] if tick < len(self._sound) else NO_SOUND))


def unusable(faces: FaceMeasures) -> dict[str, list[int]]:
    """Give the ticks that are not usable, by the worst reason."""
    return {
        reason: faces.ticks[faces.reasons == number].tolist()
        for number, reason in enumerate(REASONS)
        if (faces.reasons == number).any()
    }


def stretches(ticks: Sequence[int], *, within: int = 0) -> list[tuple[int, int]]:
    """Join ticks with no more than so many between: of each stretch the first, and the one after its last."""
    found: list[tuple[int, int]] = []
    for tick in ticks:
        if found and tick - found[-1][1] <= within:
            found[-1] = (found[-1][0], tick + 1)
        else:
            found.append((tick, tick + 1))
    return found
