"""The networks that find faces, run without mediapipe's graph, beside the graph."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emoview.common.parts import without_init
from emoview.errors import WeightsError
from emoview.face.detect import Detector
from emoview.face.find import FaceFinder, Look, _Tracker
from emoview.face.networks import Square, _loaded, network
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.networks import weights


@pytest.fixture(scope="module")
def pictures(sample: Path) -> list[np.ndarray]:
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        return [picture for _, (_, picture) in zip(range(6), decoder, strict=False)]


class Graph:
    """mediapipe's own face mesh."""

    def __init__(self, *, far: bool) -> None:
        with without_init("mediapipe", "mediapipe.python.solutions"):
            import mediapipe
            from mediapipe.framework.calculator_pb2 import CalculatorGraphConfig
            from mediapipe.python.solution_base import SolutionBase

            # It registers the options of the graph's nodes.
            from mediapipe.python.solutions import face_mesh  # noqa: F401
        folder = Path(mediapipe.__file__).parent / "modules" / "face_landmark"
        graph = CalculatorGraphConfig.FromString((folder / "face_landmark_front_cpu.binarypb").read_bytes())
        detector = "facedetectionshortrangecpu__facedetectionshortrange__facedetection"
        if far:
            node = next(node for node in graph.node if node.calculator == "FaceDetectionShortRangeCpu")
            node.calculator = "FaceDetectionFullRangeCpu"
            detector = detector.replace("shortrange", "fullrange")
        self._solution: Any = SolutionBase(
            graph_config=graph,
            side_inputs={"num_faces": 4, "with_attention": False, "use_prev_landmarks": True},
            calculator_params={
                f"{detector}__TensorsToDetectionsCalculator.min_score_thresh": 0.5,
                "facelandmarkcpu__ThresholdingCalculator.threshold": 0.5,
            },
            outputs=["multi_face_landmarks", "face_detections"],
        )

    def find(self, picture: np.ndarray) -> tuple[list[np.ndarray], float]:
        answer = self._solution.process({"image": np.ascontiguousarray(picture)})
        height, width = picture.shape[:2]
        faces = [
            np.array([(p.x * width, p.y * height, p.z * width) for p in face.landmark][:468])
            for face in answer.multi_face_landmarks or []
        ]
        return faces, max((one.score[0] for one in answer.face_detections or []), default=0.0)

    def close(self) -> None:
        self._solution.close()


@pytest.fixture(params=["near", "far"])
def graph(request: pytest.FixtureRequest) -> Iterator[tuple[Graph, Look]]:
    graph = Graph(far=request.param == "far")
    yield graph, request.param
    graph.close()


def test_faces_lie_where_the_graph_finds_them(graph: tuple[Graph, Look], pictures: list[np.ndarray]):
    reference, look = graph
    tracker = _Tracker(max_faces=4, stills=False)
    height, width = pictures[0].shape[:2]
    for number, picture in enumerate(pictures):
        # One at the edge, so that it is seen with what is repeated there, and a smaller one that is tilted.
        tilt = cv2.getRotationMatrix2D((width / 2, height / 2), 25 + number, 0.8)
        wide = np.hstack([picture[:, width // 4 :], cv2.warpAffine(picture, tilt, (width, height))])
        found, score = reference.find(wide)
        faces, own_score = tracker.track(wide, [look])
        assert len(found) == len(faces) == 2
        assert own_score == pytest.approx(score, abs=0.01)
        for face, other in zip(found, faces, strict=True):
            assert np.abs(face - other).max() < 0.5


def test_a_face_is_followed_into_a_larger_picture(pictures: list[np.ndarray]):
    tracker = _Tracker(max_faces=1, stills=False)
    (small,), _ = tracker.track(pictures[0], ["near"])
    larger = cv2.resize(pictures[1], None, fx=2, fy=2)
    (large,), score = tracker.track(larger)
    assert score == 0
    assert np.abs(large / 2 - small).max() < 8
    tracker.forget()
    assert tracker.track(larger) == ([], 0.0)


def test_who_is_followed_is_not_found_twice(pictures: list[np.ndarray]):
    tracker = _Tracker(max_faces=4, stills=False)
    for picture in pictures[:3]:
        faces, score = tracker.track(picture, ["near"])
        assert len(faces) == 1
        assert score > 0.5
    with FaceFinder(max_faces=4) as finder:
        assert [len(finder.find(picture)) for picture in pictures] == [1] * len(pictures)


def test_no_face_in_noise():
    noise = np.random.default_rng(3).integers(0, 255, (120, 200, 3), dtype=np.uint8)
    assert [Detector(far=far).detect(noise) for far in (False, True)] == [[], []]


def test_a_square_is_cut_out_turned():
    picture = np.zeros((100, 120, 3), np.uint8)
    picture[40:44, 70:74] = 255
    # A quarter turn: what lies to the right of the centre comes to lie above it.
    cut = Square(52, 42, 60, np.pi / 2).cut(picture, 120, repeat=False)
    rows, columns = np.nonzero(cut[..., 0] > 128)
    assert rows.mean() == pytest.approx(60 - 2 * 20, abs=2)
    assert columns.mean() == pytest.approx(60, abs=2)


def test_squares_overlap_by_their_share():
    one = Square(10, 10, 10)
    assert one.overlap(one) == 1
    assert one.overlap(Square(15, 10, 10)) == pytest.approx(1 / 3)
    assert one.overlap(Square(30, 10, 10)) == 0


def test_a_damaged_model_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / weights.MANIFEST).write_bytes((weights._FACE_MODELS / weights.MANIFEST).read_bytes())
    monkeypatch.setattr(weights, "_FACE_MODELS", tmp_path)
    for content, said in ((None, "is missing"), (b"no model", "was changed or damaged")):
        if content:
            (tmp_path / "mesh.onnx").write_bytes(content)
        for cache in (_loaded, weights.shipped):
            cache.cache_clear()
        with pytest.raises(WeightsError, match=rf"mesh\.onnx {said}: install"):
            network("mesh")


@pytest.mark.release
def test_the_models_are_those_of_the_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tools import face_models

    shipped = face_models.TO
    monkeypatch.setattr(face_models, "TO", tmp_path / "models")
    face_models.main()
    for name in face_models.FROM:
        made = (tmp_path / "models" / f"{name}.onnx").read_bytes()
        assert made == (shipped / f"{name}.onnx").read_bytes()
