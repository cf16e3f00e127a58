"""Normalisation that is merged into the layers before it, and the kernel that it learns with."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from emoview.networks.catalog import build
from emoview.networks.merging import add_normalisation, merge_normalisation
from emoview.networks.normalization import BatchNormalization
from emoview.networks.preparation import prepared


@pytest.mark.parametrize(("name", "size"), [("bkvgg12", 42), ("andreas100", 40), ("frame-cnn", 48)])
def test_merged_network_says_what_the_normalised_one_said(name: str, size: int):
    shape = (size, size, 3 if name == "andreas100" else 1)
    rng = np.random.default_rng(1)
    pixels = (rng.random(shape).astype(np.float32), 0.5 + rng.random(shape).astype(np.float32))
    learned = prepared(build(name, input_shape=shape, batch_norm=True), "both", pixels=pixels)
    for layer in learned.layers[-1].layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # Gain, offset, mean and variance, as far as they may come in training.
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    bare = prepared(build(name, input_shape=shape), "both", pixels=pixels)
    pictures = rng.random((3, *shape)).astype(np.float32)
    expected = learned.predict_on_batch(pictures)
    assert np.abs(bare.predict_on_batch(pictures) - expected).max() > 0.1 * expected.std()
    merge_normalisation(learned, bare)
    np.testing.assert_allclose(bare.predict_on_batch(pictures), expected, atol=1e-3 * np.abs(expected).max())
    assert not [x for x in bare.layers[-1].layers if isinstance(x, keras.layers.BatchNormalization)]


@pytest.mark.parametrize(("name", "size"), [("bkvgg12", 42), ("vgg11", 32), ("frame-cnn", 48)])
def test_normalisation_put_behind_learned_layers_changes_no_answer(name: str, size: int):
    shape = (size, size, 1)
    rng = np.random.default_rng(3)
    bare = prepared(build(name, input_shape=shape), "picture")
    for layer in bare.layers[-1].layers:
        if layer.weights:
            layer.set_weights([rng.normal(0.02, 2 * w.std() + 0.05, w.shape) for w in layer.get_weights()])
    learned = prepared(build(name, input_shape=shape, batch_norm=True), "picture")
    sizes = [w.std() for w in learned.get_weights() if w.ndim == 4]
    pictures = rng.random((40, *shape)).astype(np.float32)
    expected = bare.predict_on_batch(pictures)
    assert np.abs(learned.predict_on_batch(pictures) - expected).max() > 0.1 * expected.std()
    add_normalisation(bare, learned, pictures)
    np.testing.assert_allclose(
        learned.predict_on_batch(pictures), expected, atol=1e-3 * np.abs(expected).max()
    )
    # Filters are as large as at random.
    filters = [w.std() for w in learned.get_weights() if w.ndim == 4]
    np.testing.assert_allclose(filters, sizes, rtol=1e-3)


def test_what_cannot_be_merged_is_refused():
    picture = keras.Input((8, 8, 1))
    rectified = keras.layers.ReLU()(keras.layers.Conv2D(4, 3)(picture))
    after_activation = keras.layers.BatchNormalization()(rectified)
    bare = keras.Model(picture, keras.layers.Conv2D(4, 3)(picture))
    with pytest.raises(ValueError, match="does not stand right behind"):
        merge_normalisation(keras.Model(picture, after_activation), bare)
    with pytest.raises(ValueError, match="are not the same"):
        merge_normalisation(keras.Model(picture, keras.layers.Conv2D(5, 3)(picture)), bare)


def test_the_kernel_learns_as_the_layer_of_keras_does():
    values = np.random.default_rng(2).normal(3, 2, (16, 6, 5, 4)).astype(np.float32)
    outcomes = []
    for kind in (keras.layers.BatchNormalization, BatchNormalization):
        picture = keras.Input(values.shape[1:])
        model = keras.Model(picture, kind(momentum=0.7)(picture))
        model.compile("sgd", "mean_squared_error", jit_compile=False)
        for _ in range(3):
            model.train_on_batch(values, values**2)
        outcomes.append(model.get_weights())
    # The kernel divides the variance by one example less.
    for own, usual in zip(outcomes[1], outcomes[0], strict=True):
        np.testing.assert_allclose(own, usual, rtol=5e-3, atol=1e-4)
