"""Preparation of pictures as part of the network, so that a saved network takes plain pictures."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import embedding_of
from emoview.networks.choices import Preparation


@keras.saving.register_keras_serializable("emoview")
class PictureNormalization(layers.Layer):  # type: ignore[misc]
    """Bring each channel of each picture to mean 0 and one deviation (sigma 3.125 in BKNet's work)."""

    def __init__(self, sigma: float = 3.125, **options: Any) -> None:
        super().__init__(**options)
        self.sigma = sigma

    def call(self, pictures: Any) -> Any:
        """Normalise `(batch, height, width, channels)` picture by picture, channel by channel."""
        axes = (1, 2)
        mean = keras.ops.mean(pictures, axis=axes, keepdims=True)
        spread = keras.ops.std(pictures, axis=axes, keepdims=True)
        return (pictures - mean) * (self.sigma / keras.ops.maximum(spread, 1e-3))

    def compute_output_shape(self, shape: Any) -> Any:
        """Give the shape back as it is."""
        return shape

    def get_config(self) -> dict[str, Any]:
        """Describe the layer for storing."""
        return {**super().get_config(), "sigma": self.sigma}


@keras.saving.register_keras_serializable("emoview")
class PixelNormalization(layers.Layer):  # type: ignore[misc]
    """Bring each pixel to mean 0 and standard deviation 1 over the training pictures."""

    def build(self, shape: Any) -> None:
        """Make room for the mean and the standard deviation, weights that are not trained."""
        pixels = tuple(shape[1:])
        self.mean = self.add_weight(shape=pixels, initializer="zeros", trainable=False, name="mean")
        self.spread = self.add_weight(shape=pixels, initializer="ones", trainable=False, name="spread")

    def call(self, pictures: Any) -> Any:
        """Normalise `(batch, height, width, channels)` pixel by pixel."""
        return (pictures - self.mean) / keras.ops.maximum(self.spread, 1e-3)

    def compute_output_shape(self, shape: Any) -> Any:
        """Give the shape back as it is."""
        return shape


def prepared(network: keras.Model, preparation: Preparation, *, pixels: Any = None) -> keras.Model:
    """Put the preparation before a network.

    Args:
        network: Takes pictures in [0, 1], which it brings to [-1, 1] itself.
        preparation: `unit` leaves the pictures as they are; `picture` normalises each by itself, `pixel` each
            pixel over all of them, and `both` do so one after the other.
        pixels: `(mean, spread)` of every pixel for `pixel`; for `both`, of pictures that are normalised.

    Returns:
        A network that takes pictures in [0, 1].
    """
    if preparation == "unit":
        return network
    picture = keras.Input(network.input_shape[1:], name="plain_picture")
    kinds: dict[Preparation, tuple[Any, ...]] = {
        "picture": (PictureNormalization(),),
        "pixel": (PixelNormalization(),),
        "both": (PictureNormalization(), PixelNormalization()),
    }
    normal = picture
    for layer in kinds[preparation]:
        normal = layer(normal)
    # The network's own scaling is undone beforehand: what it works on has mean 0.
    model = keras.Model(
        picture, network(layers.Rescaling(0.5, offset=0.5)(normal)), name=f"prepared_{network.name}"
    )
    if isinstance(layer, PixelNormalization) and pixels is not None:
        layer.mean.assign(pixels[0])
        layer.spread.assign(pixels[1])
    return model


def embedding_of_prepared(model: keras.Model) -> keras.Model:
    """Give a network, prepared or not, two outputs: the embedding `(batch, n)` and the logits."""
    inner = model.layers[-1]
    if not isinstance(inner, keras.Model):
        return embedding_of(model)
    return keras.Model(model.input, embedding_of(inner)(model.layers[-2].output))
