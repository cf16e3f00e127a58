"""Grad-CAM of the face network: where on a face it sees a label (Selvaraju et al. 2017, arXiv:1610.02391).

A class activation map weighs feature maps by how much the label's logit rises with each, and keeps what
speaks for the label.  The network's last maps have 3x3 places, of which the middle one nearly always wins;
so the maps are those before its last stage, 6x6.  ONNX Runtime gives no gradients: that of the last stage
is written out here, and serves both engines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emoview.networks.sizes import FACE_DEPTHS
from emoview.timeline.labels import LABELS

if TYPE_CHECKING:
    from emoview.pipeline.engines import Network

Floats = NDArray[np.float32]

_BATCH = 32
# That of Keras' batch normalisation.
_EPSILON = 1e-3
# Padding of a 3x3 convolution that keeps an even side, and of one that halves it.
_KEEPING, _HALVING = (1, 1), (0, 1)


class GradCam:
    """Draws maps of faces for labels."""

    def __init__(self, maps: Network, last_stage: LastStage) -> None:
        """Take the network that gives the maps `(n, 6, 6, 128)` of faces, and what lies behind them."""
        self._maps, self._last_stage = maps, last_stage

    def __call__(self, faces: Floats, label: str) -> Floats:
        """Draw the maps of faces `(n, 48, 48, 1)` in [0, 1] for one label.

        Each face is seen as it is and mirrored, and both maps are averaged.

        Returns:
            `(n, 6, 6)`, 0 where nothing speaks for the label.
        """
        parts = [self._batch(faces[i : i + _BATCH], label) for i in range(0, len(faces), _BATCH)]
        return np.concatenate(parts)

    def _batch(self, faces: Floats, label: str) -> Floats:
        # Of a fixed size, so that Keras compiles once.
        batch = np.zeros((2, _BATCH, *faces.shape[1:]), np.float32)
        batch[0, : len(faces)], batch[1, : len(faces)] = faces, faces[:, :, ::-1]
        answers = np.asarray(self._maps.predict_on_batch(batch.reshape(-1, *faces.shape[1:])))
        values = answers.reshape(2, _BATCH, *answers.shape[1:])[:, : len(faces)]
        plain, mirrored = (self._weighed(one, label) for one in values)
        return np.asarray((plain + mirrored[:, :, ::-1]) / 2)

    def _weighed(self, maps: Floats, label: str) -> Floats:
        gradient = self._last_stage.gradient(maps, LABELS.index(label))
        weights = gradient.mean(axis=(1, 2), keepdims=True)
        return np.asarray(np.maximum((weights * maps).sum(axis=-1), 0))


@dataclass(frozen=True)
class _Block:
    """A residual block; see `face_cnn`.

    Attributes:
        first: Kernel and bias of the first convolution.
        second: Of the one after it.
        squeeze: Of the channels' weighing, down.
        excite: Of it, up again.
        shortcut: Of the way around both, where the block halves the maps; others leave them as they are.
    """

    first: tuple[Floats, Floats]
    second: tuple[Floats, Floats]
    squeeze: tuple[Floats, Floats]
    excite: tuple[Floats, Floats]
    shortcut: tuple[Floats, Floats] | None

    def forward(self, maps: Floats) -> _State:
        stride, padding = (1, _KEEPING) if self.shortcut is None else (2, _HALVING)
        first = np.maximum(_convolved(maps, *self.first, stride, padding), 0)
        second = _convolved(first, *self.second, 1, _KEEPING)
        squeezed = np.maximum(second.mean(axis=(1, 2)) @ self.squeeze[0] + self.squeeze[1], 0)
        gate = 1 / (1 + np.exp(-(squeezed @ self.excite[0] + self.excite[1])))
        around = maps
        if self.shortcut is not None:
            count, side, _, channels = maps.shape
            halved = maps.reshape(count, side // 2, 2, side // 2, 2, channels).mean(axis=(2, 4))
            around = _times(halved, self.shortcut[0]) + self.shortcut[1]
        return _State(first, second, squeezed, gate, around + second * gate[:, None, None])

    def backward(self, state: _State, gradient: Floats) -> Floats:
        """Give the gradient by what went in, from that by what came out."""
        places = state.sums.shape[1] * state.sums.shape[2]
        by_sum = (state.sums > 0) * gradient
        by_gate = (by_sum * state.second).sum(axis=(1, 2)) * state.gate * (1 - state.gate)
        by_squeezed = (by_gate @ self.excite[0].T) * (state.squeezed > 0)
        by_mean = by_squeezed @ self.squeeze[0].T
        by_second = by_sum * state.gate[:, None, None] + by_mean[:, None, None] / places
        by_first = _back(by_second, self.second[0], 1, _KEEPING) * (state.first > 0)
        if self.shortcut is None:
            return _back(by_first, self.first[0], 1, _KEEPING) + by_sum
        around = _times(by_sum, self.shortcut[0].T).repeat(2, axis=1).repeat(2, axis=2) / 4
        return _back(by_first, self.first[0], 2, _HALVING) + around


@dataclass(frozen=True)
class LastStage:
    """The face network behind its maps: residual blocks, pooling and a dense layer.

    Attributes:
        blocks: In their order; the first halves the maps.
        logits: Kernel and bias of the dense layer.
    """

    blocks: tuple[_Block, ...]
    logits: tuple[Floats, Floats]

    @classmethod
    def read(cls, weights: Path) -> LastStage:
        """Read it from weights that Keras stored; normalisations become part of their convolutions."""
        import h5py

        further = FACE_DEPTHS[-1] - 1
        with h5py.File(weights) as file:
            layers = file["layers"]
            names = _numbered(layers, "conv2d")[-5 - 4 * further :]
            convolutions = iter([_variables(layers[name]) for name in names])
            names = _numbered(layers, "batch_normalization")[-3 - 2 * further :]
            norms = iter([_variables(layers[name]) for name in names])
            dense = _variables(layers["dense"])
        blocks = tuple(_block(convolutions, norms, halves=i == 0) for i in range(1 + further))
        return cls(blocks, (dense[0], dense[1]))

    def answer(self, maps: Floats) -> Floats:
        """Give the logits `(n, 7)` of maps `(n, side, side, channels)`."""
        pooled = np.maximum(self._forward(maps)[-1].sums, 0).mean(axis=(1, 2))
        return np.asarray(pooled @ self.logits[0] + self.logits[1])

    def gradient(self, maps: Floats, label: int) -> Floats:
        """Give the gradient of a label's logit by the maps, in their shape."""
        states = self._forward(maps)
        count, *sides, channels = states[-1].sums.shape
        gradient = np.broadcast_to(self.logits[0][:, label] / np.prod(sides), (count, *sides, channels))
        for block, state in zip(reversed(self.blocks), reversed(states), strict=True):
            gradient = block.backward(state, gradient)
        return np.asarray(gradient, np.float32)

    def _forward(self, maps: Floats) -> list[_State]:
        states = []
        for block in self.blocks:
            states.append(block.forward(maps))
            maps = np.maximum(states[-1].sums, 0)
        return states


