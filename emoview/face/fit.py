"""How well 68 landmarks fit a face: a score by which badly detected ones are found, as work A wished for."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

DOUBTFUL: Final = 0.6
"""Score above which landmarks are called doubtful; of FER2013, some 7 in 100 are."""

# The landmark on the other side of the face: jaw, brows, nose, eyes, lips, in the order of iBUG.
_OTHER_SIDE: Final = np.array(
    [*range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
     45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40, *range(54, 47, -1), *range(59, 54, -1),
     *range(64, 59, -1), 67, 66, 65]
)  # fmt: skip
_ROUNDS: Final = 5


def misfits(landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Score how badly landmarks `(n, 68, 2)` fit the shape that most of them have: 0 for a perfect fit.

    The score is the residual of a Procrustes fit to the typical shape, plus half of that to the face's own
    mirror image, both for shapes of unit size, so that place, size and turn in the picture do not matter
    (Gower 1975, Psychometrika 40, 33-51).  Landmarks of a face that is turned far aside have a high score,
    too: half of them are guessed.

    Args:
        landmarks: In pixels or any other unit; NaN where no face was found.

    Returns:
        `(n,)`; NaN where no face was found.
    """
    found = np.isfinite(landmarks).all(axis=(1, 2))
    scores = np.full(len(landmarks), np.nan)
    if found.any():
        shapes = _normal(landmarks[found, :, 0] + 1j * landmarks[found, :, 1].astype(float))
        typical = _typical(shapes)
        mirrored = -shapes[:, _OTHER_SIDE].conj()
        scores[found] = _distances(shapes, typical) + _distances(mirrored, shapes) / 2
    return scores


def _typical(shapes: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Give the median of the shapes `(n, 68)`, x + iy, each turned towards it; bad ones hardly move it."""
    typical = shapes[:1]
    for _ in range(_ROUNDS):
        turned = _turned(shapes, typical)
        typical = _normal((np.median(turned.real, axis=0) + 1j * np.median(turned.imag, axis=0))[None])
    return typical


def _normal(shapes: NDArray[np.complex128]) -> NDArray[np.complex128]:
    centred = shapes - shapes.mean(axis=1, keepdims=True)
    # Landmarks that all lie on one point have no size.
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12))


def _turned(shapes: NDArray[np.complex128], towards: NDArray[np.complex128]) -> NDArray[np.complex128]:
    turn = (towards * shapes.conj()).sum(axis=1, keepdims=True)
    return np.asarray(shapes * turn / np.maximum(np.abs(turn), 1e-12))


def _distances(shapes: NDArray[np.complex128], towards: NDArray[np.complex128]) -> NDArray[np.float64]:
    return np.asarray(np.linalg.norm(_turned(shapes, towards) - towards, axis=1), np.float64)
