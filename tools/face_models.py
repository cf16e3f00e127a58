"""Make the ONNX files of `emoview/face/models` from the models in mediapipe's wheel.

`python -m tools.face_models` needs TensorFlow, whose reader of `.tflite` files it uses.  The numbers are
those of the wheel; only PReLU is made of other operators, for which ONNX Runtime has fast kernels.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

TO: Final = Path(__file__).parents[1] / "emoview" / "face" / "models"
FROM: Final = {
    "mesh": "face_landmark/face_landmark.tflite",
    "near": "face_detection/face_detection_short_range.tflite",
    "far": "face_detection/face_detection_full_range_sparse.tflite",
}
OUTPUTS: Final = {"mesh": ("points", "presence"), "near": ("boxes", "scores"), "far": ("boxes", "scores")}

_OPSET: Final = 17
_IR_VERSION: Final = 8
_TYPES: Final = {0: np.float32, 1: np.float16, 2: np.int32}
_SAME: Final = 0
_BLOCK: Final = 16
_RELU: Final = 1


def convert(path: Path, outputs: tuple[str, str]) -> onnx.ModelProto:
    """Convert a network over pictures: uint8 `(n, h, w, 3)` in, two tensors `(n, …)` out."""
    return _Converter(path).model(outputs)


class _Converter:
    """Converts one file.  Within, pictures are channels first."""

    def __init__(self, path: Path) -> None:
        from tensorflow.lite.python import schema_py_generated as schema

        self._file = path
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(path.read_bytes(), 0))
        self._graph = self._model.subgraphs[0]
        self._kinds = {code: name for name, code in vars(schema.BuiltinOperator).items() if name.isupper()}
        self._constants: dict[int, NDArray[Any]] = {}
        self._names: dict[int, str] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._stored: list[onnx.TensorProto] = []
        # Tensors that are channels last, as in the file, again.
        self._last: set[int] = set()
        # Tensors that must not have more channels than in the file.
        self._exact = set(map(int, self._graph.outputs))

    def model(self, outputs: tuple[str, str]) -> onnx.ModelProto:
        """Convert the network."""
        for number, tensor in enumerate(self._graph.tensors):
            data = self._model.buffers[tensor.buffer].data
            if data is not None and len(data) and tensor.sparsity is None:
                values = np.frombuffer(bytes(data), _TYPES[tensor.type])
                self._constants[number] = values.reshape(tensor.shape)
        given = int(self._graph.inputs[0])
        shape = list(map(int, self._graph.tensors[given].shape[1:]))
        numbers = self._add("Cast", ["picture"], to=TensorProto.FLOAT)
        pixels = self._add("Transpose", [numbers], perm=[0, 3, 1, 2])
        self._exact.add(given)
        if not self._file.name.startswith("face_landmark"):
            # The detectors take -1 to 1; the mesh takes 0 to 1, to which its first convolution brings them.
            doubled = self._add("Mul", [pixels, self._store(np.float32(2 / 255))])
            pixels = self._add("Sub", [doubled, self._store(np.float32(1))])
        self._names[given] = pixels
        for operator in self._graph.operators:
            if self._kind(operator) == "RESHAPE":
                self._exact.add(int(operator.inputs[0]))
        for operator in self._graph.operators:
            self._convert(operator)
        for number, name in zip(self._graph.outputs, outputs, strict=True):
            last = self._names[number]
            flat = last if number in self._last else self._add("Flatten", [last])
            self._nodes.append(helper.make_node("Identity", [flat], [name]))
        picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, ["n", *shape])
        found = [
            helper.make_tensor_value_info(
                name, TensorProto.FLOAT, [None] * (3 if number in self._last else 2)
            )
            for number, name in zip(self._graph.outputs, outputs, strict=True)
        ]
        graph = helper.make_graph(self._nodes, self._file.stem, [picture], found, self._stored)
        made = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION,
            producer_name=f"mediapipe, {self._file.name}",
            doc_string="Copyright The MediaPipe Authors, Apache 2.0",
        )  # fmt: skip
        onnx.checker.check_model(made)
        return made

    def _add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _store(self, values: Any) -> str:
        """Store a constant, in half precision where that loses nothing."""
        values = np.array(values)
        half = values.astype(np.float16) if values.dtype == np.float32 and values.size > 1 else values
        exact = half.dtype == np.float16 and np.array_equal(half.astype(np.float32), values)
        name = f"constant_{len(self._stored)}"
        self._stored.append(numpy_helper.from_array(half if exact else values, name))
        return self._add("Cast", [name], to=TensorProto.FLOAT) if exact else name

    def _kind(self, operator: Any) -> str:
        code = self._model.operatorCodes[operator.opcodeIndex]
        return str(self._kinds[max(code.builtinCode, code.deprecatedBuiltinCode)])

    def _channels(self, number: int) -> int:
        """Give how many channels a tensor gets.

        Some more than in the file, of zeros: ONNX Runtime computes in blocks of them, and rearranges the
        pictures where they fill none.
        """
        count = int(self._graph.tensors[number].shape[3])
        if self._file.name.startswith("face_detection_full"):
            # ONNX Runtime cannot resize what is in blocks.
            return count
        return count if number in self._exact else -(-count // _BLOCK) * _BLOCK

    def _convert(self, operator: Any) -> None:
        kind = self._kind(operator)
        inputs, output, options = list(operator.inputs), int(operator.outputs[0]), operator.builtinOptions
        if kind == "DEQUANTIZE":
            self._constants[output] = self._constants[inputs[0]].astype(np.float32)
        elif kind == "DENSIFY":
            self._constants[output] = self._dense(output)
        elif kind == "RESHAPE":
            last = self._names[inputs[0]]
            if inputs[0] not in self._last:
                last = self._add("Transpose", [last], perm=[0, 2, 3, 1])
            shape = np.array([-1, *self._graph.tensors[output].shape[1:]], np.int64)
            self._names[output] = self._add("Reshape", [last, self._store(shape)])
            self._last.add(output)
        elif kind == "CONCATENATION":
            self._names[output] = self._add("Concat", [self._names[i] for i in inputs], axis=options.axis)
            self._last.add(output)
        else:
            self._names[output] = self._layer(kind, inputs, output, options)

    def _layer(self, kind: str, inputs: list[int], output: int, options: Any) -> str:
        """Convert what takes pictures and gives pictures."""
        x = self._names[inputs[0]]
        shape = self._graph.tensors[inputs[0]].shape
        if kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
            x = self._convolution(x, inputs, output, options, deep=kind == "DEPTHWISE_CONV_2D")
        elif kind == "PRELU":
            slope = self._constants[inputs[1]].astype(np.float32).reshape(-1, 1, 1, 1)
            x = self._prelu(x, _grown(slope, self._channels(output)))
        elif kind == "RELU":
            x = self._add("Relu", [x])
        elif kind == "ADD":
            x = self._add("Add", [x, self._names[inputs[1]]])
        elif kind == "MAX_POOL_2D":
            size = (options.filterHeight, options.filterWidth)
            x = self._add(
                "MaxPool", [x], kernel_shape=list(size), strides=[options.strideH, options.strideW],
                pads=_padding(options, shape, size),
            )  # fmt: skip
        elif kind == "PAD":
            x = self._padded(x, inputs, output)
        elif kind == "RESIZE_BILINEAR":
            sizes = self._constants[inputs[1]] / shape[1:3]
            place = "half_pixel" if options.halfPixelCenters else "asymmetric"
            x = self._add(
                "Resize", [x, "", self._store(np.array([1, 1, *sizes], np.float32))], mode="linear",
                coordinate_transformation_mode="align_corners" if options.alignCorners else place,
            )  # fmt: skip
        elif kind == "DEPTH_TO_SPACE":
            x = self._add("DepthToSpace", [x], blocksize=options.blockSize, mode="DCR")
        else:
            raise ValueError(f"{self._file.name} has a {kind}")
        return self._add("Relu", [x]) if getattr(options, "fusedActivationFunction", 0) == _RELU else x

    def _convolution(self, x: str, inputs: list[int], output: int, options: Any, *, deep: bool) -> str:
        kernel = self._constants[inputs[1]].astype(np.float32)
        size = kernel.shape[1:3]
        channels = self._channels(output)
        if inputs[0] == self._graph.inputs[0] and self._file.name.startswith("face_landmark"):
            kernel = kernel / np.float32(255)
        weights = _grown(kernel.transpose((3, 0, 1, 2) if deep else (0, 3, 1, 2)), channels)
        if not deep:
            weights = _grown(weights, self._channels(inputs[0]), axis=1)
        bias = [_grown(self._constants[i].astype(np.float32), channels) for i in inputs[2:]]
        return self._add(
            "Conv", [x, *map(self._store, (weights, *bias))], kernel_shape=list(size),
            strides=[options.strideH, options.strideW], group=channels if deep else 1,
            pads=_padding(options, self._graph.tensors[inputs[0]].shape, size),
        )  # fmt: skip

    def _padded(self, x: str, inputs: list[int], output: int) -> str:
        around = self._constants[inputs[1]]
        given, wanted = self._channels(inputs[0]), self._channels(output)
        if around[1:3].any():
            # Height and width, in the order of ONNX.
            x = self._add("Pad", [x, self._store(around[[0, 3, 1, 2]].T.ravel().astype(np.int64))])
        elif given != wanted:
            # In blocks a convolution is faster than to add nothing.
            same = np.eye(wanted, given, dtype=np.float32).reshape(wanted, given, 1, 1)
            x = self._add("Conv", [x, self._store(same)], kernel_shape=[1, 1])
        return x

    def _prelu(self, x: str, slope: NDArray[np.float32]) -> str:
        """Write PReLU as convolutions: `slope x + (1 - slope) relu(x)`.

        ONNX Runtime's own takes three times as long as all convolutions together.
        """

        def times(given: str, factor: NDArray[np.float32]) -> str:
            return self._add("Conv", [given, self._store(factor)], kernel_shape=[1, 1], group=len(factor))

        # After a convolution ReLU costs nothing, so the sign comes behind it.
        rest = self._add("Relu", [times(x, np.abs(1 - slope))])
        if slope.max() > 1:
            rest = times(rest, np.sign(1 - slope))
        return self._add("Add", [times(x, slope), rest])

    def _dense(self, number: int) -> NDArray[np.float32]:
        """Give a constant that is stored sparsely, as TensorFlow reads it."""
        import tensorflow as tf

        resolver = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        if not hasattr(self, "_interpreter"):
            self._interpreter = tf.lite.Interpreter(
                str(self._file), experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=resolver,
            )  # fmt: skip
            self._interpreter.allocate_tensors()
            self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(number), np.float32)


def _grown(values: NDArray[np.float32], count: int, axis: int = 0) -> NDArray[np.float32]:
    """Append zeros until there are so many."""
    around = [(0, count - size if number == axis else 0) for number, size in enumerate(values.shape)]
    return np.pad(values, around)


def _padding(options: Any, shape: Any, size: Sequence[int]) -> list[int]:
    """Give what lies above, left, below and right of pictures `(n, h, w, channels)`."""
    if options.padding != _SAME:
        return [0, 0, 0, 0]
    before, after = [], []
    for side, kernel, step in zip(shape[1:3], size, (options.strideH, options.strideW), strict=True):
        around = max((-(-int(side) // step) - 1) * step + kernel - int(side), 0)
        before.append(around // 2)
        after.append(around - around // 2)
    return [*before, *after]


def main() -> None:
    """Write all files and their manifest."""
    from emoview.networks.weights import write_manifest

    found = importlib.util.find_spec("mediapipe")
    assert found is not None
    assert found.origin is not None
    modules = Path(found.origin).parent / "modules"
    TO.mkdir(exist_ok=True)
    for name, file in FROM.items():
        content = convert(modules / file, OUTPUTS[name]).SerializeToString()
        (TO / f"{name}.onnx").write_bytes(content)
    write_manifest(TO)


if __name__ == "__main__":
    main()
