"""What one person shows in general, taken away from what a recording shows.

A face at rest looks sad on one person and angry on the next, and so do voices sound.  Of people whom no
model has seen this is the greatest part of the error, and it goes with the person's own mean: normalisation
by speaker (Busso et al. 2013, IEEE Transactions on Affective Computing 4, 386-397), which users of facial
coding know as calibration to the participant.  Of the voice it is taken from what the networks say, of the
face from the embeddings, see `emoview.fusion.personal`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

from emoview.common.stored import read_json
from emoview.errors import InputError
from emoview.fusion.late import Logits
from emoview.fusion.personal import Person
from emoview.timeline.labels import LABELS

Floats = NDArray[np.float64]

KIND = "emoview baseline"
ENOUGH = 8
"""So many recordings make a baseline that is worth having; see docs/experiments.md."""
PRIOR = 2.0
"""So many recordings what is usual of people counts for, beside those of the person."""

_Logits = Annotated[
    tuple[Annotated[float, Meta(ge=-1e6, le=1e6)], ...], Meta(min_length=len(LABELS), max_length=len(LABELS))
]
_VERSION = 2
"""Of the file; those without a version hold no face."""
_MOST_VALUES = 4096
_Value = Annotated[float, Meta(ge=-1e6, le=1e6)]
_Positive = Annotated[float, Meta(ge=1e-6, le=1e6)]
_Length = Meta(min_length=1, max_length=_MOST_VALUES)


class _StoredFace(Struct):
    """What the face usually shows, as in `Person`."""

    mean: Annotated[tuple[_Value, ...], _Length]
    scale: Annotated[tuple[_Positive, ...], _Length]
    stretches: Annotated[int, Meta(ge=0)]


class _Stored(Struct):
    """The form of a baseline's file."""

    kind: Literal["emoview baseline"]
    weights: str
    recordings: dict[str, Annotated[int, Meta(ge=0)]]
    logits: dict[str, _Logits]
    version: int = 1
    face: _StoredFace | None = None


def general(recordings: Sequence[Logits], usual: Logits) -> Floats:
    """Estimate what a model says of a person in general.

    Args:
        recordings: `(7,)` logits of each recording of the person.
        usual: `(7,)`, their mean over people.
    """
    total = np.sum(recordings, axis=0) if len(recordings) else 0.0
    return np.asarray((total + PRIOR * np.asarray(usual)) / (len(recordings) + PRIOR), np.float64)


@dataclass(frozen=True)
class Baseline:
    """What a person shows in general.

    Attributes:
        weights: SHA-256 of the file with the rules of fusion that it was made with.
        recordings: By model, from how many of the person it was made.
        logits: By network of the voice, `(7,)`; of those that could be asked.
        face: What the face usually shows; None where none was seen.
    """

    weights: str
    recordings: Mapping[str, int]
    logits: Mapping[str, Floats]
    face: Person | None = None

    @classmethod
    def read(cls, file: Path, weights: str) -> Baseline:
        """Read what `text` gave.

        Raises:
            InputError: The file is no baseline, or was made with other weights or by a later version.
        """
        stored = read_json(file, _Stored, "make one with emoview baseline")
        logits = {name: np.array(values, np.float64) for name, values in stored.logits.items()}
        face = stored.face
        if stored.version > _VERSION or (face is not None and len(face.mean) != len(face.scale)):
            raise InputError(f"{file} is of another version of emoview: make it again with emoview baseline")
        person = None
        if face is not None:
            person = Person(np.array(face.mean), np.array(face.scale), face.stretches)
        baseline = cls(stored.weights, stored.recordings, logits, person)
        if baseline.weights != weights:
            raise InputError(f"{file} was made with other weights: make it again with emoview baseline")
        return baseline

    @property
    def text(self) -> str:
        """What is kept in a file."""
        logits = {name: [round(float(v), 5) for v in values] for name, values in self.logits.items()}
        stored: dict[str, Any] = {
            "kind": KIND, "version": _VERSION, "weights": self.weights,
            "recordings": dict(self.recordings), "labels": LABELS, "logits": logits,
        }  # fmt: skip
        if self.face is not None:
            mean, scale = (
                [round(float(v), 6) for v in values] for values in (self.face.mean, self.face.scale)
            )
            stored["face"] = {"mean": mean, "scale": scale, "stretches": self.face.stretches}
        return json.dumps(stored, indent=2) + "\n"

    def require(self, kind: str) -> None:
        """See to it that it holds the models of the `face`, or of the `voice`.

        Raises:
            InputError: It does not.
        """
        there = self.face is not None if kind == "face" else bool(self.logits)
        if not there:
            rest, what = ("voice", "a face") if kind == "face" else ("face", "speech")
            raise InputError(
                f"the baseline holds no {kind}: make it from recordings with {what}, "
                f"or ask for the {rest} alone with --modality {rest}"
            )

    def removed(self, logits: Mapping[str, Logits]) -> dict[str, Logits]:
        """Take it away from `(..., 7)` logits of each network of the voice."""
        return {
            name: values - self.logits[name] if name in self.logits else values
            for name, values in logits.items()
        }
