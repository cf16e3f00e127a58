"""The face network: squeeze-and-excitation residual blocks on small grey faces.

Residual blocks: He et al. (2016), arXiv:1512.03385.  Squeeze and excitation: Hu et al. (2018),
arXiv:1709.01507.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import convolution, squeeze_excite
from emoview.networks.normalization import BatchNormalization
from emoview.networks.sizes import FACE_DEPTHS

EMBEDDING_LAYER = "embedding"
MAPS_LAYER = "maps"
"""What goes into the last stage: of a face of 48 pixels the deepest maps with more than 3x3 places."""


def face_cnn(
    *,
    widths: tuple[int, ...] = (32, 64, 128, 256),
    depths: tuple[int, ...] = FACE_DEPTHS,
    labels: int = 7,
    dropout: float = 0.2,
) -> keras.Model:
    """Build the face network.

    The network is fully convolutional, so it takes pictures of any size from 32 pixels up; it is
    trained from small to large ones.

    Args:
        widths: Channels of each stage; every stage after the first halves the picture.
        depths: Residual blocks in each stage.
        labels: How many logits.
        dropout: Share of the embedding that is dropped in training.

    Returns:
        A model from `(batch, height, width, 1)` grey pictures in [0, 1] to `(batch, labels)`
        logits, with a layer named `embedding` of shape `(batch, widths[-1])`, and one named `maps` of
        shape `(batch, height / 8, width / 8, widths[-2])` with the sizes above.
    """
    picture = keras.Input((None, None, 1), name="picture")
    x = layers.Rescaling(2.0, offset=-1.0)(picture)
    x = convolution(x, 16)
    x = convolution(x, widths[0], strides=2)
    for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
        for block in range(depth):
            is_maps = (stage, block) == (len(widths) - 2, depth - 1)
            strides = 2 if stage > 0 and block == 0 else 1
            x = _residual(x, width, strides=strides, name=MAPS_LAYER if is_maps else None)
    embedding = layers.GlobalAveragePooling2D(name=EMBEDDING_LAYER)(x)
    logits = layers.Dense(labels, name="logits", dtype="float32")(layers.Dropout(dropout)(embedding))
    return keras.Model(picture, logits, name="face_cnn")


def embedding_model(network: keras.Model) -> keras.Model:
    """Give the network two outputs: the embedding `(batch, width)` and the logits."""
    embedding = network.get_layer(EMBEDDING_LAYER).output
    return keras.Model(network.input, [embedding, network.output], name="face_embedding")


def deepened(network: keras.Model, deeper: keras.Model) -> keras.Model:
    """Give the weights of `network` to `deeper`, which has a fresh start and more blocks in some stages.

    A fresh block is the identity (see `_residual`), so that both then answer the same.
    """
    for one, other in zip(_stages(network), _stages(deeper), strict=True):
        if len(one) > len(other):
            raise ValueError("deeper has fewer blocks in a stage")
        for layer, like in zip(one, other, strict=False):
            like.set_weights(layer.get_weights())
    for one in network.layers:
        if isinstance(one, layers.Dense):
            deeper.get_layer(one.name).set_weights(one.get_weights())
    return deeper


def _stages(network: keras.Model) -> list[list[keras.Layer]]:
    """Give what has weights before the answers, in order, parted where pictures are halved."""
    stages: list[list[keras.Layer]] = [[]]
    for layer in network.layers:
        if isinstance(layer, layers.Dense) or not layer.weights:
            continue
        if isinstance(layer, layers.Conv2D) and layer.strides != (1, 1):
            stages.append([])
        stages[-1].append(layer)
    return stages


def with_votes(network: keras.Model) -> keras.Model:
    """Give the network a second answer, to be trained beside the first: how raters would vote.

    Returns:
        A model with two outputs, both `(batch, labels)` logits, the second of a layer named `votes`.
    """
    last = network.get_layer("logits")
    votes = layers.Dense(last.units, name="votes", dtype="float32")(last.input)
    return keras.Model(network.input, [network.output, votes], name="face_votes")


def maps_model(network: keras.Model) -> keras.Model:
    """Give the network the maps before its last stage as its only output."""
    return keras.Model(network.input, network.get_layer(MAPS_LAYER).output, name="face_maps")


def exported_model(network: keras.Model) -> keras.Model:
    """Give the network all outputs of its ONNX file, which are told apart by their names."""
    names = (EMBEDDING_LAYER, "logits", MAPS_LAYER)
    return keras.Model(network.input, [network.get_layer(name).output for name in names], name="face")


def _residual(x: Any, width: int, *, strides: int, name: str | None = None) -> Any:
    y = convolution(x, width, strides=strides)
    y = layers.Conv2D(width, 3, padding="same", use_bias=False)(y)
    # A zero scale makes each block start as the identity, which lets the learning rate be high
    # from the start (Goyal et al. 2017, arXiv:1706.02677).
    y = BatchNormalization(gamma_initializer="zeros")(y)
    y = squeeze_excite(y, ratio=8)
    if strides > 1:
        x = layers.AveragePooling2D(strides, padding="same")(x)
    if x.shape[-1] != width:
        x = convolution(x, width, 1, activation=None)
    return layers.ReLU(name=name)(layers.Add()([x, y]))
