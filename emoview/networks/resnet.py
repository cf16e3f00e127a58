"""Residual networks, plain and with squeeze and excitation.

ResNet: He et al. (2016), arXiv:1512.03385.  ResNeXt: Xie et al. (2017), arXiv:1611.05431.
Squeeze and excitation: Hu et al. (2018), arXiv:1709.01507.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    squeeze_excite,
    staged,
    stem,
)

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 152: (3, 8, 36, 3)}
"""Blocks in each stage, by how many layers of the network have weights."""


@dataclass(frozen=True)
class Block:
    """What the blocks of a network are made of.

    Attributes:
        bottleneck: 1x1, 3x3 and 1x1 convolutions, the last four times as wide, instead of two 3x3.
        groups: Of the 3x3 convolution; more than one makes a ResNeXt.
        group_width: Channels of a group in the first stage, of a ResNeXt.
        squeeze: Weigh the channels of each block's result.
    """

    bottleneck: bool = False
    groups: int = 1
    group_width: int = 4
    squeeze: bool = False

    def __call__(self, x: Any, width: int, strides: int) -> Any:
        """Add a block's result to its input: `(batch, h, w, n)` -> `(batch, h / strides, ...)`."""
        y = self._bottleneck(x, width, strides) if self.bottleneck else _basic(x, width, strides)
        if self.squeeze:
            y = squeeze_excite(y)
        if strides > 1 or x.shape[-1] != y.shape[-1]:
            x = convolution(x, y.shape[-1], 1, strides=strides, activation=None)
        return layers.ReLU()(layers.Add()([x, y]))

    def _bottleneck(self, x: Any, width: int, strides: int) -> Any:
        grouped = self.groups > 1
        inner = width * self.groups * self.group_width // 64 if grouped else width
        # The first convolution shrinks the picture, as in the papers of ResNet and of squeeze and
        # excitation; a ResNeXt does so in the grouped one.
        y = convolution(x, inner, 1, strides=1 if grouped else strides)
        y = convolution(y, inner, 3, strides=strides if grouped else 1, groups=self.groups)
        return convolution(y, 4 * width, 1, activation=None)


def resnet(
    *,
    depth: int,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: Dropout = 0.0,
    pooling: bool = True,
) -> keras.Model:
    """Build ResNet-18, -34, -50 or -152.

    50 and 152 are those of `keras.applications`, with a bias in each convolution, but where dropout stands
    between the blocks.  Of 42 pixels the first block sees 11, as in system E (table 5).

    Args:
        depth: 18, 34, 50 or 152.
        input_shape: Height, width and channels.
        labels: How many logits.
        dropout: Before the logits; the original has none.  Four shares are dropped between the blocks, each
            behind those of its stage.
        pooling: Average over the picture, as in the original; otherwise the last layer reads every place of
            the map, for which system D made it an option (section 6.1).

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    if depth < 50 or isinstance(dropout, Sequence):
        block = Block(bottleneck=depth >= 50)
        return _residual_network(
            block, DEPTHS[depth], input_shape, labels, dropout, pooling, f"resnet{depth}"
        )
    picture, x = picture_input(input_shape)
    published = {50: keras.applications.ResNet50, 152: keras.applications.ResNet152}[depth]
    x = published(include_top=False, weights=None, input_tensor=x).output
    x = flatten(x, pooling=pooling)
    return keras.Model(picture, logits(x, labels, dropout=dropout), name=f"resnet{depth}")


def se_resnet50(
    *,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: Dropout = 0.0,
    pooling: bool = True,
) -> keras.Model:
    """Build SE-ResNet-50; arguments and result are those of `resnet`."""
    block = Block(bottleneck=True, squeeze=True)
    return _residual_network(block, DEPTHS[50], input_shape, labels, dropout, pooling, "se_resnet50")


def se_resnext50(
    *,
    input_shape: Shape = (224, 224, 3),
    labels: int = 7,
    dropout: Dropout = 0.0,
    pooling: bool = True,
) -> keras.Model:
    """Build SE-ResNeXt-50 (32x4d: 32 groups of 4); arguments and result are those of `resnet`."""
    block = Block(bottleneck=True, groups=32, squeeze=True)
    return _residual_network(block, DEPTHS[50], input_shape, labels, dropout, pooling, "se_resnext50")


def _residual_network(
    block: Block,
    depths: tuple[int, ...],
    shape: Shape,
    labels: int,
    dropout: Dropout,
    pooling: bool,
    name: str,
) -> keras.Model:
    picture, x = picture_input(shape)
    last = 0.0 if isinstance(dropout, Sequence) else dropout
    shares = staged(dropout if isinstance(dropout, Sequence) else 0.0, len(depths))
    x, share = stem(x), 0.0
    for stage, depth in enumerate(depths):
        for i in range(depth):
            x = block(dropped(x, share), 64 * 2**stage, 2 if stage > 0 and i == 0 else 1)
            share = shares[stage]
    x = flatten(x, pooling=pooling)
    return keras.Model(picture, logits(x, labels, dropout=last), name=name)


def _basic(x: Any, width: int, strides: int) -> Any:
    return convolution(convolution(x, width, strides=strides), width, activation=None)
