"""The workers of a batch: started, given clips, ended, and replaced when one crashes."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any

from emoview.batch.events import Event, Finished, Working
from emoview.batch.record import Wanted
from emoview.batch.storage import Place
from emoview.batch.summary import row_of_failure
from emoview.batch.worker import Advanced, Ended, Hopeless, Task, limit_threads, work
from emoview.common.text import name_of

_PATIENCE_S = 5.0


class _Worker:
    """A process, and the clip that it works on."""

    def __init__(self, number: int, folder: Place, wanted: Wanted, threads: int) -> None:
        self.number = number
        self.task: Task | None = None
        # Spawned, not forked: a copy of a process with threads, TensorFlow's among them, may hang.
        context = get_context("spawn")
        self.connection: Connection[Any, Any]
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, folder, wanted, threads), daemon=True)
        with _environment(limit_threads(threads)):
            self._process.start()
        # Only then does its end tell of itself when it crashes.
        theirs.close()

    def give(self, task: Task) -> None:
        self.task = task
        # A worker that has just crashed is noticed when its answer is read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.connection.send(task)

    def crash(self) -> str:
        """Wait for a process that has crashed, and say what happened."""
        self._process.join()
        self.connection.close()
        code = self._process.exitcode or 0
        if code == -signal.SIGKILL:
            return "its worker was killed, perhaps for want of memory: use fewer workers"
        what = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"its worker crashed ({what}): try to export the file again as mp4"

    def dismiss(self) -> None:
        """Tell an idle process to end; one that is at work would not hear it."""
        if self.task is None and not self.connection.closed:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.connection.send(None)

    def end(self) -> None:
        """Wait for a process that was dismissed, and kill one that is at work, its ffmpeg with it."""
        if self.task is None:
            self._process.join(timeout=_PATIENCE_S)
        if self._process.is_alive() and self._process.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.join()
        if not self.connection.closed:
            self.connection.close()


class Pool:
    """Some workers, each with its share of the cores; ended with the `with` block."""

    def __init__(self, size: int, folder: Place, wanted: Wanted) -> None:
        self._folder, self._wanted = folder, wanted
        self._threads = max(1, len(os.sched_getaffinity(0)) // max(1, size))
        self._size = size
        self._workers: list[_Worker] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.dismiss()
        for worker in self._workers:
            worker.end()

    def run(self, tasks: list[Task]) -> Iterator[Event]:
        """Work through the tasks, and tell of every step.

        Raises:
            DeviceError: The device asked for is not there.
            WeightsError: The installation lacks its weights.
        """
        waiting = list(reversed(tasks))
        for number in range(min(self._size, len(tasks))):
            self._workers.append(self._start(number))
            yield self._give(self._workers[-1], waiting.pop())
        while any(worker.task for worker in self._workers):
            busy = {worker.connection: worker for worker in self._workers if worker.task}
            for connection in wait(list(busy)):
                worker = busy[connection]  # type: ignore[index]
                event = self._listen(worker)
                yield event
                if isinstance(event, Finished) and waiting:
                    if worker.connection.closed:
                        worker = self._workers[worker.number] = self._start(worker.number)
                    yield self._give(worker, waiting.pop())

    def _start(self, number: int) -> _Worker:
        return _Worker(number, self._folder, self._wanted, self._threads)

    def _give(self, worker: _Worker, task: Task) -> Event:
        worker.give(task)
        return Working(worker.number, task.clip, 0, None)

    def _listen(self, worker: _Worker) -> Event:
        assert worker.task is not None
        clip = worker.task.clip
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            row = row_of_failure(clip, f"{name_of(clip.path)}: {worker.crash()}")
            worker.task = None
            return Finished(worker.number, clip, row)
        if isinstance(message, Hopeless):
            raise message.error
        if isinstance(message, Advanced):
            return Working(worker.number, clip, message.done, message.total)
        assert isinstance(message, Ended)
        worker.task = None
        return Finished(worker.number, clip, message.row)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for a process that is started; those that the user has set stay."""
    missing = {name: value for name, value in values.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]
