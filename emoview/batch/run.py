"""A batch from start to end: what is done stays, what fails fails alone, and a summary is always written."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from emoview.batch.events import BatchHook, Event, Finished, Planned, Working, ignore
from emoview.batch.inputs import Clip
from emoview.batch.pool import Pool
from emoview.batch.record import Records, Wanted, record_file
from emoview.batch.storage import Place, refuse_unwritable, sweep
from emoview.batch.summary import FAILED, row_of_failure, summary_files, with_further, write_summary
from emoview.batch.worker import Task

_MOST_WORKERS = 8
# Storage over a network answers slowly, but many at once.
_LOOKED_AT_ONCE = 32


class Workers(Protocol):
    """Who does the work of a batch: `Pool` on this machine, `ClusterPool` on others.

    Leaving the `with` block ends what is still at work.
    """

    def __enter__(self) -> Workers: ...

    def __exit__(self, *_: object) -> None: ...

    def run(self, tasks: list[Task]) -> Iterator[Event]:
        """Work through the tasks, and tell of every step: first `Working`, last `Finished` of each."""


@dataclass(frozen=True)
class Step:
    """A clip of a batch.

    Attributes:
        clip: The clip.
        key: What its results depend on; None for a file that cannot be read.
        row: Its row of the summary if it is done already, else None.
        replaces: The file whose results, of an earlier batch, have the name that those of the clip will have.
    """

    clip: Clip
    key: dict[str, Any] | None
    row: dict[str, Any] | None
    replaces: str | None = None


@dataclass(frozen=True)
class Report:
    """How a batch ended.

    Attributes:
        rows: A row for each clip that is done or has failed, in the order of the clips.
        clips: How many clips there are.
        interrupted: Whether it was stopped from outside.
        written: The files of the summary.
    """

    rows: tuple[dict[str, Any], ...]
    clips: int
    interrupted: bool
    written: tuple[Place, ...]

    @property
    def failed(self) -> list[dict[str, Any]]:
        """The rows of the clips that failed."""
        return [row for row in self.rows if row["status"] == FAILED]


def default_workers() -> int:
    """Give how many workers suit this machine: one a core, and no more than memory lightly bears."""
    return min(_MOST_WORKERS, len(os.sched_getaffinity(0)))


def plan(clips: Sequence[Clip], folder: Place, wanted: Wanted, *, resume: bool) -> list[Step]:
    """Find out which clips are done already: with the same content, options and weights."""
    records = Records(folder, wanted)

    def step(clip: Clip) -> Step:
        key = None if clip.fault else records.key(clip)
        row = records.row(clip, key) if resume else None
        if row is not None:
            return Step(clip, key, with_further(row, clip))
        return Step(clip, key, None, records.other(clip, key))

    pool = ThreadPoolExecutor(_LOOKED_AT_ONCE)
    try:
        return list(pool.map(step, clips))
    finally:
        pool.shutdown(cancel_futures=True)


def run_batch(
    clips: Sequence[Clip],
    folder: Place,
    wanted: Wanted,
    *,
    workers: int | Workers = 1,
    resume: bool = True,
    fail_fast: bool = False,
    on_event: BatchHook = ignore,
) -> Report:
    """Analyse clips, and write the results of each and a summary of all.

    Args:
        clips: What `emoview.batch.inputs.clips_of` gives.
        folder: Where the results go.
        wanted: What is written for each.
        workers: Processes of this machine; or who else does the work.
        resume: Leave out what is done already.
        fail_fast: Stop at the first clip that fails.
        on_event: Told of every step.

    Raises:
        ClusterError: The cluster is not there, or does not do.
        DeviceError: The device asked for is not there.
        OutputError: The folder, or the summary, cannot be written.
        WeightsError: The installation lacks its weights.
    """
    for file in summary_files(folder):
        refuse_unwritable(file)
    records = Records(folder, wanted)
    steps: list[Step] = []
    rows: dict[str, dict[str, Any]] = {}
    begun: set[str] = set()
    interrupted = False
    pool = Pool(workers, folder, wanted) if isinstance(workers, int) else workers
    with _ends_as_interrupt():
        try:
            steps = plan(clips, folder, wanted, resume=resume)
            rows = {step.clip.name: step.row for step in steps if step.row is not None}
            replaced = tuple((step.clip.name, step.replaces) for step in steps if step.replaces)
            on_event(Planned(len(steps), len(rows), replaced))
            _work_off(steps, rows, begun, pool, records, fail_fast, on_event)
        except KeyboardInterrupt:
            interrupted = True
        with _uninterrupted():
            _settle([s for s in steps if s.clip.name in begun], rows, folder, wanted, records)
            ordered = [rows[step.clip.name] for step in steps if step.clip.name in rows]
            written = write_summary(folder, wanted, ordered) if ordered or not interrupted else []
    return Report(tuple(ordered), len(clips), interrupted, tuple(written))


def _work_off(
    steps: list[Step],
    rows: dict[str, dict[str, Any]],
    begun: set[str],
    pool: Workers,
    records: Records,
    fail_fast: bool,
    on_event: BatchHook,
) -> None:
    tasks = [Task(step.clip, step.key) for step in steps if step.row is None and not step.clip.fault]
    with pool:
        for event in itertools.chain(_faults(steps), pool.run(tasks)):
            if isinstance(event, Working):
                begun.add(event.clip.name)
            elif isinstance(event, Finished):
                rows[event.clip.name] = event.row
                # A line that is no good says nothing about what an earlier run wrote under this name.
                if event.row["status"] == FAILED and not event.clip.fault:
                    records.discard(event.clip)
            on_event(event)
            if fail_fast and isinstance(event, Finished) and event.row["status"] == FAILED:
                return


def _faults(steps: list[Step]) -> Iterator[Finished]:
    """Tell of the clips that need no worker to fail."""
    for clip in (step.clip for step in steps):
        if clip.fault:
            yield Finished(None, clip, row_of_failure(clip, clip.fault))


def _settle(
    steps: list[Step], rows: dict[str, dict[str, Any]], folder: Place, wanted: Wanted, records: Records
) -> None:
    """After an early end, count what was done of what was begun, and remove what was half-written."""
    for step in steps:
        if step.clip.name in rows:
            continue
        row = records.row(step.clip, step.key)
        if row is not None:
            rows[step.clip.name] = row
        for path in (*wanted.outputs(folder, step.clip.name).values(), record_file(folder, step.clip.name)):
            sweep(path)


@contextlib.contextmanager
def _ends_as_interrupt() -> Iterator[None]:
    """Let the signal by which clusters end a job do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let nothing but SIGKILL interrupt the block, which is short."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
