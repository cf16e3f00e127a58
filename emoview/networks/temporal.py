"""Networks over ticks: the temporal face network, the voice networks, and early fusion.

Gated recurrent units: Cho et al. (2014), arXiv:1406.1078.  Sequences are padded at the end; a mask
of true ticks goes in beside them, and no padded tick reaches a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

FURTHEST = 6.0
"""Standard deviations within which the voice networks see their inputs."""


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
    dropout: float = 0.3,
    name: str = "gru_network",
) -> keras.Model:
    """Build a bidirectional GRU with logits for every tick and for the sequence.

    Args:
        inputs: Values a tick.
        labels: How many logits.
        units: Of each direction.
        depth: GRU layers.
        project: Width of a dense layer before the first GRU; None for none.
        dropout: Before each GRU and before the logits.
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
    x = stacked_gru(x, mask, units, depth, dropout=dropout)
    outputs = sequence_logits(x, mask, labels, dropout=dropout)
    return keras.Model([values, mask], outputs, name=name)


def stacked_gru(
    x: Any,
    mask: Any,
    units: int,
    depth: int,
    *,
    dropout: float,
    bidirectional: bool = True,
    name: str | None = None,
) -> Any:
    """Put GRUs on each other, each behind a dropout: `(batch, ticks, n)` -> `(batch, ticks, units)`.

    With both directions the result is twice as wide.  With a `name` the GRUs are called `NAME_1`, `NAME_2`
    and so on.
    """
    for number in range(1, depth + 1):
        x = layers.Dropout(dropout)(x)
        own = None if name is None else f"{name}_{number}"
        # The loop, not cuDNN's kernel: it computes the same under every back end.
        if bidirectional:
            gru = layers.Bidirectional(layers.GRU(units, return_sequences=True, use_cudnn=False), name=own)
        else:
            gru = layers.GRU(units, return_sequences=True, use_cudnn=False, name=own)
        x = gru(x, mask=mask)
    return x


def sequence_logits(x: Any, mask: Any, labels: int, *, dropout: float, attention: bool = False) -> list[Any]:
    """Give the logits of the sequence `(batch, labels)` and of its ticks `(batch, ticks, labels)`."""
    x = layers.Dropout(dropout)(x)
    ticks = layers.Dense(labels, name="tick_logits", dtype="float32")(x)
    if attention:
        scores = layers.Dense(1, name="scores", dtype="float32")(x)
        return [AttentiveMean(name="logits")(ticks, scores, mask), ticks]
    return [MaskedMean(name="logits")(ticks, mask), ticks]


@keras.saving.register_keras_serializable("emoview")
class AttentiveStatistics(layers.Layer):  # type: ignore[misc]
    """Means of the ticks under several weightings, and their plain mean and standard deviation.

    `(batch, ticks, n)` values, `(batch, ticks, heads)` scores, mask -> `(batch, (heads + 2) n)`.  After
    Okabe et al. (2018), arXiv:1803.10963, who take mean and deviation under one weighting.
    """

    FLOOR = 1e-5
    """Of the variance, under the root."""

    supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        """Say that the result, which has no ticks, carries no mask."""

    def call(self, values: Any, scores: Any, mask_input: Any = None) -> Any:
        """Summarise the true ticks; all of them without a mask."""
        ops = keras.ops
        there = ops.ones_like(values[..., :1])
        if mask_input is not None:
            there = ops.cast(mask_input, values.dtype)[..., None]
        weight = ops.softmax(scores + (there - 1.0) * 1e9, axis=1) * there
        weighted = ops.matmul(ops.transpose(weight, (0, 2, 1)), values)
        count = ops.maximum(ops.sum(there, axis=1), 1.0)
        mean = ops.sum(values * there, axis=1) / count
        variance = ops.sum(ops.square(values) * there, axis=1) / count - ops.square(mean)
        deviation = ops.sqrt(ops.maximum(variance, self.FLOOR))
        flat = ops.reshape(weighted, (-1, weighted.shape[1] * weighted.shape[2]))
        return ops.concatenate([flat, mean, deviation], axis=-1)


