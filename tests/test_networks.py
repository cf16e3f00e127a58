"""Architectures: published sizes, results of the right shape, and what fusion leaves alone."""

from __future__ import annotations

import math
import subprocess
import sys

import keras
import numpy as np
import pytest

from emoview.networks.blocks import GroupedConvolution, embedding_of
from emoview.networks.catalog import NETWORKS, build
from emoview.networks.densenet import dense_network
from emoview.networks.flops import flops
from emoview.networks.image_landmark import LANDMARK_GROUPS, decision_fusion, feature_fusion
from emoview.networks.shipped import build_face_gru

PUBLISHED = [name for name, network in NETWORKS.items() if network.published_parameters]
AFFORDABLE = ["resnet18"]
"""Of the published ones: the whole suite stays quick."""
SLOW = [name for name in PUBLISHED if name not in AFFORDABLE]
LIGHT = [name for name in NETWORKS if name not in PUBLISHED]
DEEP = [name for name in PUBLISHED if not name.startswith("vgg")]


def trainable(model: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


@pytest.fixture(autouse=True)
def forget():
    """Free what a test built: some networks fill half a gigabyte."""
    yield
    keras.backend.clear_session(free_memory=True)


def matches_published(name: str) -> None:
    network = NETWORKS[name]
    model = build(name, labels=network.published_labels)
    assert trainable(model) == pytest.approx(network.published_parameters, rel=0.002)
    if network.published_flops:
        # Papers round to two or three digits.
        assert flops(model) == pytest.approx(network.published_flops, rel=0.01)


@pytest.mark.parametrize("name", AFFORDABLE)
def test_published_size(name: str):
    matches_published(name)


@pytest.mark.release
@pytest.mark.parametrize("name", SLOW)
def test_published_size_of_the_large(name: str):
    matches_published(name)


def gives_logits(model: keras.Model, labels: int) -> None:
    rng = np.random.default_rng(0)
    shape = [side or 48 for side in model.input_shape[1:]]
    result = model(rng.random((1, *shape), dtype=np.float32))
    assert result.shape == (1, labels)
    assert np.isfinite(keras.ops.convert_to_numpy(result)).all()
    # Logits, not probabilities.
    assert model.get_layer("logits").activation is keras.activations.linear


@pytest.mark.parametrize("name", LIGHT)
def test_gives_logits(name: str):
    model = build(name, labels=5)
    gives_logits(model, 5)
    embedding, logits = embedding_of(model).outputs
    assert len(embedding.shape) == 2
    assert logits.shape == (None, 5)


def test_deep_networks_take_small_faces():
    gives_logits(build("resnet18", input_shape=(42, 42, 1), dropout=0.3), 7)
    gives_logits(build("vgg11", input_shape=(48, 48, 1), pooling=True), 7)


@pytest.mark.release
@pytest.mark.parametrize("shape", [(42, 42, 1), (48, 48, 3), (112, 112, 3)])
@pytest.mark.parametrize("name", DEEP)
def test_deep_networks_at_every_size(name: str, shape: tuple[int, ...]):
    gives_logits(build(name, input_shape=shape), 7)


@pytest.mark.release
@pytest.mark.parametrize("side", [42, 112])
@pytest.mark.parametrize("name", ["vgg11", "vgg16", "vgg16-face"])
@pytest.mark.parametrize("pooling", [True, False])
def test_vgg_at_every_size(name: str, side: int, pooling: bool):
    gives_logits(build(name, input_shape=(side, side, 3), pooling=pooling), 7)


def test_vgg11_bn_is_that_of_system_c():
    """Ulloa 2019, section 4.1.1: batch normalisation after each of the eight convolutions."""
    network, plain = build("vgg11-bn", pooling=True), build("vgg11", pooling=True)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("Conv2D") == kinds.count("BatchNormalization") == 8
    # Scale and shift in the place of a bias.
    assert trainable(network) - trainable(plain) == 64 + 128 + 2 * 256 + 4 * 512


def test_mfcc_cnn_is_that_of_system_b():
    """Giordano 2020, sections 4.1 and 4.6: three convolutions, batch normalisation, dropout, pooling of 2."""
    network = build("mfcc-cnn")
    kinds = [type(layer).__name__ for layer in network.layers]
    block = ["Conv1D", "BatchNormalization", "Activation", "Dropout", "MaxPooling1D"]
    assert kinds == ["InputLayer", "Normalization", "Reshape", *3 * block, "Flatten", "Dropout", "Dense"]
    assert {layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)} == {0.2}
    pools = [layer.pool_size for layer in network.layers if isinstance(layer, keras.layers.MaxPooling1D)]
    assert pools == 3 * [(2,)]
    convolutions = 5 * 64 + 5 * 64 * 128 + 5 * 128 * 128
    assert trainable(network) == convolutions + 2 * (64 + 128 + 128) + (5 * 128 + 1) * 7


