"""System E: shallow and VGG-style networks for small faces, with the layers of its tables 3 and 4.

BKStart and BKVGG12 are those of Sang, Dat and Thuan, "Facial expression recognition using deep
convolutional neural networks" (KSE 2017).  None has batch normalisation.  Convolutions are padded,
poolings are not.  Where between the layers the rising dropout stands, the work does not say: here it
stands behind the first two poolings and the dense layers.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import (
    Dropout,
    Shape,
    convolution,
    dropped,
    flatten,
    logits,
    picture_input,
    staged,
)

RISING = (0.05, 0.2, 0.4)
"""Dropout that rises through the depth, as system E has it (section 7.1.3)."""

# The work does not say how weights start.  Keras' own choice halves the variance at each rectifier, which
# twelve layers without normalisation feel (He et al. 2015, arXiv:1502.01852).
_START = "he_normal"


def bkstart(
    *, input_shape: Shape = (42, 42, 1), labels: int = 7, dropout: Dropout = RISING, pooling: bool = False
) -> keras.Model:
    """Build BKStart (table 3): three convolutions, each with an overlapping pooling, and a wide dense layer.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: Before the logits; of three shares the first two are dropped behind the first two poolings.
        pooling: Average over the picture instead of flattening.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    return _start("bkstart", "same", input_shape, labels, dropout, pooling=pooling)


def bkmin(
    *, input_shape: Shape = (42, 42, 1), labels: int = 7, dropout: Dropout = RISING, pooling: bool = False
) -> keras.Model:
    """Build BKMin: BKStart without padding, which leaves an eleventh of its parameters.

    Arguments and result are those of `bkstart`.
    """
    return _start("bkmin", "valid", input_shape, labels, dropout, pooling=pooling)


def bkvgg12(
    *,
    input_shape: Shape = (42, 42, 1),
    labels: int = 7,
    dropout: Dropout = RISING,
    pooling: bool = False,
    batch_norm: bool = False,
    filters: int = 3,
    name: str = "bkvgg12",
) -> keras.Model:
    """Build BKVGG12 (table 4): nine 3x3 convolutions in four stages and three dense layers.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: Behind both dense layers; of three shares the first two are dropped behind the first two
            poolings.
        pooling: Average over the picture instead of flattening.
        batch_norm: Normalise after each convolution, and after both dense layers of 256.
        filters: Side of the convolutions' filters.
        name: Of the model.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    first, second, last = staged(dropout, 3)
    for (width, depth), share in zip(
        ((32, 2), (64, 2), (128, 2), (256, 3)), (first, second, 0.0, None), strict=True
    ):
        for _ in range(depth):
            x = convolution(x, width, filters, batch_norm=batch_norm, start=_START)
        if share is not None:
            x = dropped(layers.MaxPooling2D(2)(x), share)
    x = dropped(_dense(flatten(x, pooling=pooling), 256, batch_norm=batch_norm), last)
    x = _dense(x, 256, batch_norm=batch_norm)
    return keras.Model(picture, logits(x, labels, dropout=last), name=name)


def andreas100(
    *,
    input_shape: Shape = (100, 100, 3),
    labels: int = 7,
    dropout: Dropout = RISING,
    pooling: bool = False,
    batch_norm: bool = False,
) -> keras.Model:
    """Build Andreas100: BKVGG12 for colour pictures of 100 pixels, with 6x6 filters.

    Arguments and result are those of `bkvgg12`.
    """
    return bkvgg12(
        input_shape=input_shape, labels=labels, dropout=dropout, pooling=pooling, batch_norm=batch_norm,
        filters=6, name="andreas100",
    )  # fmt: skip


def _dense(x: Any, width: int, *, batch_norm: bool) -> Any:
    x = layers.Dense(width, kernel_initializer=_START)(x)
    return layers.ReLU()(layers.BatchNormalization()(x) if batch_norm else x)


def _start(
    name: str, padding: str, shape: Shape, labels: int, dropout: Dropout, *, pooling: bool
) -> keras.Model:
    picture, x = picture_input(shape)
    first, second, last = staged(dropout, 3)
    pools = (layers.MaxPooling2D, layers.AveragePooling2D, layers.AveragePooling2D)
    for (width, size), pool, share in zip(
        ((32, 5), (32, 4), (64, 5)), pools, (first, second, 0.0), strict=True
    ):
        x = layers.Conv2D(width, size, padding=padding, activation="relu", kernel_initializer=_START)(x)
        x = dropped(pool(3, 2)(x), share)
    x = layers.Dense(3072, activation="relu", kernel_initializer=_START)(flatten(x, pooling=pooling))
    return keras.Model(picture, logits(x, labels, dropout=last), name=name)
