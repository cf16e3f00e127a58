"""Networks against the listings and tables that they come from."""

from __future__ import annotations

import math

import keras
import pytest

from emoview.networks.catalog import build
from emoview.networks.image_landmark import decision_fusion

RISING = (0.05, 0.2, 0.2, 0.3)


def layers_of(model: keras.Model, *kinds: type[keras.layers.Layer]) -> list[keras.layers.Layer]:
    return [layer for layer in model.layers if isinstance(layer, kinds)]


def kernels(model: keras.Model) -> list[tuple[int, int]]:
    return [(layer.filters, layer.kernel_size[0]) for layer in layers_of(model, keras.layers.Conv2D)]


@pytest.fixture(autouse=True)
def forget():
    """Free what a test built."""
    yield
    keras.backend.clear_session(free_memory=True)


def test_picture_network_is_that_of_listing_3():
    """System A, listing 3: three convolutions of 2x2, of whose poolings the second alone shrinks."""
    model = build("nn1")
    assert kernels(model) == [(16, 2), (32, 2), (64, 2)]
    assert {layer.padding for layer in layers_of(model, keras.layers.Conv2D)} == {"valid"}
    pools = layers_of(model, keras.layers.MaxPooling2D)
    assert [(pool.pool_size[0], pool.strides[0]) for pool in pools] == [(2, 1), (2, 2), (2, 1)]
    dense = layers_of(model, keras.layers.Dense)
    assert [(layer.units, layer.activation.__name__) for layer in dense] == [
        (512, "relu"), (16, "sigmoid"), (7, "linear"),
    ]  # fmt: skip
    assert model.count_params() == 13_126_455


def test_decision_fusion_is_that_of_listing_8():
    """System A, listing 8: a dense layer of 7 over both networks' probabilities."""
    model = decision_fusion(build("nn1"), build("nn2"))
    (joined,) = layers_of(model, keras.layers.Concatenate)
    assert joined.output.shape == (None, 14)
    assert [layer.units for layer in layers_of(model, keras.layers.Dense)] == [7]
    assert sum(math.prod(weight.shape) for weight in model.trainable_weights) == 15 * 7


@pytest.mark.parametrize(
    ("depth", "blocks", "bottleneck"),
    [(34, (3, 4, 6, 3), False), pytest.param(50, (3, 4, 6, 3), True, marks=pytest.mark.release)],
)
def test_deeper_resnets_of_42_pixels_are_those_of_table_5(
    depth: int, blocks: tuple[int, ...], bottleneck: bool
):
    """System E, table 5: blocks of two 3x3 convolutions, or of 1x1, 3x3 and four times as many 1x1."""
    model = build(f"resnet{depth}", input_shape=(42, 42, 1), dropout=RISING)
    added = layers_of(model, keras.layers.Add)
    widths = [64 * 2**stage * (4 if bottleneck else 1) for stage in range(4)]
    shapes = zip((11, 6, 3, 2), widths, strict=True)
    expected = [shape for shape, count in zip(shapes, blocks, strict=True) for _ in range(count)]
    assert [(layer.output.shape[1], layer.output.shape[-1]) for layer in added] == expected
    # All that have weights, but for the shortcuts where a stage begins.
    shortcuts = 4 if bottleneck else 3
    assert len(kernels(model)) - shortcuts + 1 == depth


@pytest.mark.release
@pytest.mark.parametrize("reduced", [False, True])
@pytest.mark.parametrize(
    ("depth", "last", "first", "growth"), [(169, (32, 32), 64, 32), (161, (36, 24), 96, 48)]
)
def test_wider_densenets_are_those_of_table_6(
    depth: int, last: tuple[int, int], first: int, growth: int, reduced: bool
):
    """System E, table 6, and section 6.3.3.2 on initial filters and growth."""
    blocks = (6, 12, last[0]) if reduced else (6, 12, *last)
    name = f"densenet{depth}{'-reduced' if reduced else ''}"
    model = build(name, input_shape=(42, 42, 1), dropout=RISING[: len(blocks)])
    assert kernels(model)[0] == (first, 7)
    assert kernels(model).count((growth, 3)) == sum(blocks)
    assert len(layers_of(model, keras.layers.AveragePooling2D)) == len(blocks) - 1
