"""The rules of late fusion: fitted on clips of actors whom the models had not seen, measured on others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.baseline import general
from emoview.fusion.late import LateFusion, fit_late_fusion, softmax
from emoview.fusion.personal import FACE_PERSONAL
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import GainFigures, LabelFigures, MeanFigures
from emoview.metrics.labels import measure_gain, measure_groups, measure_labels
from emoview.pipeline.inference import seven_labels
from emoview.timeline.labels import LABELS
from emoview.training.personal import PersonalFaces
from emoview.training.voice_folds import VoiceAnswers

RULES = {
    "face": ("face_cnn", "face_gru"),
    "voice": ("voice_tcn", "voice_clip"),
    "both": ("face_cnn", "face_gru", "voice_tcn", "voice_clip"),
}
"""The models that each late rule joins."""
RULES_WITH_BASELINE = {
    "face": (FACE_PERSONAL,),
    "voice": RULES["voice"],
    "both": (FACE_PERSONAL, *RULES["voice"]),
}
"""The same, of what is said relative to the person."""
VOICES = RULES["voice"]

_BASELINE, _FACE_BASELINE = "_baseline", "_face_baseline"
_FUSIONS = {"late_both": "", "early": "", f"late_both{_BASELINE}": _BASELINE}
"""What fuses both modalities, and what the names of the rules of one modality beside it end in."""


@dataclass(frozen=True)
class ClipTicks:
    """What every model says of the ticks of one clip in which there is a face.

    Attributes:
        speech: `(ticks,)`, whether somebody speaks.
        logits: By model, `(ticks, 7)` each.
    """

    speech: NDArray[np.bool_]
    logits: Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class ClipLogits:
    """What every model says of one clip.

    Attributes:
        label: Position in `LABELS`.
        actor: Who acts.
        logits: By model, `(7,)` each.
        stretches: `(stretches, n)` mean embeddings of the face; none where nobody was seen.
        ticks: The same of its ticks; None where they are not known.
    """

    label: int
    actor: str
    logits: Mapping[str, NDArray[np.float32]]
    stretches: NDArray[np.float32]
    ticks: ClipTicks | None = None


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
            int(label),
            str(person).removeprefix(f"{corpus}/"),
            {name: v[i] for name, v in seven.items()},
            np.zeros((0, 0), np.float32),
        )
        for i, (label, person) in enumerate(zip(told.seven, told.people, strict=True))
    ]


def usual(answers: Sequence[ClipLogits]) -> dict[str, NDArray[np.float64]]:
    """Give the mean logits `(7,)` of each network of the voice over actors."""
    means = [
        {model: np.mean([a.logits[model] for a in answers if a.actor == actor], axis=0) for model in VOICES}
        for actor in sorted({a.actor for a in answers})
    ]
    return {model: np.mean([mean[model] for mean in means], axis=0) for model in VOICES}


def relative(
    answers: Sequence[ClipLogits],
    usual: Mapping[str, NDArray[np.float64]],
    faces: PersonalFaces,
    *,
    without: Sequence[str] = (),
    voice: bool = True,
) -> list[ClipLogits]:
    """Say of each clip what is said relative to its actor, who is known by all other clips of the actor.

    Args:
        answers: All clips of some actors.
        usual: What is said of voices of people in general.
        faces: What says it of the face: of each actor by a layer that has seen neither the actor nor those
            `without` whom it is to be.
        without: Actors.
        voice: Whether what is said of the voice becomes relative, too.
    """
    result = list(answers)
    for actor in sorted({a.actor for a in answers}):
        own = [i for i, a in enumerate(answers) if a.actor == actor]
        for i, face in zip(own, faces.logits(without, actor), strict=True):
            logits = {FACE_PERSONAL: face, **{model: answers[i].logits[model] for model in VOICES}}
            for model in VOICES if voice else ():
                mean = general([answers[j].logits[model] for j in own if j != i], usual[model])
                logits[model] = np.asarray(logits[model] - mean, np.float32)
            result[i] = replace(answers[i], logits=logits)
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
        people: Of each late rule, actor by actor, by name.
    """

    models: dict[str, LabelFigures]
    gains: dict[str, GainFigures]
    people: dict[str, MeanFigures]

    @property
    def named(self) -> dict[str, LabelFigures | GainFigures]:
        """Models and gains by name, those of the gains ending in `_gain`."""
        return {**self.models, **{f"{name}_gain": gain for name, gain in self.gains.items()}}


def measure(
    answers: Sequence[ClipLogits], faces: PersonalFaces, voices: Sequence[ClipLogits] = ()
) -> FusionFigures:
    """Measure every model and rule on clips of unseen actors, and what it gains to fuse both modalities.

    The rules themselves are fitted leave-one-actor-out too.  Those whose name ends in `_baseline` know what
    the actor shows in general, from all other clips of the actor, without their labels; those that end in
    `_face_baseline` know it of the face alone.

    Args:
        answers: What was said of the clips.
        faces: What tells labels of the face relative to the person, prepared from the same clips.
        voices: What was said of further utterances, by speakers that are called as the actors if they are
            the same.  Where there are any, the rule of the voice alone, without a baseline, is fitted on
            them instead.
    """
    labels = np.array([a.label for a in answers])
    probabilities = {name: softmax(np.stack([a.logits[name] for a in answers])) for name in answers[0].logits}
    actors = sorted({a.actor for a in answers})
    joined: dict[str, NDArray[np.float64]] = {}
    for actor in actors:
        others, mine = _parted(answers, actor)
        place = [a.actor == actor for a in answers]
        for name, rule, taught, asked in _rules_without(actor, others, mine, faces, voices):
            fusion = fit_rule(taught, rule)
            said = fusion({model: np.stack([a.logits[model] for a in asked]) for model in rule})
            joined.setdefault(name, np.zeros((len(answers), len(LABELS))))[place] = softmax(said)
    probabilities |= joined
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
    people = [a.actor for a in answers]
    of_people = {name: measure_groups(values, labels, people, len(LABELS)) for name, values in joined.items()}
    return FusionFigures(figures, gains, of_people)


def _parted(answers: Sequence[ClipLogits], actor: str) -> tuple[list[ClipLogits], list[ClipLogits]]:
    return [a for a in answers if a.actor != actor], [a for a in answers if a.actor == actor]


def _rules_without(
    actor: str,
    others: list[ClipLogits],
    mine: list[ClipLogits],
    faces: PersonalFaces,
    voices: Sequence[ClipLogits],
) -> Iterator[tuple[str, tuple[str, ...], Sequence[ClipLogits], Sequence[ClipLogits]]]:
    """Give each rule by name: its models, what it is fitted on without an actor, and what it is asked."""
    for name, models in RULES.items():
        heard = [a for a in voices if a.actor != actor] if name == "voice" else []
        yield f"late_{name}", models, heard or others, mine
    means = usual(others)
    for suffix, voice in ((_BASELINE, True), (_FACE_BASELINE, False)):
        taught = relative(others, means, faces, without=[actor], voice=voice)
        asked = relative(mine, means, faces, voice=voice)
        for name, models in RULES_WITH_BASELINE.items():
            if voice or name == "both":
                yield f"late_{name}{suffix}", models, taught, asked
