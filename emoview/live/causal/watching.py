"""The faces as they come: what the networks say of each over the last seconds."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.find import FACE_OVAL
from emoview.face.follow import MEMORY_TICKS
from emoview.face.lips import lip_opening
from emoview.live.causal.moment import recency
from emoview.pipeline.evidence import Floats, Found, Logits
from emoview.pipeline.finding import FaceSearch
from emoview.pipeline.inference import run_faces, run_sequence
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import STAND_INS
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.results import FaceBox

_MEMORY = 4 * TICK_HZ
"""Ticks of a face that the networks look back on."""
_LIPS = 8 * TICK_HZ
# Who is large for long is whom the picture is about; what was long ago counts less.
_WEIGHT_TICKS = 5.0 * TICK_HZ

# Brows, eyes, nose and lips, so that a viewer sees what is followed.
_PARTS: Final = (
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    168, 6, 197, 195, 5, 4, 98, 327, 61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 13, 308, 14,
)  # fmt: skip
OUTLINE: Final = (*FACE_OVAL, *_PARTS)
"""Landmarks that are shown: the oval of the face, and its parts."""


@dataclass(frozen=True)
class Seen:
    """A face at a tick.

    Attributes:
        face_id: Its track.
        box: In pixels of the picture as shown.
        outline: `(n, 2)`, likewise.
        logits: `(7,)` of each network, smoothed; empty as long as none was asked.
        affect: Valence and arousal as a network of a run estimates them, smoothed; None without one.
        embedding: `(n,)`, smoothed likewise; None with a stand-in, and as long as nothing was asked.
    """

    face_id: int
    box: FaceBox
    outline: NDArray[np.float32]
    logits: dict[str, Logits]
    affect: NDArray[np.float64] | None
    embedding: Floats | None = None


@dataclass
class _Track:
    """What is remembered of a face."""

    last_tick: int
    weight: float = 0.0
    answers: deque[tuple[int, Logits, Floats]] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    affect: deque[tuple[int, Floats]] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    lips: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=_LIPS))

    def meet(self, found: Found) -> None:
        decay = np.exp(-(found.tick - self.last_tick) / _WEIGHT_TICKS)
        self.weight = float(self.weight * decay + found.box.width * found.box.height)
        self.last_tick = found.tick
        self.lips.append((found.tick, lip_opening(found.landmarks)))


class Watching:
    """Finds, follows and reads the faces of one picture after the other; closed as a context manager.

    Args:
        load: Gives the models; asked when the first face is there.
        max_faces: Faces looked for in a picture.
        square: Side of the squares for valence and arousal; None where nobody estimates these.
        smoothing: Gives the ticks over which answers are smoothed, see `recency`.
        timings: Told of the time it takes.
        aspect: As in `Options`.
    """

    def __init__(
        self,
        load: Callable[[], Models],
        *,
        max_faces: int,
        square: int | None,
        smoothing: Callable[[], float],
        timings: Timings,
        aspect: str = "auto",
    ) -> None:
        self._load, self._smoothing = load, smoothing
        self._search = FaceSearch(max_faces=max_faces, timings=timings, square=square, aspect=aspect)
        self._timings = timings
        self._tracks: dict[int, _Track] = {}
        self.widened: Counter[float] = Counter()
        """How much wider the pictures of faces were made."""

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        self._search.__exit__()

    def find(self, tick: int, picture: NDArray[np.uint8], scale: float) -> list[Found]:
        """Find and follow the faces in a picture, see `FaceSearch.faces_in`; ticks come in order."""
        found = self._search.faces_in(tick, picture, scale)
        gone = [i for i, track in self._tracks.items() if tick - track.last_tick - 1 > MEMORY_TICKS]
        for face_id in gone:
            del self._tracks[face_id]
        for face in found:
            self._tracks.setdefault(face.face_id, _Track(tick)).meet(face)
        self.widened.update(face.wider for face in found)
        return found

    def ask(self, found: Sequence[Found]) -> None:
        """Ask the networks about the faces of a picture."""
        if not found:
            return
        models = self._load()
        stand_in, feeling = models.stand_ins.get("face"), models.stand_ins.get("affect")
        with self._timings.measure("face_network"):
            aligned = [face.face for face in found]
            if stand_in is not None:
                logits, embeddings = stand_in.faces(aligned), np.zeros((len(found), 0), np.float32)
            else:
                ticks = np.array([face.tick for face in found])
                embeddings, logits = run_faces(models.face_cnn, aligned, ticks)
            for face, embedding, said in zip(found, embeddings, logits, strict=True):
                self._tracks[face.face_id].answers.append((face.tick, said, embedding))
            if feeling is not None:
                squares = [face.square for face in found if face.square is not None]
                for face, affect in zip(found, feeling.affect(squares), strict=True):
                    self._tracks[face.face_id].affect.append((face.tick, affect))

    def seen(self, found: Sequence[Found]) -> list[Seen]:
        """Give what is known of faces, by their track."""
        result = []
        for face in sorted(found, key=lambda one: one.face_id):
            track = self._tracks[face.face_id]
            outline = face.landmarks[list(OUTLINE), :2] * np.float32(face.scale)
            affect = None
            if track.affect:
                affect = self._weights(face.tick, track.affect) @ np.stack([a for _, a in track.affect])
            result.append(
                Seen(face.face_id, face.box, outline, self._said(face.tick, track),
                     None if affect is None else np.asarray(affect, np.float64),
                     self._embedding(face.tick, track))
            )  # fmt: skip
        return result

    def main(self) -> int | None:
        """Name the face that is largest, over the last seconds."""
        return max(self._tracks, key=lambda i: (self._tracks[i].weight, -i), default=None)

    @property
    def tracks(self) -> tuple[int, ...]:
        """Name the faces that are remembered."""
        return tuple(self._tracks)

    def lips(self) -> dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]]:
        """Give, by track, ticks and how far lips were open in them."""
        return {
            i: (np.array([t for t, _ in track.lips], np.int64), np.array([o for _, o in track.lips]))
            for i, track in self._tracks.items()
        }

    def _said(self, tick: int, track: _Track) -> dict[str, Logits]:
        while track.answers and tick - track.answers[0][0] >= _MEMORY:
            track.answers.popleft()
        if not track.answers:
            return {}
        weights = self._weights(tick, track.answers)
        cnn = np.asarray(weights @ np.stack([said for _, said, _ in track.answers]), np.float32)
        if "face" in self._load().stand_ins:
            return {STAND_INS["face"]: cnn}
        with self._timings.measure("face_network"):
            embeddings = np.stack([embedding for _, _, embedding in track.answers])
            gru = run_sequence(self._load().face_gru, embeddings)
        return {"face_cnn": cnn, "face_gru": np.asarray(weights @ gru.ticks, np.float32)}

    def _embedding(self, tick: int, track: _Track) -> Floats | None:
        if not track.answers or "face" in self._load().stand_ins:
            return None
        embeddings = np.stack([embedding for _, _, embedding in track.answers])
        return np.asarray(self._weights(tick, track.answers) @ embeddings, np.float32)

    def _weights(self, tick: int, known: deque[Any]) -> NDArray[np.float64]:
        ages = tick - np.array([entry[0] for entry in known], np.float64)
        return recency(ages, self._smoothing())
