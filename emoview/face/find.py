"""Finding faces and their landmarks in pictures, through mediapipe's face mesh."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.parts import without_init
from emoview.common.quiet import without_chatter

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
_QUIET_PICTURES: Final = 10
"""Pictures from one look for further faces to the next: 0.2 s."""

# A landmark in protocol buffers' wire format: tag and length, then x, y and z, each behind its tag.
_POINT: Final = np.dtype(
    [("head", "V2"), ("of_x", "V1"), ("x", "<f4"), ("of_y", "V1"), ("y", "<f4"), ("of_z", "V1"), ("z", "<f4")]
)


def _mesh(*, max_faces: int, stills: bool, far: bool = False) -> Any:
    """Build mediapipe's face mesh, with a second input `look` that says when to look for further faces.

    As it comes it runs the detector on every picture as long as fewer than `max_faces` are being
    followed, which takes as long as the mesh of a face does.

    Args:
        max_faces: Faces looked for in a picture.
        stills: The pictures have nothing to do with each other.
        far: Look for small faces, from a twentieth of the picture's width, instead of large ones, from a
            tenth.  It takes three times as long, and misses faces that fill the picture.
    """
    with without_init("mediapipe", "mediapipe.python.solutions"):
        import mediapipe
        from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
        from mediapipe.python.solution_base import PacketDataType, SolutionBase

        # It registers the options of the graph's nodes.
        from mediapipe.python.solutions import face_mesh  # noqa: F401
    file = Path(mediapipe.__file__).parent / "modules" / "face_landmark" / "face_landmark_front_cpu.binarypb"
    graph = CalculatorGraphConfig.FromString(file.read_bytes())
    # The detector gets its pictures through this gate, which shuts when enough faces are followed.
    gate = next(node for node in graph.node if list(node.output_stream) == ["gated_image"])
    gate.input_stream[0] = "looked_at"
    graph.input_stream.append("LOOK:look")
    graph.node.add(
        calculator="GateCalculator", input_stream=["image", "ALLOW:look"], output_stream=["looked_at"]
    )
    detector = "facedetectionshortrangecpu__facedetectionshortrange__facedetection"
    if far:
        node = next(node for node in graph.node if node.calculator == "FaceDetectionShortRangeCpu")
        node.calculator = "FaceDetectionFullRangeCpu"
        detector = "facedetectionfullrangecpu__facedetectionfullrange__facedetection"
    return SolutionBase(
        graph_config=graph,
        side_inputs={"num_faces": max_faces, "with_attention": False, "use_prev_landmarks": not stills},
        calculator_params={
            f"{detector}__TensorsToDetectionsCalculator.min_score_thresh": 0.5,
            "facelandmarkcpu__ThresholdingCalculator.threshold": 0.5,
        },
        outputs=["multi_face_landmarks"],
        stream_type_hints={"look": PacketDataType.BOOL},
    )


class FaceFinder:
    """Finds faces in the pictures of one video, in order.

    The mesh is followed from picture to picture, so that each file needs a finder of its own: what it
    has learnt in one file must not colour the next.
    """

    def __init__(self, *, max_faces: int, stills: bool = False) -> None:
        """Load the mesh.

        Args:
            max_faces: Faces looked for in a picture.
            stills: The pictures have nothing to do with each other, and a face fills most of each.
        """
        self._max_faces, self._stills = max_faces, stills
        # The parts of a mesh introduce themselves while it is built and until it has found its first face.
        self._quiet = ExitStack()
        self._quiet.enter_context(without_chatter())
        self._quiet_for = _QUIET_PICTURES
        self._near = self._mesh = _mesh(max_faces=max_faces, stills=stills)
        self._far: Any = None
        self._followed = 0
        self._look_in = 0
        self._missed = 0

    def __enter__(self) -> FaceFinder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the mesh."""
        self._quiet.close()
        self._near.close()
        if self._far is not None:
            self._far.close()

    def find(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Find the faces in a picture.

        Args:
            picture: `(height, width, 3)` RGB.

        Returns:
            For each face its landmarks, `(468, 3)` in pixels: x, y, and depth on the scale of x.
        """
        picture = np.ascontiguousarray(picture)
        look = self._stills or not self._followed or self._look_in == 0
        self._look_in = _LOOK_EVERY - 1 if look else self._look_in - 1
        found = self._ask(self._mesh, picture, look=look)
        if not found and not self._stills:
            found = self._look_elsewhere(picture)
        if len(found) < self._followed:
            # Whoever has been lost may still be there.
            self._look_in = 0
        self._followed = len(found)
        height, width = picture.shape[:2]
        scale = np.array([width, height, width], np.float32)
        return [_points(face)[:LANDMARKS] * scale for face in found]

    def _look_elsewhere(self, picture: NDArray[np.uint8]) -> list[Any]:
        """Look for faces of the other size: for large ones at once, now and then for small ones."""
        if self._mesh is self._near:
            self._missed += 1
            if self._missed % _LOOK_EVERY != 1:
                return []
            if self._far is None:
                if not self._quiet_for:
                    self._quiet.enter_context(without_chatter())
                self._quiet_for = _QUIET_PICTURES
                self._far = _mesh(max_faces=self._max_faces, stills=False, far=True)
            other = self._far
        else:
            other = self._near
        found = self._ask(other, picture, look=True)
        if found or other is self._near:
            self._mesh = other
            self._missed = 0
        return found

    def _ask(self, mesh: Any, picture: NDArray[np.uint8], *, look: bool) -> list[Any]:
        found = mesh.process({"image": picture, "look": look}).multi_face_landmarks or []
        if self._quiet_for:
            self._quiet_for = 0 if found else self._quiet_for - 1
            if not self._quiet_for:
                self._quiet.close()
        return found


def _points(face: Any) -> NDArray[np.float32]:
    """Give mediapipe's landmarks as `(n, 3)`: x and y as shares of the picture, and z.

    Asking for 1,404 numbers one by one takes ten times as long as reading them from the message.
    """
    values = np.frombuffer(face.SerializeToString(), _POINT)
    return np.stack([values["x"], values["y"], values["z"]], axis=1)
