"""Text on pictures in letters that OpenCV does not have."""

from __future__ import annotations

import functools
import unicodedata
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.output.fonts import families, without_font

# Of the first of the fonts, in shares of its size.
_CAPITAL: Final = 0.729
# Written from right to left, and put together otherwise than letter by letter.
_FROM_THE_RIGHT: Final = frozenset({"R", "AL", "AN"})


@functools.lru_cache(maxsize=64)
def can_be_drawn(text: str) -> bool:
    """Tell whether there is a font with all letters of a text, and it is written from left to right."""
    if text.isascii():
        return True
    if any(unicodedata.bidirectional(letter) in _FROM_THE_RIGHT for letter in text):
        return False
    return not without_font(text)


@functools.lru_cache(maxsize=512)
def lettered(text: str, capital: int) -> tuple[NDArray[np.uint8], int]:
    """Draw a line of text.

    Args:
        text: What `can_be_drawn`.
        capital: Pixels from the baseline to the top of a capital.

    Returns:
        How much of each pixel is covered, `(height, width)` up to 255; and how many rows lie above the
        baseline.
    """
    from matplotlib import font_manager

    font = font_manager.get_font([font_manager.findfont(name) for name in families()])
    font.set_size(capital / _CAPITAL, 72)
    font.set_text(text, 0.0)
    font.draw_glyphs_to_bitmap(antialiased=True)
    cover = np.array(font.get_image(), np.uint8)
    # In 64ths of a pixel.
    return cover, cover.shape[0] - round(font.get_descent() / 64)
