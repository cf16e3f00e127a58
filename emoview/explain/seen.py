"""What explanations need of the stages, kept while they run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.face.align import CROP_SIZE, alignment, moved, network_input
from emoview.face.regions import REGION_POINTS
from emoview.networks.sizes import FACE_SIZE

if TYPE_CHECKING:
    from emoview.pipeline.evidence import Found

Floats = NDArray[np.float32]

_CORNERS = np.array([[0, 0], [CROP_SIZE, 0], [0, CROP_SIZE]], np.float64)


@dataclass(frozen=True)
class SeenFace:
    """A face at one tick.

    Attributes:
        picture: `(48, 48)`, as the face network sees it, 0 to 255.
        points: `(n, 2)`, `REGION_POINTS` as shares of the aligned picture's side.
        corners: `(3, 2)`, of the aligned picture in pixels of the picture as shown: upper left, upper right,
            lower left.
    """

    picture: NDArray[np.uint8]
    points: NDArray[np.float16]
    corners: Floats


class Seen:
    """Collects faces as the network sees them, some 4 kB a tick each, and what describes the voice."""

    def __init__(self) -> None:
        self.faces: dict[tuple[int, int], SeenFace] = {}
        """By face and tick."""
        self.descriptors: Floats = np.zeros((0, 0), np.float32)
        """`(ticks, 105)`."""
        self.speech: NDArray[np.bool_] = np.zeros(0, bool)
        """`(ticks,)`."""
        self.cuts: list[tuple[int, int]] = []
        """First tick of each window, and the tick after its last."""
        self._functionals: list[Floats] = []

    def add_faces(self, found: Sequence[Found], embeddings: Floats) -> None:  # noqa: ARG002
        """Keep faces as the network sees them, and where in the picture they are."""
        for one in found:
            matrix = alignment(one.landmarks, widen=one.widen)
            points = moved(matrix, one.landmarks[list(REGION_POINTS)]) / CROP_SIZE
            corners = (_CORNERS - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T * one.scale
            picture = np.round(network_input(one.face, FACE_SIZE)[..., 0] * 255).astype(np.uint8)
            self.faces[one.face_id, one.tick] = SeenFace(
                picture, points.astype(np.float16), corners.astype(np.float32)
            )

    def add_voice(self, descriptors: Floats, speech: NDArray[np.bool_]) -> None:
        """Keep the descriptors of every tick, and whether somebody speaks in it."""
        self.descriptors, self.speech = descriptors, speech

    def add_windows(self, cuts: Sequence[tuple[int, int]], functionals: Floats) -> None:
        """Keep more windows with speech, in ticks, and their functionals."""
        self.cuts += cuts
        self._functionals.append(functionals)

    @cached_property
    def functionals(self) -> Floats:
        """Functionals of all windows, `(windows, 6373)`; asked for when all have come."""
        return np.concatenate(self._functionals) if self._functionals else np.zeros((0, 0), np.float32)
