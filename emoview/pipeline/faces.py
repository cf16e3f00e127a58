"""The face branch: what the networks say of each face, and its track through the video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.follow import MEMORY_TICKS
from emoview.face.lips import lip_opening
from emoview.face.movement import Movement
from emoview.media.process import DecodeLog
from emoview.networks.sizes import IDENTITY
from emoview.pipeline.engines import Network
from emoview.pipeline.evidence import (
    MOMENT_TICKS,
    Collector,
    Faces,
    FaceTrack,
    Floats,
    Found,
    Look,
    Moments,
    altered_share,
)
from emoview.pipeline.inference import FACE_BATCH, SequenceRun, run_faces, run_identity
from emoview.pipeline.measures import observed
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import StandIn
from emoview.pipeline.timings import Timings
from emoview.timeline.clock import TICK_HZ

SHORTEST_TICKS: Final = round(0.2 * TICK_HZ)
"""What is followed for less is taken for a mistake of the finder."""
_LOOKS: Final = 24
"""Of more pictures nothing further is learned about whose a face is."""


class FaceBranch:
    """Takes the faces of one tick after the other, runs the networks in batches, and grows the tracks.

    Args:
        load: Gives the models; asked when the first faces are there.
        keep_embeddings: Whether tracks hold their embeddings; asked then, too, since the models may have to
            say.
        timings: Told of the time it takes.
        keep: Given the faces, and what the network made of each.
        measure: Whether faces are measured.
    """

    def __init__(
        self,
        load: Callable[[], Models],
        *,
        keep_embeddings: Callable[[], bool],
        timings: Timings,
        keep: Sequence[Collector] = (),
        measure: bool = False,
    ) -> None:
        self._measure = measure
        self._load, self._keep_embeddings = load, keep_embeddings
        self._timings, self._keep = timings, keep
        self._ticks = self._most = 0
        self._widened: Counter[float] = Counter()
        self._waiting: list[Found] = []
        self._growing: dict[int, _GrowingTrack] = {}
        self._tracks: dict[int, FaceTrack] = {}
        self._looks: dict[int, list[NDArray[np.uint8]]] = {}

    def add(self, tick: int, found: Sequence[Found]) -> None:
        """Take the faces of `tick`; ticks without a picture may be left out."""
        self._ticks, self._most = tick + 1, max(self._most, len(found))
        for face in found:
            self._widened[face.wider] += 1
            if face.surroundings is not None:
                looks = self._looks.setdefault(face.face_id, [])
                if len(looks) < _LOOKS:
                    looks.append(face.face)
            self._waiting.append(face)
            if len(self._waiting) == FACE_BATCH:
                self._flush()

    def end(self, log: DecodeLog, cuts: Sequence[int] = ()) -> Faces:
        """Give all that was found in the pictures whose decoder kept `log`, with their `cuts`.

        What was followed for less than `SHORTEST_TICKS` is no face, unless nothing was for longer.
        """
        if self._waiting:
            self._flush()
        with self._timings.measure("face_network"):
            self._tracks.update((i, track.end()) for i, track in self._growing.items())
            # Of one track alone nobody asks whose it is.
            if len(self._tracks) > 1:
                self._identify()
        tracks = dict(sorted(self._tracks.items()))
        lasting = {i: track for i, track in tracks.items() if len(track.ticks) >= SHORTEST_TICKS}
        widened = max(self._widened, key=self._widened.__getitem__, default=1.0)
        altered = altered_share(self._widened)
        return Faces(self._ticks, lasting or tracks, log, widened, tuple(cuts), self._most, altered)

    def _flush(self) -> None:
        """Ask the networks about the faces that wait."""
        with self._timings.measure("start"):
            models = self._load()
            stand_in, feeling = models.stand_ins.get("face"), models.stand_ins.get("affect")
            cnn, gru = (None, None) if stand_in else (models.face_cnn, models.face_gru)
        with self._timings.measure("measures"):
            measures = observed(self._waiting) if self._measure else None
        with self._timings.measure("face_network"):
            embeddings, logits = self._asked(cnn, stand_in)
            squares = [face.square for face in self._waiting if face.square is not None]
            affect = None if feeling is None else feeling.affect(squares)
            ids = np.array([face.face_id for face in self._waiting])
            for face_id in map(int, np.unique(ids)):
                own = np.flatnonzero(ids == face_id)
                if face_id not in self._growing:
                    self._growing[face_id] = _GrowingTrack(
                        face_id, gru, keep_embeddings=self._keep_embeddings()
                    )
                self._growing[face_id].add(
                    [self._waiting[i] for i in own], embeddings[own], logits[own],
                    None if affect is None else affect[own], None if measures is None else measures[own],
                )  # fmt: skip
            self._end_lost(self._waiting[-1].tick)
        for one in self._keep:
            one.add_faces(self._waiting, embeddings)
        self._waiting.clear()

    def _asked(self, cnn: Network | None, stand_in: StandIn | None) -> tuple[Floats, Floats]:
        """Give embeddings and logits of the faces that wait; a stand-in has no embeddings."""
        faces = [face.face for face in self._waiting]
        if cnn is None:
            assert stand_in is not None
            return np.zeros((len(faces), 0), np.float32), stand_in.faces(faces)
        # A picture alone has no neighbours to be averaged with.
        ticks = np.array([face.tick for face in self._waiting]) if self._ticks > 1 else None
        return run_faces(cnn, faces, ticks)

    def _end_lost(self, tick: int) -> None:
        """End the tracks that nothing can go on with at `tick`."""
        lost = [i for i, track in self._growing.items() if tick - track.last_tick - 1 > MEMORY_TICKS]
        self._tracks.update((i, self._growing.pop(i).end()) for i in lost)
        if len(self._tracks) + len(self._growing) > 1:
            self._identify()

    def _identify(self) -> None:
        """Tell whose the faces are whose tracks have ended."""
        ended = [i for i in self._looks if i in self._tracks]
        if not ended:
            return
        models = self._load()
        for i in ended:
            told = run_identity(models.face_maps, models.face_identity, self._looks.pop(i))
            look = self._tracks[i].look
            assert look is not None
            look = replace(look, identity=told.mean(axis=0))
            self._tracks[i] = replace(self._tracks[i], look=look)


class _GrowingMoments:
    """The embeddings of a track as `Moments`; ticks of one come together, or in two calls."""

    def __init__(self) -> None:
        self._values: list[NDArray[np.float16]] = []
        self._of: list[NDArray[np.int64]] = []
        self._open: tuple[int, Floats] | None = None

    def add(self, ticks: NDArray[np.int64], embeddings: Floats) -> None:
        """Take more: `(ticks,)`, `(ticks, n)`."""
        numbers = ticks // MOMENT_TICKS
        for number in np.unique(numbers):
            own = embeddings[numbers == number]
            if self._open is not None and self._open[0] == number:
                own = np.concatenate([self._open[1], own])
            elif self._open is not None:
                self._close(self._open[1])
            self._open = int(number), own

    def end(self) -> Moments:
        """Give all of them, at least one."""
        assert self._open is not None
        self._close(self._open[1])
        return Moments(np.stack(self._values), np.concatenate(self._of))

    def _close(self, embeddings: Floats) -> None:
        self._of.append(np.full(len(embeddings), len(self._values)))
        self._values.append(embeddings.mean(axis=0).astype(np.float16))


class _GrowingTrack:
    """A track that grows; embeddings of which nobody asks go no further than the GRU."""

    def __init__(self, face_id: int, gru: Network | None, *, keep_embeddings: bool) -> None:
        self._face_id = face_id
        self._movement = Movement()
        self._around: Any = np.float64(0)
        self._looks = 0
        self._parts: list[tuple[NDArray[Any], ...]] = []
        self._embeddings: list[Floats] = []
        self._affect: list[Floats] = []
        self._measures: list[Floats] = []
        self._gru = None if gru is None else SequenceRun(gru)
        self._keep = keep_embeddings
        self._moments = None if gru is None else _GrowingMoments()
        self.last_tick = 0

    def add(
        self, found: Sequence[Found], embeddings: Floats, logits: Floats, affect: Floats | None,
        measures: Floats | None,
    ) -> None:  # fmt: skip
        ticks = np.array([one.tick for one in found])
        boxes = np.array([(one.box.x, one.box.y, one.box.width, one.box.height) for one in found])
        lips = np.array([lip_opening(one.landmarks) for one in found])
        self._parts.append((ticks, boxes, logits, lips))
        self.last_tick = found[-1].tick
        for one in found:
            self._movement.add(one.landmarks)
            if one.surroundings is not None:
                self._around = self._around + one.surroundings
                self._looks += 1
        if self._gru is not None:
            self._gru.add(embeddings)
        if self._moments is not None:
            self._moments.add(ticks, embeddings)
        if self._keep:
            self._embeddings.append(embeddings)
        if affect is not None:
            self._affect.append(affect)
        if measures is not None:
            self._measures.append(measures)

    def end(self) -> FaceTrack:
        ticks, boxes, logits, lips = (np.concatenate(column) for column in zip(*self._parts, strict=True))
        gru = None if self._gru is None else self._gru.end()
        look = None
        if self._looks:
            around = (self._around / self._looks).astype(np.float32)
            look = Look(np.zeros(IDENTITY, np.float32), around, self._movement.spread())
        return FaceTrack(
            ticks, np.full(len(ticks), self._face_id), boxes, logits, lips, gru,
            embeddings=np.concatenate(self._embeddings) if self._keep else None,
            affect=np.concatenate(self._affect) if self._affect else None,
            look=look,
            moments=None if self._moments is None else self._moments.end(),
            measures=np.concatenate(self._measures) if self._measures else None,
        )  # fmt: skip
