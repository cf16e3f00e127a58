"""Architectures: published sizes, results of the right shape, and what fusion leaves alone."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import Any

import keras
import numpy as np
import pytest

from emoview.networks.blocks import GroupedConvolution, embedding_of
from emoview.networks.catalog import NETWORKS, build
from emoview.networks.densenet import dense_network
from emoview.networks.flops import flops
from emoview.networks.image_landmark import LANDMARK_GROUPS, decision_fusion, feature_fusion
from emoview.networks.preparation import PictureNormalization, prepared
from emoview.networks.shipped import build_face_gru

PUBLISHED = [name for name, network in NETWORKS.items() if network.published_parameters]
AFFORDABLE = ["resnet18"]
"""Of the published ones: the whole suite stays quick."""
SLOW = [name for name in PUBLISHED if name not in AFFORDABLE]
LIGHT = [name for name in NETWORKS if name not in PUBLISHED]
DEEP = [name for name in PUBLISHED if not name.startswith("vgg")]


def trainable(model: keras.Model) -> int:
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def layers_of(model: keras.Model, *kinds: type[keras.layers.Layer]) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kinds)]


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
    assert trainable(build("bkvgg12")) == stack + dense == 3_468_007


def kernels(model: keras.Model) -> list[tuple[int, int]]:
    return [(layer.filters, layer.kernel_size[0]) for layer in layers_of(model, keras.layers.Conv2D)]


@pytest.mark.parametrize(
    ("name", "padding", "parameters"), [("bkstart", "same", 3_238_823), ("bkmin", "valid", 289_703)]
)
def test_bkstart_is_that_of_table_3(name: str, padding: str, parameters: int):
    """System E, table 3, and section 6.3.1.2 on what padding does."""
    model = build(name)
    assert kernels(model) == [(32, 5), (32, 4), (64, 5)]
    assert {layer.padding for layer in layers_of(model, keras.layers.Conv2D)} == {padding}
    pools = layers_of(model, keras.layers.MaxPooling2D, keras.layers.AveragePooling2D)
    assert [type(pool).__name__ for pool in pools] == ["MaxPooling2D", *["AveragePooling2D"] * 2]
    assert {(pool.pool_size, pool.strides, pool.padding) for pool in pools} == {((3, 3), (2, 2), "valid")}
    assert [layer.units for layer in layers_of(model, keras.layers.Dense)] == [3072, 7]
    assert model.count_params() == parameters


@pytest.mark.parametrize(
    ("name", "side", "filters", "parameters"),
    [("bkvgg12", 42, 3, 3_468_007), ("andreas100", 100, 6, 16_550_727)],
)
def test_bkvgg12_is_that_of_table_4(name: str, side: int, filters: int, parameters: int):
    """System E, table 4, and section 6.3.1.4 on larger pictures, which are in colour (section 8.1)."""
    model = build(name)
    assert model.input_shape == (None, side, side, 3 if name == "andreas100" else 1)
    widths = [32, 32, 64, 64, 128, 128, 256, 256, 256]
    assert kernels(model) == [(width, filters) for width in widths]
    pools = layers_of(model, keras.layers.MaxPooling2D)
    assert [(pool.pool_size, pool.strides) for pool in pools] == [((2, 2), (2, 2))] * 3
    assert [layer.units for layer in layers_of(model, keras.layers.Dense)] == [256, 256, 7]
    assert model.count_params() == parameters


@pytest.mark.parametrize("name", ["bkstart", "bkmin", "bkvgg12", "andreas100"])
def test_dropout_rises_through_the_stages(name: str):
    """System E, section 7.1.3."""

    def shares(**options: Any) -> list[float]:
        return [layer.rate for layer in layers_of(build(name, **options), keras.layers.Dropout)]

    dense = 2 if name in ("bkvgg12", "andreas100") else 1
    assert shares() == [0.05, 0.2, *[0.4] * dense]
    assert shares(dropout=(0.0, 0.0, 0.5)) == shares(dropout=0.5) == [0.5] * dense
    with pytest.raises(ValueError, match="one share, or 3"):
        build(name, dropout=(0.1, 0.2))


def test_dropout_by_stage_is_refused_where_there_are_no_stages():
    with pytest.raises(ValueError, match="frame-cnn takes one share"):
        build("frame-cnn", dropout=(0.1, 0.2))


def test_pictures_are_normalised_and_then_their_pixels():
    """System E, section 6.2.2, equations 29 to 32: each channel by itself."""
    rng = np.random.default_rng(0)
    pictures = rng.random((6, 5, 5, 2), dtype=np.float32) * np.array([1, 0.1], np.float32)
    normal = keras.ops.convert_to_numpy(PictureNormalization()(pictures))
    np.testing.assert_allclose(normal.mean(axis=(1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(normal.std(axis=(1, 2)), 3.125, atol=1e-3)
    # A network that gives back what it works on, [0, 1] being brought to [-1, 1].
    given = keras.Input((5, 5, 2))
    network = keras.Model(given, keras.layers.Flatten()(keras.layers.Rescaling(2.0, offset=-1.0)(given)))
    both = prepared(network, "both", pixels=(normal.mean(axis=0), normal.std(axis=0)))
    seen = both.predict_on_batch(pictures)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(seen.std(axis=0), 1, atol=1e-3)


def sides(model: keras.Model, *kinds: type[keras.layers.Layer]) -> list[int]:
    return list(dict.fromkeys(layer.output.shape[1] for layer in layers_of(model, *kinds)))


def test_resnet_of_42_pixels_is_that_of_table_5():
    """System E, table 5: 7x7 with a stride of 2, max-pooling, and four stages."""
    shares = (0.05, 0.2, 0.2, 0.3)
    model = build("resnet18", input_shape=(42, 42, 1), dropout=shares)
    first = layers_of(model, keras.layers.Conv2D)[0]
    assert (first.filters, first.kernel_size, first.strides) == (64, (7, 7), (2, 2))
    (pool,) = layers_of(model, keras.layers.MaxPooling2D)
    assert (pool.pool_size, pool.strides, pool.output.shape[1]) == ((3, 3), (2, 2), 11)
    assert sides(model, keras.layers.Add) == [11, 6, 3, 2]
    # Two blocks a stage; nothing is dropped behind the last.
    rates = [layer.rate for layer in layers_of(model, keras.layers.Dropout)]
    assert rates == [0.05, 0.05, 0.2, 0.2, 0.2, 0.2, 0.3]
    assert flops(model) == pytest.approx(181e6, rel=0.01)
    assert build("resnet18", input_shape=(42, 42, 3)).count_params() == model.count_params() + 2 * 49 * 64
    with pytest.raises(ValueError, match="one share, or 4"):
        build("resnet18", dropout=(0.1, 0.2, 0.4))


@pytest.mark.parametrize("reduced", [pytest.param(False, marks=pytest.mark.release), True])
def test_densenet_of_42_pixels_is_that_of_table_6(reduced: bool):
    """System E, table 6: 7x7 with a stride of 1, max-pooling, and four dense blocks, or three."""
    depths = (6, 12, 24) if reduced else (6, 12, 24, 16)
    shares = (0.05, 0.2, 0.2, 0.3)[: len(depths)]
    model = build(
        "densenet121-reduced" if reduced else "densenet121", input_shape=(42, 42, 1), dropout=shares
    )
    first = layers_of(model, keras.layers.Conv2D)[0]
    assert (first.filters, first.kernel_size, first.strides) == (64, (7, 7), (1, 1))
    assert first.output.shape[1] == 42
    (pool,) = layers_of(model, keras.layers.MaxPooling2D)
    assert (pool.pool_size, pool.strides, pool.output.shape[1]) == ((3, 3), (2, 2), 21)
    joined = [layer.output.shape[1] for layer in layers_of(model, keras.layers.Concatenate)]
    assert joined == [side for side, depth in zip((21, 10, 5, 2), depths, strict=False) for _ in range(depth)]
    rates = [layer.rate for layer in layers_of(model, keras.layers.Dropout)]
    # Each layer of a block, and its transition.
    assert len(rates) == sum(depths) + len(depths) - 1
    assert set(rates) == set(shares)


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
    with pytest.raises(ValueError, match="nasnet-mobile has no option pooling; it has input_shape"):
        build("nasnet-mobile", pooling=True)
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


def test_landmark_network_is_that_of_listing_5():
    """System A, listing 5: eight parts, four values a point, and one dropout."""
    model = build("nn2")
    assert list(LANDMARK_GROUPS.values()) == [
        (0, 17), (17, 22), (22, 27), (27, 36), (36, 42), (42, 48), (48, 61), (61, 68)
    ]  # fmt: skip
    parts = [model.get_layer(name) for name in LANDMARK_GROUPS]
    assert [part.output.shape[1:] for part in parts] == [(e - s, 4) for s, e in LANDMARK_GROUPS.values()]
    (joined,) = layers_of(model, keras.layers.Concatenate)
    assert joined.output.shape == (None, 68, 4)
    (normalised,) = layers_of(model, keras.layers.BatchNormalization)
    assert normalised.input.shape == (None, 272)
    dense = layers_of(model, keras.layers.Dense)
    assert [layer.units for layer in dense] == [*[4] * 8, 256, 512, 16, 7]
    assert {layer.activation for layer in dense[:-1]} == {keras.activations.sigmoid}
    (dropped,) = layers_of(model, keras.layers.Dropout)
    assert dropped.rate == 0.2
    assert model.layers[-2:] == [dropped, model.get_layer("logits")]
    assert model.count_params() == 210_983


def test_feature_fusion_is_that_of_listing_8():
    """System A, listing 8: dense layers of 64, 16 and 7 over 16 + 16 features, none with an activation."""
    model = feature_fusion(build("nn1"), build("nn2"))
    (joined,) = layers_of(model, keras.layers.Concatenate)
    assert joined.output.shape == (None, 32)
    dense = layers_of(model, keras.layers.Dense)
    assert [layer.units for layer in dense] == [64, 16, 7]
    assert {layer.activation for layer in dense} == {keras.activations.linear}
    assert trainable(model) == 33 * 64 + 65 * 16 + 17 * 7 == 3271


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
