"""Maps of an explanation as pictures: over the face, or over the drawing of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.timeline.explanation import FaceReasons

_SIDE: Final = 224
_QUALITY: Final = 85
# How much of the colour shows where the map is lowest, and where it is highest.
_FAINT, _STRONG = 0.1, 0.75

# Where features lie in an aligned face, as shares of its side: half of each, the other half mirrors it.
_HALF: Final[Sequence[Sequence[tuple[float, float]]]] = (
    ((0.5, 0.0), (0.3, 0.04), (0.13, 0.16), (0.06, 0.42), (0.12, 0.7), (0.28, 0.9), (0.5, 1.0)),
    ((0.14, 0.22), (0.24, 0.17), (0.4, 0.19)),
    ((0.2, 0.31), (0.28, 0.275), (0.38, 0.325), (0.29, 0.335), (0.2, 0.31)),
    ((0.5, 0.3), (0.46, 0.46), (0.37, 0.55), (0.5, 0.6)),
    ((0.5, 0.71), (0.43, 0.7), (0.3, 0.74), (0.42, 0.8), (0.5, 0.81)),
    ((0.5, 0.755), (0.3, 0.74)),
)


def heat_picture(reasons: FaceReasons, jpeg: bytes | None) -> bytes:
    """Lay the map over the face, in colours from dark blue to yellow that colour-blind people tell apart.

    A line encloses where the map is above half of its highest, so that it can be read without colour, too.

    Args:
        reasons: The map, and where the face is.
        jpeg: The picture at its time, as large as it is shown; None for the drawing of a face instead.

    Returns:
        A WebP, `_SIDE` pixels square.
    """
    face = None if jpeg is None else _cut(jpeg, reasons.corners)
    grey = _drawing() if face is None else cv2.cvtColor(face, cv2.COLOR_BGR2GRAY)
    grid = np.array(reasons.grid, np.float32)
    fine = np.clip(cv2.resize(grid, (_SIDE, _SIDE), interpolation=cv2.INTER_CUBIC), 0, 1)
    colours = cv2.applyColorMap(np.round(fine * 255).astype(np.uint8), cv2.COLORMAP_CIVIDIS)
    share = (_FAINT + (_STRONG - _FAINT) * fine)[..., None]
    picture = np.round(grey[..., None] * (1 - share) + colours * share).astype(np.uint8)
    lines, _ = cv2.findContours((fine > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, lines, -1, (0, 0, 0), 3, cv2.LINE_AA)
    cv2.drawContours(picture, lines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    done, data = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])
    assert done
    return bytes(data.tobytes())


def _cut(jpeg: bytes, corners: Sequence[tuple[float, float]]) -> NDArray[np.uint8] | None:
    """Cut the aligned face out of a picture; None where that cannot be read."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    target = np.array([[0, 0], [_SIDE, 0], [0, _SIDE]], np.float32)
    matrix = cv2.getAffineTransform(np.array(corners, np.float32), target)
    return np.asarray(cv2.warpAffine(picture, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR), np.uint8)


def _drawing() -> NDArray[np.uint8]:
    picture = np.full((_SIDE, _SIDE), 235, np.uint8)
    margin = 3
    for half in _HALF:
        for mirror in (False, True):
            places = [((1 - x if mirror else x), y) for x, y in half]
            points = np.round(np.array(places) * (_SIDE - 2 * margin) + margin).astype(np.int32)
            cv2.polylines(picture, [points], isClosed=False, color=70, thickness=2, lineType=cv2.LINE_AA)
    return picture
