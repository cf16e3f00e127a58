"""Writing the networks that ship as ONNX, so that they run without TensorFlow.

Only the layers of these networks are known.  Large weights that half precision can hold are stored in it.
Pictures go in as Keras takes them, channels last; within, they are channels first.  Sequences go in
without padding, so the mask of true ticks falls away.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from emoview.networks.half import as_stored
from emoview.networks.temporal import AttentiveStatistics, LocalNormalization, MaskedMean

# Old enough for every ONNX Runtime in use, new enough for all operators here.
_OPSET = 17
_IR_VERSION = 8
_MASK = "mask"


def export_onnx(model: keras.Model, path: Path) -> None:
    """Write a functional model as ONNX.

    Outputs have the names of the layers that they come from.

    Args:
        model: Of the shipped kinds: pictures `(batch, h, w, 1)`, sequences `(1, ticks, n)` whose second
            input is a mask, or vectors `(batch, n)`.
        path: File to write.

    Raises:
        ValueError: A layer has no counterpart here.
    """
    writer = _Writer()
    inputs = []
    for given in model.inputs:
        if given.name == _MASK:
            writer.names[id(given)] = _MASK
            continue
        shape = [None if side is None else int(side) for side in given.shape]
        inputs.append(helper.make_tensor_value_info(given.name, TensorProto.FLOAT, shape))
        name = given.name
        writer.names[id(given)] = (
            writer.add("Transpose", [name], perm=[0, 3, 1, 2]) if len(shape) == 4 else name
        )
    for operation in model.operations:
        if not isinstance(operation, layers.InputLayer):
            node = operation._inbound_nodes[-1]
            names = [writer.names[id(tensor)] for tensor in node.arguments.keras_tensors]
            writer.names[id(node.outputs[0])] = _convert(writer, operation, names)
    outputs = []
    for name, tensor in zip(model.output_names, model.outputs, strict=True):
        given = writer.as_given(writer.names[id(tensor)], len(tensor.shape))
        writer.rename(given, name)
        outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * len(tensor.shape)))
    graph = helper.make_graph(writer.nodes, model.name, inputs, outputs, writer.constants)
    stored = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)])
    stored.ir_version = _IR_VERSION
    onnx.checker.check_model(stored)
    partial = path.with_suffix(".part")
    onnx.save(stored, partial)
    partial.replace(path)


class _Writer:
    """Nodes and constants of a graph that grows; values are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.names: dict[int, str] = {}

    def add(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> str:
        names = [f"{kind.lower()}_{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0]

    def as_given(self, name: str, rank: int) -> str:
        """Turn maps, which are channels first in here, as Keras gives them."""
        return self.add("Transpose", [name], perm=[0, 2, 3, 1]) if rank == 4 else name

    def rename(self, old: str, new: str) -> None:
        """Give a value another name, wherever it comes from and goes to."""
        for node in self.nodes:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]

    def constant(self, value: Any, kind: Any = np.float32) -> str:
        stored = as_stored(np.asarray(value, kind))
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(stored, name))
        # ONNX Runtime widens it once, as it loads the network.
        return self.add("Cast", [name], to=TensorProto.FLOAT) if stored.dtype == np.float16 else name


