"""The colours of the labels, as pages and pictures need them."""

from __future__ import annotations

from emoview.timeline.labels import COLOURS

_DARK_INK = "#000000"
_LIGHT_INK = "#ffffff"
# Relative luminance where black and white ink stand out equally (WCAG 2.2).
_MIDDLE = 0.179


def red_green_blue(label: str) -> tuple[int, int, int]:
    """Give the colour of a label, 0 to 255 each."""
    red, green, blue = bytes.fromhex(COLOURS[label].lstrip("#"))
    return red, green, blue


def blue_green_red(label: str) -> tuple[int, int, int]:
    """Give the colour of a label in the order of OpenCV."""
    red, green, blue = red_green_blue(label)
    return blue, green, red


def ink(label: str) -> str:
    """Choose black or white, whichever reads better on the colour of a label."""
    linear = [_linear(part / 255) for part in red_green_blue(label)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return _DARK_INK if luminance > _MIDDLE else _LIGHT_INK


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4)
