"""Evidence: what the branches find in pictures and sound, before it is joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emoview.media.process import DecodeLog
from emoview.timeline.results import FaceBox

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
        widen: How much wider the picture was made for it, see `Proportions`.
        square: `(side, side, 3)` RGB, cut as for valence and arousal; None where nobody estimates these.
    """

    tick: int
    face_id: int
    box: FaceBox
    landmarks: NDArray[np.float32]
    face: NDArray[np.uint8]
    scale: float
    widen: float
    square: NDArray[np.uint8] | None = None


FaceHook: TypeAlias = Callable[[Found], None]
"""Told of every face that was found, in order."""


@dataclass(frozen=True)
class FaceTrack:
    """A face through the video, by the ticks in which it was found.

    Attributes:
        ticks: `(n,)`.
        boxes: `(n, 4)`, as in `FaceBox`.
        logits: `(n, 7)`, of the face network.
        lips: `(n,)`, how far they are open.
        gru: What the GRU over its embeddings says; None with a stand-in.
        embeddings: `(n, 256)`, where they were asked for.
        affect: `(n, 2)`, valence and arousal as a network of a run estimates them; None without one.
    """

    ticks: NDArray[np.int64]
    boxes: NDArray[np.float64]
    logits: NDArray[np.float32]
    lips: NDArray[np.float64]
    gru: SequenceLogits | None
    embeddings: NDArray[np.float32] | None
    affect: NDArray[np.float32] | None = None

    @property
    def weight(self) -> float:
        """Area summed over time: who is large for long is whom the video is about."""
        return float((self.boxes[:, 2] * self.boxes[:, 3]).sum())


@dataclass
class Faces:
    """All that the face stage found.

    Attributes:
        ticks: Ticks that the pictures reach to.
        tracks: By track id.
        log: What the decoder complained of.
        squeezed: Whether most faces were seen in pictures that were made wider, see `Proportions`.
    """

    ticks: int
    tracks: dict[int, FaceTrack]
    log: DecodeLog
    squeezed: bool


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
        speech: `(ticks,)`, where somebody speaks.
        tick_level_db: `(ticks,)`, level below full scale.
        level_db: Mean level below full scale; None for digital silence.
        tcn: What the network over ticks says, nine labels; None without speech, or with a stand-in.
        clip: What the network over windows says, nine labels or those of a stand-in; None without
            speech.
        log: What the decoder complained of.
        voices: What tells voices apart; None without speech.
    """

    ticks: int
    speech: NDArray[np.bool_]
    tick_level_db: NDArray[np.float32]
    level_db: float | None
    tcn: SequenceLogits | None
    clip: SequenceLogits | None
    log: DecodeLog
    voices: Voices | None = None


class Collector(Protocol):
    """Told by the stages of everything that they find."""

    def add_faces(self, found: Sequence[Found], embeddings: Floats) -> None:
        """Take faces, and what the network made of each."""

    def add_voice(self, descriptors: Floats, speech: NDArray[np.bool_]) -> None:
        """Take the descriptors of every tick, and whether somebody speaks in it."""

    def add_windows(self, cuts: Sequence[tuple[int, int]], functionals: Floats) -> None:
        """Take more windows with speech, in ticks, and their functionals."""
