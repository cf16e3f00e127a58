"""A person's own range: embeddings of the face, centred and scaled by what that person usually shows.

Of the differences between mean embeddings of strangers more lies between people than between labels, and a
person's mean and spread take most of it away: normalisation by speaker (Busso et al. 2013, IEEE Transactions
on Affective Computing 4, 386-397), for faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = NDArray[np.floating[Any]]

FACE_PERSONAL: Final = "face_personal"
"""What `PersonalFace` is called beside the networks."""
STRETCH_TICKS: Final = 75
"""About so many ticks of a face, three seconds, are one observation of a person."""

# Chosen leave-one-actor-out over 1 to 23 clips of a person, see docs/experiments.md.
_PRIOR_OF_MEAN, _PRIOR_OF_SPREAD = 0.5, 2.0
_FLOOR = 0.3


@dataclass(frozen=True)
class Person:
    """What a person's face usually shows.

    Attributes:
        mean: `(n,)`, of the embeddings.
        scale: `(n,)`, what differences from it are divided by.
        stretches: Observations that it was learned from.
    """

    mean: Floats
    scale: Floats
    stretches: int


@dataclass(frozen=True)
class People:
    """How the embeddings of people differ.

    Attributes:
        mean: `(n,)`, over people.
        variance: `(n,)`, within a person, of the means of stretches.
    """

    mean: Floats
    variance: Floats

    def person(self, stretches: Values) -> Person:
        """Describe a person by the mean embeddings `(stretches, n)` of stretches, maybe none.

        Mean and variance are drawn towards those of people, the less the more stretches there are.  Of few
        the mean is uncertain: the scale grows with it.
        """
        count = len(stretches)
        values = np.asarray(stretches, np.float64)
        mean = (values.sum(axis=0) + _PRIOR_OF_MEAN * self.mean) / (count + _PRIOR_OF_MEAN)
        squares = np.square(values - mean).sum(axis=0)
        variance = (squares + _PRIOR_OF_SPREAD * self.variance) / (count + _PRIOR_OF_SPREAD)
        unsure = np.sqrt(1 + 1 / (count + _PRIOR_OF_MEAN))
        return Person(mean, (np.sqrt(variance) + self.floor) * unsure, count)

    @property
    def floor(self) -> float:
        """What is added to every deviation: a value that hardly varies must not explode."""
        return float(_FLOOR * np.sqrt(self.variance).mean())

    def variety(self, stretches: Values) -> float:
        """Compare the variance of a person's stretches with that of people who show six labels alike."""
        return float(np.var(stretches, axis=0, dtype=np.float64).sum() / self.variance.sum())


@dataclass(frozen=True)
class PersonalFace:
    """Labels of a face, relative to what that person usually shows.

    Attributes:
        people: People in general.
        kernel: `(n, 7)`.
        bias: `(7,)`.
    """

    people: People
    kernel: Floats
    bias: Floats

    def __call__(self, embeddings: Values, person: Person) -> NDArray[np.float32]:
        """Give logits `(..., 7)` of embeddings `(..., n)`; those of a mean are the mean of those of ticks."""
        kernel = self.kernel / person.scale[:, None]
        offset = self.bias - person.mean @ kernel
        return np.asarray(embeddings @ kernel.astype(np.float32) + offset.astype(np.float32), np.float32)


def stretches_of(values: Values, of: NDArray[np.int64] | None = None) -> NDArray[np.float32]:
    """Give mean embeddings `(stretches, n)` of stretches, as long as each other, of a recording.

    Args:
        values: `(m, n)` embeddings.
        of: `(ticks,)`, which of them is that of each tick; None where they are those of the ticks.
    """
    of = np.arange(len(values)) if of is None else of
    parts = np.array_split(of, max(1, round(len(of) / STRETCH_TICKS)))
    return np.stack([values[part].mean(axis=0, dtype=np.float32) for part in parts])
