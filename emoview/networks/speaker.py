"""The network that tells voices apart: a second or two of speech to a point on a sphere.

A time-delay network with attentive statistics, as the x-vectors of Snyder et al. (2018, ICASSP) and those of
Okabe et al. (2018, arXiv:1803.10963).  It learns to name its training speakers by the angle to each, with a
margin (Wang et al. 2018, arXiv:1801.05599); strangers are then told apart by the angle between them.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.sizes import SPEAKER_EMBEDDING, SPEAKER_INPUTS
from emoview.networks.temporal import AttentiveStatistics, normalised_within

_WIDTH = 160
_DILATIONS = (1, 2, 3)
_HEADS = 4
_DROPOUT = 0.1


def build_speaker() -> keras.Model:
    """Build the network: `(batch, ticks, 40)` MFCCs to `(batch, 128)` embeddings, of no set length."""
    values = keras.Input((None, SPEAKER_INPUTS), name="values")

    def convolved(x: Any, kernel: int, dilation: int) -> Any:
        x = layers.Conv1D(_WIDTH, kernel, padding="same", dilation_rate=dilation, use_bias=False)(x)
        return layers.BatchNormalization()(x)

    x = layers.ReLU()(convolved(normalised_within(values), 5, 1))
    for dilation in _DILATIONS:
        inner = layers.Dropout(_DROPOUT)(layers.ReLU()(convolved(x, 3, dilation)))
        x = layers.ReLU()(layers.Add()([x, convolved(inner, 3, dilation)]))
    scores = layers.Dense(_HEADS, name="scores", dtype="float32")(x)
    x = AttentiveStatistics(name="statistics", dtype="float32")(x, scores)
    x = layers.Dropout(2 * _DROPOUT)(x)
    x = layers.Dense(SPEAKER_EMBEDDING, name="embedding", dtype="float32")(x)
    return keras.Model(values, x, name="speaker")


def with_speakers(network: keras.Model, speakers: int) -> keras.Model:
    """Put the angles to so many speakers behind the embeddings: `(batch, speakers)` cosines."""
    return keras.Model(network.input, Cosines(speakers, name="cosines", dtype="float32")(network.output))


def without_speakers(network: keras.Model) -> keras.Model:
    """Take apart what `with_speakers` put together."""
    return keras.Model(network.input, network.get_layer("embedding").output, name="speaker")


@keras.saving.register_keras_serializable("emoview")
class Cosines(layers.Layer):  # type: ignore[misc]
    """Cosine of the angle between each embedding and each of so many learned directions."""

    def __init__(self, count: int, **options: Any) -> None:
        """Learn `count` directions."""
        super().__init__(**options)
        self._count = count

    def build(self, shape: Any) -> None:
        """Make the directions."""
        self.directions = self.add_weight(
            shape=(shape[-1], self._count), initializer="glorot_uniform", name="directions"
        )

    def call(self, values: Any) -> Any:
        """Give `(batch, count)`."""
        ops = keras.ops
        return ops.matmul(ops.normalize(values, axis=-1), ops.normalize(self.directions, axis=0))

    def get_config(self) -> dict[str, Any]:
        """Give what the layer is made again from."""
        return {**super().get_config(), "count": self._count}


@keras.saving.register_keras_serializable("emoview")
class MarginLoss(keras.losses.Loss):  # type: ignore[misc]
    """Cross-entropy of cosines, where the right speaker's must be larger by a margin."""

    SCALE = 30.0
    MARGIN = 0.2

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Judge `(batch, speakers)` cosines by `(batch,)` numbers of speakers."""
        ops = keras.ops
        right = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), y_pred.shape[-1])
        logits = self.SCALE * (y_pred - self.MARGIN * right)
        return ops.categorical_crossentropy(right, logits, from_logits=True)
