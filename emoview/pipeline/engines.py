"""What runs the shipped networks: ONNX Runtime on a processor, Keras on a GPU.

Both give the same numbers.  Networks with a loop over ticks always run on the processor: a card would wait
for each of its many small steps.  ONNX Runtime starts in a fraction of the time that TensorFlow takes.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from emoview.networks.onnx_runtime import session
from emoview.networks.weights import Weight, shipped

FACE_OUTPUTS = ("embedding", "logits")
LOOPED = frozenset({"face_gru", "early_fusion"})
"""Networks with a loop over ticks."""


class Engine(str, Enum):
    """Who computes."""

    ONNX = "onnx"
    KERAS = "keras"


class Network(Protocol):
    """A network as the pipeline sees it, whoever runs it."""

    def predict_on_batch(self, inputs: Any) -> Any:
        """Give the outputs for pictures, vectors, or `(sequences, mask)`."""


class OnnxNetwork:
    """A network in ONNX Runtime."""

    def __init__(self, path: Path, outputs: Sequence[str] | None = None) -> None:
        """Load a network.

        Args:
            path: Its file.
            outputs: Names of the outputs that are wanted; None for all.
        """
        self._session = session(path)
        self._input = self._session.get_inputs()[0].name
        self._outputs = outputs

    def giving(self, outputs: Sequence[str]) -> OnnxNetwork:
        """Give the same network with other outputs; nothing is loaded again."""
        other = copy.copy(self)
        other._outputs = outputs
        return other

    def predict_on_batch(self, inputs: Any) -> Any:
        """Give the outputs for `(n, …)` inputs, or for one padded sequence and its mask."""
        if isinstance(inputs, tuple):
            return self._sequence(*inputs)
        outputs = self._session.run(self._outputs, {self._input: inputs})
        return outputs if len(outputs) > 1 else outputs[0]

    def _sequence(self, values: Any, mask: Any) -> Any:
        """Run one sequence without its padding, and pad the answer."""
        import numpy as np

        count = int(mask[0].sum())
        whole, ticks = self._session.run(None, {self._input: values[:, :count]})
        padded = np.zeros((1, values.shape[1], ticks.shape[2]), np.float32)
        padded[:, :count] = ticks
        return whole, padded


class KerasNetwork:
    """A network in Keras, whose back ends compile anew for each shape: it sees few shapes.

    Attributes:
        model: The network.
    """

    _ROWS, _TICKS = 32, 125

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict_on_batch(self, inputs: Any) -> Any:
        """Give the outputs for `(n, …)` inputs, or for padded sequences and their mask."""
        import numpy as np

        if isinstance(inputs, tuple):
            values, mask = inputs
            count = values.shape[1]
            more = ((0, 0), (0, _padded(count, self._TICKS) - count))
            whole, ticks = self.model.predict_on_batch((np.pad(values, (*more, (0, 0))), np.pad(mask, more)))
            return np.asarray(whole), np.asarray(ticks)[:, :count]
        rows = _padded(len(inputs), self._ROWS) - len(inputs)
        filled = np.pad(inputs, ((0, rows), *[(0, 0)] * (np.ndim(inputs) - 1)))
        answer = self.model.predict_on_batch(filled)
        if isinstance(answer, list | tuple):
            return [np.asarray(one)[: len(inputs)] for one in answer]
        return np.asarray(answer)[: len(inputs)]


def _padded(count: int, least: int) -> int:
    """Give `least`, doubled until it holds `count`."""
    while least < count:
        least *= 2
    return least


def weight_of(model: str, engine: Engine) -> Weight:
    """Find, and check, the file with the weights of a model."""
    return shipped(f"{model}.onnx" if engine is Engine.ONNX else f"{model}.weights.h5")


def load(model: str, engine: Engine) -> Network:
    """Load a shipped network.

    Raises:
        WeightsError: Its file is missing or damaged.
    """
    path = weight_of(model, engine).path
    if engine is Engine.ONNX:
        return OnnxNetwork(path, FACE_OUTPUTS if model == "face_cnn" else None)
    network = _keras_network(model, path)
    if model == "face_cnn":
        from emoview.networks.face_cnn import embedding_model

        network = embedding_model(network)
    return KerasNetwork(network)


def face_maps(network: Network) -> Network:
    """Give the maps `(n, 6, 6, 128)` of a loaded face network, of faces `(n, 48, 48, 1)`."""
    if isinstance(network, OnnxNetwork):
        return network.giving(["maps"])
    assert isinstance(network, KerasNetwork)
    from emoview.networks.face_cnn import maps_model

    return KerasNetwork(maps_model(network.model))


def _keras_network(model: str, path: Path) -> Any:
    from emoview.networks.shipped import BUILDERS

    network = BUILDERS[model]()
    network.load_weights(path)
    return network
