"""Evidence: what the branches find in pictures and sound, before it is joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emoview.fusion.personal import stretches_of
from emoview.media.process import DecodeLog
from emoview.timeline.results import FaceBox
from emoview.voice.activity import until_gone
from emoview.voice.quality import USUAL, Quality

Floats = NDArray[np.float32]
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

    def of_some(self, mask: NDArray[np.bool_]) -> Logits:
        """Give what it says of some of the ticks, `(labels,)`: the mean, as the GRU makes it of all."""
        return self.whole if mask.all() else np.asarray(self.ticks[mask].mean(axis=0))


@dataclass(frozen=True)
class Found:
    """A face in one picture, ready for the network.

    Attributes:
        tick: Of the picture.
        face_id: Its track.
        box: Where it is, in pixels of the picture as shown.
        landmarks: `(468, 3)`, in pixels of the picture as decoded.
        face: Aligned, RGB.
        scale: Pixels as shown for each pixel as decoded.
        widen: How much wider and higher the picture was made for it, see `Proportions`.
        square: `(side, side, 3)` RGB, cut as for valence and arousal; None where nobody estimates these.
        surroundings: `(2, 512)`, the colours above and below it beside its skin, see
            `emoview.face.surroundings`; None in most ticks.
        size: Height and width of the picture as decoded.
    """

    tick: int
    face_id: int
    box: FaceBox
    landmarks: NDArray[np.float32]
    face: NDArray[np.uint8]
    scale: float
    widen: tuple[float, float]
    square: NDArray[np.uint8] | None = None
    surroundings: NDArray[np.float32] | None = None
    size: tuple[int, int] = (0, 0)

    @property
    def wider(self) -> float:
        """How much wider its picture was made beside its height."""
        return self.widen[0] / self.widen[1]


FaceHook: TypeAlias = Callable[[Found], None]
"""Told of every face that was found, in order."""


@dataclass(frozen=True)
class Look:
    """What a track looks like, to tell whose it is.

    Attributes:
        identity: `(128,)`, mean of what `run_identity` says; zeros where there is no other track.
        surroundings: `(2, 512)`, mean of the colours above and below the face beside its skin.
        movement: How much the shape of the face changes: the standard deviation of the places of eyes,
            brows and mouth, as a share of their spread.
    """

    identity: NDArray[np.float32]
    surroundings: NDArray[np.float32]
    movement: float


MOMENT_TICKS: Final = 5
"""Embeddings are kept as means over so many ticks: answers are smoothed over more."""


@dataclass(frozen=True)
class Moments:
    """Embeddings of a face, kept small: 9 MB an hour.

    Attributes:
        values: `(m, n)` in half precision, each the mean over up to `MOMENT_TICKS` ticks of a track.
        of: `(ticks,)`, which of them each tick of the track belongs to.
    """

    values: NDArray[np.float16]
    of: NDArray[np.int64]

    @property
    def ticks(self) -> NDArray[np.float32]:
        """The embeddings `(ticks, n)`, large."""
        return self.values.astype(np.float32)[self.of]

    @property
    def stretches(self) -> NDArray[np.float32]:
        """Their means over stretches of about three seconds, `(stretches, n)`."""
        return stretches_of(self.values.astype(np.float32), self.of)

    @classmethod
    def joined(cls, parts: Sequence[tuple[Moments, NDArray[np.bool_]]], order: NDArray[np.int64]) -> Moments:
        """Join those of tracks, of each the ticks that are marked, in this order of ticks."""
        starts = np.cumsum([0, *(len(one.values) for one, _ in parts)])
        of = [start + one.of[mask] for start, (one, mask) in zip(starts, parts, strict=False)]
        return cls(np.concatenate([one.values for one, _ in parts]), np.concatenate(of)[order])


@dataclass(frozen=True)
class FaceTrack:
    """A face through the video, by the ticks in which it was found; or one person's tracks, joined.

    Attributes:
        ticks: `(n,)`, in order.
        ids: `(n,)`, the number of the track.
        boxes: `(n, 4)`, as in `FaceBox`.
        logits: `(n, 7)`, of the face network.
        lips: `(n,)`, how far they are open.
        gru: What the GRU over its embeddings says; None with a stand-in.
        embeddings: `(n, 256)`, where they were asked for.
        affect: `(n, 2)`, valence and arousal as a network of a run estimates them; None without one.
        look: What it looks like; None of tracks that were joined.
        moments: Its embeddings, kept small; None with a stand-in.
        measures: `(n, WIDTH)`, as in `emoview.pipeline.measures`; None where nothing is measured.
    """

    ticks: NDArray[np.int64]
    ids: NDArray[np.int64]
    boxes: NDArray[np.float64]
    logits: NDArray[np.float32]
    lips: NDArray[np.float64]
    gru: SequenceLogits | None
    embeddings: NDArray[np.float32] | None
    affect: NDArray[np.float32] | None = None
    look: Look | None = None
    moments: Moments | None = None
    measures: NDArray[np.float32] | None = None

    @property
    def weight(self) -> float:
        """Area summed over time: who is large for long is whom the video is about."""
        return float((self.boxes[:, 2] * self.boxes[:, 3]).sum())


def joined(parts: Sequence[tuple[FaceTrack, NDArray[np.bool_]]]) -> FaceTrack:
    """Join tracks, at least one, of each the ticks that are marked; no tick twice.

    What a network over ticks says of the whole counts by their number, and is of those ticks alone.
    """
    if len(parts) == 1 and parts[0][1].all():
        return parts[0][0]
    ticks = np.concatenate([track.ticks[mask] for track, mask in parts])
    order = np.argsort(ticks, kind="stable")

    def column(name: str) -> Any:
        values = [getattr(track, name) for track, _ in parts]
        if any(one is None for one in values):
            return None
        return np.concatenate([one[mask] for one, (_, mask) in zip(values, parts, strict=True)])[order]

    gru = None
    if all(track.gru is not None for track, _ in parts):
        said = [(track.gru, mask) for track, mask in parts if track.gru is not None]
        counts = [int(mask.sum()) for _, mask in said]
        whole = np.average([one.of_some(mask) for one, mask in said], axis=0, weights=counts)
        gru = SequenceLogits(
            whole.astype(np.float32), np.concatenate([one.ticks[mask] for one, mask in said])[order]
        )
    moments = [(track.moments, mask) for track, mask in parts if track.moments is not None]
    return FaceTrack(
        ticks[order], column("ids"), column("boxes"), column("logits"), column("lips"), gru,
        column("embeddings"), column("affect"),
        moments=Moments.joined(moments, order) if len(moments) == len(parts) else None,
        measures=column("measures"),
    )  # fmt: skip


def altered_share(widened: Mapping[float, int]) -> float:
    """Give the share of faces whose pictures were made wider, of how many by each factor."""
    count = sum(widened.values())
    return 1 - widened.get(1.0, 0) / count if count else 0.0


@dataclass
class Faces:
    """All that the face stage found.

    Attributes:
        ticks: Ticks that the pictures reach to.
        tracks: By track id.
        log: What the decoder complained of.
        widened: How much wider the pictures of most faces were made, see `Proportions`.
        cuts: Ticks at which a shot begins, but for the first.
        most: Most faces that were found in one picture.
        altered: Share of the faces whose pictures were made wider.
    """

    ticks: int
    tracks: dict[int, FaceTrack]
    log: DecodeLog
    widened: float
    cuts: tuple[int, ...] = ()
    most: int = 0
    altered: float = 0.0


@dataclass(frozen=True)
class Voices:
    """What the network that tells voices apart says of windows of speech.

    Attributes:
        cuts: First tick of each window, and the one after its last.
        embeddings: `(windows, 128)`.
    """

    cuts: list[tuple[int, int]]
    embeddings: Floats


@dataclass(frozen=True)
class Voice:
    """All that the voice stage heard.

    Attributes:
        ticks: Ticks that the sound reaches to.
        speech: `(ticks,)`, where somebody speaks, as the networks hear it.
        tick_level_db: `(ticks,)`, level below full scale.
        level_db: Mean level below full scale; None for digital silence.
        tcn: What the network over ticks says, nine labels; None without speech, or with a stand-in.
        clip: What the network over windows says, nine labels or those of a stand-in; None without
            speech.
        log: What the decoder complained of.
        quality: How good the sound is where somebody speaks.
        notes: What a user should know of the choice of the channels.
        voices: What tells voices apart; None without speech.
        measures: `(ticks, sounds)`, as in `emoview.voice.measures`; None where nothing is measured.
    """

    ticks: int
    speech: NDArray[np.bool_]
    tick_level_db: NDArray[np.float32]
    level_db: float | None
    tcn: SequenceLogits | None
    clip: SequenceLogits | None
    log: DecodeLog
    quality: Quality = USUAL
    notes: tuple[str, ...] = ()
    voices: Voices | None = None
    measures: Floats | None = None

    @cached_property
    def heard(self) -> NDArray[np.bool_]:
        """`(ticks,)`, where somebody speaks, until the last sound has died away."""
        return until_gone(self.speech)


class Collector(Protocol):
    """Told by the stages of everything that they find."""

    def add_faces(self, found: Sequence[Found], embeddings: Floats) -> None:
        """Take faces, and what the network made of each."""

    def add_voice(self, descriptors: Floats, speech: NDArray[np.bool_]) -> None:
        """Take the descriptors of every tick, and whether somebody speaks in it."""

    def add_windows(self, cuts: Sequence[tuple[int, int]], functionals: Floats) -> None:
        """Take more windows with speech, in ticks, and their functionals."""
