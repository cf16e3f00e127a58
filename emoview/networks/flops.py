"""What a network costs: floating-point operations for one sample, counted layer by layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers

_CONVOLUTIONS = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.DepthwiseConv1D,
    layers.DepthwiseConv2D,
)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_RECURRENT = (layers.SimpleRNN, layers.GRU, layers.LSTM)


def flops(model: keras.Model, input_shape: Sequence[Any] | None = None) -> int:
    """Count the floating-point operations of a forward pass: two for each multiply-add.

    Convolutions (grouped, depthwise and separable too), dense and recurrent layers count.  Biases,
    batch normalisation, activations, pooling, additions and the gates' products do not: together
    they are a few percent, and papers leave them out.

    Args:
        model: A functional or sequential model, in which other models may be nested.
        input_shape: Of one sample, or one shape for each input; needed where the model leaves
            dimensions open.

    Returns:
        Operations for one sample.

    Raises:
        ValueError: Dimensions are open, or a layer with a kernel is of no kind listed above.

    >>> import keras
    >>> network = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    >>> flops(network)
    64
    """
    if input_shape is not None:
        model = _resized(model, input_shape)
    elif isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs, model.outputs)
    # A layer that is used twice is computed twice: count uses, which Keras calls nodes.
    nodes = (node for nodes in model._nodes_by_depth.values() for node in nodes)
    return sum(_node_flops(node) for node in nodes if not node.is_input)


def _resized(model: keras.Model, input_shape: Sequence[Any]) -> keras.Model:
    """Copy the model with all dimensions set; a copy, as new inputs would leave traces in its layers."""
    shapes = [input_shape] if len(model.inputs) == 1 and not _nested(input_shape) else list(input_shape)
    inputs = [
        keras.Input(tuple(shape), name=given.name, dtype=given.dtype)
        for given, shape in zip(model.inputs, shapes, strict=True)
    ]
    copy = keras.models.clone_model(model, input_tensors=inputs if len(inputs) > 1 else inputs[0])
    return keras.Model(copy.inputs, copy.outputs)


def _nested(shape: Sequence[Any]) -> bool:
    return any(isinstance(part, Sequence) for part in shape)


def _node_flops(node: Any) -> int:
    operation = node.operation
    if isinstance(operation, keras.Model):
        shapes = [tensor.shape[1:] for tensor in node.input_tensors]
        fixed = all(None not in tensor.shape[1:] for tensor in operation.inputs)
        return flops(operation, None if fixed else shapes)
    return 2 * _multiply_adds(operation, node.input_tensors[0].shape, node.output_tensors[0].shape)


def _multiply_adds(layer: Any, given: tuple[Any, ...], result: tuple[Any, ...]) -> int:
    if isinstance(layer, layers.Bidirectional):
        ways = (layer.forward_layer, layer.backward_layer)
        return sum(_multiply_adds(way, given, result) for way in ways)
    if isinstance(layer, _RECURRENT):
        cell = layer.cell
        return (_weights(cell.kernel) + _weights(cell.recurrent_kernel)) * _size(layer, given[1:2])
    if isinstance(layer, _SEPARABLE):
        weights = _weights(layer.depthwise_kernel) + _weights(layer.pointwise_kernel)
        return weights * _size(layer, result[1:-1])
    if isinstance(layer, (*_CONVOLUTIONS, layers.Dense)):
        # The kernel of a grouped convolution has only the inputs of one group.
        return _weights(layer.kernel) * _size(layer, result[1:-1])
    if hasattr(layer, "kernel"):
        raise ValueError(f"cannot count the operations of layer {layer.name!r}, a {type(layer).__name__}")
    return 0


def _weights(kernel: Any) -> int:
    return math.prod(int(side) for side in kernel.shape)


def _size(layer: Any, shape: tuple[Any, ...]) -> int:
    if None in shape:
        raise ValueError(f"layer {layer.name!r} has open dimensions {shape}: give an input_shape")
    return math.prod(int(side) for side in shape)
