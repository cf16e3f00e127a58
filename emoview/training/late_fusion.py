"""Late fusion of any set of models, of this run or of several, that spoke about the same clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.datasets.splits import Indices, folds_by_group, leave_one_group_out
from emoview.errors import InputError
from emoview.fusion.late import softmax
from emoview.fusion.rules import REGRESSION, RULES
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import measure_labels
from emoview.networks.runs import told_apart
from emoview.timeline.labels import LABELS

PREDICTIONS_FILE = "predictions.npz"

_PREFIX = "logits "
_AGAIN = "train the run again"


@dataclass(frozen=True)
class Predictions:
    """What models said of clips that they had not seen.

    Attributes:
        clips: `(n,)` paths within the data set.
        labels: `(n,)`.
        actors: `(n,)`.
        logits: `(n, 7)` of each model, by name.
    """

    clips: tuple[str, ...]
    labels: NDArray[np.int64]
    actors: tuple[str, ...]
    logits: Mapping[str, NDArray[np.float32]]

    def select(self, index: Indices) -> Predictions:
        """Keep some clips; `logits` holds those alone already."""
        return Predictions(
            tuple(self.clips[i] for i in index), self.labels[index],
            tuple(self.actors[i] for i in index), self.logits,
        )  # fmt: skip

    def save(self, run: Path) -> None:
        """Store them in a run folder."""
        partial = run / f"partial-{PREDICTIONS_FILE}"
        named = {f"{_PREFIX}{name}": values for name, values in self.logits.items()}
        np.savez(partial, clips=self.clips, labels=self.labels, actors=self.actors, **named)
        partial.replace(run / PREDICTIONS_FILE)


def read_predictions(runs: Sequence[Path]) -> Predictions:
    """Read the predictions of several runs about the same clips.

    Models of several runs are called RUN/NETWORK.

    Raises:
        InputError: A run has none, is named twice, or they are about other clips.
    """
    first: Predictions | None = None
    logits: dict[str, NDArray[np.float32]] = {}
    for run, called in zip(runs, told_apart(runs), strict=True):
        file = run / PREDICTIONS_FILE
        if not file.exists():
            raise InputError(f"{run} has no {PREDICTIONS_FILE}: name runs of networks over clips")
        one = _predictions(file)
        first = first or one
        if one.clips != first.clips or (one.labels != first.labels).any():
            raise InputError(
                f"{run} and {runs[0]} have predictions for different clips: fuse runs on the same data"
            )
        for name, values in one.logits.items():
            logits[name if len(runs) == 1 else f"{called}/{name}"] = values
    if first is None:
        raise InputError("name at least one run")
    return Predictions(first.clips, first.labels, first.actors, logits)


def _predictions(file: Path) -> Predictions:
    arrays = read_arrays(file, _AGAIN)
    clips = arrays.need("clips", "U", (None,))
    actors = arrays.need("actors", "U", clips.shape)
    labels = arrays.need("labels", "iu", clips.shape).astype(np.int64)
    if len(clips) == 0 or labels.min() < 0 or labels.max() >= len(LABELS):
        raise InputError(f"{file} is damaged at labels (other values are kept there): {_AGAIN}")
    logits = {
        name.removeprefix(_PREFIX): arrays.need(name, "f", (len(clips), len(LABELS))).astype(np.float32)
        for name in arrays.values
        if name.startswith(_PREFIX)
    }
    if not logits:
        raise InputError(f"{file} is damaged (it holds no logits): {_AGAIN}")
    return Predictions(tuple(map(str, clips)), labels, tuple(map(str, actors)), logits)


def single_models(predictions: Predictions, models: Sequence[str]) -> dict[str, LabelFigures]:
    """Measure each model alone."""
    labels, people = predictions.labels, predictions.actors
    return {
        name: measure_labels(softmax(predictions.logits[name]), labels, LABELS, people=people)
        for name in models
    }


def late_fusions(predictions: Predictions, models: Sequence[str]) -> dict[str, LabelFigures]:
    """Measure every rule over some models.

    What a rule learns, it learns from the clips of other actors; where every clip has an actor of its
    own, from four fifths of the clips.  The linear regression learns in five folds of actors in any case, as
    published.
    """
    logits = np.stack([predictions.logits[name] for name in models])
    actors = predictions.actors
    few = len(set(actors)) <= len(actors) // 2
    in_five = folds_by_group(actors, min(5, len(set(actors))), 1)
    by_actor = leave_one_group_out(actors) if few else in_five
    result = {}
    for name, rule in RULES.items():
        joined = np.zeros((len(predictions.labels), len(LABELS)))
        for known, asked in in_five if name == REGRESSION else by_actor:
            joined[asked] = rule(logits[:, known], predictions.labels[known], logits[:, asked])
        result[name] = measure_labels(joined, predictions.labels, LABELS, people=actors)
    return result
