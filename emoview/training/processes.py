"""Describing many recordings at once, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_FEW: Final = 100
"""Recordings that take less time than processes take to start."""
_AT_ONCE: Final = 8


def each(function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 2) -> Iterator[Result]:
    """Give the result for each item, in order; `function` must be one that can be pickled.

    Who stops in the midst need not wait for what has been begun.
    """
    if len(items) < _FEW:
        yield from map(function, items)
        return
    # A fork of a process with threads can hang; spawned ones start from nothing.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        some = [items[start : start + _AT_ONCE] for start in range(0, len(items), _AT_ONCE)]
        # Not by `pool.map`, which takes back what is not begun: killed behind that, a pool complains.
        futures = [pool.submit(_results, function, part) for part in some]
        try:
            for future in futures:
                yield from future.result()
        except BaseException:
            for process in active_children():
                process.terminate()
            raise


def _results(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]
