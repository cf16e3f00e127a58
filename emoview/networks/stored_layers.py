"""Weights layer by layer, out of files of Keras or of a network, and into another network.

Two forms of HDF5 files are read, as arrays alone: `save_weights` of Keras 3 (`.weights.h5`), which tells
layers by their kind and a number, and the older form (`.h5`, weights or a whole model), which names them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import MOST_UNPACKED
from emoview.errors import InputError
from emoview.networks.blocks import LOGITS_LAYER
from emoview.networks.saved import unloadable

_DENSE: Final = 2
"""Dimensions of a dense layer's first weights."""
_SHOWN: Final = 3
"""So many layers that do not fit are named."""

Arrays = tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class StoredLayers:
    """The weights of a network.

    Attributes:
        weights: Of each layer that has some, in order.
        by_kind: Whether layers are called by their kind and a number, as Keras 3 does, not by their names.
        scaled: Whether the network scales its pictures itself.
    """

    weights: Mapping[str, Arrays]
    by_kind: bool
    scaled: bool


def layers_of(network: keras.Model) -> StoredLayers:
    """Give the weights of a network that is there."""
    weights = {name: tuple(layer.get_weights()) for name, layer in _by_kind(network).items() if layer.weights}
    scaled = any(isinstance(layer, keras.layers.Rescaling) for layer in network.layers)
    return StoredLayers(weights, by_kind=True, scaled=scaled)


def read_layers(file: Path, cure: str, *, most: int = MOST_UNPACKED) -> StoredLayers:
    """Read the weights of an HDF5 file.

    Args:
        file: As `save_weights` of any Keras wrote it, or `save` with `.h5`.
        cure: What to do where it cannot be read.
        most: Bytes that they may take.

    Raises:
        InputError: The file is damaged, too large, or holds no weights of layers.
    """
    import h5py

    from emoview.networks.saved import check_arrays

    try:
        with file.open("rb") as content:
            check_arrays(content, most)
            with h5py.File(content, "r") as stored:
                by_kind = "layers" in stored and "layer_names" not in stored.attrs
                found = dict(_kinds(stored["layers"]) if by_kind else _names(stored))
        if not any(found.values()):
            raise ValueError("it holds no weights of layers")
    except Exception as error:
        # What h5py raises of a damaged file has no common class.
        raise unloadable(file, error, cure) from None
    weights = {name: arrays for name, arrays in found.items() if arrays}
    return StoredLayers(weights, by_kind=by_kind, scaled=any(n.startswith("rescaling") for n in found))


def _kinds(layers: Any) -> Iterator[tuple[str, Arrays]]:
    for name in layers:
        held = layers[name].get("vars", {})
        # The seeds of dropout are kept elsewhere.
        yield name, tuple(_array(held[key]) for key in sorted(held, key=int))


def _names(stored: Any) -> Iterator[tuple[str, Arrays]]:
    group = stored.get("model_weights", stored)
    for name in _attribute(group, "layer_names"):
        layer = group[name]
        # Names with slashes were allowed once.
        yield name.replace("/", "_"), tuple(_array(layer[part]) for part in _attribute(layer, "weight_names"))


def _attribute(group: Any, name: str) -> Iterator[str]:
    """Give the words of an attribute, which may be parted in several."""
    number = 0
    parts = [name] if name in group.attrs else []
    while not parts or f"{name}{number}" in group.attrs:
        if f"{name}{number}" not in group.attrs:
            raise ValueError(f"it does not say {name.replace('_', ' ')}")
        parts.append(f"{name}{number}")
        number += 1
    for part in parts:
        for word in group.attrs[part]:
            yield word.decode() if isinstance(word, bytes) else str(word)


def _array(stored: Any) -> NDArray[np.float32]:
    if stored.dtype.kind != "f":
        raise ValueError("it holds something else than weights")
    values = np.asarray(stored[()], np.float32)
    if not np.isfinite(values).all():
        raise ValueError("its weights are not all numbers")
    return values


def _by_kind(network: keras.Model) -> dict[str, Any]:
    """Name the layers as Keras 3 does in files: by kind, and a number from the second on."""
    counts: dict[str, int] = {}
    result = {}
    for layer in network.layers:
        kind = _snake(type(layer).__name__)
        number = counts.get(kind, 0)
        counts[kind] = number + 1
        result[f"{kind}_{number}" if number else kind] = layer
    return result


def _snake(name: str) -> str:
    """Write the name of a class as Keras does in files.

    >>> [_snake(name) for name in ("Conv2D", "BatchNormalization", "SeparableConv2D")]
    ['conv2d', 'batch_normalization', 'separable_conv2d']
    """
    import re

    parted = re.sub(r"\W+", "", name)
    parted = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", parted)
    return re.sub("([a-z])([A-Z])", r"\1_\2", parted).lower()


def put_layers(
    network: keras.Model, stored: StoredLayers, *, source: str, head: bool, beginning: bool = False
) -> None:
    """Give a network the weights of another one, or of a file; the last layer's with `head` where they fit.

    Dense layers before the last one that the other lacks keep what they have: it has no top.  With
    `beginning` all layers that it lacks do: it ends where they begin.

    Raises:
        InputError: Weights do not fit; the first layers of which this is true are named.
    """
    named = _by_kind(network) if stored.by_kind else {layer.name: layer for layer in network.layers}
    body = {n: layer for n, layer in named.items() if layer.weights and layer.name != LOGITS_LAYER}
    given, left = _paired(body, stored)
    lacking = [n for n, layer in body.items() if n not in given and not isinstance(layer, keras.layers.Dense)]
    misfits = [] if beginning else [f"{body[name].name} is missing there" for name in lacking]
    misfits += [f"{name} is missing here" for name, arrays in left.items() if arrays[0].ndim != _DENSE]
    for name, arrays in given.items():
        own = [tuple(weight.shape) for weight in body[name].weights]
        theirs = [array.shape for array in arrays]
        if own != theirs:
            misfits.append(f"{body[name].name} has {_shapes(theirs)} there and {_shapes(own)} here")
    if misfits:
        raise InputError(
            f"{source} holds another network than {network.name}, or one for pictures of another size or "
            f"colour: {'; '.join(misfits[:_SHOWN])}"
        )
    for name, arrays in given.items():
        body[name].set_weights(arrays)
    last = next((name for name, layer in named.items() if layer.name == LOGITS_LAYER), "")
    arrays = stored.weights.get(last, ())
    if head and last and [a.shape for a in arrays] == [tuple(w.shape) for w in named[last].weights]:
        named[last].set_weights(arrays)


def _paired(body: Mapping[str, Any], stored: StoredLayers) -> tuple[dict[str, Arrays], dict[str, Arrays]]:
    """Give each layer its weights: by name, or, where a file has other names, by its place, as Keras does.

    Returns:
        Weights of each layer that gets some, and those that no layer gets.
    """
    dense = keras.layers.Dense
    if stored.by_kind or all(name in stored.weights or isinstance(body[name], dense) for name in body):
        given = {name: stored.weights[name] for name in body if name in stored.weights}
        return given, {name: arrays for name, arrays in stored.weights.items() if name not in given}
    there = list(stored.weights.items())
    placed = {name: arrays for name, (_, arrays) in zip(body, there, strict=False)}
    return placed, dict(there[len(placed) :])


def _shapes(shapes: list[tuple[int, ...]]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in shapes) or "no weights"
