"""Finding faces and their landmarks in pictures, through mediapipe's face mesh."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

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


IMPORTING: Final = threading.RLock()
"""Held while TensorFlow, or what would import it in passing, is imported."""


def _face_mesh() -> Any:
    """Import mediapipe, which takes most of a second, when there is something to find.

    Where TensorFlow is installed mediapipe imports it, seconds for a decorator of its documentation;
    where it is not, it goes on without.  So it is told that it is not.
    """
    with IMPORTING:
        absent = "tensorflow" not in sys.modules
        if absent:
            sys.modules["tensorflow"] = None  # type: ignore[assignment]
        try:
            from mediapipe.python.solutions.face_mesh import FaceMesh
        finally:
            if absent:
                del sys.modules["tensorflow"]
    return FaceMesh


class FaceFinder:
    """Finds faces in the pictures of one video, in order.

    The mesh is followed from picture to picture, so that each file needs a finder of its own: what it
    has learnt in one file must not colour the next.
    """

    def __init__(self, *, max_faces: int, stills: bool = False) -> None:
        """Load the mesh.

        Args:
            max_faces: Faces looked for in a picture.
            stills: The pictures have nothing to do with each other.
        """
        self._mesh = _face_mesh()(
            static_image_mode=stills,
            max_num_faces=max_faces,
            refine_landmarks=False,
            min_detection_confidence=0.5,
            min_tracking_confidence=0.5,
        )

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._mesh.close()

    def find(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Find the faces in a picture.

        Args:
            picture: `(height, width, 3)` RGB.

        Returns:
            For each face its landmarks, `(468, 3)` in pixels: x, y, and depth on the scale of x.
        """
        found = self._mesh.process(np.ascontiguousarray(picture)).multi_face_landmarks or []
        height, width = picture.shape[:2]
        scale = np.array([width, height, width], np.float32)
        return [
            np.array([(p.x, p.y, p.z) for p in face.landmark], np.float32)[:LANDMARKS] * scale
            for face in found
        ]
