"""NASNet-A (mobile), whose cells were found by search (Zoph et al. 2018, arXiv:1707.07012)."""

from __future__ import annotations

import keras

from emoview.networks.blocks import Shape, logits, picture_input


def nasnet_mobile(
    *, input_shape: Shape = (224, 224, 3), labels: int = 7, dropout: float = 0.5
) -> keras.Model:
    """Build the NASNetMobile of `keras.applications`.

    Its stem halves the picture three times whatever its size, since the reduction cells belong to
    the architecture; from 32 pixels up something is left.

    Args:
        input_shape: Height, width and channels; at least 32 pixels.
        labels: How many logits.
        dropout: Before the logits.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    x = keras.applications.NASNetMobile(
        include_top=False, weights=None, input_tensor=x, input_shape=input_shape, pooling="avg"
    ).output
    return keras.Model(picture, logits(x, labels, dropout=dropout), name="nasnet_mobile")
