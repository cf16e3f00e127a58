"""The rows of a file as they come, with what a user should know of them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

from emoview.errors import InputError
from emoview.timeline.results import Row


class Stream(Iterator[tuple[Row, ...]]):
    """What `Analyzer.stream` gives: the rows of one tick after the other, and warnings.

    Examples:
        >>> rows = Analyzer().stream("clip.mp4", end_s=0.08)
        >>> len(list(rows)), any("unreliable" in warning for warning in rows.warnings)
        (2, True)
    """

    def __init__(self, rows: Generator[tuple[Row, ...], None, None], warnings: Sequence[str]) -> None:
        self._rows, self._warnings = rows, warnings

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a user should know, as `Result.warnings`: the rest of it is known behind the last row."""
        return tuple(self._warnings)

    def __next__(self) -> tuple[Row, ...]:
        """Give the rows of the next tick."""
        return next(self._rows)

    def close(self) -> None:
        """End it before its end, with its decoders.

        Examples:
            >>> rows.close()
        """
        self._rows.close()


class Turns:
    """Lets so many calls run at once; others wait.

    Args:
        at_once: So many.
    """

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._free = threading.BoundedSemaphore(at_once)
        self._holders: list[int] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn.

        Raises:
            InputError: This thread holds all of them, by streams, so that it would wait for itself.
        """
        me = threading.get_ident()
        if self._holders.count(me) >= self._at_once:
            raise InputError(
                f"streams that are not read to their end hold all {self._at_once} turns of this Analyzer: "
                f"read or close one, or make it with at_once={self._at_once + 1}"
            )
        with self._free:
            self._holders.append(me)
            try:
                yield
            finally:
                self._holders.remove(me)
