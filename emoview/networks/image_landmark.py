"""System A: one network for the picture, one for the landmarks, and two ways to fuse them.

The landmarks are the 68 of the iBUG annotation (Sagonas et al. 2013, "300 Faces in-the-Wild
Challenge").  Both networks end in 16 features, a layer named `features`, and the logits.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from emoview.networks.blocks import Shape, flatten, logits, picture_input

FEATURES_LAYER = "features"

LANDMARK_GROUPS = {
    "jaw": (0, 17),
    "left_brow": (17, 22),
    "right_brow": (22, 27),
    "nose": (27, 36),
    "right_eye": (36, 42),
    "left_eye": (42, 48),
    "mouth": (48, 61),
    "lips": (61, 68),
}
"""First landmark of each part of the face, and the one after its last, as the work cuts them: one corner
of the inner outline of the lips, 60, stands with the outer one."""


def nn1(*, input_shape: Shape = (48, 48, 1), labels: int = 7, pooling: bool = False) -> keras.Model:
    """Build the picture network: three 2x2 convolutions, each with a 2x2 max-pooling.

    Args:
        input_shape: Height, width and channels.
        labels: How many logits.
        pooling: Average over the picture instead of flattening.

    Returns:
        A model from `(batch, height, width, channels)` pictures in [0, 1] to `(batch, labels)` logits.
    """
    picture, x = picture_input(input_shape)
    for width, strides in ((16, 1), (32, 2), (64, 1)):
        x = layers.Conv2D(width, 2, activation="relu")(x)
        x = layers.MaxPooling2D(2, strides)(x)
    x = layers.Dense(512, activation="relu")(flatten(x, pooling=pooling))
    x = layers.Dense(16, activation="sigmoid", name=FEATURES_LAYER)(x)
    return keras.Model(picture, logits(x, labels), name="nn1")


def nn2(*, labels: int = 7, dropout: float = 0.2) -> keras.Model:
    """Build the landmark network: each part of the face first by itself, then all of them.

    Four values are made of each point, by weights that the points of a part share.

    Args:
        labels: How many logits.
        dropout: Before the logits.

    Returns:
        A model from `(batch, 68, 2)` landmarks, centred and scaled, to `(batch, labels)` logits.
    """
    landmarks = keras.Input((68, 2), name="landmarks")
    parts = [
        layers.Dense(4, activation="sigmoid", name=name)(landmarks[:, first:end])
        for name, (first, end) in LANDMARK_GROUPS.items()
    ]
    x = layers.BatchNormalization()(layers.Flatten()(layers.Concatenate(axis=1)(parts)))
    for width in (256, 512):
        x = layers.Dense(width, activation="sigmoid")(x)
    x = layers.Dense(16, activation="sigmoid", name=FEATURES_LAYER)(x)
    return keras.Model(landmarks, logits(x, labels, dropout=dropout), name="nn2")


def decision_fusion(picture_network: keras.Model, landmark_network: keras.Model) -> keras.Model:
    """Build the fusion of decisions: one dense layer over both networks' probabilities.

    Args:
        picture_network: A trained `nn1`; it is frozen, in place.
        landmark_network: A trained `nn2`; it is frozen, in place.

    Returns:
        A model from pictures and landmarks, in this order, to `(batch, labels)` logits.
    """
    networks = (picture_network, landmark_network)
    inputs, outputs = _run_frozen(networks)
    x = layers.Concatenate()([layers.Softmax()(output) for output in outputs])
    return keras.Model(inputs, logits(x, _labels(picture_network)), name="decision_fusion")


def feature_fusion(picture_network: keras.Model, landmark_network: keras.Model) -> keras.Model:
    """Build the fusion of features: dense layers of 64 and 16, without activation, over both networks' 16.

    Args:
        picture_network: A trained `nn1`; it is frozen, in place.
        landmark_network: A trained `nn2`; it is frozen, in place.

    Returns:
        A model from pictures and landmarks, in this order, to `(batch, labels)` logits.
    """
    networks = (_features(picture_network), _features(landmark_network))
    inputs, outputs = _run_frozen(networks)
    x = layers.Concatenate()(outputs)
    for width in (64, 16):
        x = layers.Dense(width)(x)
    return keras.Model(inputs, logits(x, _labels(picture_network)), name="feature_fusion")


def frozen_and_head(fusion: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Part a fusion in two, whose weights stay shared with it.

    Returns:
        What never changes in training, from pictures and landmarks to the values that are joined, and
        the layers above, from these values to the logits.
    """
    joined = next(layer for layer in fusion.layers if isinstance(layer, layers.Concatenate)).output
    frozen = keras.Model(fusion.inputs, joined, name=f"{fusion.name}_frozen")
    return frozen, keras.Model(joined, fusion.output, name=f"{fusion.name}_head")


def _features(network: keras.Model) -> keras.Model:
    features = network.get_layer(FEATURES_LAYER).output
    return keras.Model(network.inputs, features, name=f"{network.name}_features")


def _run_frozen(networks: tuple[keras.Model, ...]) -> tuple[list[Any], list[Any]]:
    inputs, outputs = [], []
    for network in networks:
        network.trainable = False
        given = keras.Input(network.inputs[0].shape[1:], name=network.inputs[0].name)
        inputs.append(given)
        # Dropout and normalisation, too, stay as they are outside training.
        outputs.append(network(given, training=False))
    return inputs, outputs


def _labels(network: keras.Model) -> int:
    return int(network.outputs[0].shape[-1])
