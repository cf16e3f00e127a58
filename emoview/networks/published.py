"""Networks whose weights others have published as files of Keras, and the pictures that those take.

Those of ImageNet take what `preprocess_input` of `keras.applications` gives.  Those of VGG-Face (Parkhi et
al. 2015, BMVC) take what `preprocess_input(version=1)` of the project keras-vggface gives, in
`keras_vggface/utils.py` of github.com/rcmalli/keras-vggface: the colours in the order blue, green, red, less
93.5940, 104.7624 and 129.1863.  Version 2 there, with 91.4953, 103.8827 and 131.0912, is of networks that
learned from VGGFace2 instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import keras

from emoview.errors import InputError
from emoview.networks.stored_layers import Arrays, StoredLayers


@dataclass(frozen=True)
class Pixels:
    """What published weights take for red, green and blue in [0, 1]: `scale * value + offset`.

    Attributes:
        scale: Of red, green and blue.
        offset: Likewise.
        blue_first: Whether they take blue, green, red.
    """

    scale: tuple[float, float, float]
    offset: tuple[float, float, float]
    blue_first: bool = False


_MEAN, _SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# `preprocess_input` of keras.applications: its modes `caffe`, `torch` and `tf`.
_CAFFE: Final = Pixels((255.0, 255.0, 255.0), (-123.68, -116.779, -103.939), blue_first=True)
_TORCH: Final = Pixels(
    (1 / _SPREAD[0], 1 / _SPREAD[1], 1 / _SPREAD[2]),
    (-_MEAN[0] / _SPREAD[0], -_MEAN[1] / _SPREAD[1], -_MEAN[2] / _SPREAD[2]),
)
_TF: Final = Pixels((2.0, 2.0, 2.0), (-1.0, -1.0, -1.0))
# Mean of the faces that VGG-Face learned from: red, green, blue.
_VGG_FACE: Final = Pixels((255.0, 255.0, 255.0), (-129.1863, -104.7624, -93.594), blue_first=True)

PUBLISHED: Final[Mapping[str, Pixels]] = MappingProxyType(
    {
        "vgg16": _CAFFE,
        "vgg16-face": _VGG_FACE,
        "resnet50": _CAFFE,
        "resnet152": _CAFFE,
        "densenet121": _TORCH,
        "densenet169": _TORCH,
        "nasnet-mobile": _TF,
        "nasnet-large": _TF,
    }
)
"""Of ImageNet, and of VGG-Face: by the network's name in the catalogue."""


def published_start(network: keras.Model, stored: StoredLayers, name: str, source: str) -> StoredLayers:
    """Let a network take pictures in [0, 1], RGB, where published weights take others.

    Scale and mean go into the scaling at the network's beginning, so that borders are filled with what they
    were filled with; the order of colours goes into the first convolution.  Both are exact.

    Args:
        network: It is changed.
        stored: Its weights as published, for pictures in the publisher's form.
        name: Of the network in the catalogue.
        source: For complaints.

    Returns:
        The weights for the network as it is now.

    Raises:
        InputError: No such weights are known, or the network takes grey pictures.
    """
    pixels = PUBLISHED.get(name)
    if pixels is None:
        raise InputError(
            f"{source}: nobody knows what pictures published weights of {name} would take; start from a run, "
            f"or take one of {', '.join(PUBLISHED)}"
        )
    if network.input_shape[-1] != len(pixels.scale):
        raise InputError(f"{source} is of pictures in colour: set colour=true")
    scaling = next(layer for layer in network.layers if isinstance(layer, keras.layers.Rescaling))
    scaling.scale, scaling.offset = list(pixels.scale), list(pixels.offset)
    if not pixels.blue_first:
        return stored
    first = next((n for n, arrays in stored.weights.items() if _is_first(arrays)), None)
    if first is None:
        return stored
    kernel, *others = stored.weights[first]
    turned: Arrays = (kernel[:, :, ::-1], *others)
    return replace(stored, weights={**stored.weights, first: turned})


def _is_first(arrays: Arrays) -> bool:
    """Tell whether weights are those of a convolution over colours."""
    return bool(arrays) and arrays[0].ndim == 4 and arrays[0].shape[2] == len("RGB")
