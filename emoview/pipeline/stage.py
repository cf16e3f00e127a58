"""A stage of the pipeline: a thread whose items pass through a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

_QUEUE = 64

T = TypeVar("T")


class Stage(Generic[T]):
    """A thread that produces items into a bounded queue; its failure is raised at the reader."""

    _END = object()

    def __init__(self, items: Iterator[T]) -> None:
        self._queue: queue.Queue[Any] = queue.Queue(maxsize=_QUEUE)
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._produce, args=(items,), daemon=True)
        self._thread.start()

    def _produce(self, items: Iterator[T]) -> None:
        try:
            for item in items:
                if not self._put(item):
                    break
        except BaseException as error:
            self._error = error
        finally:
            close = getattr(items, "close", None)
            if close is not None:
                close()
            self._put(self._END)

    def _put(self, item: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def __iter__(self) -> Iterator[T]:
        try:
            while (item := self._queue.get()) is not self._END:
                yield item
            if self._error is not None:
                raise self._error
        finally:
            self._stop.set()
            self._thread.join()