@dataclass(frozen=True)
class _State:
    """Values on the way through a block, the last before what is negative is cut off."""

    first: Floats
    second: Floats
    squeezed: Floats
    gate: Floats
    sums: Floats


def _block(convolutions: Iterator[list[Floats]], norms: Iterator[list[Floats]], *, halves: bool) -> _Block:
    first = _folded(next(convolutions)[0], next(norms))
    second = _folded(next(convolutions)[0], next(norms))
    squeeze = next(convolutions)
    shortcut = _folded(next(convolutions)[0][0, 0], next(norms)) if halves else None
    excite = next(convolutions)
    return _Block(first, second, (squeeze[0][0, 0], squeeze[1]), (excite[0][0, 0], excite[1]), shortcut)


def _times(values: Floats, matrix: Floats) -> Floats:
    """Multiply every place of maps with a matrix; numpy takes each row of a map for a product of its own."""
    return np.asarray((values.reshape(-1, values.shape[-1]) @ matrix).reshape(*values.shape[:-1], -1))


def _convolved(values: Floats, kernel: Floats, bias: Floats, stride: int, padding: tuple[int, int]) -> Floats:
    side = values.shape[1] // stride
    padded = np.pad(values, ((0, 0), padding, padding, (0, 0)))
    reach = stride * (side - 1) + 1
    result = np.broadcast_to(bias, (len(values), side, side, len(bias))).copy()
    for i, j in np.ndindex(3, 3):
        result += _times(padded[:, i : i + reach : stride, j : j + reach : stride], kernel[i, j])
    return result


def _back(gradient: Floats, kernel: Floats, stride: int, padding: tuple[int, int]) -> Floats:
    """Take a gradient back through a convolution."""
    count, side = gradient.shape[:2]
    inner = side * stride
    padded = np.zeros((count, inner + sum(padding), inner + sum(padding), kernel.shape[2]), np.float32)
    reach = stride * (side - 1) + 1
    for i, j in np.ndindex(3, 3):
        padded[:, i : i + reach : stride, j : j + reach : stride] += _times(gradient, kernel[i, j].T)
    return padded[:, padding[0] : padding[0] + inner, padding[0] : padding[0] + inner]


def _numbered(layers: Any, kind: str) -> list[str]:
    """Name the layers of a kind in their order: `conv2d`, `conv2d_1`, …."""
    found = {name: name.removeprefix(kind).removeprefix("_") for name in layers if name.startswith(kind)}
    return sorted(found, key=lambda name: int(found[name] or 0))


def _variables(layer: Any) -> list[Floats]:
    stored = layer["vars"]
    return [np.asarray(stored[str(i)], np.float32) for i in range(len(stored))]


def _folded(kernel: Floats, norm: list[Floats]) -> tuple[Floats, Floats]:
    scale, offset, mean, variance = norm
    factor = scale / np.sqrt(variance + _EPSILON)
    return kernel * factor, offset - mean * factor
