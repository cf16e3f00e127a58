"""Training of the voice networks: one over ticks and one over clip functionals."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.networks.shipped import VOICE_BRANCHES, build_voice_clip, build_voice_tcn
from emoview.networks.temporal import (
    FURTHEST,
    MaskedMean,
    branch_outputs,
    one_of_parts,
    set_normalisation,
)
from emoview.pipeline.inference import run_sequence
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.precision import compiled, quick_precision
from emoview.training.speech import SpeechFeatures, Variant

Arrays = tuple[NDArray[np.float32], NDArray[np.bool_]]


# Ticks to a multiple of which sequences are padded: few lengths, for some back ends compile each by itself.
_PADDING = 50
# Variance that is taken for none: below it a ratio would say more than so few speakers can.
_LITTLE = 0.05
# A ratio that is but a rounding error: there is one label alone.
_NOTHING = 1e-6


@dataclass(frozen=True)
class VoiceRecipe:
    """What decides the outcome of a voice training.

    An epoch draws as many utterances, altered or not, as there are unaltered ones: see `Drawing`.

    Attributes:
        clip_epochs: Epochs of the network over functionals.
        rooms: Of each of its parts, whether it learns from voices in rooms, too: it then knows these better,
            and those of studios less well.
        tick_epochs: Epochs of the network over ticks.
        branches: Of the network over ticks: see `VOICE_BRANCHES`.
        tick_share: Weight of the loss of its ticks beside that of the utterance.
        batch: Utterances a step.
        learning_rate: Highest rate; brought to zero by a cosine.
        smoothing: Label smoothing.
        steadiness: How much more the steady functionals count, as a power of `steadiness`; 0 for alike.
        longest: Ticks that a training sequence is cut to, at a random place.
        balance: How far the sizes of corpora are evened out: an utterance is drawn by its corpus' size to the
            power of -`balance`; 0 draws all utterances alike, 1 all corpora.
        seed: Decides the start and the order.
    """

    clip_epochs: int = 45
    rooms: tuple[bool, ...] = (False, True)
    tick_epochs: int = 40
    branches: tuple[bool, ...] = VOICE_BRANCHES
    tick_share: float = 0.3
    batch: int = 64
    learning_rate: float = 2e-3
    smoothing: float = 0.1
    steadiness: float = 2.0
    longest: int = 125
    balance: float = 0.5
    seed: int = 1


@dataclass(frozen=True)
class Drawing:
    """What an epoch draws, each at most once.

    Attributes:
        weights: `(n,)`, how readily each is drawn.
        count: Of an epoch.
    """

    weights: NDArray[np.float64]
    count: int

    def draw(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Give positions, `(count,)`, in random order."""
        # The least of as many waits for what comes with these rates: Efraimidis & Spirakis (2006).
        waits = rng.exponential(size=len(self.weights)) / self.weights
        return rng.permutation(np.argsort(waits)[: self.count])


def train_clip(speech: SpeechFeatures, recipe: VoiceRecipe) -> keras.Model:
    """Train the network over functionals, of which the steady ones count for more: see `steadiness`.

    Its parts learn by themselves, and not from the same recordings, so that their mistakes differ; the
    network says their mean.
    """
    mean, variance = speech.functionals.mean(axis=0), speech.functionals.var(axis=0) + 1e-6
    weights = steadiness(speech.select(~speech.altered), mean, np.sqrt(variance)) ** recipe.steadiness
    weights /= np.sqrt(np.square(weights).mean())
    parts = []
    for number, rooms in enumerate(recipe.rooms):
        keras.utils.set_random_seed(recipe.seed + number)
        part = build_voice_clip(len(mean), weights=weights, parts=len(recipe.rooms))
        set_normalisation(part, mean, variance)
        heard = speech if rooms else speech.select(speech.variants != Variant.ALTERED_IN_ROOM)
        # Mixed pairs: Zhang et al. (2018), arXiv:1710.09412.
        data = _MixedFunctionals(heard.functionals, _targets(heard.labels), recipe, _drawing(heard, recipe))
        _compile(part, recipe, len(data) * recipe.clip_epochs)
        part.fit(data, epochs=recipe.clip_epochs, verbose=0)
        parts.append(part)
    network = build_voice_clip(len(mean))
    set_normalisation(network, mean, variance)
    one_of_parts(parts, network, weights)
    return network


