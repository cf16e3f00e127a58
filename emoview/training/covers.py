"""What hides a part of a face in people's videos, drawn over pictures of faces."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

# Where eyes and mouth are in a tightly cropped, upright face, in shares of its height.
_EYES, _MOUTH = 0.39, 0.78
# Drawn in this size and shrunk: thin lines stay smooth in small pictures.
_DRAWN: Final = 144
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,?!'"
# Below this nothing is shown: cut-out faces lie on black.
_BLACK = 4


def covered_face(picture: Grey, rng: np.random.Generator) -> Grey:
    """Draw a mask, glasses, subtitles or a hand over a face.

    Args:
        picture: `(side, side)`, grey, an upright face that fills it; on black it may be cut out.
        rng: Decides.

    Returns:
        `(side, side)`; what was black around the face stays so.
    """
    side = picture.shape[0]
    draw = (_mask, _glasses, _subtitles, _hand)[rng.choice(4, p=(0.3, 0.35, 0.2, 0.15))]
    large = cv2.resize(picture, (_DRAWN, _DRAWN), interpolation=cv2.INTER_LINEAR)
    drawn = draw(np.asarray(large, np.uint8), rng)
    result = np.asarray(cv2.resize(drawn, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    if picture[[0, 0, -1, -1], [0, -1, 0, -1]].max() <= _BLACK:
        oval = np.zeros_like(picture)
        shown = cv2.findNonZero(np.asarray(picture > _BLACK, np.uint8))
        if shown is not None:
            cv2.fillConvexPoly(oval, cv2.convexHull(shown), 1)
        result[oval == 0] = 0
    return result


def _at(*points: tuple[float, float]) -> NDArray[np.int32]:
    """Turn shares of width and height into pixels."""
    return np.asarray(np.round(np.array(points) * _DRAWN), np.int32)


def _mask(face: Grey, rng: np.random.Generator) -> Grey:
    """A cloth over mouth and nose, or under the nose."""
    top, bridge = rng.uniform(0.5, 0.62), rng.uniform(0.44, 0.6)
    edge = ((-0.05, top), (0.3, top - 0.02), (0.5, bridge), (0.7, top - 0.02), (1.05, top))
    shape = _at(*edge, (1.05, 1.05), (-0.05, 1.05))
    cloth = np.full_like(face, rng.integers(20, 250))
    for _ in range(rng.integers(0, 4)):
        y, fall = rng.uniform(bridge, 1.0), rng.uniform(-0.05, 0.05)
        fold = _at((0.0, y + fall), (0.5, y), (1.0, y + fall))
        shade = int(np.clip(int(cloth[0, 0]) + rng.integers(-50, 50), 0, 255))
        cv2.polylines(cloth, [fold], isClosed=False, color=shade, thickness=int(rng.integers(1, 4)))
    left, right = rng.uniform(0.7, 1.2, 2)
    light = np.linspace(left, right, _DRAWN)[None, :]
    cloth = np.clip(cloth * light + rng.normal(0, 3, cloth.shape), 0, 255).astype(np.uint8)
    where = np.zeros_like(face)
    cv2.fillPoly(where, [shape], 255)
    return np.where(where > 0, cloth, face)


def _glasses(face: Grey, rng: np.random.Generator) -> Grey:
    """Frames, with clear, dark or glaring lenses."""
    y, apart = _EYES + rng.uniform(-0.04, 0.03), rng.uniform(0.18, 0.22)
    wide, high = rng.uniform(0.11, 0.165), rng.uniform(0.08, 0.14)
    shade, thick = int(rng.integers(0, 130)), int(rng.integers(1, 6))
    lenses = np.zeros_like(face)
    frames = face.copy()
    square = rng.random() < 0.5
    for x in (0.5 - apart, 0.5 + apart):
        (centre,), (axes,) = _at((x, y)), _at((wide, high))
        low, high_corner = centre - axes, centre + axes
        if square:
            cv2.rectangle(lenses, low.tolist(), high_corner.tolist(), 255, -1)
        else:
            cv2.ellipse(lenses, centre.tolist(), axes.tolist(), 0, 0, 360, 255, -1)
    kind = rng.random()
    if kind < 0.3:
        dark = rng.uniform(0.05, 0.6)
        frames = np.where(lenses > 0, (frames * dark).astype(np.uint8), frames)
    elif kind < 0.5:
        glare = np.clip(frames.astype(int) + rng.integers(20, 110), 0, 255).astype(np.uint8)
        slope = np.add.outer(np.arange(_DRAWN), np.arange(_DRAWN)) % int(rng.integers(40, 90)) < 22
        frames = np.where((lenses > 0) & slope, glare, frames)
    outlines, _ = cv2.findContours(lenses, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(frames, outlines, -1, shade, thick)
    bridge = _at((0.5 - apart + wide, y), (0.5, y - 0.02), (0.5 + apart - wide, y))
    cv2.polylines(frames, [bridge], isClosed=False, color=shade, thickness=thick)
    for x, edge in ((0.5 - apart - wide, 0.0), (0.5 + apart + wide, 1.0)):
        cv2.polylines(frames, [_at((x, y), (edge, y - 0.01))], isClosed=False, color=shade, thickness=thick)
    return frames


def _subtitles(face: Grey, rng: np.random.Generator) -> Grey:
    """One or two lines of text over the lower face, on a bar, an outline or nothing."""
    result = face.copy()
    lines, height = int(rng.integers(1, 3)), rng.uniform(0.09, 0.18)
    top = min(rng.uniform(_MOUTH - 0.14, 0.86), 0.98 - lines * height)
    if rng.random() < 0.4:
        first, last = int(top * _DRAWN), int((top + lines * height) * _DRAWN) + 2
        result[first:last] = (result[first:last] * rng.uniform(0, 0.5)).astype(np.uint8)
    for line in range(lines):
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(4, 14))))
        (at,) = _at((rng.uniform(-0.2, 0.2), top + (line + 0.8) * height))
        scale = height * _DRAWN / 30
        for shade, thick in ((0, 5), (int(rng.integers(200, 256)), 2)):
            cv2.putText(result, text, at.tolist(), cv2.FONT_HERSHEY_SIMPLEX, scale, shade, thick, cv2.LINE_AA)
    return result


def _hand(face: Grey, rng: np.random.Generator) -> Grey:
    """Fingers from below or from a side, as bright as the face."""
    skin = float(np.median(face[face > _BLACK])) if (face > _BLACK).any() else 128.0
    shade = float(np.clip(skin * rng.uniform(0.7, 1.35), 10, 250))
    where = np.zeros(face.shape, np.float32)
    side = rng.integers(0, 3)
    toward = rng.uniform(0.25, 0.75)
    for finger in range(int(rng.integers(2, 5))):
        across, reach = toward + 0.11 * finger - 0.15, rng.uniform(0.25, 0.5)
        start, end = ((across, 1.05), (across + rng.uniform(-0.06, 0.06), 1 - reach))
        if side == 1:
            start, end = ((-0.05, start[0] * 0.5 + 0.45), (reach, end[0] * 0.5 + 0.45))
        elif side == 2:
            start, end = ((1.05, start[0] * 0.5 + 0.45), (1 - reach, end[0] * 0.5 + 0.45))
        first, last = _at(start, end)
        cv2.line(
            where, first.tolist(), last.tolist(), float(rng.uniform(0.85, 1.0)), int(rng.integers(12, 20))
        )
    light = cv2.GaussianBlur(where, (0, 0), 2.0)
    return np.asarray(np.where(where > 0, np.clip(shade * light, 0, 255), face), np.uint8)
