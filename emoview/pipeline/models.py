"""The networks of an analysis, loaded once, and how each is applied to ticks."""

from __future__ import annotations

import hashlib
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

from emoview.errors import InputError
from emoview.face.align import network_input
from emoview.face.views import View, seen
from emoview.fusion.baseline import Baseline
from emoview.fusion.late import LateFusion, log_softmax
from emoview.networks.sizes import EMBEDDING, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE
from emoview.pipeline.engines import Engine, Network, OnnxNetwork, load, weight_of
from emoview.runs import NetworkOfRun, load_network, networks_of
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.voice.features import VoiceFeatures
from emoview.weights import Weight, shipped

FACE_BATCH = 32
"""Most faces in one call of the face network."""

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

STAND_IN = "stand_in"
"""What late fusion calls the network of a run."""
# The log-probability of a label that a network does not know.
_UNKNOWN = -20.0

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


def _stands_in(network: NetworkOfRun) -> bool:
    """Tell whether a network can stand for that of the face, or of the voice."""
    labels = set(network.labels)
    if network.task == "voice":
        return network.takes in ("functionals", "mfcc-means") and labels <= set(VOICE_LABELS)
    return network.task == "face" and network.takes == "pictures" and labels >= set(LABELS)


@dataclass(frozen=True)
class StandIn:
    """A network of a run, in the place of those that ship for the face or the voice.

    Attributes:
        name: Of its file.
        network: What it takes and gives.
        model: It.
        sha256: Of its file.
    """

    name: str
    network: NetworkOfRun
    model: Network
    sha256: str

    @classmethod
    def load(cls, run: Path) -> StandIn:
        """Load the last network of a run that can stand for the face or the voice.

        Raises:
            InputError: The run has none.
        """
        usable = [n for n in networks_of(run) if _stands_in(n)]
        if not usable:
            raise InputError(
                f"{run} has no network that tells the seven labels from a face or a voice alone: "
                "name a run of one picture network, or of a voice network over mfcc-means or functionals"
            )
        network = usable[-1]
        file = f"{network.name}.keras"
        model = load_network(run, network)
        return cls(file, network, model, hashlib.sha256((run / file).read_bytes()).hexdigest())

    @property
    def is_face(self) -> bool:
        return self.network.task == "face"

    def faces(self, aligned: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Give calibrated logits `(n, 7)` of aligned faces, up to `FACE_BATCH` RGB pictures."""
        size = self.network.size or FACE_SIZE
        batch = np.zeros((FACE_BATCH, size, size, 3 if self.network.colour else 1), np.float32)
        for row, face in enumerate(aligned):
            batch[row] = network_input(face, size, colour=self.network.colour)
        logits = np.asarray(self.model.predict_on_batch(batch))[: len(aligned)]
        order = [self.network.labels.index(label) for label in LABELS]
        return np.asarray(self.network.scale * logits[:, order], np.float32)

    def voices(self, logits: Logits) -> Logits:
        """Make its logits `(..., labels)` log-probabilities `(..., 7)`."""
        known = log_softmax(self.network.scale * logits)
        nine = np.full((*logits.shape[:-1], len(VOICE_LABELS)), _UNKNOWN, np.float32)
        nine[..., [VOICE_LABELS.index(label) for label in self.network.labels]] = known
        return seven_labels(nine)


class Models:
    """The networks of an analysis; each is loaded when it is first asked for."""

    def __init__(
        self,
        run: Path | None = None,
        engine: Engine = Engine.ONNX,
        features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    ) -> None:
        """Use what ships for such voice features, or in its place the network of a run, which Keras runs."""
        self.engine, self.features = engine, features
        self.stand_in = None if run is None else StandIn.load(run)

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
        if self.stand_in is None:
            return self._rule(name, self._fusion["with_baseline"] if with_baseline else self._fusion)
        mine, other = ("face", "voice") if self.stand_in.is_face else ("voice", "face")
        alone = LateFusion({STAND_IN: np.ones(len(LABELS))}, np.zeros(len(LABELS)))
        if name == mine:
            return alone
        rule = self._rule(other, self._fusion)
        return rule if name == other else LateFusion({**alone.weights, **rule.weights}, rule.bias)

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
        only_late = self.stand_in is not None or self.features is not VoiceFeatures.OPENSMILE
        return "late" if only_late else str(self._fusion["auto"])


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
