"""Gaps of a session: where nothing was seen, or heard."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Final

from emoview.timeline.clock import TICK_HZ, time_of

_LEAST: Final = TICK_HZ
"""Ticks of the shortest gap that is told, where nothing is held over it."""


class Gaps:
    """Stretches of ticks in which nothing came; only the first is remembered, and how long all are.

    Args:
        held: Ticks of each gap that show what was before it: shorter ones are none.
    """

    def __init__(self, held: int = 0) -> None:
        self._held = held
        self._end = self._ticks = self._count = 0
        self._first = (0, 0)

    def fill(self, first: int, end: int) -> None:
        """Take what came: it is there from tick `first` on, up to `end`."""
        held = self._held if self._end else 0
        if first - self._end > (held or _LEAST - 1):
            begin = self._end + held
            self._first = self._first if self._count else (begin, first)
            self._count += 1
            self._ticks += first - begin
        self._end = max(self._end, end)

    def told(self, what: str, consequence: str, end: int) -> Iterator[str]:
        """Say where nothing came, of something that came at all.

        Args:
            what: Such as `nothing was heard`.
            consequence: What follows from it.
            end: Where the timeline ends; what is missing there is a gap, too.
        """
        if not self._end:
            return
        whole = copy(self)
        whole.fill(end, end)
        if not whole._count:
            return
        first, last = map(time_of, whole._first)
        places = f"from {first:.1f} to {last:.1f} s"
        if whole._count > 1:
            places = f"in several places, {time_of(whole._ticks):.1f} s in all, first {places}"
        yield f"{what} {places}: {consequence}"
