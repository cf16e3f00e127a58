"""Describing many recordings at once, in processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_FEW: Final = 100
"""Recordings that take less time than processes take to start."""


def each(function: Callable[[Item], Result], items: Sequence[Item], *, workers: int = 2) -> Iterator[Result]:
    """Give the result for each item, in order; `function` must be one that can be pickled."""
    if len(items) < _FEW:
        yield from map(function, items)
        return
    # A fork of a process with threads can hang; spawned ones start from nothing.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=8)
