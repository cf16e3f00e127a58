"""Commands, timed, with the peak memory of all their processes."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.1


@dataclass(frozen=True)
class Ran:
    """A command that has run.

    Attributes:
        seconds: From start to end.
        memory_mb: Most memory that its processes held at once, shared pages counted once.
        out: What it wrote to standard output.
    """

    seconds: float
    memory_mb: float
    out: str

    @property
    def answer(self) -> Any:
        """The JSON in its last line."""
        return json.loads(self.out.splitlines()[-1])


def run(command: Sequence[object]) -> Ran:
    """Run a command.

    Raises:
        RuntimeError: It failed; its last words are in the message.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    peak = _Peak(process.pid)
    out, error = process.communicate()
    seconds = time.perf_counter() - start
    memory = peak.stop()
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {' '.join(error.split())[-300:]}")
    return Ran(seconds, memory, out)


class _Peak:
    """Watches the memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self._pid, self._most = pid, 0.0
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._done.wait(_LOOK_EVERY_S):
            self._most = max(self._most, sum(map(_memory_mb, _tree(self._pid))))


def _tree(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:
            continue
        for child in children:
            found += _tree(int(child))
    return found


def _memory_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        # It has ended.
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000
