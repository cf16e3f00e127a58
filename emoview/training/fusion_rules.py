"""The rules of late fusion: fitted on clips of actors whom the models had not seen, measured on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.baseline import general
from emoview.fusion.late import LateFusion, fit_late_fusion, softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import GainFigures, LabelFigures
from emoview.metrics.labels import measure_gain, measure_labels
from emoview.pipeline.inference import seven_labels
from emoview.timeline.labels import LABELS
from emoview.training.voice_folds import VoiceAnswers

RULES = {
    "face": ("face_cnn", "face_gru"),
    "voice": ("voice_tcn", "voice_clip"),
    "both": ("face_cnn", "face_gru", "voice_tcn", "voice_clip"),
}
"""The models that each late rule joins."""
MODELS = RULES["both"]

_BASELINE = "_baseline"
_FUSIONS = {"late_both": "", "early": "", f"late_both{_BASELINE}": _BASELINE}
"""What fuses both modalities, and what the names of the rules of one modality beside it end in."""


@dataclass(frozen=True)
class ClipLogits:
    """What every model says of one clip, by model, `(7,)` each."""

    label: int
    actor: str
    logits: Mapping[str, NDArray[np.float32]]


def fit_rule(answers: Sequence[ClipLogits], models: Sequence[str]) -> LateFusion:
    """Fit a late rule on what models said of actors they had not seen."""
    logits = {name: np.stack([a.logits[name] for a in answers]) for name in models}
    return fit_late_fusion(logits, np.array([a.label for a in answers]), [a.actor for a in answers])


def spoken(told: VoiceAnswers, *, corpus: str) -> list[ClipLogits]:
    """Give what the voice networks say of utterances the form of clips without a face.

    Args:
        told: Of speakers left out.
        corpus: Whose speakers act in the clips: they lose its name, so as to be called as there.
    """
    seven = {name: seven_labels(values) for name, values in told.logits.items()}
    return [
        ClipLogits(
            int(label), str(person).removeprefix(f"{corpus}/"), {name: v[i] for name, v in seven.items()}
        )
        for i, (label, person) in enumerate(zip(told.seven, told.people, strict=True))
    ]


def usual(answers: Sequence[ClipLogits]) -> dict[str, NDArray[np.float64]]:
    """Give the mean logits `(7,)` of each model over actors."""
    means = [
        {model: np.mean([a.logits[model] for a in answers if a.actor == actor], axis=0) for model in MODELS}
        for actor in sorted({a.actor for a in answers})
    ]
    return {model: np.mean([mean[model] for mean in means], axis=0) for model in MODELS}


def without_baseline(
    answers: Sequence[ClipLogits], usual: Mapping[str, NDArray[np.float64]]
) -> list[ClipLogits]:
    """Take away what is said of each actor in general: of a clip, what all others of its actor say."""
    result = []
    for i, answer in enumerate(answers):
        others = [a for j, a in enumerate(answers) if a.actor == answer.actor and j != i]
        logits = {
            model: np.asarray(
                answer.logits[model] - general([a.logits[model] for a in others], usual[model]), np.float32
            )
            for model in MODELS
        }
        result.append(replace(answer, logits=logits))
    return result


def early_scale(answers: Sequence[ClipLogits]) -> float:
    """Fit the number that the logits of early fusion are multiplied with to be calibrated."""
    return fit_scale(np.stack([a.logits["early"] for a in answers]), np.array([a.label for a in answers]))


@dataclass(frozen=True)
class FusionFigures:
    """What was measured on clips of unseen actors.

    Attributes:
        models: Of every model and rule, by name.
        gains: Of what fuses both modalities over the better rule of one, by name.
    """

    models: dict[str, LabelFigures]
    gains: dict[str, GainFigures]

    @property
    def named(self) -> dict[str, LabelFigures | GainFigures]:
        """All of it by name, those of the gains ending in `_gain`."""
        return {**self.models, **{f"{name}_gain": gain for name, gain in self.gains.items()}}


def measure(answers: Sequence[ClipLogits], voices: Sequence[ClipLogits] = ()) -> FusionFigures:
    """Measure every model and rule on clips of unseen actors, and what it gains to fuse both modalities.

    The rules themselves are fitted leave-one-actor-out too.  Those whose name ends in `_baseline` know what
    the networks say of the actor in general, from all other clips of the actor, without their labels.

    Args:
        answers: What was said of the clips.
        voices: What was said of further utterances, by speakers that are called as the actors if they are
            the same.  Where there are any, the rule of the voice alone, without a baseline, is fitted on
            them instead.
    """
    labels = np.array([a.label for a in answers])
    probabilities = {name: softmax(np.stack([a.logits[name] for a in answers])) for name in answers[0].logits}
    actors = sorted({a.actor for a in answers})
    for suffix in ("", _BASELINE):
        for rule, models in RULES.items():
            joined = np.zeros((len(answers), len(LABELS)))
            for actor in actors:
                others = [a for a in answers if a.actor != actor]
                mine = [a for a in answers if a.actor == actor]
                if suffix:
                    means = usual(others)
                    others, mine = without_baseline(others, means), without_baseline(mine, means)
                elif rule == "voice" and voices:
                    others = [a for a in voices if a.actor != actor]
                fusion = fit_rule(others, models)
                joined[[a.actor == actor for a in answers]] = softmax(
                    fusion({model: np.stack([a.logits[model] for a in mine]) for model in models})
                )
            probabilities[f"late_{rule}{suffix}"] = joined
    scaled = np.zeros((len(answers), len(LABELS)))
    for actor in actors:
        scale = early_scale([a for a in answers if a.actor != actor])
        for i, answer in enumerate(answers):
            if answer.actor == actor:
                scaled[i] = softmax(scale * answer.logits["early"])
    probabilities["early"] = scaled
    figures = {name: measure_labels(values, labels, LABELS) for name, values in probabilities.items()}
    gains = {}
    for name, suffix in _FUSIONS.items():
        better = max(
            (f"late_{rule}{suffix}" for rule in ("face", "voice")), key=lambda n: figures[n].uar.value
        )
        gains[name] = measure_gain(
            probabilities[name], probabilities[better], labels, [a.actor for a in answers], over=better
        )
    return FusionFigures(figures, gains)
