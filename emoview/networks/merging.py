"""Batch normalisation that only helps to learn: put behind layers, and merged into them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

_AT_ONCE: Final = 32
"""Pictures whose maps fit into memory."""


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


def add_normalisation(bare: keras.Model, learned: keras.Model, pictures: NDArray[np.float32]) -> None:
    """Give a network that normalises behind its layers the weights of one that does not; it says the same.

    Each normalisation gets mean and variance of what comes to it, and a gain and offset that undo it.
    Filters get the size that they have at random: once they are normalised, their size decides how far a step
    of training turns them (van Laarhoven 2017, arXiv:1706.05350).

    Args:
        bare: The network without batch normalisation.
        learned: The same layers with it; its weights are set.
        pictures: `(n, height, width, channels)`: what it is shown.
    """
    normalisations = {layer: after for layer, after in _pairs(learned) if after is not None}
    targets = [layer for layer in _weighted(learned) if not isinstance(layer, layers.BatchNormalization)]
    sources = list(_weighted(bare))
    normalised = [source for source, layer in zip(sources, targets, strict=True) if layer in normalisations]
    moments = dict(zip(normalised, _moments(bare, normalised, pictures), strict=True))
    for source, layer in zip(sources, targets, strict=True):
        weights = source.get_weights()
        after = normalisations.get(layer)
        if after is None:
            layer.set_weights(weights)
            continue
        mean, variance = moments[source]
        size = float(np.std(layer.get_weights()[0])) / max(float(np.std(weights[0])), 1e-12)
        layer.set_weights([size * array for array in weights][: len(layer.weights)])
        gain = np.sqrt(size**2 * variance + after.epsilon)
        shift = 0.0 if layer.use_bias else weights[1]
        after.set_weights([gain / size, mean, size * (mean - shift), size**2 * variance])


def _moments(
    model: keras.Model, behind: list[keras.layers.Layer], pictures: NDArray[np.float32]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Give mean and variance of each channel that these layers put out."""
    inner, values = model, ops.convert_to_tensor(pictures)
    if isinstance(model.layers[-1], keras.Model):
        inner = model.layers[-1]
        for layer in model.layers[1:-1]:
            values = layer(values)
    result = []
    # One layer after the other: the maps of all together take gigabytes.
    for layer in behind:
        said = keras.Model(inner.input, layer.output).predict(values, batch_size=_AT_ONCE, verbose=0)
        channels = np.asarray(said, np.float64).reshape(-1, said.shape[-1])
        result.append((channels.mean(axis=0), channels.var(axis=0)))
    return result


def _merged(model: keras.Model) -> Iterator[list[NDArray[Any]]]:
    """Give the weights of each layer that has some, those of a normalisation merged into the layer before."""
    for layer, after in _pairs(model):
        weights = layer.get_weights()
        if after is not None:
            gain, offset, mean, variance = (np.asarray(value, np.float64) for value in after.get_weights())
            gain /= np.sqrt(variance + after.epsilon)
            bias = weights[1] if layer.use_bias else 0.0
            weights = [
                (weights[0] * gain).astype(np.float32),
                (offset + (bias - mean) * gain).astype(np.float32),
            ]
        yield weights


def _pairs(model: keras.Model) -> Iterator[tuple[keras.layers.Layer, keras.layers.Layer | None]]:
    """Give each layer with weights, and the normalisation right behind it or None."""
    weighted = list(_weighted(model))
    for layer, after in zip(weighted, [*weighted[1:], None], strict=True):
        if isinstance(layer, layers.BatchNormalization):
            continue
        if not isinstance(after, layers.BatchNormalization):
            after = None
        elif after.input is not layer.output:
            raise ValueError(f"{after.name} does not stand right behind {layer.name}")
        yield layer, after


def _weighted(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Give the layers with weights, those of networks within it, too, in their order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _weighted(layer)
        elif layer.weights:
            yield layer
