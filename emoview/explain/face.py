"""Where on the face a segment's label came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.explain.gradcam import GradCam, LastStage
from emoview.explain.seen import SeenFace
from emoview.face.regions import REGIONS, region_map
from emoview.networks.sizes import FACE_SIZE
from emoview.timeline.clock import time_of
from emoview.timeline.explanation import FaceReasons

if TYPE_CHECKING:
    from emoview.pipeline.engines import Engine

_DECIMALS = 3


def shipped_gradcam(engine: Engine) -> GradCam:
    """Load the shipped face network for its maps.

    Raises:
        WeightsError: Its files are missing or damaged.
    """
    from emoview.networks.weights import shipped
    from emoview.pipeline.engines import face_maps, load

    return GradCam(face_maps(load("face_cnn", engine)), LastStage.read(shipped("face_cnn.weights.h5").path))


def face_reasons(
    draw: GradCam, ticks: Sequence[int], faces: Sequence[SeenFace], sureness: Sequence[float], label: str
) -> FaceReasons:
    """Explain a segment of a face.

    Args:
        draw: Draws the maps.
        ticks: At which the face was seen in the segment, at least one.
        faces: At each of them.
        sureness: Probability of the label in the face at each of them.
        label: One of the seven.
    """
    pictures = np.stack([face.picture for face in faces])
    grid = draw(pictures[..., None].astype(np.float32) / 255, label).mean(axis=0)
    points = np.mean([face.points for face in faces], axis=0, dtype=np.float64)
    best = int(np.argmax(sureness))
    corners = tuple((round(float(x), 1), round(float(y), 1)) for x, y in faces[best].corners)
    peak = float(grid.max())
    scaled = grid / peak if peak > 0 else grid
    rows = tuple(tuple(round(float(value), _DECIMALS) for value in row) for row in scaled)
    shares = _shares(scaled, points, pictures.mean(axis=0) > 0)
    return FaceReasons(rows, shares, len(ticks), time_of(ticks[best]), corners)


def _shares(
    grid: NDArray[np.float32], points: NDArray[np.float64], face: NDArray[np.bool_]
) -> dict[str, float]:
    """Give each region's share of the map within the face."""
    import cv2

    fine = cv2.resize(grid, (FACE_SIZE, FACE_SIZE), interpolation=cv2.INTER_LINEAR) * face
    total = float(fine.sum())
    regions = region_map(points, FACE_SIZE)
    return {
        name: round(float(fine[regions == i].sum()) / total, _DECIMALS) if total > 0 else 0.0
        for i, name in enumerate(REGIONS)
    }
