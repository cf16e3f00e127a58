"""Early fusion of a face sequence and a voice sequence, in the four ways that were published.

All take `(batch, ticks, embedding + descriptors)` values and a `(batch, ticks)` mask of true ticks, and
give `(batch, labels)` logits of the sequence and `(batch, ticks, labels)` logits of the ticks.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.choices import EarlyVariant
from emoview.networks.temporal import sequence_logits, stacked_gru

FACE, VOICE = "face_gru", "voice_gru"
"""What the GRUs over one side of a fusion are called, with their number."""
SIDES: dict[EarlyVariant, tuple[str, ...]] = {
    "descriptors": (), "sound-gru": (VOICE,), "dense": (VOICE,), "two-grus": (FACE, VOICE)
}  # fmt: skip
"""Sides that a fusion has GRUs over."""


def early_network(
    variant: EarlyVariant,
    *,
    embedding: int,
    descriptors: int,
    labels: int = 7,
    units: int = 128,
    sound_units: int = 64,
    depth: int = 2,
    sound_depth: int = 2,
    bidirectional: bool = True,
    dropout: float = 0.4,
) -> keras.Model:
    """Build a fusion (system D, section 4.4).

    Args:
        variant: `descriptors` go into the GRU beside the embeddings; `sound-gru`: the output of a GRU
            over them does; `dense`: the same is classified straight, tick by tick; `two-grus`: the outputs of
            a GRU over the embeddings and of one over the descriptors go into a third.
        embedding: Values of a face embedding.
        descriptors: Values of a voice tick.
        labels: How many logits.
        units: A direction, of the GRU over embeddings and of that which joins.
        sound_units: Of the GRU over descriptors.
        depth: Layers of the GRU over embeddings and of that which joins.
        sound_depth: Layers of the GRU over descriptors.
        bidirectional: Look ahead, too.
        dropout: Before each GRU and before the logits.
    """
    values = keras.Input((None, embedding + descriptors), name="values")
    mask = keras.Input((None,), name="mask", dtype="bool")
    x = layers.Normalization(name="normalise")(values)
    face, voice = x[..., :embedding], x[..., embedding:]

    def gru(x: Any, width: int, count: int, name: str | None = None) -> Any:
        return stacked_gru(x, mask, width, count, dropout=dropout, bidirectional=bidirectional, name=name)

    if VOICE in SIDES[variant]:
        voice = gru(voice, sound_units, sound_depth, VOICE)
    if FACE in SIDES[variant]:
        face = gru(face, units, depth, FACE)
    x = layers.Concatenate()([face, voice])
    if variant != "dense":
        x = gru(x, units, depth)
    outputs = sequence_logits(x, mask, labels, dropout=dropout)
    return keras.Model([values, mask], outputs, name=variant)


def start_side(fusion: keras.Model, side: str, trained: keras.Model) -> None:
    """Begin the GRUs of a fusion over one side with those of a network that was trained on it alone.

    Args:
        fusion: As `early_network` builds it.
        side: `FACE` or `VOICE`.
        trained: As `one_sided_network` builds it, as deep and as wide.
    """
    grus = [layer for layer in trained.layers if isinstance(layer, (layers.GRU, layers.Bidirectional))]
    for number, gru in enumerate(grus, start=1):
        fusion.get_layer(f"{side}_{number}").set_weights(gru.get_weights())


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
