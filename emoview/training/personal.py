"""Fitting what tells labels of a face relative to the person: on clips of actors, of each against the others.

Whatever is said of an actor is said by a layer that has not seen the actor, with the person learned from
the actor's other clips, without their labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.late import log_softmax
from emoview.fusion.personal import People, Person, PersonalFace
from emoview.timeline.labels import LABELS

Floats = NDArray[np.float64]

# Of the pull towards the face network's own last layer, see docs/experiments.md.
_STRENGTH: Final = 0.2


@dataclass(frozen=True)
class Shown:
    """A clip as the layer sees it.

    Attributes:
        actor: Who acts.
        label: Position in `LABELS`.
        stretches: `(stretches, n)` mean embeddings; none where no face was found.
    """

    actor: str
    label: int
    stretches: NDArray[np.float32]


@dataclass
class PersonalFaces:
    """Layers fitted without some actors, each once.

    Attributes:
        clips: All clips.
        start: `(n, 7)`, the last layer of the face network.
    """

    clips: Sequence[Shown]
    start: Floats
    _fitted: dict[frozenset[str], PersonalFace] = field(default_factory=dict)

    def without(self, *actors: str) -> PersonalFace:
        """Give the layer that has not seen some actors."""
        left_out = frozenset(actors)
        if left_out not in self._fitted:
            self._fitted[left_out] = fit_personal_face(
                [clip for clip in self.clips if clip.actor not in left_out], self.start
            )
        return self._fitted[left_out]

    def logits(self, without: Sequence[str], of: str) -> list[NDArray[np.float32]]:
        """Give `(7,)` logits of every clip of an actor, said by the layer without some, and without this one.

        Of a clip without a face they are zero.
        """
        layer = self.without(of, *without)
        own = [clip for clip in self.clips if clip.actor == of]
        nothing = np.zeros(len(LABELS), np.float32)
        return [
            layer(clip.stretches.mean(axis=0), _person(own, i, layer.people))
            if len(clip.stretches)
            else nothing
            for i, clip in enumerate(own)
        ]


def fit_personal_face(clips: Sequence[Shown], start: Floats) -> PersonalFace:
    """Fit the layer: logistic regression on centred, scaled embeddings, drawn towards `start`, `(n, 7)`.

    A label without clips keeps what it has in `start`.
    """
    clips = [clip for clip in clips if len(clip.stretches)]
    people = _people(clips)
    by_actor: dict[str, list[Shown]] = {}
    for clip in clips:
        by_actor.setdefault(clip.actor, []).append(clip)
    rows, targets = [], []
    for own in by_actor.values():
        for i, clip in enumerate(own):
            person = _person(own, i, people)
            rows.append((clip.stretches.mean(axis=0) - person.mean) / person.scale)
            targets.append(clip.label)
    scale = np.sqrt(people.variance) + people.floor
    drawn = start * scale[:, None]
    seen = np.unique(targets)
    drawn = drawn - drawn[:, seen].mean(axis=1, keepdims=True)
    kernel, bias = drawn.copy(), np.zeros(len(LABELS))
    kernel[:, seen], bias[seen] = _fitted(np.stack(rows), np.searchsorted(seen, targets), drawn[:, seen])
    bias[seen] -= bias[seen].mean()
    return PersonalFace(people, kernel, bias)


def last_layer(embeddings: NDArray[np.float32], logits: NDArray[np.float32]) -> Floats:
    """Find the kernel `(n, 7)` by which a network's `(m, 7)` logits follow from its `(m, n)` embeddings."""
    constant = np.ones((len(embeddings), 1))
    values = np.concatenate([np.asarray(embeddings, np.float64), constant], axis=1)
    return np.asarray(np.linalg.lstsq(values, np.asarray(logits, np.float64), rcond=1e-6)[0][:-1])


def stored_layer(layer: PersonalFace) -> dict[str, Any]:
    """Give what is stored of a layer."""
    arrays = {"mean": layer.people.mean, "variance": layer.people.variance, "kernel": layer.kernel}
    stored: dict[str, Any] = {name: np.round(values, 6).tolist() for name, values in arrays.items()}
    return {**stored, "bias": np.round(layer.bias, 5).tolist()}


def _person(own: Sequence[Shown], left_out: int, people: People) -> Person:
    """Describe who acts in some clips by all but one."""
    width = len(people.mean)
    others = [clip.stretches for i, clip in enumerate(own) if i != left_out]
    return people.person(np.concatenate([np.zeros((0, width)), *others]))


def _people(clips: Sequence[Shown]) -> People:
    means, variances = [], []
    for actor in sorted({clip.actor for clip in clips}):
        own = np.stack([clip.stretches.mean(axis=0) for clip in clips if clip.actor == actor])
        means.append(own.mean(axis=0, dtype=np.float64))
        variances.append(own.var(axis=0, dtype=np.float64))
    return People(np.mean(means, axis=0), np.mean(variances, axis=0) + 1e-6)


def _fitted(values: Floats, target: NDArray[np.int64], drawn: Floats) -> tuple[Floats, Floats]:
    from scipy.optimize import minimize

    count, width = values.shape
    labels = drawn.shape[1]
    hot = np.eye(labels)[target]

    def loss(flat: Floats) -> tuple[float, Floats]:
        kernel, bias = flat[:-labels].reshape(width, labels), flat[-labels:]
        likelihood = log_softmax(values @ kernel + bias)
        error = (np.exp(likelihood) - hot) / count
        apart = kernel - drawn
        value = _STRENGTH * np.square(apart).sum() - (likelihood * hot).sum() / count
        by_kernel = values.T @ error + 2 * _STRENGTH * apart
        return float(value), np.concatenate([by_kernel.ravel(), error.sum(axis=0)])

    start = np.concatenate([drawn.ravel(), np.zeros(labels)])
    best = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return best[:-labels].reshape(width, labels), best[-labels:]