@keras.saving.register_keras_serializable("emoview")
class LocalNormalization(layers.Layer):  # type: ignore[misc]
    """Bring each value to mean 0 and deviation 1 over the ticks around.

    `(batch, ticks, n)`, mask -> the same.  What is left is how a voice moves, whoever speaks and through
    which microphone: sliding cepstral mean and variance normalisation (Viikki & Laurila 1998, Speech
    Communication 25, 133-147).
    """

    REACH = 62
    """Ticks to both sides: together five seconds."""
    FLOOR = 0.05
    """Added to the variance."""

    supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        """Say that the result carries no mask: whoever needs it is given it."""

    def call(self, values: Any, mask_input: Any) -> Any:
        """Normalise by the true ticks."""
        ops = keras.ops
        there = ops.cast(mask_input, values.dtype)[..., None]
        ticks = ops.arange(ops.shape(values)[1])
        near = ops.cast(ops.abs(ticks[:, None] - ticks[None]) <= self.REACH, values.dtype)
        count = ops.maximum(ops.matmul(near, there), 1.0)
        mean = ops.matmul(near, values * there) / count
        square = ops.matmul(near, ops.square(values) * there) / count
        variance = ops.maximum(square - ops.square(mean), 0.0)
        return (values - mean) / ops.sqrt(variance + self.FLOOR)


def tcn_network(
    *,
    inputs: int,
    labels: int,
    width: int = 128,
    dilations: tuple[int, ...] = (1, 2, 4),
    heads: int = 4,
    dropout: float = 0.2,
    local: tuple[bool, ...],
    name: str = "tcn_network",
) -> keras.Model:
    """Build a temporal convolutional network with logits for every tick and for the sequence.

    Residual blocks of dilated convolutions (Bai et al. 2018, arXiv:1803.01271) that look both ways.

    Args:
        inputs: Values a tick.
        labels: How many logits.
        width: Channels.
        dilations: Of each block.
        heads: Weightings of `AttentiveStatistics`.
        dropout: Within each block.
        local: Of each branch, a network by itself, whether it sees its inputs by `LocalNormalization`.  The
            logits of the branches are averaged.
        name: Of the model.

    Returns:
        A model as that of `gru_network`.
    """
    values = keras.Input((None, inputs), name="values")
    mask = keras.Input((None,), name="mask", dtype="bool")
    there = layers.Reshape((-1, 1))(mask)

    def convolved(x: Any, kernel: int, dilation: int) -> Any:
        x = layers.Conv1D(width, kernel, padding="same", dilation_rate=dilation, use_bias=False)(x)
        # What lies beyond the end of a sequence says nothing of how values are spread.
        return layers.BatchNormalization()(x, mask=mask)

    def branch(x: Any, number: int) -> tuple[Any, Any]:
        # Padding must not leak into the last true ticks, so each convolution is told again where it is.
        x = layers.Multiply()([x, there])
        x = layers.Multiply()([layers.ReLU()(convolved(x, 5, 1)), there])
        for dilation in dilations:
            inner = layers.Dropout(dropout)(layers.ReLU()(convolved(x, 3, dilation)))
            inner = convolved(layers.Multiply()([inner, there]), 3, dilation)
            x = layers.Multiply()([layers.ReLU()(layers.Add()([x, inner])), there])
        scores = layers.Dense(heads, name=f"scores_{number}", dtype="float32")(x)
        ticks = layers.Dropout(1.5 * dropout)(x)
        ticks = layers.Dense(labels, name=f"tick_logits_{number}", dtype="float32")(ticks)
        x = AttentiveStatistics(name=f"statistics_{number}", dtype="float32")(x, scores, mask)
        x = layers.Dropout(0.5)(x)
        return layers.Dense(labels, name=f"logits_{number}", dtype="float32")(x), ticks

    normalised = normalised_within(values)
    own = LocalNormalization(name="local", dtype="float32")(normalised, mask) if any(local) else None
    whole, ticks = zip(*(branch(own if it else normalised, i) for i, it in enumerate(local)), strict=True)
    outputs = [
        layers.Average(name=output, dtype="float32")(list(parts))
        for output, parts in (("logits", whole), ("tick_logits", ticks))
    ]
    return keras.Model([values, mask], outputs, name=name)


