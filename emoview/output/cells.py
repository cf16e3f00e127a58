"""Text from outside in the cells of a table that a spreadsheet may open."""

from __future__ import annotations

import re

from emoview.common.text import name_of

_FORMULA = re.compile(r"'*\s*[=+\-@＝＋－＠]")


def cell_of(text: str) -> str:
    """Write text so that no spreadsheet runs it: what looks like a formula gets an apostrophe.

    Control characters become escapes that can be seen.
    """
    line = name_of(text)
    return f"'{line}" if _FORMULA.match(line) else line


def text_of(cell: str) -> str:
    """Read the line that `cell_of` wrote."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
