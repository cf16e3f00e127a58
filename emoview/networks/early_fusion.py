"""Early fusion of a face sequence and a voice sequence, in the four ways that were published.

All take `(batch, ticks, embedding + descriptors)` values and a `(batch, ticks)` mask of true ticks, and
give `(batch, labels)` logits of the sequence and `(batch, ticks, labels)` logits of the ticks.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers

from emoview.networks.temporal import sequence_logits, stacked_gru

EarlyVariant = Literal["descriptors", "sound-gru", "dense", "two-grus"]
EARLY_VARIANTS: tuple[EarlyVariant, ...] = ("descriptors", "sound-gru", "dense", "two-grus")


def early_network(
    variant: EarlyVariant,
    *,
    embedding: int,
    descriptors: int,
    labels: int = 7,
    units: int = 128,
    sound_units: int = 64,
    depth: int = 2,
    bidirectional: bool = True,
    dropout: float = 0.4,
) -> keras.Model:
    """Build a fusion.

    Args:
        variant: `descriptors` go into the GRU beside the embeddings; `sound-gru`: the output of a GRU
            over them does; `dense`: the same into a dense layer; `two-grus`: the outputs of a GRU over
            the embeddings and of one over the descriptors go into a third.
        embedding: Values of a face embedding.
        descriptors: Values of a voice tick.
        labels: How many logits.
        units: Of the GRU that joins, a direction.
        sound_units: Of the GRU over descriptors.
        depth: Layers of the GRU that joins.
        bidirectional: Look ahead, too.
        dropout: Before each GRU and before the logits.
    """
    values = keras.Input((None, embedding + descriptors), name="values")
    mask = keras.Input((None,), name="mask", dtype="bool")
    x = layers.Normalization(name="normalise")(values)
    face, voice = x[..., :embedding], x[..., embedding:]

    def gru(x: Any, width: int, count: int) -> Any:
        return stacked_gru(x, mask, width, count, dropout=dropout, bidirectional=bidirectional)

    if variant != "descriptors":
        voice = gru(voice, sound_units, 1)
    if variant == "two-grus":
        face = gru(face, units, 1)
    x = layers.Concatenate()([face, voice])
    if variant == "dense":
        x = layers.Dense(units, activation="relu")(layers.Dropout(dropout)(x))
    else:
        x = gru(x, units, depth)
    outputs = sequence_logits(x, mask, labels, dropout=dropout)
    return keras.Model([values, mask], outputs, name=variant)


def one_sided_network(
    first: int,
    end: int,
    *,
    width: int,
    labels: int = 7,
    units: int = 128,
    depth: int = 2,
    bidirectional: bool = True,
    attention: bool = False,
    dropout: float = 0.4,
    name: str = "gru",
) -> keras.Model:
    """Build a GRU over the values `first` to `end` of the same `width` values a tick.

    Args:
        first: Where its values begin.
        end: Behind its last value.
        width: Values a tick, those that it does not look at included.
        labels: How many logits.
        units: A direction.
        depth: GRU layers.
        bidirectional: Look ahead, too.
        attention: Weigh the ticks by a learned score instead of equally.
        dropout: Before each GRU and before the logits.
        name: Of the model.
    """
    values = keras.Input((None, width), name="values")
    mask = keras.Input((None,), name="mask", dtype="bool")
    x = layers.Normalization(name="normalise")(values)[..., first:end]
    x = stacked_gru(x, mask, units, depth, dropout=dropout, bidirectional=bidirectional)
    outputs = sequence_logits(x, mask, labels, dropout=dropout, attention=attention)
    return keras.Model([values, mask], outputs, name=name)