def _convert(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    for kind, function in _CONVERTERS.items():
        if isinstance(layer, kind):
            return function(writer, layer, inputs)
    raise ValueError(f"{type(layer).__name__} has no ONNX counterpart here")


def _weights(layer: Any) -> list[NDArray[np.float32]]:
    return [np.asarray(weight) for weight in layer.get_weights()]


def _same(_: _Writer, __: Any, inputs: list[str]) -> str:
    return inputs[0]


def _activated(writer: _Writer, layer: Any, name: str) -> str:
    function = layer.activation.__name__
    if function == "hard_tanh":
        return writer.add("Clip", [name, writer.constant(-1), writer.constant(1)])
    kind = {"linear": None, "relu": "Relu", "sigmoid": "Sigmoid"}[function]
    return writer.add(kind, [name]) if kind else name


def _rescaling(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    scaled = writer.add("Mul", [inputs[0], writer.constant(layer.scale)])
    return writer.add("Add", [scaled, writer.constant(layer.offset)])


def _normalization(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    mean, variance = np.asarray(layer.adapt_mean).ravel(), np.asarray(layer.adapt_variance).ravel()
    shifted = writer.add("Sub", [inputs[0], writer.constant(mean)])
    return writer.add(
        "Div", [shifted, writer.constant(np.maximum(np.sqrt(variance), keras.config.epsilon()))]
    )


def _conv2d(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = _weights(layer)
    values = [inputs[0], writer.constant(kernel.transpose(3, 2, 0, 1)), *map(writer.constant, bias)]
    padding = {"same": "SAME_UPPER", "valid": "VALID"}[layer.padding]
    result = writer.add("Conv", values, strides=list(layer.strides), auto_pad=padding)
    return _activated(writer, layer, result)


def _conv1d(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = _weights(layer)
    first = _turned(writer, inputs[0])
    values = [first, writer.constant(kernel.transpose(2, 1, 0)), *map(writer.constant, bias)]
    (dilation,) = layer.dilation_rate
    # ONNX Runtime knows no automatic padding of dilated kernels.
    around = (kernel.shape[0] - 1) * dilation
    pads = [around // 2, around - around // 2]
    result = writer.add("Conv", values, pads=pads, dilations=[dilation])
    return _activated(writer, layer, _turned(writer, result))


def _turned(writer: _Writer, name: str) -> str:
    """Turn `(batch, ticks, n)` into `(batch, n, ticks)` or back."""
    return writer.add("Transpose", [name], perm=[0, 2, 1])


def _batch_normalization(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    constants = [writer.constant(weight) for weight in _weights(layer)]
    # Pictures are channels first in here, ticks are not.
    ticks = len(layer.output.shape) == 3
    values = _turned(writer, inputs[0]) if ticks else inputs[0]
    result = writer.add("BatchNormalization", [values, *constants], epsilon=layer.epsilon)
    return _turned(writer, result) if ticks else result


def _average_pooling(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    size, strides = list(layer.pool_size), list(layer.strides)
    return writer.add("AveragePool", inputs, kernel_shape=size, strides=strides, auto_pad="SAME_UPPER")


def _global_pooling(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    result = writer.add("GlobalAveragePool", inputs)
    return result if layer.keepdims else writer.add("Flatten", [result])


def _dense(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    kernel, *bias = _weights(layer)
    result = writer.add("MatMul", [inputs[0], writer.constant(kernel)])
    if bias:
        result = writer.add("Add", [result, writer.constant(bias[0])])
    return _activated(writer, layer, result)


def _bidirectional_gru(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    units = layer.forward_layer.units
    directions = [_weights(part) for part in (layer.forward_layer, layer.backward_layer)]
    # Keras and ONNX order the gates alike: update, reset, new.
    kernel, recurrent, bias = (
        np.stack([weights[i].T if i < 2 else weights[i].reshape(-1) for weights in directions])
        for i in range(3)
    )
    sequence = writer.add("Transpose", inputs[:1], perm=[1, 0, 2])
    result = writer.add(
        "GRU", [sequence, *map(writer.constant, (kernel, recurrent, bias))],
        hidden_size=units, direction="bidirectional", linear_before_reset=1,
    )  # fmt: skip
    # (ticks, directions, batch, units) to (batch, ticks, directions * units).
    result = writer.add("Transpose", [result], perm=[2, 0, 1, 3])
    return writer.add("Reshape", [result, writer.constant([0, 0, 2 * units], np.int64)])


def _add(writer: _Writer, _: Any, inputs: list[str]) -> str:
    return writer.add("Add", inputs)


def _average(writer: _Writer, _: Any, inputs: list[str]) -> str:
    return writer.add("Mean", inputs)


def _multiply(writer: _Writer, _: Any, inputs: list[str]) -> str:
    true = [name for name in inputs if name != _MASK]
    return true[0] if len(true) == 1 else writer.add("Mul", true)


def _relu(writer: _Writer, _: Any, inputs: list[str]) -> str:
    return writer.add("Relu", inputs)


def _activation(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    return _activated(writer, layer, inputs[0])


def _masked_mean(writer: _Writer, _: Any, inputs: list[str]) -> str:
    return writer.add("ReduceMean", inputs[:1], axes=[1], keepdims=0)


def _local_normalization(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    values = _turned(writer, inputs[0])
    around: dict[str, Any] = {"kernel_shape": [2 * layer.REACH + 1], "pads": [layer.REACH, layer.REACH]}
    mean = writer.add("AveragePool", [values], **around)
    square = writer.add("AveragePool", [writer.add("Mul", [values, values])], **around)
    variance = writer.add("Sub", [square, writer.add("Mul", [mean, mean])])
    variance = writer.add("Max", [variance, writer.constant(0.0)])
    spread = writer.add("Sqrt", [writer.add("Add", [variance, writer.constant(layer.FLOOR)])])
    return _turned(writer, writer.add("Div", [writer.add("Sub", [values, mean]), spread]))


def _attentive_statistics(writer: _Writer, layer: Any, inputs: list[str]) -> str:
    values, scores = inputs[:2]
    weights = _turned(writer, writer.add("Softmax", [scores], axis=1))
    weighted = writer.add("MatMul", [weights, values])
    flat = writer.add("Reshape", [weighted, writer.constant([0, -1], np.int64)])
    mean = writer.add("ReduceMean", [values], axes=[1], keepdims=0)
    squares = writer.add("ReduceMean", [writer.add("Mul", [values, values])], axes=[1], keepdims=0)
    variance = writer.add("Sub", [squares, writer.add("Mul", [mean, mean])])
    deviation = writer.add("Sqrt", [writer.add("Max", [variance, writer.constant(layer.FLOOR)])])
    return writer.add("Concat", [flat, mean, deviation], axis=1)


_CONVERTERS: dict[type, Callable[[_Writer, Any, list[str]], str]] = {
    layers.Dropout: _same,
    # Of the mask alone, which is always true.
    layers.Reshape: _same,
    layers.Rescaling: _rescaling,
    layers.Normalization: _normalization,
    layers.Conv2D: _conv2d,
    layers.Conv1D: _conv1d,
    layers.BatchNormalization: _batch_normalization,
    layers.AveragePooling2D: _average_pooling,
    layers.GlobalAveragePooling2D: _global_pooling,
    layers.Dense: _dense,
    layers.Bidirectional: _bidirectional_gru,
    layers.Add: _add,
    layers.Average: _average,
    layers.Multiply: _multiply,
    layers.ReLU: _relu,
    layers.Activation: _activation,
    MaskedMean: _masked_mean,
    LocalNormalization: _local_normalization,
    AttentiveStatistics: _attentive_statistics,
}
