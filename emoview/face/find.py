"""Finding faces and their landmarks in pictures, with the networks of mediapipe's face mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.face.beside import Beside, Look
from emoview.face.detect import DOZEN, SIX, TEN, Detector
from emoview.face.networks import Square, network, square_around

LANDMARKS: Final = 468
"""Points of the face mesh (Kartynnik et al. 2019, arXiv:1907.06724)."""

# The outline of the face mesh, in order around the face, as mediapipe's FACEMESH_FACE_OVAL lists
# it edge by edge.
FACE_OVAL: Final = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LEFT_EYE: Final = (33, 133)
"""Outer and inner corner of the eye at the picture's left."""
RIGHT_EYE: Final = (362, 263)
"""Inner and outer corner of the eye at the picture's right."""


_LOOK_EVERY: Final = 5
"""Pictures from one look for further faces to the next: 0.2 s."""
# From one look at all parts of the picture, as long as a dozen others, to the next: 2 s in the end.
_PARTS_EVERY: Final = 50
# Share of the picture's longer side from which on the near detector can be relied on.
_SMALL: Final = 0.1
# Detector scores.  Of 62 pictures of 13 people the upright ones have .63 to .98 and nine in ten .87 or more;
# upside down none reaches .81, and a picture that is upright always beats itself upside down by .09, and
# is beaten by itself on its side by .006 at most.  Faces of an eighth of the picture have .55 to .8 whichever
# way they are turned.
_SURE: Final = 0.85
_BETTER: Final = 0.05
_UPRIGHT: Final = 0.8
_NOT_UPRIGHT: Final = 0.7
# Looks at which a video whose faces are doubtful is turned to see whether they are better so.
_DOUBTS: Final = 3

_PRESENT: Final = 0.0
"""Logit of the mesh from which on what it saw is a face."""
_MESH_SIDE: Final = 192
_PARTS: Final[dict[Look, float]] = {"six": SIX, "dozen": DOZEN, "strip": TEN}
# Pictures for which a small face that was lost is looked for where it was: 1 s.
_AWAITED: Final = 25
# Side of what the mesh sees of a face over that of its box.
_OF_BOX: Final = 1.5
# Shares of either square: from then on two are of one face.
_SAME_FACE: Final = 0.5


class _Tracker:
    """Places the mesh where the detectors see faces, and where they were in the picture before."""

    def __init__(self, *, max_faces: int, stills: bool) -> None:
        self._max_faces, self._stills = max_faces, stills
        self._near, self._mesh = Detector(), network("mesh")
        self._far: Detector | None = None
        # As shares of the picture's width: the next picture may be a larger one of the same.
        self._followed: list[Square] = []
        # Likewise the small ones that were lost beside others, and for how many pictures they are awaited.
        self._lost: list[tuple[Square, int]] = []

    def forget(self) -> Callable[[], None]:
        """Follow nobody; what is returned makes it follow those of before again."""
        followed, lost = self._followed, self._lost
        self._followed, self._lost = [], []

        def remember() -> None:
            self._followed, self._lost = followed, lost

        return remember

    def track(
        self, picture: NDArray[np.uint8], looks: Sequence[Look] = ()
    ) -> tuple[list[NDArray[np.float32]], float]:
        """Give the landmarks of each face in the next picture, and the best score of a detector.

        Args:
            picture: `(height, width, 3)` RGB.
            looks: Which further faces to look for, if fewer than `max_faces` are being followed.
        """
        width = picture.shape[1]
        before = [square.scaled(width) for square in self._followed]
        detected: list[tuple[Square, float]] = []
        if len(before) < self._max_faces:
            for look in looks:
                detected += self._detected(picture, look)
        squares: list[Square] = []
        for square in before:
            squares = [other for other in squares if other.overlap(square) <= _SAME_FACE] + [square]
        # A face that is followed already is not looked for where the detector sees it.
        awaited = [square.scaled(width) for square, _ in self._lost] if before else []
        for square in (*awaited, *(square for square, _ in detected)):
            if all(other.overlap(square) <= _SAME_FACE and not other.holds(square) for other in squares):
                squares.append(square)
        faces = self._placed(picture, squares)[: self._max_faces] if squares else []
        if not self._stills:
            self._followed = [_square_of(points) for points in faces]
            self._await(before, picture.shape)
            self._followed = [square.scaled(1 / width) for square in self._followed]
        return faces, max((score for _, score in detected), default=0.0)

    def _await(self, before: list[Square], shape: tuple[int, ...]) -> None:
        """Note who was lost: of small faces the mesh is not always sure, and no detector finds them soon."""
        width = shape[1]
        small = [square for square in before if square.side < _OF_BOX * _SMALL * max(shape)]
        lost = [(square, _AWAITED) for square in small]
        lost += [(square.scaled(width), left - 1) for square, left in self._lost if left > 1]
        self._lost = [
            (square.scaled(1 / width), left) for square, left in lost
            if self._followed and all(other.overlap(square) <= _SAME_FACE for other in self._followed)
        ]  # fmt: skip

    def _detected(self, picture: NDArray[np.uint8], look: Look) -> list[tuple[Square, float]]:
        """Give the squares of faces, the surest first, and the scores."""
        if look == "near":
            return self._near.detect(picture)
        self._far = self._far or Detector(far=True)
        along = None
        if look == "strip" and self._followed:
            least = min(self._followed, key=lambda square: square.side).scaled(picture.shape[1])
            along = least.x, least.y
        return self._far.detect(picture, part=_PARTS.get(look), along=along)

    def _placed(self, picture: NDArray[np.uint8], squares: list[Square]) -> list[NDArray[np.float32]]:
        """Place the mesh: `(468, 3)` in pixels of the picture, for each square that shows a face."""
        seen = np.stack([square.cut(picture, _MESH_SIDE, repeat=True) for square in squares])
        points, presence = self._mesh.run(None, {"picture": seen})
        return [
            _in_picture(one.reshape(LANDMARKS, 3), square)
            for one, present, square in zip(points, presence[:, 0], squares, strict=True)
            if present > _PRESENT
        ]