def branch_outputs(network: keras.Model) -> list[tuple[Any, Any]]:
    """Give what each branch of a `tcn_network` says by itself, of the sequence and of its ticks."""
    ends = [layer for layer in network.layers if layer.name.startswith("logits_")]
    return [(end.output, network.get_layer(f"tick_{end.name}").output) for end in ends]


def clip_network(
    *, inputs: int, labels: int, width: int = 256, dropout: float = 0.5, weights: Any = None
) -> keras.Model:
    """Build the network over functionals: `(batch, inputs)` -> `(batch, labels)` logits.

    Args:
        inputs: Functionals.
        labels: How many logits.
        width: Of the hidden layer, named `hidden`.
        dropout: Before it and behind it.
        weights: `(inputs,)`, how much each functional, once normalised, counts; None for alike.
    """
    values = keras.Input((inputs,), name="functionals")
    x = normalised_within(values)
    if weights is not None:
        x = x * keras.ops.convert_to_tensor(weights, "float32")
    x = layers.Dropout(dropout)(x)
    x = layers.Dense(width, use_bias=False, name="hidden")(x)
    x = layers.ReLU()(layers.BatchNormalization(name="hidden_normalised")(x))
    x = layers.Dropout(dropout)(x)
    return keras.Model(values, layers.Dense(labels, name="logits")(x), name="clip_network")


def one_of_parts(parts: Sequence[keras.Model], one: keras.Model, weights: Any) -> None:
    """Bring the weights of several networks of the form of `clip_network` to one that says their mean.

    Args:
        parts: Each with `weights`.
        one: As wide as all of them together, and without.  How functionals are normalised is left alone.
        weights: `(inputs,)`; once learned, they are as well part of the first layer.
    """

    def of(name: str) -> list[tuple[Any, ...]]:
        """Give the weights of the layers of a name, together by what they are."""
        return list(zip(*(part.get_layer(name).get_weights() for part in parts), strict=True))

    (kernels,) = of("hidden")
    one.get_layer("hidden").set_weights([weights[:, None] * np.concatenate(kernels, axis=1)])
    one.get_layer("hidden_normalised").set_weights([np.concatenate(kind) for kind in of("hidden_normalised")])
    kernels, biases = of("logits")
    one.get_layer("logits").set_weights([np.concatenate(kernels) / len(parts), np.mean(biases, axis=0)])


def normalised_within(values: Any) -> Any:
    """Bring inputs to mean 0 and deviation 1, and within six deviations.

    Some functionals are all but constant in the training data: what another recording gives for them can lie
    hundreds of deviations out, and would drown all others.
    """
    # In single precision whatever the rest is in: a large mean is taken away here.
    x = layers.Normalization(name="normalise", dtype="float32")(values)
    x = layers.Activation("hard_tanh", dtype="float32")(layers.Rescaling(1 / FURTHEST, dtype="float32")(x))
    return layers.Rescaling(FURTHEST, dtype="float32")(x)


def set_normalisation(network: keras.Model, mean: Any, variance: Any) -> None:
    """Tell a network the mean and variance of each of its inputs, `(inputs,)` each."""
    layer = network.get_layer("normalise")
    layer.adapt_mean.assign(mean)
    layer.adapt_variance.assign(variance)
    layer.finalize_state()
