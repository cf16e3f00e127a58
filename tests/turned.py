"""Heads turned by known angles: the mesh of a face with its texture, painted from far to near."""

from __future__ import annotations

import cv2
import numpy as np

from emoview.face.measures import measure_faces

Angles = tuple[float, float, float]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Turn columns of x to the right, y down and z away: yaw to the right, pitch up, roll clockwise."""
    (cy, cp, cr), (sy, sp, sr) = (
        np.cos(np.radians([yaw, pitch, roll])),
        np.sin(np.radians([yaw, pitch, roll])),
    )
    turn_y = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
    turn_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    turn_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(turn_z @ turn_y @ turn_x)


def rendered(picture: np.ndarray, mesh: np.ndarray, angles: Angles) -> np.ndarray:
    """Paint a face as if its head were turned by `angles` more."""
    points = mesh.astype(np.float64)
    middle = points.mean(axis=0)
    size = 180 / float(measure_faces(mesh[None])[0, 0])
    source = (points[:, :2] * size).astype(np.float32)
    turned = (points - middle) * size @ rotation(*angles).T + 200
    large = cv2.resize(picture, None, fx=size, fy=size, interpolation=cv2.INTER_AREA)
    subdivision = cv2.Subdiv2D((0, 0, large.shape[1] + 1, large.shape[0] + 1))
    number = {}
    for i, (x, y) in enumerate(source.tolist()):
        subdivision.insert((x, y))
        number[round(x, 2), round(y, 2)] = i
    corners = subdivision.getTriangleList().reshape(-1, 3, 2).tolist()
    known = [[number.get((round(x, 2), round(y, 2)), -1) for x, y in one] for one in corners]
    triangles = np.array([one for one in known if min(one) >= 0])
    out = np.full((400, 400, 3), 100, np.uint8)
    for triangle in triangles[np.argsort(-turned[triangles, 2].mean(axis=1))]:
        before, after = source[triangle], turned[triangle, :2].astype(np.float32)
        if np.linalg.det(before[1:] - before[0]) * np.linalg.det(after[1:] - after[0]) <= 0:
            continue
        low = np.maximum(np.floor(after.min(axis=0)).astype(int) - 1, 0)
        high = np.minimum(np.ceil(after.max(axis=0)).astype(int) + 2, 400)
        matrix = cv2.getAffineTransform(before, after - low.astype(np.float32))
        width, height = (high - low).tolist()
        patch = cv2.warpAffine(large, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        inside = np.zeros((height, width), np.uint8)
        cv2.fillConvexPoly(inside, np.round((after - low) * 8).astype(np.int32), 1, shift=3)
        out[low[1] : high[1], low[0] : high[0]][inside > 0] = patch[inside > 0]
    return out
