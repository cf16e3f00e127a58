"""The networks of an analysis, loaded once, and how each is applied to ticks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.face.views import View, seen
from emoview.fusion.baseline import Baseline
from emoview.fusion.late import LateFusion, log_softmax
from emoview.networks.sizes import EMBEDDING, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE
from emoview.pipeline.engines import Engine, Network, OnnxNetwork, load, weight_of
from emoview.pipeline.stand_ins import FACE_BATCH as FACE_BATCH
from emoview.pipeline.stand_ins import Role, StandIn, roles
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.voice.features import VoiceFeatures
from emoview.weights import Weight, shipped

# Neighbouring ticks of a video are seen in ways that are as different as can be.
_TURNS = ((0.0, False), (6.0, True), (-6.0, False), (0.0, True), (6.0, False), (-6.0, True))
_SIDES = (FACE_SIZE, LARGE_FACE_SIZE)
VIEWS = tuple(
    View(angle, mirrored, side=_SIDES[(number + half) % 2])
    for half in range(2)
    for number, (angle, mirrored) in enumerate(_TURNS)
)
"""Of a video, each tick is seen in the one whose turn it is."""
STILL_VIEWS = (*VIEWS, *(View(angle, mirrored, side=LARGEST_FACE_SIZE) for angle, mirrored in _TURNS))
"""A face that is in no video is seen in all of them."""

_SEQUENCE_STEP = 125
_LONGEST_SEQUENCE = 1500
# The voice's looks no further: 62 ticks for what is usual around, and 16 of convolutions.
_MARGIN = 80
_SMOOTHING_TICKS = 10.0

FUSION_FILE = "fusion.json"

STAND_INS: Mapping[Role, str] = {"face": "face_stand_in", "voice": "voice_stand_in"}
"""What late fusion calls the networks of runs."""

Logits = NDArray[np.float32]


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
    """The networks of an analysis; each is loaded when it is first asked for."""

    def __init__(
        self,
        runs: Sequence[str] = (),
        engine: Engine = Engine.ONNX,
        features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    ) -> None:
        """Use what ships for such voice features, or in its place networks of runs, which Keras runs.

        Raises:
            InputError: A run has no network of use, or two are for the same.
        """
        self.engine, self.features = engine, features
        roles(runs)
        loaded = [StandIn.load(Path(run)) for run in runs]
        self.stand_ins: Mapping[Role, StandIn] = {one.role: one for one in loaded}

    @cached_property
    def face_cnn(self) -> Network:
        return load("face_cnn", self.engine)

    @cached_property
    def face_gru(self) -> Network:
        return load("face_gru", self.engine)

    @cached_property
    def face_votes(self) -> Network:
        """The face network's second answer, from its embeddings: how raters would vote."""
        return load("face_votes", self.engine)

    @cached_property
    def voice_tcn(self) -> Network:
        return load(self._file("voice_tcn"), self.engine)

    @cached_property
    def voice_clip(self) -> Network:
        return load(self._file("voice_clip"), self.engine)

    @cached_property
    def early_fusion(self) -> Network:
        return load("early_fusion", self.engine)

    def weight(self, model: str) -> Weight:
        """Give the file behind a model."""
        return weight_of(self._file(model), self.engine)

    def _file(self, model: str) -> str:
        return model + self.features.suffix if model.startswith("voice_") else model

    @cached_property
    def _fusion(self) -> dict[str, Any]:
        settings: dict[str, Any] = json.loads(shipped(FUSION_FILE).path.read_text())
        return settings

    @property
    def usual(self) -> dict[str, NDArray[np.float64]]:
        """Mean logits of people, `(7,)` of each model."""
        return {model: np.array(values) for model, values in self._fusion["usual"].items()}

    def late_fusion(self, name: str, *, with_baseline: bool = False) -> LateFusion:
        """Give the rule that joins the models of `face`, of `voice`, or of `both`.

        Another one joins what they say once a person's baseline is taken away.

        Of what a stand-in says beside the other modality nothing was learned, so that both count
        by their calibrated logits.
        """
        replaced = [role for role in STAND_INS if role in self.stand_ins]
        if not replaced:
            return self._rule(name, self._fusion["with_baseline"] if with_baseline else self._fusion)
        weights: dict[str, NDArray[np.float64]] = {}
        bias = np.zeros(len(LABELS))
        for role, own in STAND_INS.items():
            if name not in (role, "both"):
                continue
            if role in replaced:
                weights[own] = np.ones(len(LABELS))
            else:
                rule = self._rule(role, self._fusion)
                weights |= rule.weights
                bias = bias + rule.bias
        return LateFusion(weights, bias)

    def _rule(self, name: str, rules: Mapping[str, Any]) -> LateFusion:
        rule = rules[name]
        weights = {model: np.array(values) for model, values in rule["weights"].items()}
        return LateFusion(weights, np.array(rule["bias"]))

    @property
    def early_scale(self) -> float:
        """What early logits are multiplied with to be calibrated."""
        return float(self._fusion["early_scale"])

    @property
    def automatic_fusion(self) -> str:
        """`late` or `early`: the one that did better on people it had not seen."""
        replaced = any(role in self.stand_ins for role in STAND_INS)
        return (
            "late" if replaced or self.features is not VoiceFeatures.OPENSMILE else str(self._fusion["auto"])
        )


