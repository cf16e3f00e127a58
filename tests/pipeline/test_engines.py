"""The engines, side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from emoview.networks.shipped import BUILDERS
from emoview.pipeline.engines import LOOPED, Engine, KerasNetwork, load
from emoview.pipeline.models import Models


@pytest.mark.parametrize("model", BUILDERS)
def test_both_engines_say_the_same(model: str):
    rng = np.random.default_rng(0)
    keras_network, onnx_network = (load(model, engine) for engine in (Engine.KERAS, Engine.ONNX))
    if model == "face_cnn":
        inputs = rng.random((4, 48, 48, 1), dtype=np.float32)
    elif model == "face_identity":
        # Maps are what is left behind a rectifier.
        inputs = rng.exponential(0.3, (4, 6, 6, 128)).astype(np.float32)
    elif model == "face_votes":
        inputs = rng.random((4, 256), dtype=np.float32)
    elif model.startswith("voice_clip"):
        inputs = _like_its_inputs(keras_network.model, 8, rng)
        # As in a recording of another kind, where a value that hardly varied is far from where it was.
        inputs[0, :5] = 1e6
    elif model == "speaker":
        inputs = np.stack([_like_its_inputs(keras_network.model, 37, rng) for _ in range(3)])
    else:
        values = _like_its_inputs(keras_network.model, 250, rng)[None]
        values[:, 200:] = 0
        inputs = (values, np.arange(250)[None] < 200)
    one, other = (network.predict_on_batch(inputs) for network in (keras_network, onnx_network))
    if model.startswith("voice_clip") or model in ("face_votes", "face_identity", "speaker"):
        one, other = [one], [other]
    for expected, found in zip(one, other, strict=True):
        expected, found = np.array(expected), np.array(found)
        if expected.ndim == 3:
            expected, found = expected[:, :200], found[:, :200]
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
        assert np.abs(expected).max() < 100


def test_keras_sees_few_shapes_and_answers_for_what_was_asked():
    shapes: set[tuple[int, ...]] = set()

    class Doubles:
        def predict_on_batch(self, inputs: Any) -> Any:
            if isinstance(inputs, tuple):
                values, mask = inputs
                shapes.add(values.shape)
                return (values * mask[..., None]).sum(axis=1), 2 * values
            shapes.add(inputs.shape)
            return [2 * inputs, 3 * inputs]

    network = KerasNetwork(Doubles())
    for count in (1, 16, 32, 33, 64):
        values = np.arange(count * 2, dtype=np.float32).reshape(count, 2)
        two, three = network.predict_on_batch(values)
        np.testing.assert_array_equal(two, 2 * values)
        np.testing.assert_array_equal(three, 3 * values)
    assert shapes == {(32, 2), (64, 2)}
    shapes.clear()
    for count in (125, 250, 375, 1660):
        values = np.ones((1, count, 2), np.float32)
        whole, ticks = network.predict_on_batch((values, np.ones((1, count), bool)))
        np.testing.assert_array_equal(whole, [[count, count]])
        np.testing.assert_array_equal(ticks, 2 * values)
    assert shapes == {(1, 125, 2), (1, 250, 2), (1, 500, 2), (1, 2000, 2)}


@pytest.mark.parametrize("model", sorted(LOOPED))
def test_a_loop_over_ticks_runs_on_the_processor_whatever_the_engine(model: str):
    models = Models(engine=Engine.KERAS)
    assert models.weight(model).name == f"{model}.onnx"
    assert not isinstance(getattr(models, model), KerasNetwork)


def _like_its_inputs(network: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `(count, n)` values with the mean and deviation of those that a network was trained on."""
    layer = network.get_layer("normalise")
    mean, variance = (np.asarray(part).ravel() for part in (layer.adapt_mean, layer.adapt_variance))
    # The networks that ship were told what they take.
    assert mean.any()
    return (mean + np.sqrt(variance) * rng.normal(size=(count, len(mean)))).astype(np.float32)


@pytest.mark.release
def test_mediapipe_and_tensorflow_load_in_either_order():
    import subprocess
    import sys

    for order in ("mediapipe, tensorflow", "tensorflow, mediapipe"):
        subprocess.run(
            [sys.executable, "-c", f"import {order}"], check=True, capture_output=True, timeout=120
        )


def test_both_engines_give_the_same_maps_of_a_face():
    faces = np.random.default_rng(0).random((3, 48, 48, 1), dtype=np.float32)
    one, other = (Models(engine=engine).face_maps.predict_on_batch(faces) for engine in Engine)
    assert one.shape == (3, 6, 6, 128)
    np.testing.assert_allclose(one, other, atol=1e-4)
