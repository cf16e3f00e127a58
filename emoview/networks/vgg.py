"""VGG: 3x3 convolutions all the way (Simonyan and Zisserman 2015, arXiv:1409.1556).

VGG-Face is the same stack on faces (Parkhi et al. 2015, "Deep Face Recognition").
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import FIRST_DENSE_LAYER, Shape, convolution, logits, picture_input

WIDTHS = (64, 128, 256, 512, 512)
DENSE = 4096
DEPTHS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
"""Convolutions in each stage, by how many layers of the network have weights."""


def vgg(
    *,
    depth: int = 16,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: float = 0.5,
    pooling: bool = False,
    batch_norm: bool = False,
    name: str | None = None,
) -> keras.Model:
    """Build VGG-11 or VGG-16; the plain 16 is that of `keras.applications`.

    Args:
        depth: 11 or 16.
        input_shape: Height, width and channels; at least 32 pixels.
        labels: How many logits.
        dropout: After each dense layer, or before the logits with `pooling`.
        pooling: Average over the picture instead of two dense layers of 4,096, which hold most of
            the weights.
        batch_norm: Normalise after each convolution.
        name: Of the model.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    if depth == 16 and not batch_norm:
        x = keras.applications.VGG16(include_top=False, weights=None, input_tensor=x).output
    else:
        x = _stages(x, DEPTHS[depth], batch_norm=batch_norm)
    return keras.Model(picture, _head(x, labels, dropout, pooling=pooling), name=name or f"vgg{depth}")


def vgg16_face(
    *,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: float = 0.5,
    pooling: bool = False,
) -> keras.Model:
    """Build the network of VGG-Face: VGG-16 whose layers are named as in the published weights.

    The names (`conv1_1` to `conv5_3`, `fc6`, `fc7`) let weights be carried over layer by layer; the
    2,622 identities of the original give way to the labels.  Arguments and result are those of `vgg`.
    """
    picture, x = picture_input(input_shape)
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS[16], strict=True), 1):
        for layer in range(1, depth + 1):
            name = f"conv{stage}_{layer}"
            x = layers.Conv2D(width, 3, padding="same", activation="relu", name=name)(x)
        x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
    x = _head(x, labels, dropout, pooling=pooling, names=(FIRST_DENSE_LAYER, "fc7"))
    return keras.Model(picture, x, name="vgg16_face")


def _stages(x: Any, depths: tuple[int, ...], *, batch_norm: bool) -> Any:
    for width, depth in zip(WIDTHS, depths, strict=True):
        for _ in range(depth):
            x = convolution(x, width, batch_norm=batch_norm)
        x = layers.MaxPooling2D(2)(x)
    return x


def _head(
    x: Any, labels: int, dropout: float, *, pooling: bool, names: tuple[str, str] = ("fc1", "fc2")
) -> Any:
    if pooling:
        return logits(layers.GlobalAveragePooling2D()(x), labels, dropout=dropout)
    first, second = names
    x = layers.Dense(DENSE, activation="relu", name=first)(layers.Flatten()(x))
    x = layers.Dense(DENSE, activation="relu", name=second)(layers.Dropout(dropout)(x))
    return logits(x, labels, dropout=dropout)
