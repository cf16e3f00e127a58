"""Colours in CIELAB, as OpenCV gives them in whole numbers.

The first one costs OpenCV 80 ms, in which it makes tables for pictures of floating point.  Here a few hundred
pixels of a picture are asked for; a test holds every colour against OpenCV's.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_WHITE: Final = np.array([0.950456, 1.0, 1.088754])
_TO_XYZ: Final = np.array([
    [0.412453, 0.357580, 0.180423],
    [0.212671, 0.715160, 0.072169],
    [0.019334, 0.119193, 0.950227],
])  # fmt: skip
# Digits behind the point, in bits: of light, of the factors, and of what follows from both.
_LIGHT, _FACTORS = 3, 12
_FINE: Final = _LIGHT + _FACTORS
_FULL: Final = 255 << _LIGHT


def _light() -> NDArray[np.int64]:
    """Give how much light each of the 256 values of sRGB stands for."""
    value = np.arange(256) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.asarray(np.rint(_FULL * linear), np.int64)


def _roots() -> NDArray[np.int64]:
    """Give the cube root of each share of white, or the line that stands for it near black."""
    share = np.arange(_FULL * 3 // 2) / _FULL
    roots = np.where(share < 216 / 24389, share * 841 / 108 + 16 / 116, np.cbrt(share))
    table: NDArray[np.int64] = np.rint(roots * (1 << _FINE)).astype(np.int64)
    # These two lie between whole numbers, and OpenCV, in single precision, rounds them to the other.
    table[49] -= 1
    table[628] += 1
    return table


_LIGHT_OF: Final = _light()
_ROOT_OF: Final = _roots()
_SHARES: Final = np.rint(_TO_XYZ / _WHITE[:, None] * (1 << _FACTORS)).astype(np.int64)


def lab_of(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Give lightness (0 to 255) and both colours (128 for grey) of sRGB, `(..., 3)`."""
    shares = _rounded(_LIGHT_OF[colours] @ _SHARES.T, _FACTORS)
    x, y, z = np.moveaxis(_ROOT_OF[shares], -1, 0)
    lightness = _rounded((116 * 255 + 50) // 100 * y - ((16 * 255 << _FINE) + 50) // 100, _FINE)
    across = _rounded(500 * (x - y), _FINE) + 128
    down = _rounded(200 * (y - z), _FINE) + 128
    return np.asarray(np.clip(np.stack([lightness, across, down], axis=-1), 0, 255), np.int64)


def _rounded(values: NDArray[Any], bits: int) -> NDArray[Any]:
    """Leave out the digits behind the point."""
    return np.asarray((values + (1 << (bits - 1))) >> bits)
