"""When to look for small faces beside a large one, as in calls with a strip of small pictures."""

from __future__ import annotations

from typing import Final, Literal

Look = Literal["near", "far", "six", "dozen", "strip"]
"""Which faces to look for: large; small; smaller, in parts of the picture, or in line with the smallest."""

# Pictures from one look, as long as half a dozen others, to the next: at first, after somebody was found or
# lost, after a cut at most, and in the end, which is 10 s.
_FIRST: Final = 100
_SOON: Final = 10
_AFTER_CUT: Final = 100
_EVERY: Final = 250
# Likewise where there are such.
_STRIP_EVERY: Final = 100
# Looks at all parts after a cut if there were small faces before.
_THOROUGH: Final = 3


class Beside:
    """When to look for small faces beside a large one, as in a call with one large picture and a strip.

    Most videos have none, so that looks are few: the less often, the longer none was found.  Where one was,
    the others are looked for at once, and all of them again after a cut, since the strip stays when another
    speaks.
    """

    def __init__(self) -> None:
        # How many faces there are beside each other, and at most in this shot.
        self._count = self._most = 0
        # So many looks are thorough ones even if there is none.
        self._thorough = 1
        self._in, self._every = 0, _FIRST
        self._along = False

    def due(self) -> Look | None:
        """Count a picture, and give how to look at it, if at all."""
        self._in -= 1
        if self._in >= 0:
            return None
        most = _STRIP_EVERY if self._count else _EVERY
        self._in, self._every = self._every - 1, min(2 * self._every, most)
        self._thorough -= 1
        self._along = self._count > 0 and not self._along
        if self._along:
            return "strip"
        return "dozen" if self._most or self._thorough >= 0 else "six"

    def seen(self, count: int) -> None:
        """Note how many faces there are of which some are small and some large; 0 where they are alike."""
        if count > self._most:
            self._most = count
            self._look_soon()
        elif count < self._count:
            # Whoever trembles on the edge of being seen does not make it look again and again.
            self._in = min(self._in, _SOON)
        self._count = count

    def cut(self) -> None:
        """Note that another shot begins."""
        if self._most:
            self._look_soon()
            self._thorough = _THOROUGH
        self._in = min(self._in, _AFTER_CUT)
        self._count = self._most = 0

    def _look_soon(self) -> None:
        self._in, self._every = 0, _SOON