def read_baseline(file: str) -> Baseline:
    """Read what is taken away from what the networks say of a person.

    Raises:
        InputError: The file is no baseline, or was made with other weights.
    """
    return Baseline.read(Path(file), shipped(FUSION_FILE).sha256)


def stills_in_parts(
    model: Network, count: int, face: Callable[[int], NDArray[np.uint8]]
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Do as `run_faces` for `count` faces of no video, on all cores: the network takes one by itself.

    `face` gives each by its number.

    Yields:
        Embeddings and logits of some more, in order.
    """

    def answers(start: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = range(start, min(start + FACE_BATCH, count))
        return run_faces(model, [face(i) for i in chosen])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(answers, range(0, count, FACE_BATCH))


def run_stills(
    model: Network, faces: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Do as `stills_in_parts`, all together: embeddings `(n, 256)` and logits `(n, 7)`."""
    parts = stills_in_parts(model, len(faces), faces.__getitem__)
    embeddings, logits = zip(*parts, strict=True)
    return np.concatenate(embeddings), np.concatenate(logits)


def run_faces(
    model: Network,
    faces: Sequence[NDArray[np.uint8]],
    ticks: NDArray[np.int64] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Run the face network on aligned faces.

    Which side a mouth is pulled to says nothing about the label, nor does a head's slight tilt or its
    distance.  So each face is seen in all `STILL_VIEWS`, and the answers are averaged; of a video, where
    neighbouring ticks are averaged later, each is seen in that of `VIEWS` whose turn it is at its tick.

    Args:
        model: The network.
        faces: `(side, side)` grey or `(side, side, 3)` RGB each, of any side.
        ticks: `(n,)`, of a video.

    Returns:
        Embeddings `(n, 256)` and logits `(n, 7)`.
    """
    if ticks is None:
        pairs = [(i, view) for i in range(len(faces)) for view in STILL_VIEWS]
    else:
        pairs = [(i, VIEWS[int(tick) % len(VIEWS)]) for i, tick in enumerate(ticks)]
    embeddings = np.zeros((len(faces), EMBEDDING), np.float32)
    logits = np.zeros((len(faces), len(LABELS)), np.float32)
    for side in sorted({view.side for _, view in pairs}):
        chosen = [(i, view) for i, view in pairs if view.side == side]
        for start in range(0, len(chosen), FACE_BATCH):
            some = chosen[start : start + FACE_BATCH]
            # Keras compiles a call anew for each size of batch, ONNX Runtime takes what comes.
            rows = len(some) if isinstance(model, OnnxNetwork) else FACE_BATCH
            batch = np.zeros((rows, side, side, 1), np.float32)
            batch[: len(some)] = [seen(faces[i], view) for i, view in some]
            for sums, answer in zip((embeddings, logits), model.predict_on_batch(batch), strict=True):
                np.add.at(sums, [i for i, _ in some], np.asarray(answer)[: len(some)])
    each = len(STILL_VIEWS) if ticks is None else 1
    return embeddings / each, logits / each


class SequenceRun:
    """Runs a network over ticks as they come.

    Sequences of over a minute are worked through in parts whose margins overlap, and the parts' logits
    are averaged by length; what has been worked through is forgotten.
    """

    def __init__(self, model: Network) -> None:
        self._model = model
        self._waiting: list[NDArray[np.float32]] = []
        self._held = 0
        # Of what is held, the ticks that are there as the margin of the next part.
        self._left = 0
        self._answers: list[tuple[int, Logits, Logits]] = []

    def add(self, values: NDArray[np.float32]) -> None:
        """Take `(ticks, inputs)` more, ticks 0 or more."""
        # No more than is needed at a time, because what is held gets copied.
        for first in range(0, len(values), _LONGEST_SEQUENCE):
            part = values[first : first + _LONGEST_SEQUENCE]
            self._waiting.append(part)
            self._held += len(part)
            while self._held >= self._left + _LONGEST_SEQUENCE + _MARGIN:
                self._run(self._left + _LONGEST_SEQUENCE)

    def end(self) -> SequenceLogits:
        """Give what the network says of all ticks, at least one."""
        while self._held > self._left:
            self._run(min(self._left + _LONGEST_SEQUENCE, self._held))
        total = sum(count for count, _, _ in self._answers)
        whole: Any = np.float32(0)
        for count, answer, _ in self._answers:
            whole = whole + answer * np.float32(count / total)
        return SequenceLogits(whole, np.concatenate([ticks for _, _, ticks in self._answers]))

    def _run(self, last: int) -> None:
        """Work through what is held up to `last`, and keep the margin of the next part."""
        values = np.concatenate(self._waiting)
        length = min(len(values), last + _MARGIN)
        padded = -(-length // _SEQUENCE_STEP) * _SEQUENCE_STEP
        part = np.zeros((1, padded, values.shape[1]), np.float32)
        part[0, :length] = values[:length]
        mask = np.arange(padded)[None] < length
        whole, ticks = (np.asarray(answer)[0] for answer in self._model.predict_on_batch((part, mask)))
        self._answers.append((last - self._left, whole, ticks[self._left : last].copy()))
        kept = values[max(0, last - _MARGIN) :]
        self._waiting, self._held, self._left = [kept.copy()], len(kept), min(last, _MARGIN)


def run_sequence(model: Network, values: NDArray[np.float32]) -> SequenceLogits:
    """Run a network over ticks on `(ticks, inputs)`, see `SequenceRun`."""
    run = SequenceRun(model)
    run.add(values)
    return run.end()


def seven_labels(logits: Logits) -> Logits:
    """Make log-probabilities `(..., 7)` of voice logits `(..., 9)`.

    Calm and boredom are ways of being neutral here, so their probabilities are added to it.
    """
    nine = log_softmax(logits)
    neutral = np.logaddexp.reduce(nine[..., [0, 7, 8]], axis=-1, keepdims=True)
    return np.asarray(np.concatenate([neutral, nine[..., 1:7]], axis=-1), np.float32)


def with_extras(
    seven: NDArray[np.float64], says: Mapping[str, Logits], names: Sequence[str]
) -> NDArray[np.float64]:
    """Split `neutral` into neutral, calm and boredom as voice networks do, where these are asked for.

    Args:
        seven: `(..., 7)` logits.
        says: `(..., 9)` logits of each network.
        names: The labels asked for: the seven, and maybe others behind them.

    Returns:
        `(..., names)` log-probabilities, or `seven` where nothing else is asked for.
    """
    extras = [VOICE_LABELS.index(name) for name in names[len(LABELS) :]]
    if not extras:
        return seven
    share = np.mean([log_softmax(logits[..., [0, *extras]]) for logits in says.values()], axis=0)
    joint = log_softmax(seven)
    neutral = joint[..., :1]
    return np.concatenate([neutral + share[..., :1], joint[..., 1:], neutral + share[..., 1:]], axis=-1)


def smooth(
    values: NDArray[Any], ticks: NDArray[np.int64] | None = None, *, sigma: float = _SMOOTHING_TICKS
) -> Logits:
    """Average `(n, m)` over neighbouring ticks with Gaussian weights: expressions do not flicker.

    Args:
        values: Of ticks in order.
        ticks: `(n,)`, which, where some are left out: nothing is averaged across a gap of a second.
        sigma: Standard deviation, in ticks.
    """
    if ticks is not None:
        gaps = np.flatnonzero(np.diff(ticks) > TICK_HZ) + 1
        return np.concatenate([smooth(part, sigma=sigma) for part in np.split(values, gaps)])
    reach = round(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values.astype(np.float64), ((reach, reach), (0, 0)), mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    return np.asarray(near @ (weights / weights.sum()), np.float32)
