"""What a network begins with: random weights, those of a run or a file, or the shipped face network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import keras

from emoview.errors import InputError
from emoview.networks.blocks import LOGITS_LAYER
from emoview.networks.runs import load_network, networks_of
from emoview.networks.saved import load_saved, load_weights
from emoview.networks.stored_layers import layers_of, put_layers, read_layers
from emoview.timeline.labels import LABELS

SHIPPED: Final = "shipped"
"""As a start: the face network that ships."""
FACE_NETWORK: Final = "face-cnn"
"""Its architecture in the catalogue."""

_CURE = "name another file"


def take_start(model: keras.Model, start: str, name: str, labels: Sequence[str]) -> None:
    """Give a network the weights that it begins with.

    The last layer's are taken where they are for the same labels, or of a network of emoview whose labels
    nobody knows; else it begins at random.

    Args:
        model: The network, prepared or not; it is changed.
        start: `shipped`; a run folder with a network of the same name, or with one that it goes on from, as
            `densenet121` does from `densenet121-reduced`; a `.keras` file; or an `.h5` file with weights,
            of Keras Applications or of VGG-Face (see docs/systems.md).
        name: Of the network in the catalogue.
        labels: What it is to tell.

    Raises:
        InputError: There is no such start, or it does not fit.
    """
    path = Path(start)
    if start == SHIPPED:
        _take_shipped(model, name, labels)
    elif path.is_dir():
        _take_run(model, path, name, labels)
    elif not path.is_file():
        raise InputError(
            f"{start} does not exist: start from a run folder, a .keras or .h5 file, or {SHIPPED}"
        )
    elif path.suffix == ".keras":
        other = load_saved(path, _CURE)
        if _inner(other).layers[-1].name == LOGITS_LAYER:
            _take_network(model, other, start, head=True)
        else:
            _take_published(model, path, name)
    elif path.suffix in (".h5", ".hdf5"):
        _take_published(model, path, name)
    else:
        raise InputError(
            f"{start} is neither a run folder nor a .keras or .h5 file: start from one of these, or {SHIPPED}"
        )


def _take_shipped(model: keras.Model, name: str, labels: Sequence[str]) -> None:
    if name != FACE_NETWORK:
        raise InputError(f"what ships is a {FACE_NETWORK}, not a {name}: set network={FACE_NETWORK}")
    from emoview.networks.shipped import BUILDERS
    from emoview.networks.weights import shipped

    network = BUILDERS["face_cnn"]()
    load_weights(network, shipped("face_cnn.weights.h5").path, "install emoview again")
    _take_network(model, network, SHIPPED, head=tuple(labels) == LABELS)


def _take_run(model: keras.Model, run: Path, name: str, labels: Sequence[str]) -> None:
    networks = networks_of(run)
    stored = [network for network in networks if network.name == name]
    if stored:
        same = stored[0].labels == tuple(labels)
        _take_network(model, load_network(run, stored[0]), str(run), head=same)
    elif len(networks) == 1:
        _take_network(model, load_network(run, networks[0]), str(run), head=False, beginning=True)
    else:
        raise InputError(f"{run} has no network {name}: start from a run of the same network")


def _take_network(
    model: keras.Model, other: keras.Model, source: str, *, head: bool, beginning: bool = False
) -> None:
    put_layers(_inner(model), layers_of(_inner(other)), source=source, head=head, beginning=beginning)
    # What it prepares pictures with it has learned, too.
    own, given = (_preparing(one) for one in (model, other))
    if [type(layer) for layer in own] == [type(layer) for layer in given]:
        for layer, like in zip(own, given, strict=True):
            if [w.shape for w in layer.weights] == [w.shape for w in like.weights]:
                layer.set_weights(like.get_weights())
    if not own and _inner(model) is model:
        _take_scaling(model, _inner(other))


def _take_scaling(network: keras.Model, other: keras.Model) -> None:
    """Scale pictures as the other network does, which may have begun with published weights."""
    own, given = (
        next((layer for layer in one.layers if isinstance(layer, keras.layers.Rescaling)), None)
        for one in (network, other)
    )
    if own is not None and given is not None:
        own.scale, own.offset = given.scale, given.offset


def _take_published(model: keras.Model, file: Path, name: str) -> None:
    from emoview.networks.published import published_start

    network = _inner(model)
    stored = layers_of(load_saved(file, _CURE)) if file.suffix == ".keras" else read_layers(file, _CURE)
    if not stored.scaled:
        if network is not model:
            raise InputError(f"{file} takes pictures of its own scale: set preparation=unit")
        stored = published_start(network, stored, name, str(file))
    put_layers(network, stored, source=str(file), head=False)


def _inner(model: keras.Model) -> keras.Model:
    """Give the network behind its preparation."""
    last = model.layers[-1]
    return last if isinstance(last, keras.Model) else model


def _preparing(model: keras.Model) -> list[keras.Layer]:
    return [layer for layer in model.layers[:-1] if layer.weights] if _inner(model) is not model else []


def only_head(model: keras.Model) -> None:
    """Freeze everything before the last layer."""
    for layer in _inner(model).layers[:-1]:
        layer.trainable = False
