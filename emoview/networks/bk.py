"""System E: shallow and VGG-style networks for small grey faces.

BKStart and BKVGG12 are attributed to Sang, Dat and Thuan, "Facial expression recognition using deep
convolutional neural networks" (KSE 2017).  The paper itself was not at hand; the layers are those of
public reimplementations on 42x42 pictures of FER2013, none with batch normalisation.  For BKVGG12
three agree on every convolution and dense layer.  For BKStart one was found, which has the dense
layer in two widths, 3,072 with dropout (taken here) and 2,048 without; the padding of its average
poolings is our reading, and so is the dropout inside the stages of BKVGG12.

No layer list was found for BKMin and Andreas100.  What stands here is our reading of what is known
of them: BKMin, the smallest of the family; Andreas100, 100x100 pictures and 6x6 filters.
"""

from __future__ import annotations

import keras
from keras import layers

from emoview.networks.blocks import Shape, convolution, flatten, logits, picture_input


def bkstart(
    *, input_shape: Shape = (42, 42, 1), labels: int = 7, dropout: float = 0.5, pooling: bool = False
) -> keras.Model:
    """Build BKStart: three convolutions, each with an overlapping pooling, and one wide dense layer.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: Before the logits.
        pooling: Average over the picture instead of flattening.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    x = convolution(x, 32, 5, batch_norm=False)
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for width, size in ((32, 4), (64, 5)):
        x = convolution(x, width, size, batch_norm=False)
        x = layers.AveragePooling2D(3, 2, padding="same")(x)
    x = layers.Dense(3072, activation="relu")(flatten(x, pooling=pooling))
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="bkstart")


def bkmin(
    *, input_shape: Shape = (42, 42, 1), labels: int = 7, dropout: float = 0.5, pooling: bool = False
) -> keras.Model:
    """Build BKMin: BKStart's three stages with 3x3 filters, half as many, and no dense layer.

    Arguments and result are those of `bkstart`.
    """
    picture, x = picture_input(input_shape)
    for width in (16, 16, 32):
        x = layers.MaxPooling2D(2)(convolution(x, width, batch_norm=False))
    x = flatten(x, pooling=pooling)
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="bkmin")


def bkvgg12(
    *,
    input_shape: Shape = (42, 42, 1),
    labels: int = 7,
    dropout: float = 0.5,
    pooling: bool = False,
    batch_norm: bool = False,
) -> keras.Model:
    """Build BKVGG12: nine 3x3 convolutions in four stages and three dense layers.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: In the dense layers, and a fifth, two fifths and three fifths of it after the first
            three stages, so that it rises through the depth.
        pooling: Average over the picture instead of flattening.
        batch_norm: Normalise after each convolution.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    for stage, (width, depth) in enumerate(((32, 2), (64, 2), (128, 2), (256, 3))):
        if stage:
            x = layers.Dropout(dropout * stage / 5)(layers.MaxPooling2D(2)(x))
        for _ in range(depth):
            x = convolution(x, width, batch_norm=batch_norm)
    x = flatten(x, pooling=pooling)
    for _ in range(2):
        x = layers.Dense(256, activation="relu")(layers.Dropout(dropout)(x))
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="bkvgg12")


def andreas100(
    *, input_shape: Shape = (100, 100, 1), labels: int = 7, dropout: float = 0.5, pooling: bool = False
) -> keras.Model:
    """Build Andreas100: four 6x6 convolutions, each with a 2x2 max-pooling, and one dense layer.

    Arguments and result are those of `bkstart`.
    """
    picture, x = picture_input(input_shape)
    for width in (32, 64, 96, 128):
        x = layers.MaxPooling2D(2)(convolution(x, width, 6, batch_norm=False))
    x = layers.Dense(256, activation="relu")(flatten(x, pooling=pooling))
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="andreas100")
