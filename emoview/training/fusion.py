"""Training and measuring of the temporal face network, early fusion and late fusion on clips.

Everything is measured leave-one-actor-out: whatever is said of an actor's clips was learned from others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.fusion.baseline import general
from emoview.fusion.early import early_input
from emoview.fusion.late import LateFusion, fit_late_fusion, softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import GainFigures, LabelFigures
from emoview.metrics.labels import measure_gain, measure_labels
from emoview.networks.shipped import build_early_fusion, build_face_gru
from emoview.pipeline.evidence import SequenceLogits
from emoview.pipeline.inference import run_faces, run_sequence, run_speech, run_windows, seven_labels
from emoview.pipeline.voice import heard_ticks
from emoview.timeline.labels import LABELS
from emoview.training.clips import Clip
from emoview.training.voice import pad
from emoview.training.voice_folds import VoiceAnswers

Arrays = tuple[NDArray[np.float32], NDArray[np.bool_]]

_LONGEST = 100

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
class Described:
    """A clip as the fusion sees it: everything that networks which have not seen its actor say.

    Attributes:
        actor: Who acts.
        label: Position in `LABELS`.
        present: `(faces,)`, ticks with a face.
        embeddings: `(faces, 256)`.
        face_logits: `(faces, 7)`, of the face network.
        speech: `(ticks,)`.
        voice_tcn: Nine labels.
        voice_clip: Nine labels.
    """

    actor: str
    label: int
    present: NDArray[np.int64]
    embeddings: NDArray[np.float32]
    face_logits: NDArray[np.float32]
    speech: NDArray[np.bool_]
    voice_tcn: SequenceLogits
    voice_clip: SequenceLogits

    def early_input(self, voice: Described | None, *, face: bool = True) -> NDArray[np.float32]:
        """Make the input of early fusion, with the voice of a clip (its own, another's, or none)."""
        ticks = max(int(self.present.max(initial=0)) + 1, len(self.speech))
        embeddings = np.zeros((ticks, self.embeddings.shape[1]), np.float32)
        has_face = np.zeros(ticks, bool)
        if face:
            embeddings[self.present] = self.embeddings
            has_face[self.present] = True
        logits = np.zeros((ticks, 9), np.float32)
        speech = np.zeros(ticks, bool)
        if voice is not None:
            length = min(ticks, len(voice.speech))
            logits[:length] = voice.voice_tcn.ticks[:length]
            speech[:length] = voice.speech[:length]
        return early_input(embeddings, has_face, logits, speech)


def describe(clip: Clip, face: Any, voice_clip: Any, voice_tcn: Any) -> Described:
    """Ask the face network, and both voice networks, about a clip."""
    embeddings, face_logits = run_faces(face, list(clip.faces), clip.face_ticks)
    cuts = [(int(a), int(b)) for a, b in clip.windows]
    return Described(
        clip.actor, clip.label, clip.face_ticks, embeddings, face_logits, clip.speech,
        run_speech(voice_tcn, clip.features, heard_ticks(clip.speech), len(clip.speech)),
        run_windows(voice_clip, cuts, clip.functionals, clip.speech),
    )  # fmt: skip


@dataclass(frozen=True)
class FusionRecipe:
    """What decides the outcome.

    Attributes:
        epochs: Passes over the clips.
        batch: Sequences a step.
        face_rate: Highest learning rate of the face network; brought to zero by a cosine.
        face_mixing: Its sequences are mixed in pairs, in shares of a beta distribution with this parameter;
            0 for none.  Mixed, those of early fusion did worse.
        early_rate: Highest learning rate of early fusion; brought to zero likewise.
        stills: Still pictures that join the clips as short sequences, a clip: they keep what the
            clips do not show, disgust above all.
        no_face: Share of early-fusion sequences without the face.
        no_voice: Share of them without the voice.
        other_voice: Share of them with the voice of another clip of the same label.
        seed: Decides the start and the order.
    """

    epochs: int = 24
    batch: int = 48
    face_rate: float = 1e-3
    face_mixing: float = 1.0
    early_rate: float = 3e-3
    stills: float = 0.5
    no_face: float = 0.15
    no_voice: float = 0.15
    other_voice: float = 0.5
    seed: int = 1


@dataclass(frozen=True)
class Stills:
    """Embedded still pictures.

    Attributes:
        embeddings: `(n, 256)`.
        labels: `(n,)`.
    """

    embeddings: NDArray[np.float32]
    labels: NDArray[np.int64]

    @cached_property
    def tremble(self) -> NDArray[np.float32]:
        """How much each value of an embedding varies from tick to tick when a still is made a sequence."""
        return np.asarray(self.embeddings.std(axis=0) * 0.3, np.float32)


def train_face_gru(clips: Sequence[Described], stills: Stills | None, recipe: FusionRecipe) -> keras.Model:
    """Train the GRU over face embeddings."""

    def draw(clip: Described, rng: np.random.Generator) -> NDArray[np.float32]:
        return _cut(clip.embeddings, rng)

    usable = [clip for clip in clips if len(clip.embeddings)]
    return _train(
        build_face_gru, usable, stills, recipe, draw, rate=recipe.face_rate, mixing=recipe.face_mixing
    )


def train_early(clips: Sequence[Described], stills: Stills | None, recipe: FusionRecipe) -> keras.Model:
    """Train the early-fusion GRU, now and then without one of the modalities."""
    by_label: dict[int, list[Described]] = {}
    for clip in clips:
        by_label.setdefault(clip.label, []).append(clip)

    def draw(clip: Described, rng: np.random.Generator) -> NDArray[np.float32]:
        chance = rng.random()
        if chance < recipe.no_voice:
            return clip.early_input(None)
        same = by_label[clip.label]
        other = rng.random() < recipe.other_voice
        voice = same[rng.integers(len(same))] if other else clip
        return clip.early_input(voice, face=chance > recipe.no_voice + recipe.no_face)

    return _train(build_early_fusion, clips, stills, recipe, draw, rate=recipe.early_rate)


def _cut(sequence: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    length = rng.integers(max(1, len(sequence) // 2), len(sequence) + 1)
    start = rng.integers(0, len(sequence) - length + 1)
    return sequence[start : start + length]


def _shortened(sequence: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    start = rng.integers(0, max(0, len(sequence) - _LONGEST) + 1)
    return sequence[start : start + _LONGEST]


def _train(
    build: Callable[[], keras.Model],
    clips: Sequence[Described],
    stills: Stills | None,
    recipe: FusionRecipe,
    draw: Callable[[Described, np.random.Generator], NDArray[np.float32]],
    *,
    rate: float,
    mixing: float = 0.0,
) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    model = build()
    inputs = model.input[0].shape[-1]
    every = np.concatenate([draw(clip, rng) for clip in clips])
    from emoview.networks.temporal import set_normalisation

    # A floor under the variance: a value that hardly varies here must not explode elsewhere.
    variance = every.var(axis=0)
    set_normalisation(model, every.mean(axis=0), variance + 0.1 * variance.mean())
    data = _Sequences(clips, stills, recipe, draw, inputs, mixing)
    trained = keras.Model(model.input, model.output[0])
    schedule = keras.optimizers.schedules.CosineDecay(rate, len(data) * recipe.epochs)
    trained.compile(
        keras.optimizers.AdamW(schedule, weight_decay=0.05, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        jit_compile=False,
    )
    trained.fit(data, epochs=recipe.epochs, verbose=0)
    return model


class _Sequences(keras.utils.PyDataset):  # type: ignore[misc]
    """Clips and stills in batches, maybe mixed in pairs; stills become short sequences that tremble."""

    def __init__(
        self,
        clips: Sequence[Described],
        stills: Stills | None,
        recipe: FusionRecipe,
        draw: Callable[[Described, np.random.Generator], NDArray[np.float32]],
        inputs: int,
        mixing: float = 0.0,
    ) -> None:
        super().__init__()
        self._mixing = mixing
        self._clips, self._stills, self._recipe = clips, stills, recipe
        self._draw, self._inputs = draw, inputs
        self._rng = np.random.default_rng(recipe.seed)
        self._extra = 0 if stills is None else round(len(clips) * recipe.stills)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        chosen = self._rng.integers(0, len(self._stills.labels), self._extra) if self._stills else ()
        items = [(True, i) for i in range(len(self._clips))] + [(False, int(i)) for i in chosen]
        self._items = [items[i] for i in self._rng.permutation(len(items))]

    def __len__(self) -> int:
        return -(-(len(self._clips) + self._extra) // self._recipe.batch)

    def __getitem__(self, index: int) -> tuple[Arrays, NDArray[np.float32]]:
        items = self._items[index * self._recipe.batch : (index + 1) * self._recipe.batch]
        sequences, labels = [], []
        for is_clip, i in items:
            if is_clip:
                sequences.append(_shortened(self._draw(self._clips[i], self._rng), self._rng))
                labels.append(self._clips[i].label)
            else:
                assert self._stills is not None
                sequences.append(self._still(self._stills, i))
                labels.append(int(self._stills.labels[i]))
        targets = np.eye(len(LABELS), dtype=np.float32)[labels]
        # One length for all: Keras takes the shape of the first batches for that of every one.
        values, mask = pad(sequences, multiple=_LONGEST)
        if not self._mixing:
            return (values, mask), targets
        # Mixed pairs, as far as both go (Zhang et al. 2018, arXiv:1710.09412): seven actors are soon learned
        # by heart.
        other = self._rng.permutation(len(items))
        share = self._rng.beta(self._mixing, self._mixing, (len(items), 1)).astype(np.float32)
        values = share[:, :, None] * values + (1 - share[:, :, None]) * values[other]
        return (values, mask & mask[other]), share * targets + (1 - share) * targets[other]

    def _still(self, stills: Stills, i: int) -> NDArray[np.float32]:
        embedding, tremble = stills.embeddings[i], stills.tremble
        ticks = int(self._rng.integers(10, 60))
        values = np.zeros((ticks, self._inputs), np.float32)
        width = len(embedding)
        noise = self._rng.standard_normal((ticks, width), dtype=np.float32)
        values[:, :width] = np.maximum(embedding + noise * tremble, 0)
        if self._inputs > width:
            values[:, -2] = 1  # A face, and no speech.
        return values


@dataclass(frozen=True)
class ClipLogits:
    """What every model says of one clip, by model, `(7,)` each."""

    label: int
    actor: str
    logits: Mapping[str, NDArray[np.float32]]


def leave_one_actor_out(
    clips: Sequence[Described],
    stills: Stills | None,
    recipe: FusionRecipe,
    *,
    on_event: Callable[[dict[str, Any]], None],
) -> list[ClipLogits]:
    """Let models that have not seen the actor speak of every clip."""
    result = []
    for actor in sorted({clip.actor for clip in clips}):
        others = [clip for clip in clips if clip.actor != actor]
        gru = train_face_gru(others, stills, recipe)
        early = train_early(others, stills, recipe)
        mine = [_answers(clip, gru, early) for clip in clips if clip.actor == actor]
        result += mine
        right = {m: np.mean([c.logits[m].argmax() == c.label for c in mine]) for m in mine[0].logits}
        on_event({"actor": actor, **{m: float(100 * r) for m, r in right.items()}})
    return result


def _answers(clip: Described, gru: keras.Model, early: keras.Model) -> ClipLogits:
    nothing = np.zeros(len(LABELS), np.float32)
    seen = len(clip.embeddings) > 0
    return ClipLogits(
        clip.label,
        clip.actor,
        {
            "face_cnn": clip.face_logits.mean(axis=0) if seen else nothing,
            "face_gru": run_sequence(gru, clip.embeddings).whole if seen else nothing,
            "voice_tcn": seven_labels(clip.voice_tcn.whole),
            "voice_clip": seven_labels(clip.voice_clip.whole),
            "early": run_sequence(early, clip.early_input(clip)).whole,
        },
    )


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
