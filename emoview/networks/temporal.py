"""Networks over ticks: the temporal face network, the voice network, and early fusion.

Gated recurrent units: Cho et al. (2014), arXiv:1406.1078.  Sequences are padded at the end; a mask
of true ticks goes in beside them, and no padded tick reaches a result.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers


@keras.saving.register_keras_serializable("emoview")
class MaskedMean(layers.Layer):  # type: ignore[misc]
    """Mean of the logits of the ticks that are there: `(batch, ticks, n)`, mask -> `(batch, n)`."""

    supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        """Say that the result, which has no ticks, carries no mask."""

    def call(self, values: Any, mask_input: Any) -> Any:
        """Average over the true ticks."""
        weight = keras.ops.cast(mask_input, values.dtype)[..., None]
        total = keras.ops.maximum(keras.ops.sum(weight, axis=1), 1.0)
        return keras.ops.sum(values * weight, axis=1) / total


@keras.saving.register_keras_serializable("emoview")
class AttentiveMean(layers.Layer):  # type: ignore[misc]
    """Mean over ticks, weighted by how telling each is.

    `(batch, ticks, n)` logits, `(batch, ticks, 1)` scores, mask -> `(batch, n)`.
    """

    supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        """Say that the result, which has no ticks, carries no mask."""

    def call(self, values: Any, scores: Any, mask_input: Any) -> Any:
        """Average over the true ticks, by the softmax of the scores."""
        there = keras.ops.cast(mask_input, values.dtype)[..., None]
        weight = keras.ops.softmax(scores + (there - 1.0) * 1e9, axis=1) * there
        return keras.ops.sum(values * weight, axis=1)


def gru_network(
    *,
    inputs: int,
    labels: int,
    units: int = 64,
    depth: int = 1,
    project: int | None = None,
    convolution: bool = False,
    dropout: float = 0.3,
    attention: bool = False,
    name: str = "gru_network",
) -> keras.Model:
    """Build a bidirectional GRU with logits for every tick and for the sequence.

    Args:
        inputs: Values a tick.
        labels: How many logits.
        units: Of each direction.
        depth: GRU layers.
        project: Width of a dense layer before the first GRU; None for none.
        convolution: Look at five ticks at once before the first GRU.
        dropout: Before each GRU and before the logits.
        attention: Weigh the ticks by a learned score instead of equally.
        name: Of the model.

    Returns:
        A model from `(batch, ticks, inputs)` values and a `(batch, ticks)` mask to `(batch, labels)`
        logits of the sequence and `(batch, ticks, labels)` logits of the ticks.
    """
    values = keras.Input((None, inputs), name="values")
    mask = keras.Input((None,), name="mask", dtype="bool")
    # Mean and variance are weights, set from the training data and stored with the others.
    x: Any = layers.Normalization(name="normalise")(values)
    if project:
        x = layers.Dense(project, activation="relu", name="project")(layers.Dropout(dropout / 2)(x))
    if convolution:
        # Padding must not leak into the last true ticks.
        x = layers.Multiply()([x, layers.Reshape((-1, 1))(mask)])
        x = layers.Conv1D(2 * units, 5, padding="same", activation="relu")(x)
    x = stacked_gru(x, mask, units, depth, dropout=dropout)
    outputs = sequence_logits(x, mask, labels, dropout=dropout, attention=attention)
    return keras.Model([values, mask], outputs, name=name)


def stacked_gru(
    x: Any, mask: Any, units: int, depth: int, *, dropout: float, bidirectional: bool = True
) -> Any:
    """Put GRUs on each other, each behind a dropout: `(batch, ticks, n)` -> `(batch, ticks, units)`.

    With both directions the result is twice as wide.
    """
    for _ in range(depth):
        x = layers.Dropout(dropout)(x)
        # The loop, not cuDNN's kernel: it computes the same under every back end.
        gru = layers.GRU(units, return_sequences=True, use_cudnn=False)
        x = (layers.Bidirectional(gru) if bidirectional else gru)(x, mask=mask)
    return x


def sequence_logits(x: Any, mask: Any, labels: int, *, dropout: float, attention: bool = False) -> list[Any]:
    """Give the logits of the sequence `(batch, labels)` and of its ticks `(batch, ticks, labels)`."""
    x = layers.Dropout(dropout)(x)
    ticks = layers.Dense(labels, name="tick_logits", dtype="float32")(x)
    if attention:
        scores = layers.Dense(1, name="scores", dtype="float32")(x)
        return [AttentiveMean(name="logits")(ticks, scores, mask), ticks]
    return [MaskedMean(name="logits")(ticks, mask), ticks]


def clip_network(*, inputs: int, labels: int, width: int = 256, dropout: float = 0.5) -> keras.Model:
    """Build the network over functionals: `(batch, inputs)` -> `(batch, labels)` logits."""
    values = keras.Input((inputs,), name="functionals")
    x = layers.Normalization(name="normalise")(values)
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(width, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(dropout)(x)
    return keras.Model(values, layers.Dense(labels, name="logits")(x), name="clip_network")


def set_normalisation(network: keras.Model, mean: Any, variance: Any) -> None:
    """Tell a network the mean and variance of each of its inputs, `(inputs,)` each."""
    layer = network.get_layer("normalise")
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(variance)
    layer.finalize_state()
