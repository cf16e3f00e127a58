"""Running something under limits: memory of the whole process tree, time, and a word on how it ended."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .common import GIGABYTE, environment

_PAGE = os.sysconf("SC_PAGE_SIZE")
_POLL_S = 0.02
# Should the watch be too slow: no process gets more address space than this.
_ADDRESS_SPACE = 10 * GIGABYTE
# Over the limit it is a failure, over this it is ended: how far over is then not known.
_ENDED_AT = 3 * GIGABYTE


@dataclass(frozen=True)
class Done:
    """How a command ended.

    Attributes:
        code: Exit code, negative for a signal.
        out: Standard output.
        err: Standard error.
        peak: Most bytes that the process tree held at one time.
        seconds: Of wall time.
        stopped: Why it was ended from outside: `memory`, `time`; None where it ended by itself.
    """

    code: int
    out: str
    err: str
    peak: int
    seconds: float
    stopped: str | None


def tree(pid: int) -> Iterator[int]:
    """Give a process and all that come of it."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                children = (task / "children").read_text()
                for child in children.split():
                    yield from tree(int(child))


def resident(pid: int) -> int:
    """Give the bytes that a process tree holds in memory."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError, IndexError, ValueError):
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * _PAGE
    return total


def limit_this_process() -> None:
    """Set the limits that children inherit, too."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a session, with all of that session and its tree."""
    for one in list(tree(process.pid)):
        with contextlib.suppress(OSError):
            os.kill(one, signal.SIGKILL)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def watched(
    command: Sequence[str | bytes | Path], *, seconds: float, cwd: Path, more: Mapping[str, str] | None = None
) -> Done:
    """Run a command to its end, or until it takes too much."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=cwd,
            env=environment(**(more or {})), start_new_session=True, preexec_fn=limit_this_process,
        )  # fmt: skip
        peak, stopped = 0, None
        while process.poll() is None and stopped is None:
            peak = max(peak, resident(process.pid))
            if peak > _ENDED_AT:
                stopped = "memory"
            elif time.monotonic() - started > seconds:
                stopped = "time"
            else:
                time.sleep(_POLL_S)
        took = time.monotonic() - started
        # What it may have left running ends with it.
        end_group(process)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
    return Done(process.returncode, texts[0], texts[1], peak, took, stopped)
