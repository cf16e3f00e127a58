"""Batch normalisation that only helped to learn, merged into the convolutions before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray


def merge_normalisation(learned: keras.Model, bare: keras.Model) -> None:
    """Give a network the weights of one that normalises behind its convolutions, and says the same.

    What a normalisation does to a map in inference is linear: its gain goes into the filters, and its offset
    into the bias (Jacob et al. 2018, arXiv:1712.05877, section 3.2).

    Args:
        learned: The network with batch normalisation.
        bare: The same layers without; its weights are set.

    Raises:
        ValueError: The two do not have the same layers otherwise, or something stands between a convolution
            or dense layer and its normalisation.
    """
    targets = [layer for layer in _weighted(bare) if not isinstance(layer, layers.BatchNormalization)]
    sources = list(_merged(learned))
    if [[w.shape for w in source] for source in sources] != [
        [tuple(w.shape) for w in layer.weights] for layer in targets
    ]:
        raise ValueError(f"the layers of {learned.name} and {bare.name} are not the same")
    for layer, weights in zip(targets, sources, strict=True):
        layer.set_weights(weights)


def _merged(model: keras.Model) -> Iterator[list[NDArray[Any]]]:
    """Give the weights of each layer that has some, those of a normalisation merged into the layer before."""
    weighted = list(_weighted(model))
    for layer, after in zip(weighted, [*weighted[1:], None], strict=True):
        if isinstance(layer, layers.BatchNormalization):
            continue
        weights = layer.get_weights()
        if isinstance(after, layers.BatchNormalization):
            if after.input is not layer.output:
                raise ValueError(f"{after.name} does not stand right behind {layer.name}")
            gain, offset, mean, variance = (np.asarray(value, np.float64) for value in after.get_weights())
            gain /= np.sqrt(variance + after.epsilon)
            bias = weights[1] if layer.use_bias else 0.0
            weights = [
                (weights[0] * gain).astype(np.float32),
                (offset + (bias - mean) * gain).astype(np.float32),
            ]
        yield weights


def _weighted(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Give the layers with weights, those of networks within it, too, in their order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _weighted(layer)
        elif layer.weights:
            yield layer