def _in_picture(points: NDArray[np.float32], square: Square) -> NDArray[np.float32]:
    """Take landmarks `(468, 3)` from what the mesh saw to the picture."""
    matrix = square.matrix(_MESH_SIDE).astype(np.float32)
    places = np.empty_like(points)
    places[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    places[:, 2] = points[:, 2] * np.float32(square.side / _MESH_SIDE)
    return places


def _square_of(points: NDArray[np.float32]) -> Square:
    """Give what the mesh is to see of a face that it was placed on."""
    x, y = points[:, 0], points[:, 1]
    low, high = (float(x.min()), float(y.min())), (float(x.max()), float(y.max()))
    # From outer corner to outer corner.
    return square_around(low, high, points[LEFT_EYE[0]].tolist(), points[RIGHT_EYE[1]].tolist())


class FaceFinder:
    """Finds faces in the pictures of one video, in order.

    The mesh is followed from picture to picture, so that each file needs a finder of its own: what it
    has learnt in one file must not colour the next.  Faces that lie on their side or stand on their head are
    found, too: the pictures are turned until the detector is surest of what it sees.
    """

    def __init__(self, *, max_faces: int, stills: bool = False) -> None:
        """Load the mesh.

        Args:
            max_faces: Faces looked for in a picture.
            stills: The pictures have nothing to do with each other, and an upright face fills most of each.
        """
        self._max_faces, self._stills = max_faces, stills
        self._tracker = _Tracker(max_faces=max_faces, stills=stills)
        self._followed = 0
        # Whether those who are followed, or were last, are all small.
        self._small = False
        self._look_in = 0
        self._parts_in, self._parts_every = 0, _LOOK_EVERY
        self._beside = Beside()
        self._missed = 0
        # Quarter turns against the clock after which faces are upright.
        self._turns = 0
        self._doubts = _DOUBTS

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of whom it follows."""
        self._tracker.forget()

    def cut(self) -> None:
        """Forget the faces that are followed: the next picture shows something else."""
        self._tracker.forget()
        self._small, self._missed = False, 0
        self._parts_in, self._parts_every = 0, _LOOK_EVERY
        self._beside.cut()
        self._followed, self._doubts = 0, _DOUBTS

    def find(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Find the faces in a picture.

        Args:
            picture: `(height, width, 3)` RGB.

        Returns:
            For each face its landmarks, `(468, 3)` in pixels: x, y, and depth on the scale of x.
        """
        look = self._stills or not self._followed or self._look_in == 0
        self._look_in = _LOOK_EVERY - 1 if look else self._look_in - 1
        self._parts_in = max(self._parts_in - 1, 0)
        looks: tuple[Look, ...] = ("near",) if look else ()
        if look and self._followed and self._small:
            looks = ("near", self._far())
        elif self._followed and self._followed < self._max_faces and (beside := self._beside.due()):
            looks = (*looks, beside)
        found, score = self._ask(picture, *looks)
        if not self._stills:
            if not found:
                found = self._look_elsewhere(picture)
            elif looks == ("near",) and score and self._doubts:
                # Of small faces the detector's score says too little.
                found = self._turned_right(picture, found, score)
        if found:
            widths = [float(np.ptp(face[:, 0])) for face in found]
            limit = _SMALL * max(picture.shape)
            self._small = max(widths) < limit
            self._beside.seen(len(found) if min(widths) < limit <= max(widths) else 0)
            if not self._small:
                # Who is lost is as near as before.
                self._parts_in = self._parts_every = _PARTS_EVERY
        if len(found) < self._followed:
            # Whoever has been lost may still be there.
            self._look_in = 0
            if self._small:
                self._parts_in, self._parts_every = min(self._parts_in, _LOOK_EVERY), _LOOK_EVERY
        self._followed = len(found)
        return found

    def _far(self) -> Look:
        """Give how to look for small faces: at the whole picture, or now and then at its parts."""
        if self._parts_in:
            return "far"
        # Less and less often: whom the first looks did not find is hardly there.
        self._parts_in, self._parts_every = self._parts_every, min(2 * self._parts_every, _PARTS_EVERY)
        return "dozen"

    def _look_elsewhere(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Look for smaller faces, now and then, and for turned ones."""
        self._doubts = _DOUBTS
        self._missed += 1
        due = self._missed % _LOOK_EVERY == 1
        if due or self._small or not self._parts_in:
            found, _ = self._ask(picture, self._far())
            if found:
                self._missed = 0
                return found
        return self._look_turned(picture) if due else []

    def _look_turned(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Look at the picture from one other side, each time from the next."""
        before = self._turns
        self._turns = (before + 1 + self._missed // _LOOK_EVERY % 3) % 4
        found, score = self._ask(picture, "near")
        if found and score >= _NOT_UPRIGHT:
            self._missed = 0
            return self._turned_right(picture, found, score)
        self._tracker.forget()
        self._turns = before
        return []

    def _turned_right(
        self, picture: NDArray[np.uint8], found: list[NDArray[np.float32]], score: float
    ) -> list[NDArray[np.float32]]:
        """Turn the pictures so that the detector is surest, where it is in doubt about those `found`."""
        self._doubts -= 1
        if score >= _SURE:
            self._doubts = 0
            return found
        now, best, best_score = self._turns, self._turns, max(score + _BETTER, _UPRIGHT)
        remember = self._tracker.forget()
        for turns in range(4):
            if turns != now:
                self._tracker.forget()
                self._turns = turns
                _, other = self._ask(picture, "near")
                if other > best_score:
                    best, best_score = turns, other
        self._turns = best
        if best == now:
            remember()
            return found
        self._tracker.forget()
        again, _ = self._ask(picture, "near")
        return again or found

    def _ask(self, picture: NDArray[np.uint8], *looks: Look) -> tuple[list[NDArray[np.float32]], float]:
        """Give the faces that the tracker finds in the turned picture, and the best score of a detector."""
        height, width = picture.shape[:2]
        turned = np.ascontiguousarray(np.rot90(picture, self._turns))
        faces, score = self._tracker.track(turned, looks)
        return [_turned_back(face, self._turns, width, height) for face in faces], score


def _turned_back(points: NDArray[np.float32], turns: int, width: int, height: int) -> NDArray[np.float32]:
    """Take landmarks `(n, 3)` of a picture that was turned back to it as it was, of this size."""
    if turns == 0:
        return points
    x, y, z = points.T
    # The middle of the first pixel lies at 0, that of the last at one less than their number.
    right, bottom = width - 1, height - 1
    places = {1: (right - y, x), 2: (right - x, bottom - y), 3: (y, bottom - x)}[turns]
    return np.asarray(np.stack([*places, z], axis=1), np.float32)
