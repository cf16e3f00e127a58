"""Training and measuring of the temporal face network, early fusion and late fusion on clips.

Everything is measured leave-one-actor-out: whatever is said of an actor's clips was learned from others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.fusion.early import early_input
from emoview.fusion.personal import stretches_of
from emoview.networks.shipped import build_early_fusion, build_face_gru
from emoview.pipeline.evidence import SequenceLogits
from emoview.pipeline.inference import run_faces, run_sequence, run_speech, run_windows, seven_labels
from emoview.pipeline.voice import heard_ticks
from emoview.timeline.labels import LABELS
from emoview.training.clips import Clip
from emoview.training.fusion_rules import ClipLogits, ClipTicks
from emoview.training.personal import PersonalFaces, Shown, last_layer
from emoview.training.precision import compiled
from emoview.training.voice import pad

Arrays = tuple[NDArray[np.float32], NDArray[np.bool_]]

_LONGEST = 100


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
        jit_compile=compiled(),
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


def personal_faces(answers: Sequence[ClipLogits], clips: Sequence[Described]) -> PersonalFaces:
    """Prepare the fitting of what tells labels of a face relative to the person, from the same clips."""
    start = last_layer(
        np.concatenate([clip.embeddings for clip in clips]),
        np.concatenate([clip.face_logits for clip in clips]),
    )
    return PersonalFaces([Shown(a.actor, a.label, a.stretches) for a in answers], start)


def _answers(clip: Described, gru: keras.Model, early: keras.Model) -> ClipLogits:
    nothing = np.zeros(len(LABELS), np.float32)
    seen = len(clip.embeddings) > 0
    face = run_sequence(gru, clip.embeddings) if seen else None
    return ClipLogits(
        clip.label,
        clip.actor,
        {
            "face_cnn": clip.face_logits.mean(axis=0) if seen else nothing,
            "face_gru": face.whole if face else nothing,
            "voice_tcn": seven_labels(clip.voice_tcn.whole),
            "voice_clip": seven_labels(clip.voice_clip.whole),
            "early": run_sequence(early, clip.early_input(clip)).whole,
        },
        stretches_of(clip.embeddings) if seen else clip.embeddings,
        None if face is None else _ticks(clip, face.ticks),
    )


def _ticks(clip: Described, gru: NDArray[np.float32]) -> ClipTicks:
    """Give what is said of the ticks with a face; where the sound has ended, the voice says its last."""
    heard = np.minimum(clip.present, len(clip.speech) - 1)
    return ClipTicks(
        clip.speech[heard] & (heard == clip.present),
        {
            "face_cnn": clip.face_logits,
            "face_gru": gru,
            "voice_tcn": seven_labels(clip.voice_tcn.ticks[heard]),
            "voice_clip": seven_labels(clip.voice_clip.ticks[heard]),
        },
    )
