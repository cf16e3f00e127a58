"""How the networks are applied: to faces, to windows of speech, and to ticks as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.face.views import View, seen
from emoview.fusion.lasting import Lasting
from emoview.fusion.late import log_softmax, softmax
from emoview.networks.sizes import EMBEDDING, FACE_SIZE, LARGE_FACE_SIZE, LARGEST_FACE_SIZE
from emoview.pipeline.engines import Network
from emoview.pipeline.evidence import Logits, SequenceLogits
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.voice.blocks import BLOCK_TICKS

FACE_BATCH = 32
"""Most faces in one call of the face network."""
WINDOW_BATCH = 16
"""Most windows in one call of the network over functionals."""

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
PLAIN = View(0.0, mirrored=False, side=FACE_SIZE)

_SEQUENCE_STEP = 125
_LONGEST_SEQUENCE = 1500
# The voice's looks no further: 62 ticks for what is usual around, and 16 of convolutions.
_MARGIN = 80
SMOOTHING_S = 0.4
"""Standard deviation of the weights by which ticks are averaged, where no other is asked for."""


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
            batch = np.zeros((len(some), side, side, 1), np.float32)
            batch[:] = [seen(faces[i], view) for i, view in some]
            for sums, answer in zip((embeddings, logits), model.predict_on_batch(batch), strict=True):
                np.add.at(sums, [i for i, _ in some], np.asarray(answer))
    each = len(STILL_VIEWS) if ticks is None else 1
    return embeddings / each, logits / each


def run_identity(maps: Network, identity: Network, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Tell whose aligned faces are, as vectors `(n, 128)` whose angles are small for the same person.

    Args:
        maps: The face network's maps.
        identity: What reads them.
        faces: At least one, as in `run_faces`.
    """
    batch = np.stack([seen(face, PLAIN) for face in faces])
    return np.asarray(identity.predict_on_batch(np.asarray(maps.predict_on_batch(batch))))


def run_stills(
    model: Network, faces: Sequence[NDArray[np.uint8]]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Do as `stills_in_parts`, all together: embeddings `(n, 256)` and logits `(n, 7)`."""
    parts = stills_in_parts(model, len(faces), faces.__getitem__)
    embeddings, logits = zip(*parts, strict=True)
    return np.concatenate(embeddings), np.concatenate(logits)


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


def run_functionals(model: Any, summaries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Give the logits `(windows, labels)` of up to `WINDOW_BATCH` windows."""
    padded = np.zeros((WINDOW_BATCH, summaries.shape[1]), np.float32)
    padded[: len(summaries)] = summaries
    return np.asarray(model.predict_on_batch(padded))[: len(summaries)]


def run_windows(
    model: Any,
    cuts: Sequence[tuple[int, int]],
    summaries: NDArray[np.float32],
    speech: NDArray[np.bool_],
) -> SequenceLogits:
    """Run the network over functionals of all windows; a tick gets the mean of those that it lies in."""
    logits = [
        run_functionals(model, summaries[i : i + WINDOW_BATCH]) for i in range(0, len(cuts), WINDOW_BATCH)
    ]
    return over_windows(np.concatenate(logits), cuts, speech)


def over_windows(
    logits: NDArray[np.float32], cuts: Sequence[tuple[int, int]], speech: NDArray[np.bool_]
) -> SequenceLogits:
    """Make logits of ticks and of the whole from those of windows; ticks outside get the nearest answer."""
    ticks = np.zeros((len(speech), logits.shape[1]), np.float32)
    cover = np.zeros(len(speech), np.float32)
    weights = np.array([speech[a:b].sum() for a, b in cuts], np.float32)
    for (a, b), answer in zip(cuts, logits, strict=True):
        ticks[a:b] += answer
        cover[a:b] += 1
    whole = (logits * weights[:, None]).sum(axis=0) / weights.sum()
    answered = np.flatnonzero(cover)
    mean = ticks[answered] / cover[answered, None]
    return SequenceLogits(whole.astype(np.float32), nearest(mean, answered, len(speech)))


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


def run_speech(
    model: Any, features: NDArray[np.float32], heard: NDArray[np.int64], count: int
) -> SequenceLogits:
    """Run the network over the ticks `heard`; the others of `count` get the nearest one's answer."""
    run = SequenceRun(model)
    for first in range(0, len(heard), BLOCK_TICKS):
        run.add(features[heard[first : first + BLOCK_TICKS]])
    answer = run.end()
    return SequenceLogits(answer.whole, nearest(answer.ticks, heard, count))


def nearest(values: NDArray[Any], ticks: NDArray[np.int64], count: int) -> NDArray[Any]:
    """Give each of `count` ticks, of those that `values` are known of, the nearest one's."""
    places = np.interp(np.arange(count), ticks, np.arange(len(ticks)))
    result: NDArray[Any] = values[np.rint(places).astype(np.int64)]
    return result


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


def over_time(
    logits: NDArray[np.floating[Any]],
    lasting: Lasting | None,
    ticks: NDArray[np.int64] | None = None,
    ids: NDArray[np.int64] | None = None,
    *,
    sigma: float = SMOOTHING_S * TICK_HZ,
) -> NDArray[np.float64]:
    """Make probabilities of ticks from logits of each by itself, `(n, 7)`.

    By how long labels last, or, without `lasting`, by Gaussian weights: see `smooth` for the rest.
    """
    if lasting is not None:
        return np.concatenate([lasting(part) for part in in_parts(logits, ticks, ids)])
    return softmax(smooth(logits, ticks, ids, sigma=sigma))


def in_parts(
    values: NDArray[Any], ticks: NDArray[np.int64] | None, ids: NDArray[np.int64] | None
) -> list[NDArray[Any]]:
    """Part values of ticks, `(n, m)`, where a second or more is missing, and where another track begins."""
    if ticks is None:
        return [values]
    parted = np.diff(ticks) > TICK_HZ
    if ids is not None:
        parted |= np.diff(ids) != 0
    return np.split(values, np.flatnonzero(parted) + 1)


def smooth(
    values: NDArray[Any],
    ticks: NDArray[np.int64] | None = None,
    ids: NDArray[np.int64] | None = None,
    *,
    sigma: float = SMOOTHING_S * TICK_HZ,
) -> Logits:
    """Average `(n, m)` over neighbouring ticks with Gaussian weights: expressions do not flicker.

    Args:
        values: Of ticks in order.
        ticks: `(n,)`, which, where some are left out: nothing is averaged across a gap of a second.
        ids: `(n,)`, of which track: nothing is averaged across two.
        sigma: Standard deviation, in ticks; 0 leaves them as they are.
    """
    if ticks is not None:
        return np.concatenate([smooth(part, sigma=sigma) for part in in_parts(values, ticks, ids)])
    if sigma == 0:
        return np.asarray(values, np.float32)
    reach = round(4 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values.astype(np.float64), ((reach, reach), (0, 0)), mode="edge")
    near = np.lib.stride_tricks.sliding_window_view(padded, len(weights), axis=0)
    return np.asarray(near @ (weights / weights.sum()), np.float32)
