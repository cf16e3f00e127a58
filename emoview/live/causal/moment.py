"""What is known at one tick, and the rows of the timeline that follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.labels import Naming
from emoview.timeline.results import FaceBox, Probabilities, Row

_DECIMALS = 6

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FaceNow:
    """A face at one tick.

    Attributes:
        face_id: Its track.
        box: Where it is, in pixels of the picture as shown.
        outline: `(n, 2)`, points around the face and on its parts, in pixels of the picture as shown.
        face: Probabilities from the face alone.
        fused: Probabilities from the face, and from the voice where it belongs to this face.
        valence: In [-1, 1].
        arousal: In [-1, 1].
        speaks: Whether the voice belongs to this face, and somebody speaks.
    """

    face_id: int
    box: FaceBox
    outline: NDArray[np.float32]
    face: Probabilities
    fused: Probabilities
    valence: float
    arousal: float
    speaks: bool


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known at one tick.

    Attributes:
        tick: Its number.
        faces: All faces in the picture, by their track.
        chosen: Tracks of those that get rows.
        main: The track that the voice belongs to; None without faces.
        speech: Whether somebody speaks.
        voice: Probabilities from the voice; None where nobody speaks or nothing can be said yet.
        affect: Valence and arousal of the voice alone; None without `voice`.
        level_db: Level of the sound below full scale; None without sound.
    """

    tick: int
    faces: tuple[FaceNow, ...]
    chosen: frozenset[int]
    main: int | None
    speech: bool
    voice: Probabilities | None
    affect: tuple[float, float] | None
    level_db: float | None


def rows_of(moment: Moment, naming: Naming) -> Iterator[Row]:
    """Give the rows of a tick, as an analysis of a file has them: one a chosen face, or one without."""
    found = [face for face in moment.faces if face.face_id in moment.chosen]
    for face in found:
        voice = moment.voice if face.face_id == moment.main else None
        yield Row(
            moment.tick, face.face_id, face.box, face.face, voice, face.fused, face.valence, face.arousal,
            naming, speaking=face.speaks,
        )  # fmt: skip
    if found:
        return
    if moment.voice is None or moment.affect is None:
        yield Row(moment.tick, naming=naming)
    else:
        yield Row(moment.tick, None, None, None, moment.voice, moment.voice, *moment.affect, naming)


def rounded(values: Floats) -> tuple[float, ...]:
    """Round to the digits that rows hold."""
    return tuple(round(float(value), _DECIMALS) for value in values)


def recency(ages: NDArray[np.float64], ticks: float) -> Floats:
    """Weigh what is known by its age: `exp(-age / ticks)`, so scaled that the weights sum to 1.

    Args:
        ages: `(n,)`, in ticks, at least one.
        ticks: After how many a weight has fallen to a third; 0 takes the newest alone.
    """
    if ticks <= 0:
        newest = ages == ages.min()
        return np.asarray(newest / newest.sum(), np.float64)
    weights = np.exp(-(ages - ages.min()) / ticks)
    return np.asarray(weights / weights.sum(), np.float64)
