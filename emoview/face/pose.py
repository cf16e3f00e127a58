"""Head pose from the face mesh, and the mesh as it would look from straight ahead."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Points of the mesh that expressions hardly move, by number, at x to the picture's right, y down and z away
# from the camera, in distances between the eyes from the point between them.  It is the Procrustes mean of
# 464 meshes of people who look at a camera, made symmetric, and turned so that their median pitch is zero.
# Middle points, then those at the picture's left, each with its number at the right.
_MIDDLE: Final = {
    10: (-1.031, -0.231), 151: (-0.733, -0.280), 9: (-0.444, -0.311), 8: (-0.272, -0.289),
    168: (-0.104, -0.282), 6: (0.069, -0.344), 197: (0.206, -0.421), 195: (0.330, -0.503),
    5: (0.465, -0.586), 4: (0.629, -0.620), 1: (0.754, -0.586), 2: (0.879, -0.347),
}  # fmt: skip
_SIDES: Final = {
    (33, 263): (-0.721, -0.020, 0.041), (133, 362): (-0.279, 0.020, -0.041),
    (127, 356): (-1.104, 0.043, 0.784), (234, 454): (-1.086, 0.312, 0.861),
    (67, 297): (-0.558, -0.972, -0.116), (109, 338): (-0.303, -1.022, -0.210),
    (103, 332): (-0.792, -0.860, 0.049), (54, 284): (-0.945, -0.689, 0.244),
    (21, 251): (-1.041, -0.473, 0.430), (162, 389): (-1.092, -0.242, 0.627),
    (98, 327): (-0.265, 0.851, -0.229), (129, 358): (-0.329, 0.715, -0.179),
    (48, 278): (-0.294, 0.719, -0.352), (116, 345): (-0.999, 0.307, 0.230),
    (143, 372): (-0.984, 0.068, 0.256), (93, 323): (-1.066, 0.587, 0.877),
    (122, 351): (-0.092, 0.099, -0.309), (196, 419): (-0.089, 0.232, -0.399),
    (3, 248): (-0.082, 0.349, -0.471), (69, 299): (-0.501, -0.739, -0.192),
    (108, 337): (-0.267, -0.740, -0.259),
}  # fmt: skip
_POINTS: Final = [*_MIDDLE, *(point for pair in _SIDES for point in pair)]
_SHAPE: Final[Floats] = np.array(
    [(0.0, *place) for place in _MIDDLE.values()]
    + [(sign * x, y, z) for x, y, z in _SIDES.values() for sign in (1, -1)]
)
_CENTRE: Final[Floats] = _SHAPE.mean(axis=0)

# The more a head is turned, the flatter is its mesh, so that a turn looks smaller than it is.  Fitted to 275
# pictures of 11 heads that were turned by known angles: yaw, pitch and roll.
_TURNED_MORE: Final = np.array([1.31, 1.25, 1.0])

_LARGEST: Final = np.array([90.0, 90.0, 180.0])


def fit_pose(landmarks: NDArray[np.floating[Any]]) -> tuple[Floats, Floats, Floats]:
    """Find how heads are turned, and turn their meshes back.

    A similarity (turn, size, place) is fitted to the points that expressions hardly move, in the least
    squares sense (Kabsch 1976, Acta Crystallographica A32, 922-923).  Perspective is left out: of a face
    beside the middle of the picture, the angle to the camera is measured, not that to the picture's plane.

    Args:
        landmarks: `(n, 468, 3)`, x, y and depth in pixels.

    Returns:
        `(n, 3)` yaw, pitch and roll in degrees; `(n,)` distances between the eyes in pixels, as they would
        be from straight ahead; and `(n, 468, 3)` points from straight ahead, in distances between the eyes
        from the point between them.  Yaw is positive towards the picture's right, pitch upwards, roll
        clockwise in the picture.
    """
    points = np.asarray(landmarks, np.float64)
    rigid = points[:, _POINTS]
    place = rigid.mean(axis=1, keepdims=True)
    shape = _SHAPE - _CENTRE
    # The turn Q for which shape @ Q comes nearest to the points.
    u, strengths, vt = np.linalg.svd(shape.T @ (rigid - place))
    upright = np.ones((len(points), 3))
    # Not by linalg.det, for which OpenBLAS wakes threads.
    across, down, along = np.moveaxis(u @ vt, 1, 0)
    upright[:, 2] = np.sign((np.cross(across, down) * along).sum(axis=1))
    turn = (u * upright[:, None]) @ vt
    # Points that all lie in one place have no size.
    size = np.maximum((strengths * upright).sum(axis=1) / np.square(shape).sum(), 1e-9)
    frontal = (points - place) / size[:, None, None] @ turn.transpose(0, 2, 1) + _CENTRE
    # A face looks along -z, towards the camera.
    look, side = -turn[:, 2], turn[:, 0]
    yaw = np.degrees(np.arctan2(look[:, 0], -look[:, 2]))
    pitch = np.degrees(np.arcsin(np.clip(-look[:, 1], -1, 1)))
    roll = np.degrees(np.arctan2(side[:, 1], side[:, 0]))
    angles = np.stack([yaw, pitch, roll], axis=1) * _TURNED_MORE
    return np.clip(angles, -_LARGEST, _LARGEST), size, frontal