def steadiness(
    speech: SpeechFeatures, mean: NDArray[np.float32], spread: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Tell of each functional how much it says of strangers.

    What labels do to a functional, alike in all corpora, is set against how speakers and corpora differ in
    it: what differs more from speaker to speaker than from label to label misleads about the next speaker.

    Args:
        speech: Utterances.
        mean: `(inputs,)`, by which the functionals are normalised.
        spread: `(inputs,)`, their standard deviations.

    Returns:
        `(inputs,)`, from 0 to 1; a half where it is as steady as the steadiest tenth begin.
    """
    values = np.clip((speech.functionals - mean) / spread, -FURTHEST, FURTHEST)
    labels, label_of = np.unique(speech.labels, return_inverse=True)
    speakers, speaker_of = np.unique([u.person for u in speech.utterances], return_inverse=True)
    _, corpus_of = np.unique([u.corpus for u in speech.utterances], return_inverse=True)
    # Of each speaker as if all labels were equally frequent.
    usual = np.stack([
        np.mean([values[(speaker_of == s) & (label_of == k)].mean(axis=0)
                 for k in np.unique(label_of[speaker_of == s])], axis=0)
        for s in range(len(speakers))
    ])  # fmt: skip
    values -= usual[speaker_of]
    alike, unlike = np.zeros((2, len(labels), len(mean)))
    shared = np.zeros(len(labels), bool)
    for k in range(len(labels)):
        having = np.unique(corpus_of[label_of == k])
        effects = np.stack([values[(label_of == k) & (corpus_of == c)].mean(axis=0) for c in having])
        alike[k] = effects.mean(axis=0)
        shared[k] = len(having) > 1
        if shared[k]:
            unlike[k] = effects.var(axis=0, ddof=1)
    if shared.any():
        alike, unlike = alike[shared], unlike[shared]
    ratio = np.square(alike).mean(axis=0) / (usual.var(axis=0) + unlike.mean(axis=0) + _LITTLE)
    if ratio.max() < _NOTHING:
        return np.ones(len(mean), np.float32)
    return np.asarray(ratio / (ratio + max(float(np.quantile(ratio, 0.9)), _NOTHING)), np.float32)


def train_ticks(speech: SpeechFeatures, recipe: VoiceRecipe) -> keras.Model:
    """Train the network over ticks: what it says of the utterance, and what its ticks say on average.

    Each of its branches learns by itself, so that their mistakes differ.
    """
    keras.utils.set_random_seed(recipe.seed)
    every = np.concatenate(speech.ticks)
    with quick_precision():
        model = build_voice_tcn(every.shape[1], recipe.branches)
    set_normalisation(model, every.mean(axis=0), every.var(axis=0) + 1e-6)
    mean = MaskedMean(dtype="float32")
    branches = branch_outputs(model)
    outputs = [says for whole, ticks in branches for says in (whole, mean(ticks, model.input[1]))]
    data = SequenceBatches(
        speech.ticks, _targets(speech.labels), recipe,
        scale=every.std(axis=0), drawing=_drawing(speech, recipe), outputs=len(outputs),
    )  # fmt: skip
    trained = keras.Model(model.input, outputs)
    _compile(
        trained, recipe, len(data) * recipe.tick_epochs, loss_weights=[1.0, recipe.tick_share] * len(branches)
    )
    trained.fit(data, epochs=recipe.tick_epochs, verbose=0)
    # What learned in bfloat16 speaks in single precision.
    plain = build_voice_tcn(every.shape[1], recipe.branches)
    plain.set_weights(model.get_weights())
    return plain


class _MixedFunctionals(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(
        self,
        values: NDArray[np.float32],
        targets: NDArray[np.float32],
        recipe: VoiceRecipe,
        drawing: Drawing,
    ) -> None:
        super().__init__()
        self._values, self._targets, self._drawing = values, targets, drawing
        self._batch, self._rng = recipe.batch, np.random.default_rng(recipe.seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self._order = self._drawing.draw(self._rng)

    def __len__(self) -> int:
        return -(-self._drawing.count // self._batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._order[index * self._batch : (index + 1) * self._batch]
        other = self._rng.permutation(chosen)
        share = self._rng.beta(0.3, 0.3, (len(chosen), 1)).astype(np.float32)
        values = share * self._values[chosen] + (1 - share) * self._values[other]
        return values, share * self._targets[chosen] + (1 - share) * self._targets[other]


class SequenceBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Padded, masked and augmented batches of sequences, of similar lengths together.

    Gives `((values, mask), (targets, ...))`, the same for each output.  Sequences are cut, spoken faster or
    slower by up to a sixth, shifted as by another microphone, and stretches of ticks and of features are
    hidden (Park et al. 2019, arXiv:1904.08779); then pairs of a batch are mixed as in `_MixedFunctionals`.
    """

    def __init__(
        self,
        sequences: tuple[NDArray[np.float32], ...],
        targets: NDArray[np.float32],
        recipe: VoiceRecipe,
        *,
        scale: NDArray[np.float32],
        drawing: Drawing,
        outputs: int = 1,
    ) -> None:
        """Take sequences `(ticks, n)`, targets `(sequences, labels)`, and the scale of each value `(n,)`.

        What is drawn anew each time makes an epoch, less what would not fill its last batch: batches of one
        size are compiled once.
        """
        super().__init__()
        self._outputs = outputs
        self._sequences, self._targets, self._drawing = sequences, targets, drawing
        self._batch, self._longest = recipe.batch, recipe.longest
        self._rng = np.random.default_rng(recipe.seed)
        self._scale = scale
        self._middle = [sequence.mean(axis=0) for sequence in sequences]
        self._mean = np.mean(self._middle, axis=0)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        rng = self._rng
        drawn = self._drawing.draw(rng)
        drawn = drawn[: max(1, len(drawn) // self._batch) * self._batch]
        lengths = np.array([len(self._sequences[i]) for i in drawn]) * rng.uniform(0.8, 1.25, len(drawn))
        order = drawn[np.argsort(lengths)]
        batches = np.array_split(order, -(-len(order) // self._batch))
        middle = rng.permutation(np.arange(1, len(batches) - 1))
        self._batches = [batches[i] for i in (*{0, len(batches) - 1}, *middle)]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> tuple[Arrays, tuple[NDArray[np.float32], ...]]:
        chosen = self._batches[index]
        values, mask = pad([self._changed(i) for i in chosen], multiple=_PADDING)
        if index < 2 and len(values[0]) // _PADDING % 2 != index:
            # Keras takes a length that the first two batches share for that of all.
            values = np.pad(values, ((0, 0), (0, _PADDING), (0, 0)))
            mask = np.pad(mask, ((0, 0), (0, _PADDING)))
        # Beyond its end a sequence may yet be mixed into a longer one.
        values[~mask] = self._mean
        other = self._rng.permutation(len(chosen))
        share = self._rng.beta(0.3, 0.3, (len(chosen), 1)).astype(np.float32)
        targets = self._targets[chosen]
        targets = share * targets + (1 - share) * targets[other]
        values = share[:, :, None] * values + (1 - share[:, :, None]) * values[other]
        return (values, mask | mask[other]), (targets,) * self._outputs

    def _changed(self, i: int) -> NDArray[np.float32]:
        sequence, middle, rng = self._sequences[i], self._middle[i], self._rng
        length = min(len(sequence), self._longest, max(20, int(len(sequence) * rng.uniform(0.6, 1.0))))
        start = rng.integers(0, len(sequence) - length + 1)
        at = np.arange(0, length, rng.uniform(0.85, 1.18) if rng.random() < 0.5 else 1.0)
        result: NDArray[np.float32] = sequence[start + np.minimum(np.round(at).astype(int), length - 1)]
        noise = 0.15 * rng.standard_normal(result.shape, dtype=np.float32)
        noise += 0.2 * rng.standard_normal((1, result.shape[1]), dtype=np.float32)
        result += self._scale * noise
        width = rng.integers(0, max(2, len(result) // 5))
        first = rng.integers(0, len(result) - width + 1)
        result[first : first + width] = middle
        width = rng.integers(0, 20)
        first = rng.integers(0, result.shape[1] - width + 1)
        result[:, first : first + width] = middle[first : first + width]
        return result


def pad(
    sequences: list[NDArray[np.float32]], *, multiple: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Stack sequences `(ticks, n)` of several lengths; the mask tells what is padding."""
    longest = max(len(s) for s in sequences)
    longest = -(-longest // multiple) * multiple
    values = np.zeros((len(sequences), longest, sequences[0].shape[1]), np.float32)
    mask = np.zeros((len(sequences), longest), bool)
    for i, sequence in enumerate(sequences):
        values[i, : len(sequence)] = sequence
        mask[i, : len(sequence)] = True
    return values, mask


def predict_clip(model: keras.Model, speech: SpeechFeatures) -> NDArray[np.float32]:
    """Give `(n, 9)` logits of the network over functionals."""
    return np.asarray(model.predict(speech.functionals, batch_size=256, verbose=0))


def predict_ticks(model: keras.Model, speech: SpeechFeatures) -> NDArray[np.float32]:
    """Give `(n, 9)` logits that the network over ticks has for each utterance."""
    return np.stack([run_sequence(model, ticks).whole for ticks in speech.ticks])


def _drawing(speech: SpeechFeatures, recipe: VoiceRecipe) -> Drawing:
    _, corpus_of, sizes = np.unique(
        [u.corpus for u in speech.utterances], return_inverse=True, return_counts=True
    )
    return Drawing((sizes[corpus_of] / len(corpus_of)) ** -recipe.balance, int((~speech.altered).sum()))


def _targets(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.eye(len(VOICE_LABELS), dtype=np.float32)[labels]


def _compile(
    model: keras.Model, recipe: VoiceRecipe, steps: int, *, loss_weights: list[float] | None = None
) -> None:
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    losses = [
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing)
        for _ in model.outputs
    ]
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=1.0),
        losses, loss_weights=loss_weights,
        jit_compile=compiled(),
    )  # fmt: skip
