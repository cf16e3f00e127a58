"""The workers of a batch on other machines: Dask's own scheduler and workers, which hold the networks.

The only place that knows Dask.  A worker that is lost, or that a clip crashes, takes its clip along:
the scheduler gives it to others, and gives it up when it has taken too many
(`distributed.scheduler.allowed-failures`, 3).
"""

from __future__ import annotations

import contextlib
import functools
import math
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emoview.batch.events import Event, Finished, Working
from emoview.batch.record import FOLDER, Wanted, hash_of_weights
from emoview.batch.storage import Place, write_whole
from emoview.batch.summary import row_of_failure
from emoview.batch.worker import Ended, Hopeless, Task, attempt, limit_threads
from emoview.common.text import name_of
from emoview.errors import ClusterError, InputError
from emoview.pipeline.device import Device
from emoview.pipeline.events import Progress

GPU = "GPU"
"""Dask's resource of which a clip takes one with `--device gpu`."""

_PATIENCE_S = 10
_COUNT_EVERY_S = 5.0
_CRASHED = "every worker that took it crashed or was lost: export it again as mp4, or give them more memory"


@dataclass(frozen=True)
class Job:
    """What the workers must know, and be, for the results to be those of the batch.

    Attributes:
        folder: Where the results go, from the root.
        wanted: What is written for each clip.
        current: The current folder of the batch, from which paths count.
        version: Of emoview.
        weights: Hash of the weights.
        token: File beside the records that is there as long as the batch.
    """

    folder: Place
    wanted: Wanted
    current: str
    version: str
    weights: str
    token: Place


