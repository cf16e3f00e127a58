"""NASNet-A, whose cells were found by search (Zoph et al. 2018, arXiv:1707.07012)."""

from __future__ import annotations

from collections.abc import Callable

import keras

from emoview.networks.blocks import Shape, logits, picture_input


def nasnet_mobile(
    *, input_shape: Shape = (224, 224, 3), labels: int = 7, dropout: float = 0.5
) -> keras.Model:
    """Build the NASNetMobile of `keras.applications`, NASNet-A (4 @ 1056).

    Its stem halves the picture three times whatever its size, since the reduction cells belong to
    the architecture; from 32 pixels up something is left.

    Args:
        input_shape: Height, width and channels; at least 32 pixels.
        labels: How many logits.
        dropout: Before the logits.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    return _nasnet(keras.applications.NASNetMobile, "nasnet_mobile", input_shape, labels, dropout)


def nasnet_large(*, input_shape: Shape = (331, 331, 3), labels: int = 7, dropout: float = 0.5) -> keras.Model:
    """Build the NASNetLarge of `keras.applications`, NASNet-A (6 @ 4032).

    System D does not name its variant, but calls it "a much larger model" than its other networks, which the
    mobile one is not.

    Args:
        input_shape: As for `nasnet_mobile`.
        labels: How many logits.
        dropout: Before the logits.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    return _nasnet(keras.applications.NASNetLarge, "nasnet_large", input_shape, labels, dropout)


def _nasnet(
    build: Callable[..., keras.Model], name: str, shape: Shape, labels: int, dropout: float
) -> keras.Model:
    picture, x = picture_input(shape)
    x = build(include_top=False, weights=None, input_tensor=x, input_shape=shape, pooling="avg").output
    return keras.Model(picture, logits(x, labels, dropout=dropout), name=name)
