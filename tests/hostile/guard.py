"""`python -m tests.hostile.guard CMD…`: run a command, and tell of each step of its tree to a network.

Two guards, each where the system has it: a filter that tells of every socket which is asked for, and a
network of its own in which packets are counted.  The exit code is the command's, or 97 where somebody tried.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from . import namespace, seccomp
from .common import ROOT, environment

CAUGHT = 97
UNAVAILABLE = 96
How = Literal["both", "filter", "namespace"]


@dataclass(frozen=True)
class Report:
    """What was seen of a command.

    Attributes:
        code: Its exit code; None where it could not be guarded at all.
        filtered: Whether sockets were told of.
        separate: Whether it had a network of its own.
        attempts: What was sent or connected to a network: the family, who did it, and where to.
        sockets: Sockets that were made, used or not, but for those between processes of one machine.
        packets: Packets sent, by interface.
        words: What can be read in those that would have left the machine, such as a name that is looked up.
        out: Its standard output.
        err: Its standard error.
    """

    code: int | None
    filtered: bool
    separate: bool
    attempts: list[list[str]]
    sockets: list[list[str]]
    packets: dict[str, int]
    words: list[str]
    out: str = ""
    err: str = ""

    @property
    def silent(self) -> bool:
        """Whether nobody tried to reach a network."""
        return not self.attempts and not any(self.packets.values())


def guarded(
    command: Sequence[str | Path],
    *,
    how: How = "both",
    cwd: Path = ROOT,
    seconds: float = 600,
    **variables: str,
) -> Report:
    """Run a command under the guards, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "report.json")
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.guard", "--how", how, "--report", told, "--cwd", cwd, "--",
             *command],
            cwd=ROOT, env=environment(**variables), capture_output=True, text=True, errors="replace",
            timeout=seconds, check=False,
        )  # fmt: skip
        if not told.exists():
            raise RuntimeError(f"the guard failed: {done.stderr[-2000:]}")
        return Report(**{**json.loads(told.read_text()), "out": done.stdout, "err": done.stderr})


def _run(command: Sequence[str], how: How, cwd: str) -> Report:
    separate, interface = False, None
    if how != "filter":
        with contextlib.suppress(OSError):
            interface = namespace.enter()
            separate = True
    attempts: list[list[str]] = []
    sockets: list[list[str]] = []

    def decide(call: seccomp.Call) -> int | None:
        family = call.family
        if call.makes_a_socket:
            sockets.append([_family(family), call.who])
            return None
        if family in (0, socket.AF_UNIX, socket.AF_NETLINK):
            return None
        attempts.append([_family(family), call.who, call.address])
        # In a network that leads nowhere it may go on, so that its packets are counted, too.
        return None if separate else errno.EACCES

    child, listener = seccomp.start(command, None if how == "namespace" else seccomp.sockets, decide, cwd)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda got, _: os.kill(child, got))
    _, status = os.waitpid(child, 0)
    packets, words = namespace.sent(interface) if separate else ({}, [])
    if listener is not None:
        listener.close()
    code = os.waitstatus_to_exitcode(status) if separate or listener else None
    return Report(code, listener is not None, separate, attempts, sockets, packets, words)


def _family(number: int) -> str:
    try:
        return socket.AddressFamily(number).name
    except ValueError:
        return f"family {number}"


def main() -> int:
    """Guard the command of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--how", choices=("both", "filter", "namespace"), default="both")
    parser.add_argument("--report", type=Path, help="JSON with what was seen.")
    parser.add_argument("--cwd", default=".")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    report = _run(command, asked.how, asked.cwd)
    facts: Mapping[str, object] = {k: v for k, v in asdict(report).items() if k not in ("out", "err")}
    if asked.report:
        asked.report.write_text(json.dumps(facts))
    else:
        print(json.dumps(facts), file=sys.stderr)
    if report.code is None:
        return UNAVAILABLE
    return report.code if report.silent else CAUGHT


if __name__ == "__main__":
    sys.exit(main())
