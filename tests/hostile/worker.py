"""A process that calls functions of the product one after the other, and is replaced when one ends it.

A job names a function of this folder, `module:function`, and its keyword arguments.  What it returns must be
JSON.  Loading the networks once makes a job some ten times quicker than a command.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import subprocess
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any

from .common import GIGABYTE, ROOT, environment
from .watch import _ENDED_AT, end_group, limit_this_process, resident

_POLL_S = 0.03
# The product's caches grow with nothing, so what a worker keeps from job to job stays small.
_RENEWED_AT = GIGABYTE


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        how: `ok`, `refused`, `unexpected`, `crashed`, `memory` or `time`.
        text: The sentence of a refusal, or the end of the traceback.
        value: What the function returned.
        peak: Most bytes that the worker and its children held.
        seconds: Of wall time.
    """

    how: str
    text: str
    value: Any
    peak: int
    seconds: float


class Worker:
    """The process; ended with the `with` block."""

    def __init__(self, **variables: str) -> None:
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """End the process; the next job gets a new one."""
        if self._process is not None:
            end_group(self._process)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            self._process = None

    def call(self, function: str, seconds: float, **arguments: Any) -> Outcome:
        """Call a function in the process, under limits."""
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        started = time.monotonic()
        process.stdin.write(json.dumps([function, arguments]).encode() + b"\n")
        process.stdin.flush()
        peak = 0
        while not select.select([process.stdout], [], [], _POLL_S)[0]:
            peak = max(peak, resident(process.pid))
            late = time.monotonic() - started > seconds
            if late or peak > _ENDED_AT:
                self.end()
                how = "memory" if peak > _ENDED_AT else "time"
                return Outcome(how, "", None, peak, time.monotonic() - started)
        answer = process.stdout.readline()
        took = time.monotonic() - started
        if not answer:
            code = process.wait()
            self.end()
            return Outcome("crashed", f"exit code {code}", None, peak, took)
        reply = json.loads(answer)
        peak = max(peak, resident(process.pid))
        if peak > _RENEWED_AT:
            self.end()
        return Outcome(reply["how"], reply["text"], reply["value"], peak, took)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.hostile.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, cwd=ROOT, env=environment(**self._variables), start_new_session=True,
            preexec_fn=limit_this_process,
        )  # fmt: skip


def _answer(line: str) -> dict[str, Any]:
    from emoview.errors import EmoviewError

    name, arguments = json.loads(line)
    module, function = name.split(":")
    try:
        value = getattr(importlib.import_module(f"tests.hostile.{module}"), function)(**arguments)
    except EmoviewError as error:
        return {"how": "refused", "text": str(error), "value": None}
    except Exception:
        return {"how": "unexpected", "text": traceback.format_exc()[-1500:], "value": None}
    return {"how": "ok", "text": "", "value": value}


def main() -> None:
    """Answer jobs until there are no more."""
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    for line in sys.stdin:
        answers.write(json.dumps(_answer(line)) + "\n")
        answers.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
