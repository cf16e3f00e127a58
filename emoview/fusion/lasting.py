"""Probabilities of ticks by a model that knows how long expressions last.

A hidden Markov model (Rabiner 1989, Proc. IEEE 77, 257-286) whose states are the labels: from one tick to
the next a label stays, or gives way to any other with the same probability.  What is said of a tick counts a
part, since neighbouring ticks say much the same.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.late import log_softmax, softmax

Floats = NDArray[np.float64]

HIGHEST_SCALE: Final = 2.0
# Within these the numbers mean something; nothing was ever fitted near them.
_RANGES = ((1e-4, 2.0), (1e-7, 0.5), (1e-3, HIGHEST_SCALE))
# Ticks within 0.4 s say much the same.  Fitted with the rest, this number says which of two bad models the
# likelihood likes better; on joined clips it was the best of six (docs/experiments.md).
_WEIGHT = 0.1
# Change and scale to begin with.
_START = (0.045, 0.47)
_LEAST = 1e-200


@dataclass(frozen=True)
class Lasting:
    """How long labels last, how far a tick counts, and how sure that is.

    Attributes:
        weight: What log-probabilities of a tick are multiplied with before the model.
        change: Probability that a label gives way to another from one tick to the next.
        scale: What log-probabilities are multiplied with after the model, to be calibrated.

    Raises:
        ValueError: A number is none that could have been fitted.
    """

    weight: float
    change: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse what was not fitted."""
        for value, (low, high) in zip(astuple(self), _RANGES, strict=True):
            if not low <= value <= high:
                raise ValueError(f"{value} is not from {low} to {high}")

    def __call__(self, logits: Floats) -> Floats:
        """Give the probabilities of all ticks, `(n, labels)`, from logits of each by itself.

        Each follows from all ticks, those before and those after it (forward-backward).
        """
        count, labels = logits.shape
        # In about as many runs as a run has ticks, so that the runs can be worked through together.
        length = max(1, math.isqrt(count))
        runs = -(-count // length)
        flat = np.zeros((runs * length, labels))
        flat[:count] = logits
        # A tick of all runs side by side: `(ticks, labels, runs)`.
        seen = self._seen(flat.reshape(runs, length, labels).transpose(1, 2, 0))
        states = self._states(seen, *self._between(seen))
        both = states.transpose(2, 0, 1).reshape(-1, labels)[:count]
        return softmax(self.scale * np.log(both))

    def of_many(self, logits: Floats) -> Floats:
        """Do so for several recordings of one length, `(ticks, labels, recordings)`; give log-probabilities.

        Logits that are all 0 say nothing, as behind the end of a shorter one.
        """
        alike = np.full(logits.shape[1:], 1 / logits.shape[1])
        states = self._states(self._seen(logits), alike, alike)
        return np.moveaxis(log_softmax(np.moveaxis(self.scale * np.log(states), 1, -1)), -1, 1)

    def _seen(self, logits: Floats) -> Floats:
        return np.ascontiguousarray(np.exp(self.weight * (logits - logits.max(axis=1, keepdims=True))))

    def _states(self, seen: Floats, before: Floats, after: Floats) -> Floats:
        """Give, up to a factor, how probable each label is at each tick of each run."""
        past, future = np.empty_like(seen), np.empty_like(seen)
        for k in range(len(seen)):
            before = _normal(self._moved(before) * seen[k])
            past[k] = before
        for k in reversed(range(len(seen))):
            future[k] = after
            after = _normal(self._moved(after * seen[k]))
        return np.maximum(past * future, _LEAST)

    def _between(self, seen: Floats) -> tuple[Floats, Floats]:
        """Give, `(labels, runs)`, what all runs before each say, and what all runs after it say."""
        length, labels, runs = seen.shape
        # What becomes of each label (second axis) in a run.
        through = np.repeat(np.eye(labels)[:, :, None], runs, axis=2)
        for k in range(length):
            through = self._moved(through) * seen[k, :, None]
            through /= through.sum(axis=(0, 1))
        before, after = np.full((2, labels, runs), 1 / labels)
        for run in range(1, runs):
            before[:, run] = _normal(through[:, :, run - 1] @ before[:, run - 1])
            after[:, -run - 1] = _normal(after[:, -run] @ through[:, :, -run])
        return before, after

    def _moved(self, values: Floats) -> Floats:
        """Go on by one tick, `(labels, ...)`; the same in both directions."""
        other = self.change / (len(values) - 1)
        stays = 1 - self.change - other
        return np.asarray(stays * values + other * values.sum(axis=0), np.float64)


def fit_lasting(logits: Sequence[Floats], labels: Sequence[NDArray[np.int64]]) -> Lasting:
    """Fit how often labels change, and the scale, by the likelihood of the labels of ticks.

    Args:
        logits: Of the ticks of recordings in which labels change, `(n, labels)` each.
        labels: `(n,)` of each.
    """
    from scipy.optimize import minimize

    longest = max(map(len, logits))
    side = np.stack([np.pad(one, ((0, longest - len(one)), (0, 0))) for one in logits], axis=-1)
    tick, which = np.concatenate(
        [(np.arange(len(own)), np.full(len(own), i)) for i, own in enumerate(labels)], axis=1
    )
    right = np.concatenate(list(labels))
    low, high = np.array(_RANGES[1:]).T

    def model(numbers: Floats) -> Lasting:
        return Lasting(_WEIGHT, *np.clip(np.exp(numbers), low, high).tolist())

    def loss(numbers: Floats) -> float:
        return float(-model(numbers).of_many(side)[tick, right, which].mean())

    start = np.log(_START)
    options = {"initial_simplex": start + np.eye(3, 2), "xatol": 0.02, "fatol": 1e-5, "maxiter": 100}
    return model(minimize(loss, start, method="Nelder-Mead", options=options).x)


def _normal(values: Floats) -> Floats:
    return np.asarray(values / values.sum(axis=0), np.float64)
