"""Networks over one vector for a whole utterance: system B's MFCC means, system D's functionals.

MFCC means in a 1D CNN: after de Pinto et al. (2020), "Emotions understanding model from spoken
language using deep neural networks and mel-frequency cepstral coefficients" (EAIS 2020).
"""

from __future__ import annotations

import keras
from keras import layers

from emoview.networks.blocks import Shape, logits


def mfcc_cnn(*, input_shape: Shape = (40,), labels: int = 8, dropout: float = 0.2) -> keras.Model:
    """Build the 1D CNN over the means of MFCCs; the widths of its layers are our choice.

    Three convolutions, each with batch normalisation, dropout and a pooling of 2; then dropout once more.

    Args:
        input_shape: How many means.
        labels: How many logits; the eight are those of RAVDESS.
        dropout: After each convolution, and before the logits.

    Returns:
        A model from `(batch, means)` to `(batch, labels)` logits.
    """
    means = keras.Input(input_shape, name="mfcc")
    x = layers.Normalization(name="normalise")(means)
    x = layers.Reshape((*input_shape, 1))(x)
    for width in (64, 128, 128):
        x = layers.Conv1D(width, 5, padding="same", use_bias=False)(x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x))
        x = layers.MaxPooling1D(2)(layers.Dropout(dropout)(x))
    return keras.Model(means, logits(layers.Flatten()(x), labels, dropout=dropout), name="mfcc_cnn")


def mfcc_cnn_two(*, input_shape: Shape = (40,), labels: int = 8, dropout: float = 0.2) -> keras.Model:
    """Build the network of de Pinto et al., from which that of system B comes: two convolutions.

    Args:
        input_shape: How many means.
        labels: How many logits.
        dropout: After each convolution.

    Returns:
        A model from `(batch, means)` to `(batch, labels)` logits.
    """
    means = keras.Input(input_shape, name="mfcc")
    x = layers.Normalization(name="normalise")(means)
    x = layers.Reshape((*input_shape, 1))(x)
    for width, pool in ((64, 4), (128, None)):
        x = layers.Conv1D(width, 5, padding="same", activation="relu")(x)
        x = layers.Dropout(dropout)(x)
        if pool:
            x = layers.MaxPooling1D(pool)(x)
    return keras.Model(means, logits(layers.Flatten()(x), labels), name="mfcc_cnn_two")


def functionals_dnn(
    *,
    input_shape: Shape = (6373,),
    labels: int = 7,
    units: int | tuple[int, ...] = 1024,
    batch_norm: bool = False,
    dropout: float = 0.5,
) -> keras.Model:
    """Build the dense network over functionals (system D, section 6.4, table 1).

    Args:
        input_shape: How many functionals: 988 of emobase, 1,582 of IS10, 6,373 of ComParE 2016.
        labels: How many logits.
        units: Of the dense layer, or of each where there are several.
        batch_norm: Normalise each dense layer's values before they are activated.
        dropout: After each dense layer.

    Returns:
        A model from `(batch, functionals)` to `(batch, labels)` logits.
    """
    values = keras.Input(input_shape, name="functionals")
    x = layers.Normalization(name="normalise")(values)
    for layer, width in enumerate((units,) if isinstance(units, int) else units):
        x = layers.Dense(width, use_bias=not batch_norm)(layers.Dropout(dropout)(x) if layer else x)
        x = layers.Activation("relu")(layers.BatchNormalization()(x) if batch_norm else x)
    return keras.Model(values, logits(x, labels, dropout=dropout), name="functionals_dnn")
