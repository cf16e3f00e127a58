"""Finding the faces in the pictures of a file: upright, followed, and cut out."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.media.decode import PictureDecoder
from emoview.media.probe import Media
from emoview.media.process import DecodeLog
from emoview.networks.sizes import FACE_SIZE
from emoview.pipeline.evidence import Found
from emoview.pipeline.stage import Stage
from emoview.pipeline.timings import Timings
from emoview.timeline.results import FaceBox

if TYPE_CHECKING:
    from emoview.face.change import Change

LONGEST_SIDE = 640
"""Pictures are scaled to this while they are decoded: enough for the mesh, which sees 192 pixels."""
LONGEST_SIDE_OF_SMALL_FACES = 1920
"""From the first face on that would have fewer pixels than the face network sees, they are scaled to this."""


class FaceSearch:
    """Finds, follows and cuts out the faces of one picture after the other; closed as a context manager.

    Args:
        max_faces: Faces looked for in a picture.
        timings: Told of the time it takes.
        square: Side of the square that each face is cut out as, too; None for none.
        aspect: As in `Options`.
    """

    def __init__(
        self, *, max_faces: int, timings: Timings, square: int | None = None, aspect: str = "auto"
    ) -> None:
        # The networks are loaded when the first pictures are being decoded.
        from emoview.face.align import Proportions
        from emoview.face.find import FaceFinder
        from emoview.face.follow import FaceFollower

        self._finder = FaceFinder(max_faces=max_faces)
        self._follower, self._proportions = FaceFollower(), Proportions(aspect)
        self._timings, self._square = timings, square
        self._looked: dict[int, tuple[int, int | None]] = {}
        self._changes: dict[int, Change] = {}
        self.cuts: list[int] = []
        """Ticks of the cuts so far."""

    def __enter__(self) -> FaceSearch:
        return self

    def __exit__(self, *_: object) -> None:
        self._finder.close()

    def faces_in(
        self, tick: int, picture: NDArray[np.uint8], scale: float, *, least: int = 0, cut: bool = False
    ) -> list[Found]:
        """Find the faces of a tick, upright and cut out.

        Args:
            tick: Of the picture; ticks come in order.
            picture: `(height, width, 3)`, RGB.
            scale: Pixels as shown for each pixel of `picture`.
            least: Pixels that the sides of a face must have.
            cut: Whether it is the first picture of a shot, which ends all tracks.

        Raises:
            _SmallFaceError: One is smaller; this picture was not followed.
        """
        from emoview.face.align import align, box_of

        with self._timings.measure("find"):
            if cut:
                self.cuts.append(tick)
                self._finder.cut()
                self._follower.cut()
                self._changes.clear()
            landmarks = self._finder.find(picture)
            if least and any(min(box_of(points)[2:]) < least for points in landmarks):
                raise _SmallFaceError(tick)
            ids = self._follower.follow(tick, [points * np.float32(scale) for points in landmarks])
        with self._timings.measure("align"):
            height_and_width = picture.shape[0], picture.shape[1]
            widen = self._proportions.widening(landmarks, height_and_width)
            return [
                Found(tick, face_id, FaceBox(*(v * scale for v in box_of(points))), points,
                      align(picture, points, widen=widen), scale, widen,
                      self._square_of(picture, points, widen),
                      self._surroundings(tick, face_id, picture, points), height_and_width)
                for face_id, points in zip(ids, landmarks, strict=True)
            ]  # fmt: skip

    def _square_of(
        self, picture: NDArray[np.uint8], points: NDArray[np.float32], widen: tuple[float, float]
    ) -> NDArray[np.uint8] | None:
        if self._square is None:
            return None
        from emoview.face.square import square_of_mesh

        return square_of_mesh(picture, points, self._square, widen=widen)

    def _surroundings(
        self, tick: int, face_id: int, picture: NDArray[np.uint8], points: NDArray[np.float32]
    ) -> NDArray[np.float32] | None:
        """Look at what is around a face, now and then; where it has become another, its track ends."""
        from emoview.face.change import Change
        from emoview.face.surroundings import due, surroundings

        change = self._changes.setdefault(face_id, Change())
        first, last = self._looked.get(face_id, (tick, None))
        asked = last is None or due(tick - first, tick - last)
        if not asked and not change.due(tick):
            return None
        # As they are: beside the skin, the colours around one face change too much within some shots.
        if change.due(tick) and change.another(tick, surroundings(picture, points)):
            self._follower.end(face_id)
            del self._changes[face_id]
        if not asked:
            return None
        self._looked[face_id] = first, tick
        return surroundings(picture, points, beside_skin=True)


def find_faces(
    media: Media,
    *,
    max_faces: int,
    timings: Timings,
    log: DecodeLog,
    square: int | None = None,
    cuts: list[int] | None = None,
    aspect: str = "auto",
) -> Iterator[tuple[int, list[Found]]]:
    """Give every tick that has a picture, with the faces found in it.

    Args:
        media: A file with pictures.
        max_faces: Faces looked for in a picture.
        timings: Told of the time it takes.
        log: Where to note what was wrong.
        square: As in `FaceSearch`.
        cuts: Gets the ticks of the cuts.
        aspect: As in `FaceSearch`.
    """
    with ExitStack() as stack, ThreadPoolExecutor(1, thread_name_prefix="emoview") as pool:
        # Headers are read, and the first pictures decoded, while the networks are loaded.
        ready = pool.submit(FaceSearch, max_faces=max_faces, timings=timings, square=square, aspect=aspect)
        try:
            with PictureDecoder(media, longest_side=LONGEST_SIDE, log=log) as decoder:
                with timings.measure("start"):
                    search = stack.enter_context(ready.result())
                least = FACE_SIZE if decoder.scale > 1 else 0
                yield from _faces_of(decoder, search, least)
        except _SmallFaceError as small:
            log.forget()
            with PictureDecoder(
                media, longest_side=LONGEST_SIDE_OF_SMALL_FACES, from_tick=small.tick, log=log
            ) as decoder:
                yield from _faces_of(decoder, search, 0)
        if cuts is not None:
            cuts += search.cuts
    timings.add("decode", log.busy_s)


def _faces_of(decoder: PictureDecoder, search: FaceSearch, least: int) -> Iterator[tuple[int, list[Found]]]:
    from emoview.face.cuts import CutFinder

    for tick, picture, cut in Stage(CutFinder().through(iter(decoder))):
        yield tick, search.faces_in(tick, picture, decoder.scale, least=least, cut=cut)


class _SmallFaceError(Exception):
    """A face is smaller than was asked for, at `tick`."""

    def __init__(self, tick: int) -> None:
        super().__init__()
        self.tick = tick
