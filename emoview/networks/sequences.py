"""Networks over sequences of pictures: one of pictures, frame by frame, with what joins the frames behind it.

System D, sections 5.2 and 5.8: a sequence is classified by the mean or the median of its frames' logits, or
by a GRU over their embeddings.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.choices import Aggregate
from emoview.networks.preparation import embedding_of_prepared
from emoview.networks.temporal import MaskedMean, sequence_logits, stacked_gru


@keras.saving.register_keras_serializable("emoview")
class MaskedMedian(layers.Layer):  # type: ignore[misc]
    """Median of the logits of the ticks that are there: `(batch, ticks, n)`, mask -> `(batch, n)`."""

    supports_masking = True

    def compute_mask(self, *_: Any, **__: Any) -> None:
        """Say that the result, which has no ticks, carries no mask."""

    def call(self, values: Any, mask_input: Any) -> Any:
        """Take the middle of the true ticks, or the mean of the two in the middle."""
        ops = keras.ops
        there = ops.cast(mask_input, values.dtype)[..., None]
        # What is not there comes last.
        ordered = ops.sort(values * there + (1.0 - there) * 1e9, axis=1)
        last = ops.maximum(ops.sum(ops.cast(mask_input, "int32"), axis=1) - 1, 0)
        low, high = (
            ops.sum(ordered * ops.one_hot(at, values.shape[1], dtype=values.dtype)[..., None], axis=1)
            for at in (last // 2, (last + 1) // 2)
        )
        return (low + high) / 2


def frames_network(frames: keras.Model, *, length: int, aggregate: Aggregate = "mean") -> keras.Model:
    """Classify sequences by what a network says of each frame.

    Args:
        frames: From pictures `(batch, height, width, channels)` to `(batch, labels)` logits.
        length: Frames of a sequence.
        aggregate: `mean` or `median` of the frames' logits.

    Returns:
        A model from `(batch, length, height, width, channels)` pictures and a `(batch, length)` mask of what
        counts to `(batch, labels)` logits.
    """
    pictures, mask = _inputs(frames, length)
    ticks = _each(frames, pictures, length)
    return keras.Model([pictures, mask], _aggregated(ticks, mask, aggregate), name=f"{frames.name}_sequences")


def cnn_gru(
    frames: keras.Model,
    *,
    length: int,
    aggregate: Aggregate = "mean",
    units: int = 128,
    depth: int = 2,
    bidirectional: bool = False,
    attention: bool = False,
    dropout: float = 0.0,
) -> keras.Model:
    """Build a GRU over the embeddings that a network of pictures gives, as one network.

    Arguments and result are those of `frames_network`, but for these of the GRU:

    Args:
        frames: As there; its last layer is left out, see `emoview.networks.blocks.embedding_of`.
        length: As there.
        aggregate: As there.
        units: A direction.
        depth: GRU layers.
        bidirectional: Look ahead, too.
        attention: Weigh the frames by a learned score instead of aggregating them alike.
        dropout: Before each GRU and before the logits.
    """
    pictures, mask = _inputs(frames, length)
    embedding = keras.Model(frames.input, embedding_of_prepared(frames).outputs[0], name=EMBEDDING_PART)
    x = _each(embedding, pictures, length)
    x = stacked_gru(x, mask, units, depth, dropout=dropout, bidirectional=bidirectional, name="gru")
    whole, ticks = sequence_logits(x, mask, frames.output_shape[-1], dropout=dropout, attention=attention)
    if aggregate == "median" and not attention:
        whole = _aggregated(ticks, mask, aggregate)
    return keras.Model([pictures, mask], whole, name=f"{frames.name}_gru")


EMBEDDING_PART = "embedding"
"""Name of the part of a `cnn_gru` that embeds pictures."""


def _inputs(frames: keras.Model, length: int) -> tuple[Any, Any]:
    pictures = keras.Input((length, *frames.input_shape[1:]), name="frames")
    return pictures, keras.Input((length,), name="mask", dtype="bool")


def _each(network: keras.Model, pictures: Any, length: int) -> Any:
    """Apply a network to every frame: `(batch, length, n)`."""
    every = keras.ops.reshape(pictures, (-1, *pictures.shape[2:]))
    return keras.ops.reshape(network(every), (-1, length, network.output_shape[-1]))


def _aggregated(ticks: Any, mask: Any, aggregate: Aggregate) -> Any:
    return (MaskedMean if aggregate == "mean" else MaskedMedian)(name=f"{aggregate}_logits")(ticks, mask)