def test_bk_sizes():
    # 42 pixels, halved three times, are 5.
    convolutions = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    stack = sum((9 * a + 1) * b for a, b in [*convolutions, (256, 256)])
    dense = (25 * 256 + 1) * 256 + 257 * 256 + 257 * 7
    assert trainable(build("bkvgg12")) == stack + dense
    assert trainable(build("bkmin")) < trainable(build("bkstart")) / 100


def test_own_densenet_is_the_published_one():
    own = dense_network(depths=(6, 12, 24, 16), growth=32, input_shape=(224, 224, 3), labels=1000)
    assert own.count_params() == 8_062_504


@pytest.mark.parametrize("option", ["batch_norm", "pooling"])
def test_options(option: str):
    plain, changed = build("frame-cnn"), build("frame-cnn", **{option: True})
    assert trainable(plain) != trainable(changed)


def test_what_cannot_be_built():
    with pytest.raises(ValueError, match=r"no network 'resnet19'.*resnet18, resnet34"):
        build("resnet19")
    with pytest.raises(ValueError, match="resnet18 has no option pooling; it has input_shape"):
        build("resnet18", pooling=True)
    with pytest.raises(ValueError, match="nn2 takes inputs of shape"):
        build("nn2", input_shape=(48, 48, 1))
    with pytest.raises(ValueError, match="face-cnn takes inputs of shape"):
        build("face-cnn", input_shape=(48, 48, 3))


def test_listing_imports_no_keras():
    code = "import sys, emoview.networks.catalog as c; list(c.NETWORKS); sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_flops_by_hand():
    picture = keras.Input((8, 8, 4))
    x = keras.layers.Conv2D(6, 3, groups=2, padding="same", strides=2)(picture)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.SeparableConv2D(5, 3, padding="valid")(x)
    x = keras.layers.BatchNormalization()(x)
    inner = keras.Model(picture, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    expected = 2 * (16 * 9 * 2 * 6 + 16 * 9 * 6 + 4 * (9 * 6 + 6 * 5) + 4 * 5 * 3)
    assert flops(inner) == expected
    # Nested, and used twice.
    left, right = keras.Input((8, 8, 4)), keras.Input((8, 8, 4))
    outer = keras.Model([left, right], keras.layers.Add()([inner(left), inner(right)]))
    assert flops(outer) == 2 * expected
    assert flops(keras.Sequential([keras.Input((9,)), keras.layers.Dense(2)])) == 36


def test_flops_of_open_shapes():
    network = build("face-cnn")
    with pytest.raises(ValueError, match="give an input_shape"):
        flops(network)
    small, large = flops(network, (48, 48, 1)), flops(network, (96, 96, 1))
    assert small < large
    assert large == pytest.approx(4 * small, rel=0.02)
    # The original still has one way through.
    assert network.get_layer("logits").output.shape == (None, 7)
    outer_input = keras.Input((48, 48, 1))
    assert flops(keras.Model(outer_input, network(outer_input))) == small
    # A GRU with a mask: the projection, three gates both ways, and the logits.
    assert flops(build_face_gru(), [(25, 256), (25,)]) == 2 * 25 * (
        256 * 64 + 2 * 3 * 48 * (64 + 48) + 96 * 7
    )  # fmt: skip


def test_landmark_groups_cover_the_face():
    ranges = list(LANDMARK_GROUPS.values())
    assert [i for first, end in ranges for i in range(first, end)] == list(range(68))


@pytest.mark.parametrize("fuse", [decision_fusion, feature_fusion])
def test_fusion_trains_nothing_of_its_parts(fuse):
    parts = build("nn1"), build("nn2")
    fused = fuse(*parts)
    before = [weight for part in parts for weight in part.get_weights()]
    rng = np.random.default_rng(0)
    inputs = [rng.random((4, 48, 48, 1), dtype=np.float32), rng.random((4, 68, 2), dtype=np.float32)]
    fused.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    own = [weight.copy() for weight in fused.get_layer("logits").get_weights()]
    fused.fit(inputs, np.arange(4), verbose=0)
    after = [weight for part in parts for weight in part.get_weights()]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert not np.array_equal(own[0], fused.get_layer("logits").get_weights()[0])
    assert trainable(fused) == (14 + 1) * 7 if fuse is decision_fusion else 33 * 64 + 65 * 16 + 17 * 7
    assert fused(inputs).shape == (4, 7)


@pytest.mark.parametrize(("side", "strides"), [(12, 1), (12, 2), (7, 2)])
def test_grouped_convolution_says_what_keras_says(side: int, strides: int):
    ours, theirs = (
        kind(16, 3, strides=strides, padding="same", groups=4, activation="relu")
        for kind in (GroupedConvolution, keras.layers.Conv2D)
    )
    maps = np.random.default_rng(0).normal(size=(2, side, side, 8)).astype(np.float32)
    theirs.build(maps.shape)
    ours.build(maps.shape)
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(np.asarray(ours(maps)), np.asarray(theirs(maps)), atol=1e-5)
