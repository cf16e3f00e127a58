"""The networks of an analysis, loaded once, and how each is applied to ticks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.fusion.late import LateFusion, log_softmax
from emoview.networks.face_cnn import embedding_model, face_cnn
from emoview.networks.shipped import (
    build_early_fusion,
    build_face_gru,
    build_voice_clip,
    build_voice_gru,
)
from emoview.weights import shipped

FACE_BATCH = 32
"""Faces in one call of the face network; fixed, so that it is compiled once."""

_SEQUENCE_STEP = 125
_LONGEST_SEQUENCE = 1500
_MARGIN = 50
_SMOOTHING_TICKS = 5.0

FUSION_FILE = "fusion.json"

Logits = NDArray[np.float32]


def weight_file(model: str) -> str:
    """Name the file with the weights of a model."""
    return f"{model}.weights.h5"


@dataclass(frozen=True)
class SequenceLogits:
    """What a network over ticks says.

    Attributes:
        whole: `(labels,)`, of the sequence.
        ticks: `(ticks, labels)`.
    """

    whole: Logits
    ticks: Logits


class Models:
    """The shipped networks; each is loaded when it is first asked for."""

    @cached_property
    def face_cnn(self) -> keras.Model:
        return embedding_model(self._load(face_cnn, "face_cnn"))

    @cached_property
    def face_gru(self) -> keras.Model:
        return self._load(build_face_gru, "face_gru")

    @cached_property
    def voice_gru(self) -> keras.Model:
        return self._load(build_voice_gru, "voice_gru")

    @cached_property
    def voice_clip(self) -> keras.Model:
        return self._load(build_voice_clip, "voice_clip")

    @cached_property
    def early_fusion(self) -> keras.Model:
        return self._load(build_early_fusion, "early_fusion")

    @cached_property
    def _fusion(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(shipped(FUSION_FILE).path.read_text())
        return settings

    def late_fusion(self, name: str) -> LateFusion:
        """Give the rule that joins the models of `face`, of `voice`, or of `both`."""
        rule = self._fusion[name]
        weights = {model: np.array(values) for model, values in rule["weights"].items()}
        return LateFusion(weights, np.array(rule["bias"]))

    @property
    def early_scale(self) -> float:
        """What early logits are multiplied with to be calibrated."""
        return float(self._fusion["early_scale"])

    @property
    def automatic_fusion(self) -> str:
        """`late` or `early`: the one that did better on people it had not seen."""
        return str(self._fusion["auto"])

    def _load(self, build: Callable[[], keras.Model], name: str) -> keras.Model:
        model = build()
        model.load_weights(shipped(weight_file(name)).path)
        return model


def run_faces(
    model: keras.Model, faces: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run the face network on `(n, size, size, 1)` faces, n up to `FACE_BATCH`.

    Each face is seen as it is and mirrored, and the answers are averaged: which side a mouth is pulled
    to says nothing about the label.

    Returns:
        Embeddings `(n, 256)` and logits `(n, 7)`.
    """
    count = len(faces)
    batch = np.zeros((2, FACE_BATCH, *faces.shape[1:]), np.float32)
    batch[0, :count] = faces
    batch[1, :count] = faces[:, :, ::-1]
    answers = model.predict_on_batch(batch.reshape(-1, *faces.shape[1:]))
    embeddings, logits = (
        np.asarray(answer).reshape(2, FACE_BATCH, -1).mean(axis=0)[:count] for answer in answers
    )
    return embeddings, logits


def run_sequence(model: keras.Model, values: NDArray[np.float32]) -> SequenceLogits:
    """Run a network over ticks on `(ticks, inputs)`.

    Sequences of over a minute are worked through in parts whose margins overlap, and the parts' logits
    are averaged by length.
    """
    ticks = np.zeros((len(values), model.output[1].shape[-1]), np.float32)
    whole = np.zeros(ticks.shape[1], np.float32)
    for first in range(0, len(values), _LONGEST_SEQUENCE):
        last = min(first + _LONGEST_SEQUENCE, len(values))
        left, right = max(0, first - _MARGIN), min(len(values), last + _MARGIN)
        length = right - left
        padded = -(-length // _SEQUENCE_STEP) * _SEQUENCE_STEP
        part = np.zeros((1, padded, values.shape[1]), np.float32)
        part[0, :length] = values[left:right]
        mask = np.arange(padded)[None] < length
        part_whole, part_ticks = model.predict_on_batch((part, mask))
        ticks[first:last] = part_ticks[0, first - left : last - left]
        whole += part_whole[0] * np.float32((last - first) / len(values))
    return SequenceLogits(whole, ticks)


def seven_labels(logits: Logits) -> Logits:
    """Make log-probabilities `(..., 7)` of voice logits `(..., 9)`.

    Calm and boredom are ways of being neutral here, so their probabilities are added to it.
    """
    nine = log_softmax(logits)
    neutral = np.logaddexp.reduce(nine[..., [0, 7, 8]], axis=-1, keepdims=True)
    return np.asarray(np.concatenate([neutral, nine[..., 1:7]], axis=-1), np.float32)


def smooth(values: Logits, *, sigma: float = _SMOOTHING_TICKS) -> Logits:
    """Average `(ticks, n)` over neighbouring ticks with Gaussian weights: expressions do not flicker."""
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(values, sigma, axis=0, mode="nearest"), np.float32)
