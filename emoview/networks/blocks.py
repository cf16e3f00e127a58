"""Blocks that the architectures share: the input, convolutions, the squeeze and the head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

from emoview.networks.normalization import BatchNormalization

LOGITS_LAYER = "logits"
"""Name of the last layer of every network."""

Shape = tuple[int, ...]
"""Of one sample: `(height, width, channels)` of a picture."""

Dropout = float | tuple[float, ...]
"""Share of values dropped in training: one, or one for each stage."""

FIRST_DENSE_LAYER = "fc6"
"""Name of the first dense layer of VGG-Face."""

SMALL_SIDE = 64
"""Pictures with a shorter side keep it through the first convolution of a DenseNet."""


def picture_input(shape: Shape) -> tuple[Any, Any]:
    """Take pictures in [0, 1] of shape `(height, width, channels)`.

    Returns:
        The input `(batch, height, width, channels)`, and the same in [-1, 1].
    """
    picture = keras.Input(shape, name="picture")
    return picture, layers.Rescaling(2.0, offset=-1.0)(picture)


def is_small(shape: Shape) -> bool:
    """Tell whether a picture of this shape is a small one."""
    return min(shape[:2]) < SMALL_SIDE


def convolution(
    x: Any,
    width: int,
    size: int = 3,
    *,
    strides: int = 1,
    groups: int = 1,
    activation: str | None = "relu",
    batch_norm: bool = True,
    start: str = "glorot_uniform",
) -> Any:
    """Convolve, normalise and activate: `(batch, h, w, n)` -> `(batch, h / strides, w / strides, width)`.

    The bias is left out where the normalisation has one.
    """
    kind = GroupedConvolution if groups > 1 else layers.Conv2D
    x = kind(
        width, size, strides=strides, padding="same", groups=groups, use_bias=not batch_norm,
        kernel_initializer=start,
    )(x)  # fmt: skip
    if batch_norm:
        x = BatchNormalization()(x)
    return layers.Activation(activation)(x) if activation else x


@keras.saving.register_keras_serializable("emoview")
class GroupedConvolution(layers.Conv2D):  # type: ignore[misc]
    """A convolution in groups of channels, as one product of matrices a group; same padding, and no dilation.

    It says the same as `Conv2D` with `groups`, whose gradient TensorFlow and PyTorch take minutes a step for
    on a processor.
    """

    def call(self, inputs: Any) -> Any:
        """Convolve `(batch, h, w, n)` maps."""
        height, width, channels = inputs.shape[1:]
        (down, right), (rows, columns) = self.strides, self.kernel_size
        tall, wide = -(-height // down), -(-width // right)
        around = [(0, 0), _same(height, down, rows), _same(width, right, columns), (0, 0)]
        padded = keras.ops.pad(inputs, around)
        groups, inner = self.groups, channels // self.groups
        patches = [
            keras.ops.reshape(
                padded[:, i : i + down * (tall - 1) + 1 : down, j : j + right * (wide - 1) + 1 : right],
                (-1, tall * wide, groups, inner),
            )
            for i in range(rows)
            for j in range(columns)
        ]
        kernel = keras.ops.reshape(self.kernel, (rows * columns * inner, groups, self.filters // groups))
        product = keras.ops.einsum("bpgn,ngm->bpgm", keras.ops.concatenate(patches, axis=-1), kernel)
        result = keras.ops.reshape(product, (-1, tall, wide, self.filters))
        if self.use_bias:
            result = result + self.bias
        return self.activation(result)


def _same(side: int, stride: int, size: int) -> tuple[int, int]:
    """Give how much is padded before and after, so that the side is divided by the stride."""
    total = max((-(-side // stride) - 1) * stride + size - side, 0)
    return total // 2, total - total // 2


def stem(x: Any, width: int = 64, *, strides: int = 2) -> Any:
    """First layers of a deep network: a 7x7 convolution and a 3x3 max-pooling with a stride of 2."""
    return layers.MaxPooling2D(3, 2, padding="same")(convolution(x, width, 7, strides=strides))


def dropped(x: Any, share: float) -> Any:
    """Drop a share of values in training; where it is none, there is no layer for it."""
    return layers.Dropout(share)(x) if share else x


def squeeze_excite(x: Any, *, ratio: int = 16) -> Any:
    """Weigh the channels by what the whole picture shows (Hu et al. 2018, arXiv:1709.01507)."""
    width = x.shape[-1]
    gate = layers.GlobalAveragePooling2D(keepdims=True)(x)
    gate = layers.Conv2D(width // ratio, 1, activation="relu")(gate)
    gate = layers.Conv2D(width, 1, activation="sigmoid")(gate)
    return layers.Multiply()([x, gate])


def staged(dropout: Dropout, stages: int) -> tuple[float, ...]:
    """Give a share for each stage; where there is one share only, it is that of the last.

    Raises:
        ValueError: There are several, but not one for each stage.

    >>> staged(0.4, 3)
    (0.0, 0.0, 0.4)
    """
    if not isinstance(dropout, Sequence):
        return (*[0.0] * (stages - 1), dropout)
    if len(dropout) != stages:
        raise ValueError(f"dropout takes one share, or {stages} of them, one for each stage")
    return tuple(dropout)


def flatten(x: Any, *, pooling: bool) -> Any:
    """Make a vector of a map: its mean over the picture with `pooling`, else all its values."""
    return layers.GlobalAveragePooling2D()(x) if pooling else layers.Flatten()(x)


def logits(x: Any, labels: int, *, dropout: float = 0.0) -> Any:
    """End a network: `(batch, n)` -> `(batch, labels)` logits, in float32 whatever the rest is in."""
    x = dropped(x, dropout)
    return layers.Dense(labels, name=LOGITS_LAYER, dtype="float32")(x)


def embedding_of(network: keras.Model) -> keras.Model:
    """Give a network two outputs: the embedding `(batch, n)` and the logits.

    The embedding is what system D (sections 5.2 and 6.3) gives to its GRU: of VGG-Face, which has three dense
    layers, the activations of the first; of other networks what the last layer reads.  Dropout before that
    changes nothing outside training.

    >>> from emoview.networks.catalog import build
    >>> [tuple(output.shape) for output in embedding_of(build("nn1")).outputs]
    [(None, 16), (None, 7)]
    """
    dense = [layer.output for layer in network.layers if layer.name == FIRST_DENSE_LAYER]
    embedding = dense[0] if dense else network.get_layer(LOGITS_LAYER).input
    return keras.Model(network.inputs, [embedding, *network.outputs], name=f"{network.name}_embedding")
