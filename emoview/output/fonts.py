"""Fonts of figures: matplotlib's own, and installed ones for the letters that it lacks."""

from __future__ import annotations

from functools import cache
from typing import Final

_OWN: Final = "DejaVu Sans"
# Of Linux, macOS and Windows; the first of a script that is there is taken.
_OTHERS: Final = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Source Han Sans", "WenQuanYi Zen Hei", "Hiragino Sans",
    "PingFang SC", "Apple SD Gothic Neo", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic",
    "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew", "Arial Unicode MS", "Nirmala UI",
    "Leelawadee UI",
)  # fmt: skip


@cache
def families() -> tuple[str, ...]:
    """Name the fonts that letters are taken from, in this order."""
    from matplotlib import font_manager

    there = set(font_manager.get_font_names())
    return (_OWN, *(name for name in _OTHERS if name in there))


def without_font(text: str) -> str:
    """Give the letters of a text that no font has, each once; a figure shows boxes in their place."""
    from matplotlib import font_manager

    letters = sorted({letter for letter in text if ord(letter) > 0x7F and letter.isprintable()})
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in families()] if letters else []
    return "".join(one for one in letters if not any(font.get_char_index(ord(one)) for font in fonts))
