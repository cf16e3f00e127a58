"""How long expressions last: fitted on ticks of clips joined in pairs, and measured on actors left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.lasting import HIGHEST_SCALE, Lasting, fit_lasting
from emoview.fusion.late import LateFusion, log_softmax
from emoview.metrics.bootstrap import mean_figure
from emoview.metrics.calibration import error_of, fit_scale
from emoview.metrics.figures import TickFigures
from emoview.training.fusion_rules import RULES, ClipLogits, fit_rule

# In so many orders the clips of each actor are joined to fit and to measure.
_ORDERS = 3
# A rule is fitted on two actors or more, and says what it says of another.
_FEWEST_ACTORS = 3


class _Acted(Protocol):
    @property
    def actor(self) -> str | None: ...
    @property
    def label(self) -> int | str: ...


Clip = TypeVar("Clip", bound=_Acted)


def pairs_of(clips: Sequence[Clip], seed: int) -> list[tuple[Clip, Clip]]:
    """Pair clips of one actor that show different labels, each once at most, in a random order."""
    random = np.random.default_rng(seed)
    pairs = []
    for actor in sorted({clip.actor for clip in clips if clip.actor is not None}):
        left = [clip for clip in clips if clip.actor == actor]
        left = [left[i] for i in random.permutation(len(left))]
        while left:
            one = left.pop()
            fitting = next((i for i, clip in enumerate(left) if clip.label != one.label), None)
            if fitting is not None:
                pairs.append((one, left.pop(fitting)))
    return pairs


@dataclass(frozen=True)
class _Pair:
    """Two clips behind each other: logits of both and of the face `(ticks, 7)`, and labels `(ticks,)`."""

    actor: str
    logits: NDArray[np.float64]
    face: NDArray[np.float64]
    labels: NDArray[np.int64]


def lasting_of(answers: Sequence[ClipLogits]) -> Lasting | None:
    """Fit how long labels last, on ticks of which rules speak that have not seen the actor.

    None where there are too few actors, or none has two clips with different labels.
    """
    pairs = _pairs(answers, _rules(answers))
    return _fitted(pairs) if pairs else None


def measure_ticks(answers: Sequence[ClipLogits]) -> TickFigures | None:
    """Measure ticks of joined pairs, everything fitted without the actor; None with too few of them."""
    said, pairs = [], _pairs(answers, _rules(answers))
    for actor in sorted({pair.actor for pair in pairs}):
        others = [a for a in answers if a.actor != actor]
        known = _pairs(others, _rules(others))
        if not known:
            return None
        lasting = _fitted(known)
        said += [(lasting(pair.logits), pair.labels) for pair in pairs if pair.actor == actor]
    return tick_figures(said) if said else None


def tick_figures(said: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> TickFigures:
    """Measure probabilities `(ticks, 7)` of recordings against labels `(ticks,)` of each."""
    chosen = [(probabilities.argmax(axis=1), labels) for probabilities, labels in said]
    right = [label == truth for label, truth in chosen]
    confidence = np.concatenate([probabilities.max(axis=1) for probabilities, _ in said])
    return TickFigures(
        len(said),
        mean_figure(np.array([100 * one.mean() for one in right])),
        mean_figure(np.array([(np.diff(label) != 0).sum() for label, _ in chosen], np.float64)),
        round(error_of(confidence, np.concatenate(right)), 4),
    )


def _fitted(pairs: Sequence[_Pair]) -> Lasting:
    """Fit how often labels change on both, and how sure that is on both and the face, for both are shown."""
    lasting = fit_lasting([pair.logits for pair in pairs], [pair.labels for pair in pairs])
    plain = replace(lasting, scale=1.0)
    said = [np.log(plain(logits)) for pair in pairs for logits in (pair.logits, pair.face)]
    right = [labels for pair in pairs for labels in (pair.labels, pair.labels)]
    # Of too few clips anything can be told, and no number is high enough.
    scale = min(fit_scale(np.concatenate(said), np.concatenate(right)), HIGHEST_SCALE)
    return replace(lasting, scale=scale)


def _rules(answers: Sequence[ClipLogits]) -> Mapping[str, Mapping[str, LateFusion]]:
    """Fit the rules of the face, and of both, without each actor."""
    actors = {a.actor for a in answers}
    if len(actors) < _FEWEST_ACTORS:
        return {}
    return {
        actor: {
            name: fit_rule([a for a in answers if a.actor != actor], RULES[name]) for name in ("face", "both")
        }
        for actor in actors
    }


def _pairs(answers: Sequence[ClipLogits], rules: Mapping[str, Mapping[str, LateFusion]]) -> list[_Pair]:
    """Join what is said of the ticks of clips, end to end."""
    seen = [a for a in answers if a.ticks is not None and len(a.ticks.speech) and a.actor in rules]
    result = []
    for seed in range(_ORDERS):
        for pair in pairs_of(seen, seed):
            both, face = zip(*(_ticks(one, rules[one.actor]) for one in pair), strict=True)
            labels = [np.full(len(own), one.label) for own, one in zip(both, pair, strict=True)]
            result.append(
                _Pair(pair[0].actor, np.concatenate(both), np.concatenate(face), np.concatenate(labels))
            )
    return result


def _ticks(
    clip: ClipLogits, rules: Mapping[str, LateFusion]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give what is said of the ticks with a face: by both where somebody speaks, and by the face alone."""
    assert clip.ticks is not None
    said = {name: log_softmax(rules[name](clip.ticks.logits)) for name in ("face", "both")}
    return np.where(clip.ticks.speech[:, None], said["both"], said["face"]), said["face"]