class ClusterPool:
    """The workers of a Dask scheduler, each with one clip at a time."""

    def __init__(self, address: str, folder: Place, wanted: Wanted) -> None:
        """Name the cluster.

        Args:
            address: Of the scheduler, such as `tcp://head:8786`; or its `--scheduler-file`, a `.json`.
            folder: Where the results go; a path must lead to the same place on all machines.
            wanted: What is written for each clip.
        """
        from emoview import __version__

        self._address = address
        folder = folder.absolute()
        name = f"cluster-{uuid.uuid4().hex}"
        self._job = Job(
            folder, wanted, str(Path.cwd()), __version__,
            hash_of_weights(wanted.options.runs, wanted.options.baseline), folder / FOLDER / name,
        )  # fmt: skip
        self._needs = {GPU: 1} if Device(wanted.options.device) is Device.GPU else {}
        self._client: Any = None
        self._futures: dict[Any, tuple[int, Task]] = {}
        self._size, self._counted_at = 1, -math.inf

    def __enter__(self) -> ClusterPool:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is None:
            return
        with contextlib.suppress(Exception):
            # What waits is not begun, and what is at work stops at its next step.
            self._client.cancel(list(self._futures), force=True)
        with contextlib.suppress(Exception):
            self._client.close()
        with contextlib.suppress(OSError):
            self._job.token.unlink(missing_ok=True)

    def run(self, tasks: list[Task]) -> Iterator[Event]:
        """Work through the tasks, and tell of every step.

        Raises:
            ClusterError: The cluster cannot be reached, or its workers do not do.
            DeviceError: A worker lacks the device asked for.
            WeightsError: A worker lacks its weights.
        """
        if not tasks:
            return
        self._connect()
        from distributed import as_completed

        waiting = list(reversed(tasks))
        done = as_completed(loop=self._client.loop)
        # One clip for each worker: more would wait there, and count as crashed together with it.
        yield from self._fill(waiting, done)
        for future in done:
            number, task = self._futures.pop(future)
            yield Finished(number, task.clip, self._row(future, task))
            yield from self._fill(waiting, done)

    def _fill(self, waiting: list[Task], done: Any) -> Iterator[Event]:
        """Give out clips until every worker has one."""
        if not waiting:
            return
        # Workers come and go; asking at every clip would keep a large cluster's scheduler busy.
        if time.monotonic() - self._counted_at > _COUNT_EVERY_S:
            self._size, self._counted_at = max(1, len(self._workers())), time.monotonic()
        free = self._size - len(self._futures)
        for _ in range(min(free, len(waiting))):
            task = waiting.pop()
            key = f"emoview-{uuid.uuid4().hex}"
            future = self._client.submit(
                analyze_there, task, self._job, key, key=key, resources=self._needs or None
            )
            taken = {number for number, _ in self._futures.values()}
            number = next(n for n in range(len(taken) + 1) if n not in taken)
            self._futures[future] = (number, task)
            done.add(future)
            yield Working(number, task.clip, 0, None)

    def _row(self, future: Any, task: Task) -> dict[str, Any]:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise ClusterError(
                f"the scheduler at {self._address} is gone: start it again; the same command then goes on"
            )
        error = future.exception()
        if isinstance(error, KilledWorker):
            return row_of_failure(task.clip, f"{name_of(task.clip.path)}: {_CRASHED}")
        if error is not None:
            raise ClusterError(
                f"a worker cannot run emoview ({_said(error)}): install the same version there"
            )
        answer: Ended | Hopeless = future.result()
        if isinstance(answer, Hopeless):
            raise answer.error
        return answer.row

    def _connect(self) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise ClusterError("a cluster needs Dask: pip install 'emoview[cluster]'") from None
        file = self._address.endswith(".json")
        if file and not Path(self._address).is_file():
            raise ClusterError(f"there is no scheduler file {self._address}: name that of dask scheduler")
        where = {"scheduler_file": self._address} if file else {"address": self._address}
        try:
            self._client = Client(**where, timeout=_PATIENCE_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(
                f"no Dask scheduler answers at {self._address} ({_said(error)}): "
                "start one with dask scheduler, or check the address"
            ) from error
        self._check()

    def _workers(self) -> dict[str, Any]:
        """List the workers that can take a clip, by their addresses."""
        workers: dict[str, Any] = self._client.scheduler_info()["workers"]
        return {
            address: facts
            for address, facts in workers.items()
            if all(facts["resources"].get(name, 0) >= count for name, count in self._needs.items())
        }

    def _check(self) -> None:
        """Refuse a cluster on which the results would be others, or would go elsewhere."""
        workers = self._workers()
        if not workers:
            gpu = " --resources GPU=1" if self._needs else ""
            raise ClusterError(
                f"the cluster at {self._address} has no workers{' with a GPU' if gpu else ''}: "
                f"start some with dask worker {self._address} --nthreads 1{gpu}"
            )
        write_whole(self._job.token, "")
        answers = self._client.run(objection, self._job, workers=list(workers), on_error="return")
        for address, answer in answers.items():
            if isinstance(answer, BaseException):
                answer = f"cannot run emoview ({_said(answer)}): install {self._job.version} there"
            if answer is not None:
                raise ClusterError(f"the worker {address} {answer}")


def analyze_there(task: Task, job: Job, key: str) -> Ended | Hopeless:
    """Analyse a clip on a worker of Dask, as the task of this key."""
    from distributed import get_worker

    worker = get_worker()
    reason = objection(job, worker)
    if reason is not None:
        return Hopeless(ClusterError(f"the worker {worker.address} {reason}"))
    _prepare(job)

    def on_event(_: Progress) -> None:
        state = worker.state.tasks.get(key)
        if state is None or state.state != "executing":
            raise InterruptedError("nobody waits for the clip any more")

    return attempt(task, job.folder, job.wanted, on_event)


def objection(job: Job, dask_worker: Any) -> str | None:
    """Say why a worker does not do for a job; None where it does."""
    threads = dask_worker.state.nthreads
    if threads > 1:
        return f"has {threads} threads, and a crash would take {threads} clips: start it with --nthreads 1"
    return _objection(job)


@functools.lru_cache(maxsize=8)
def _objection(job: Job) -> str | None:
    from emoview import __version__

    if __version__ != job.version:
        return f"has emoview {__version__}, this is {job.version}: install the same version on all machines"
    options = job.wanted.options
    runs = [str(Path(job.current, run)) for run in options.runs]
    baseline = None if options.baseline is None else str(Path(job.current, options.baseline))
    try:
        weights = hash_of_weights(runs, baseline)
    except OSError as error:
        return f"cannot read the weights ({error.strerror}): name files that all machines share"
    if weights != job.weights:
        return "has other weights: install the same version, and share what --weights and --baseline name"
    try:
        job.token.stat()
    except OSError:
        return f"does not see {job.folder}: name a folder that all machines share, or an address (s3://…)"
    except InputError as error:
        return f"cannot write results: {error}"
    return None


def _prepare(job: Job) -> None:
    """Make a worker of Dask one of the batch: its folder and its threads."""
    import cv2

    # Harmless, since a worker has one thread. Who needs no current folder need not have it, either.
    with contextlib.suppress(OSError):
        os.chdir(job.current)
    threads = os.environ.get("OMP_NUM_THREADS", "")
    count = int(threads) if threads.isdecimal() and int(threads) else 1
    for name, value in limit_threads(count).items():
        os.environ.setdefault(name, value)
    cv2.setNumThreads(count)


def _said(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
