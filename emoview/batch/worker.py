"""A worker of a batch: a process that holds its networks and analyses one clip after another."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from emoview.batch.inputs import Clip
from emoview.batch.record import Wanted, record_file, write_record
from emoview.batch.storage import Place, fetched, refuse_unwritable, sweep, write_whole
from emoview.batch.summary import row_of, row_of_failure
from emoview.common.text import shown
from emoview.errors import DeviceError, EmoviewError, WeightsError
from emoview.pipeline.events import EventHook, Progress

_REPORT_EVERY_S = 0.3
_LOOK_AFTER_PARENT_S = 1.0


@dataclass(frozen=True)
class Task:
    """A clip to analyse, and what its results will depend on."""

    clip: Clip
    key: dict[str, Any] | None


@dataclass(frozen=True)
class Advanced:
    """A worker has come further: ticks done, of how many."""

    done: int
    total: int | None


@dataclass(frozen=True)
class Ended:
    """A clip is done or has failed: its row of the summary."""

    row: dict[str, Any]


@dataclass(frozen=True)
class Hopeless:
    """No clip can be analysed here."""

    error: EmoviewError


def limit_threads(threads: int) -> dict[str, str]:
    """Name the environment that keeps the libraries of a worker to some threads.

    They read it when they are imported, so it must be there before the worker starts.
    """
    count = str(threads)
    return {
        "OMP_NUM_THREADS": count,
        "OPENBLAS_NUM_THREADS": count,
        "MKL_NUM_THREADS": count,
        "TF_NUM_INTRAOP_THREADS": count,
        "TF_NUM_INTEROP_THREADS": count,
        # Else the first worker takes all memory of a GPU.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    }


def work(connection: Connection[Any, Any], folder: Place, wanted: Wanted, threads: int) -> None:
    """Analyse the clips that come through the connection until None comes."""
    _stand_alone()
    import cv2

    cv2.setNumThreads(threads)
    try:
        while (task := connection.recv()) is not None:
            connection.send(attempt(task, folder, wanted, _Reporter(connection)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # Nobody is there any more to work for.
        return


def _stand_alone() -> None:
    """Leave the terminal's process group, and end when the batch is gone.

    Ctrl-C at the terminal would stop the ffmpeg of a worker, and a clip that is cut off there looks
    like a short one.  The batch ends its workers itself, with all that they have started.
    """
    os.setsid()
    parent = parent_process()
    assert parent is not None
    number = parent.pid

    def watch() -> None:
        while os.getppid() == number:
            time.sleep(_LOOK_AFTER_PARENT_S)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def attempt(task: Task, folder: Place, wanted: Wanted, on_event: EventHook) -> Ended | Hopeless:
    """Analyse a clip and write its results; whatever is wrong with it becomes its row."""
    try:
        return Ended(_analyze(task, folder, wanted, on_event))
    except (DeviceError, WeightsError) as error:
        return Hopeless(error)
    except EmoviewError as error:
        message = str(error)
    except MemoryError:
        message = "out of memory: use fewer workers, or cut the file into parts"
    except Exception as error:
        what = " ".join(str(error).split())[:200]
        message = f"unexpected {type(error).__name__}: {what}; run emoview analyze on it and report it"
    return Ended(row_of_failure(task.clip, message))


class _Reporter:
    """Sends how far the pictures are, now and then."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        self._connection = connection
        self._last = 0.0

    def __call__(self, event: Progress) -> None:
        # Pictures come from one thread alone, and a connection must not be used from several.
        now = time.monotonic()
        if event.stage == "face" and now - self._last > _REPORT_EVERY_S:
            self._last = now
            self._connection.send(Advanced(event.done, event.total))


def _analyze(task: Task, folder: Place, wanted: Wanted, on_event: EventHook) -> dict[str, Any]:
    from emoview.common.files import Content
    from emoview.output.challenge import challenge_label
    from emoview.output.contact_sheet import ContactSheet
    from emoview.output.writers import WRITERS
    from emoview.pipeline.analysis import analyze

    clip = task.clip
    outputs = wanted.outputs(folder, clip.name)
    record = record_file(folder, clip.name)
    for output in (*outputs.values(), record):
        refuse_unwritable(output)
    sheet = ContactSheet()
    with fetched(clip.path) as path:
        result = analyze(
            path, options=wanted.options, stretch=clip.stretch, on_event=on_event,
            on_face=(lambda found: sheet.add(found.face_id, found.face)) if wanted.contact_sheet else None,
        )  # fmt: skip
    # Files of a batch are compared byte by byte, and no two runs take the same time.
    result = replace(result, timings={}, media=replace(result.media, path=shown(clip.path)))
    contents: dict[str, Callable[[Path], Content]] = {
        **{name: partial(WRITERS.need(name).content, result) for name in wanted.formats},
        "challenge": lambda _: challenge_label(result) + "\n",
        "contact_sheet": lambda _: sheet.png(result.media.ticks, result.faces),
    }
    for output in (*outputs.values(), record):
        sweep(output)
    # Should it end here, the old record must not vouch for a mix of old and new files.
    record.unlink(missing_ok=True)
    for kind, output in outputs.items():
        # What links to the clip from elsewhere does so as if it lay beside it.
        local = output if isinstance(output, Path) else Path(str(clip.path)).with_name(output.name)
        write_whole(output, contents[kind](local))
    row = row_of(clip, result)
    write_record(folder, clip.name, task.key, list(outputs.values()), row, result.media.sha256)
    return row
