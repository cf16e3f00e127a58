"""Where networks of pictures end: pooled or flattened, and where their embedding is taken."""

from __future__ import annotations

import keras
import pytest

from emoview.networks.blocks import embedding_of
from emoview.networks.catalog import build


@pytest.fixture(autouse=True)
def forget():
    yield
    keras.backend.clear_session(free_memory=True)


SLOW = {"densenet121": (3 * 3, 1024), "densenet161": (3 * 3, 2208)} | dict.fromkeys(
    ("resnet50", "se-resnet50", "se-resnext50"), (4 * 4, 2048)
)


@pytest.mark.parametrize(
    ("name", "side", "places", "channels"),
    [
        ("resnet18", 112, 4 * 4, 512),
        ("densenet-small", 42, 5 * 5, 280),
        *(pytest.param(name, 112, *sizes, marks=pytest.mark.release) for name, sizes in SLOW.items()),
    ],
)
def test_global_pooling_is_an_option(name: str, side: int, places: int, channels: int):
    """Norman 2019, section 6.1: `(batch, 4, 4, 2048)` or `(batch, 1, 1, 2048)` before the last layer."""
    shape = (side, side, 3)
    pooled, flat = (build(name, input_shape=shape, pooling=pooling) for pooling in (True, False))
    widths = [embedding_of(model).outputs[0].shape[-1] for model in (pooled, flat)]
    assert widths == [channels, places * channels]
    # What the last layer has more is all that differs.
    assert flat.count_params() - pooled.count_params() == 7 * channels * (places - 1)


def test_pooling_of_nasnet_stays():
    """Norman 2019, section 6.1: "I chose not to amend this network"."""
    with pytest.raises(ValueError, match="nasnet-mobile has no option pooling"):
        build("nasnet-mobile", pooling=False)


@pytest.mark.parametrize(
    ("name", "pooling", "layer"),
    [("vgg16-face", False, "fc6"), ("vgg16-face", True, "global_average_pooling2d"), ("vgg16", False, "fc2")],
)
def test_embedding_of_vgg(name: str, pooling: bool, layer: str):
    """Norman 2019, section 6.3: the first of VGG-Face's dense layers."""
    network = build(name, input_shape=(32, 32, 3), pooling=pooling, dropout=0.0)
    embedding = embedding_of(network).outputs[0]
    assert embedding is network.get_layer(layer).output or layer.startswith("global")
    assert embedding.shape[-1] == (512 if pooling else 4096)
