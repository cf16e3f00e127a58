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
"""Pictures from one look for further faces to the next: 0.2 s."""
_QUIET_PICTURES: Final = 10
# Detector scores.  Of 62 pictures of 13 people the upright ones have .63 to .98 and nine in ten .87 or more;
# upside down none reaches .81, and a picture that is upright always beats itself upside down by .09, and
# is beaten by itself on its side by .006 at most.
_SURE: Final = 0.85
_BETTER: Final = 0.05
_NOT_UPRIGHT: Final = 0.7
# Looks at which a video whose faces are doubtful is turned to see whether they are better so.
_DOUBTS: Final = 3

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
        outputs=["multi_face_landmarks", "face_detections"],
        stream_type_hints={"look": PacketDataType.BOOL},
    )


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
        # The parts of a mesh introduce themselves while it is built and until it has found its first face.
        self._quiet = ExitStack()
        self._quiet.enter_context(without_chatter())
        self._quiet_for = _QUIET_PICTURES
        self._near = self._mesh = _mesh(max_faces=max_faces, stills=stills)
        self._far: Any = None
        self._followed = 0
        self._look_in = 0
        self._missed = 0
        # Quarter turns against the clock after which faces are upright.
        self._turns = 0
        self._doubts = _DOUBTS

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

    def cut(self, shape: tuple[int, ...]) -> None:
        """Forget the faces that are followed: the next picture, of `shape`, shows something else."""
        if self._followed:
            self._forget(shape)
        self._mesh, self._missed = self._near, 0
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
        found, score = self._ask(self._mesh, picture, look=look)
        if not self._stills:
            if not found:
                found = self._look_elsewhere(picture)
            elif score and self._doubts and self._mesh is self._near:
                # Of small faces the detector's score says too little.
                found = self._turned_right(picture, found, score)
        if len(found) < self._followed:
            # Whoever has been lost may still be there.
            self._look_in = 0
        self._followed = len(found)
        return found

    def _look_elsewhere(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Look for faces of the other size, large ones at once, small ones now and then, and turned ones."""
        self._doubts = _DOUBTS
        if self._mesh is self._far:
            found, _ = self._ask(self._near, picture, look=True)
            if found:
                self._mesh, self._missed = self._near, 0
                return found
        self._missed += 1
        if self._missed % _LOOK_EVERY != 1:
            return []
        if self._mesh is self._near:
            if self._far is None:
                if not self._quiet_for:
                    self._quiet.enter_context(without_chatter())
                self._quiet_for = _QUIET_PICTURES
                self._far = _mesh(max_faces=self._max_faces, stills=False, far=True)
            found, _ = self._ask(self._far, picture, look=True)
            if found:
                self._mesh, self._missed = self._far, 0
                return found
        return self._look_turned(picture)

    def _look_turned(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Look at the picture from one other side, each time from the next."""
        before = self._turns
        self._turns = (before + 1 + self._missed // _LOOK_EVERY % 3) % 4
        found, score = self._ask(self._near, picture, look=True)
        if found and score >= _NOT_UPRIGHT:
            self._mesh, self._missed = self._near, 0
            return self._turned_right(picture, found, score)
        if found:
            self._forget(picture.shape)
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
        now, best, best_score = self._turns, self._turns, score + _BETTER
        for turns in range(4):
            if turns != now:
                self._forget(picture.shape)
                self._turns = turns
                _, other = self._ask(self._mesh, picture, look=True)
                if other > best_score:
                    best, best_score = turns, other
        self._forget(picture.shape)
        self._turns = best
        again, _ = self._ask(self._mesh, picture, look=True)
        return again or found

    def _forget(self, shape: tuple[int, ...]) -> None:
        """Let the meshes lose whom they follow, in the dark."""
        dark = np.zeros(shape, np.uint8)
        for mesh in (self._near, self._far):
            if mesh is not None:
                self._ask(mesh, dark, look=False)

    def _ask(
        self, mesh: Any, picture: NDArray[np.uint8], *, look: bool
    ) -> tuple[list[NDArray[np.float32]], float]:
        """Give the faces that a mesh finds in the turned picture, and the best score of its detector."""
        height, width = picture.shape[:2]
        turned = np.ascontiguousarray(np.rot90(picture, self._turns))
        answer = mesh.process({"image": turned, "look": look})
        scale = np.array([turned.shape[1], turned.shape[0], turned.shape[1]], np.float32)
        faces = [_points(face)[:LANDMARKS] * scale for face in answer.multi_face_landmarks or []]
        score = max((one.score[0] for one in answer.face_detections or []), default=0.0)
        if self._quiet_for:
            self._quiet_for = 0 if faces else self._quiet_for - 1
            if not self._quiet_for:
                self._quiet.close()
        return [_turned_back(face, self._turns, width, height) for face in faces], score


def _turned_back(points: NDArray[np.float32], turns: int, width: int, height: int) -> NDArray[np.float32]:
    """Take landmarks `(n, 3)` of a picture that was turned back to it as it was, of this size."""
    if turns == 0:
        return points
    x, y, z = points.T
    places = {1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turns]
    return np.asarray(np.stack([*places, z], axis=1), np.float32)


def _points(face: Any) -> NDArray[np.float32]:
    """Give mediapipe's landmarks as `(n, 3)`: x and y as shares of the picture, and z.

    Asking for 1,404 numbers one by one takes ten times as long as reading them from the message.
    """
    values = np.frombuffer(face.SerializeToString(), _POINT)
    return np.stack([values["x"], values["y"], values["z"]], axis=1)
