"""Television has several programs in one file: which of its streams go together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_PARTS: Final = re.compile(r"(?m)^  (?=(?:No )?Program\b)")
_STREAM: Final = re.compile(r"(?m)^ {2,4}Stream #\d+:(\d+)")

Programs = Sequence[frozenset[int]]
"""The numbers of the streams of each program."""


def programs_in(header: str) -> Programs:
    """List the streams of each program of a file; nothing where it has no programs."""
    _, *parts = _PARTS.split(header)
    # Behind them may stand the streams that are in none.
    return [frozenset(map(int, _STREAM.findall(part))) for part in parts if part.startswith("Program")]


def go_together(programs: Programs, one: int, other: int) -> bool:
    """Tell whether two streams may be of one recording: in a program together, or one of them in none."""
    own = [streams for streams in programs if one in streams]
    return not own or any(other in streams for streams in own) or not any(other in s for s in programs)
