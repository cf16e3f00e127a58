"""System B's picture network: a plain CNN on the grey face of one frame."""

from __future__ import annotations

import keras
from keras import layers

from emoview.networks.blocks import Shape, convolution, flatten, logits, picture_input


def frame_cnn(
    *,
    input_shape: Shape = (48, 48, 1),
    labels: int = 7,
    widths: tuple[int, ...] = (32, 64, 128),
    depth: int = 2,
    units: int = 256,
    activation: str = "relu",
    dropout: float = 0.5,
    pooling: bool = False,
    batch_norm: bool = False,
) -> keras.Model:
    """Build stages of convolutions, max-pooling and dropout, and one dense layer.

    The order of the layers and the dropout of one half are system B's (section 4.6); the widths, and how
    many convolutions a stage has, are our choice.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        widths: Filters of each stage, which halves the picture.
        depth: Convolutions of each stage.
        units: Of the dense layer.
        activation: Any that Keras knows by name, such as `relu`, `elu` or `tanh`.
        dropout: After each stage and before the logits.
        pooling: Average over the picture instead of flattening.
        batch_norm: Normalise after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    for width in widths:
        for _ in range(depth):
            x = convolution(x, width, activation=activation, batch_norm=batch_norm)
        x = layers.Dropout(dropout)(layers.MaxPooling2D(2)(x))
    x = layers.Dense(units, activation=activation)(flatten(x, pooling=pooling))
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="frame_cnn")
