"""Training of the voice networks: a GRU over ticks and a network over clip functionals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.networks.shipped import build_voice_clip, build_voice_gru
from emoview.networks.temporal import set_normalisation
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.speech import SpeechFeatures

RAVDESS_FOLDS = (
    ("02", "05", "14", "15", "16"),
    ("03", "06", "07", "13", "18"),
    ("10", "11", "12", "19", "20"),
    ("08", "17", "21", "23", "24"),
    ("01", "04", "09", "22"),
)
"""Actors of each fold, after Luna-Jimenez et al. (2021), Sensors 21, 7665."""

RAVDESS_LABELS = ("neutral", "calm", "happy", "sad", "anger", "fear", "disgust", "surprise")


@dataclass(frozen=True)
class VoiceRecipe:
    """What decides the outcome of a voice training.

    Attributes:
        clip_epochs: Passes of the network over functionals.
        tick_epochs: Passes of the GRU.
        batch: Utterances a step.
        learning_rate: Highest rate; brought to zero by a cosine.
        smoothing: Label smoothing.
        longest: Ticks that a training sequence is cut to, at a random place.
        seed: Decides the start and the order.
    """

    clip_epochs: int = 30
    tick_epochs: int = 14
    batch: int = 64
    learning_rate: float = 2e-3
    smoothing: float = 0.1
    longest: int = 100
    seed: int = 1


def train_clip(speech: SpeechFeatures, recipe: VoiceRecipe) -> keras.Model:
    """Train the network over functionals."""
    keras.utils.set_random_seed(recipe.seed)
    model = build_voice_clip()
    values = speech.functionals
    set_normalisation(model, values.mean(axis=0), values.var(axis=0) + 1e-6)
    steps = -(-len(values) // recipe.batch) * recipe.clip_epochs
    _compile(model, recipe, steps)
    # Mixed pairs (Zhang et al. 2018, arXiv:1710.09412) stand in for the augmentation of pictures.
    data = _MixedFunctionals(values, _targets(speech.labels), recipe)
    model.fit(data, epochs=recipe.clip_epochs, verbose=0)
    return model


def train_ticks(speech: SpeechFeatures, recipe: VoiceRecipe) -> keras.Model:
    """Train the GRU over ticks."""
    keras.utils.set_random_seed(recipe.seed)
    model = build_voice_gru()
    every = np.concatenate(speech.ticks)
    set_normalisation(model, every.mean(axis=0), every.var(axis=0) + 1e-6)
    data = SequenceBatches(
        speech.ticks, _targets(speech.labels), batch=recipe.batch, longest=recipe.longest,
        seed=recipe.seed, scale=every.std(axis=0),
    )  # fmt: skip
    trained = keras.Model(model.input, model.output[0])
    _compile(trained, recipe, len(data) * recipe.tick_epochs)
    trained.fit(data, epochs=recipe.tick_epochs, verbose=0)
    return model


class _MixedFunctionals(keras.utils.PyDataset):  # type: ignore[misc]
    def __init__(
        self, values: NDArray[np.float32], targets: NDArray[np.float32], recipe: VoiceRecipe
    ) -> None:
        super().__init__()
        self._values, self._targets = values, targets
        self._batch, self._rng = recipe.batch, np.random.default_rng(recipe.seed)
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        self._order = self._rng.permutation(len(self._values))

    def __len__(self) -> int:
        return -(-len(self._values) // self._batch)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._order[index * self._batch : (index + 1) * self._batch]
        other = self._rng.permutation(chosen)
        share = self._rng.beta(0.3, 0.3, (len(chosen), 1)).astype(np.float32)
        values = share * self._values[chosen] + (1 - share) * self._values[other]
        return values, share * self._targets[chosen] + (1 - share) * self._targets[other]


class SequenceBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Padded, masked and augmented batches of sequences, of similar lengths together.

    Gives `((values, mask), targets)`; stretches of ticks and of features are hidden at random (Park et
    al. 2019, arXiv:1904.08779), and noise is added on the scale of each feature.
    """

    def __init__(
        self,
        sequences: tuple[NDArray[np.float32], ...],
        targets: NDArray[np.float32],
        *,
        batch: int,
        longest: int,
        seed: int,
        scale: NDArray[np.float32],
        noise: float = 0.15,
    ) -> None:
        super().__init__()
        self._sequences, self._targets = sequences, targets
        self._batch, self._longest = batch, longest
        self._rng = np.random.default_rng(seed)
        self._scale, self._noise = scale, noise
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        lengths = np.array([len(s) for s in self._sequences]) * self._rng.uniform(
            0.8, 1.25, len(self._sequences)
        )
        order = np.argsort(lengths)
        batches = np.array_split(order, -(-len(order) // self._batch))
        # Keras takes a length that the first two batches share for that of all, so these differ.
        middle = self._rng.permutation(np.arange(1, len(batches) - 1))
        self._batches = [batches[i] for i in (*{0, len(batches) - 1}, *middle)]

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(
        self, index: int
    ) -> tuple[tuple[NDArray[np.float32], NDArray[np.bool_]], NDArray[np.float32]]:
        chosen = self._batches[index]
        values, mask = pad([self._changed(self._sequences[i]) for i in chosen], multiple=25)
        return (values, mask), self._targets[chosen]

    def _changed(self, sequence: NDArray[np.float32]) -> NDArray[np.float32]:
        rng = self._rng
        length = min(len(sequence), self._longest, max(20, int(len(sequence) * rng.uniform(0.7, 1.1))))
        start = rng.integers(0, len(sequence) - length + 1)
        result = sequence[start : start + length].copy()
        noise = rng.standard_normal(result.shape, dtype=np.float32)
        result += np.float32(self._noise) * self._scale * noise
        middle = sequence.mean(axis=0)
        width = rng.integers(0, max(2, length // 5))
        at = rng.integers(0, length - width + 1)
        result[at : at + width] = middle
        width = rng.integers(0, max(2, result.shape[1] // 8))
        at = rng.integers(0, result.shape[1] - width + 1)
        result[:, at : at + width] = middle[at : at + width]
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
    """Give `(n, 9)` logits of the GRU for whole utterances."""
    order = np.argsort([len(t) for t in speech.ticks])
    result = np.zeros((len(order), len(VOICE_LABELS)), np.float32)
    for chosen in np.array_split(order, -(-len(order) // 64)):
        values, mask = pad([speech.ticks[i] for i in chosen], multiple=25)
        result[chosen] = model.predict_on_batch((values, mask))[0]
    return result


def ravdess_folds(speech: SpeechFeatures) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split by actor: for each fold `(train, test)`, `(n,)` each; the other corpora always train."""
    people = np.array([u.person for u in speech.utterances])
    for actors in RAVDESS_FOLDS:
        test = np.isin(people, [f"ravdess/{actor}" for actor in actors])
        yield ~test, test


def _targets(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    return np.eye(len(VOICE_LABELS), dtype=np.float32)[labels]


def _compile(model: keras.Model, recipe: VoiceRecipe, steps: int) -> None:
    rate = keras.optimizers.schedules.CosineDecay(recipe.learning_rate, steps)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.02, clipnorm=1.0),
        keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=recipe.smoothing),
        jit_compile=False,
    )
