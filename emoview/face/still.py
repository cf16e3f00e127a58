"""Faces of still pictures: cut out of photographs, or taken as they are where somebody has cut them out."""

from __future__ import annotations

from threading import Lock
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.face.align import Proportions, align
from emoview.face.find import FaceFinder

_WHOLE: Final = 128
"""Of sides: faces that were cut out before have 48 to 112."""
# Of the longer side, as that of videos.
_LONGEST: Final = 640
# Of the longer side: a face that fills its picture is only found with something around it.
_BORDER: Final = 0.25


class StillFaces:
    """Gives the face in each picture; threads may share it."""

    def __init__(self, smallest: int = _WHOLE) -> None:
        """Make one.

        Args:
            smallest: Shorter side, in pixels, from which on a picture is looked through for a face; smaller
                ones are taken as they are.
        """
        self._smallest = smallest
        self._finder: FaceFinder | None = None
        self._lock = Lock()
        self.missed = 0
        """Pictures without a face so far, which were taken as they are."""

    def __enter__(self) -> StillFaces:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._finder is not None:
                self._finder.__exit__()

    def face(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give the face in a picture `(height, width, 3)` RGB, aligned as in a video, or the picture."""
        if min(picture.shape[:2]) < self._smallest:
            return picture
        cut = self.cut(picture)
        if cut is not None:
            return cut
        with self._lock:
            self.missed += 1
        return picture

    def cut(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Give the face in a picture `(height, width, 3)` RGB of any size, aligned as in a video, or None."""
        found = self._found(picture)
        if found is None:
            return None
        tried, mesh, _, _ = found
        return align(tried, mesh, widen=Proportions().widening([mesh], (picture.shape[0], picture.shape[1])))

    def mesh(self, picture: NDArray[np.uint8]) -> NDArray[np.float32] | None:
        """Give the landmarks `(468, 2)` of the face in a picture, as for `cut`, in its pixels; or None."""
        found = self._found(picture)
        if found is None:
            return None
        _, mesh, around, shrink = found
        return np.asarray((mesh[:, :2] - around) / shrink, np.float32)

    def _found(
        self, picture: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], int, float] | None:
        """Give the picture as it was looked through, the mesh in it, its border and its scale; or None."""
        height, width = picture.shape[:2]
        shrink = min(1.0, _LONGEST / max(height, width))
        if shrink < 1:
            # A line stays one.
            size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
            picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        border = round(_BORDER * max(picture.shape[:2]))
        for around in (0, border):
            tried = cv2.copyMakeBorder(picture, around, around, around, around, cv2.BORDER_REPLICATE)
            found = self._find(np.asarray(tried, np.uint8))
            if found:
                return np.asarray(tried, np.uint8), found[0], around, shrink
        return None

    def _find(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        with self._lock:
            if self._finder is None:
                self._finder = FaceFinder(max_faces=1, stills=True)
            return self._finder.find(picture)
