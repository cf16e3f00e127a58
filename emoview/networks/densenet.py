"""Densely connected networks: each layer reads all before it (Huang et al. 2017, arXiv:1608.06993)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import (
    Dropout,
    Shape,
    convolution,
    dropped,
    flatten,
    is_small,
    logits,
    picture_input,
    staged,
    stem,
)
from emoview.networks.normalization import BatchNormalization

DEPTHS = {121: (6, 12, 24, 16), 161: (6, 12, 36, 24), 169: (6, 12, 32, 32)}
"""Layers in each dense block, by how many layers of the network have weights."""


def densenet(
    *,
    depth: int = 121,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: Dropout = 0.0,
    pooling: bool = True,
    reduced: bool = False,
) -> keras.Model:
    """Build DenseNet-121, -161 or -169.

    From 64 pixels up, 121 and 169 are those of `keras.applications`, but where dropout stands in the blocks.
    Smaller pictures keep their size through the first convolution, as in system E (table 6).

    Args:
        depth: 121, 161 or 169; 161 is the wide one, with a growth of 48 instead of 32.
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: As in `dense_network`.
        pooling: As in `emoview.networks.resnet.resnet`.
        reduced: Leave the last dense block out.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    name = f"densenet{depth}"
    if depth == 161 or reduced or is_small(input_shape) or isinstance(dropout, Sequence):
        return dense_network(
            depths=DEPTHS[depth][: 3 if reduced else 4], growth=48 if depth == 161 else 32,
            input_shape=input_shape, labels=labels, dropout=dropout, pooling=pooling, name=name,
        )  # fmt: skip
    picture, x = picture_input(input_shape)
    published = {121: keras.applications.DenseNet121, 169: keras.applications.DenseNet169}[depth]
    x = published(include_top=False, weights=None, input_tensor=x).output
    x = flatten(x, pooling=pooling)
    return keras.Model(picture, logits(x, labels, dropout=dropout), name=name)


def dense_network(
    *,
    depths: tuple[int, ...] = (4, 8, 12),
    growth: int = 16,
    input_shape: Shape = (42, 42, 1),
    labels: int = 7,
    dropout: Dropout = 0.2,
    pooling: bool = True,
    name: str = "densenet_small",
) -> keras.Model:
    """Build a DenseNet of any size: bottlenecks in the blocks, and transitions that halve the channels.

    Args:
        depths: Layers in each dense block.
        growth: Channels that each layer adds.
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: Before the logits; several shares, one for each dense block, are dropped behind its layers
            and in the transition after it.
        pooling: As in `emoview.networks.resnet.resnet`.
        name: Of the model.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    last = 0.0 if isinstance(dropout, Sequence) else dropout
    shares = staged(dropout if isinstance(dropout, Sequence) else 0.0, len(depths))
    x = stem(x, 2 * growth, strides=1 if is_small(input_shape) else 2)
    for block, (depth, share) in enumerate(zip(depths, shares, strict=True)):
        if block:
            x = _transition(x, shares[block - 1])
        for _ in range(depth):
            # The 1x1 convolution and what follows it: normalised, activated, then the 3x3 one.
            y = convolution(_activate(x), 4 * growth, 1)
            y = layers.Conv2D(growth, 3, padding="same", use_bias=False)(y)
            x = layers.Concatenate()([x, dropped(y, share)])
    x = flatten(_activate(x), pooling=pooling)
    return keras.Model(picture, logits(x, labels, dropout=last), name=name)


def _activate(x: Any) -> Any:
    return layers.ReLU()(BatchNormalization()(x))


def _transition(x: Any, share: float) -> Any:
    x = layers.Conv2D(x.shape[-1] // 2, 1, use_bias=False)(_activate(x))
    return layers.AveragePooling2D(2)(dropped(x, share))
