"""`python -m tests.hostile.faults --how full --at 3 --folder OUT -- CMD…`: disturb a command at a moment.

Every call by which the command, or a child of it, changes something below the folder has a number.  At
that of `--at` the disk is full, or everything is killed, as if the power had gone.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from . import seccomp
from .common import ROOT, environment
from .watch import tree

How = Literal["count", "full", "kill"]

TAKES_SPACE = frozenset({"write", "pwrite64", "writev", "openat", "mkdir"})
_BY_HANDLE = frozenset({"write", "pwrite64", "writev", "fsync", "ftruncate"})
_KEPT_HIDDEN = ".emoview"
_GROWING = "metrics.json"


@dataclass(frozen=True)
class Disturbed:
    """How a disturbed command ended.

    Attributes:
        code: Exit code.
        operations: What it did below the folder, in order: call and file name.
        err: What it said.
    """

    code: int
    operations: list[str]
    err: str


def disturbed(
    command: Sequence[str | Path],
    folder: Path,
    *,
    how: How = "count",
    at: int = 0,
    cwd: Path,
    seconds: float = 300,
) -> Disturbed:
    """Run a command and disturb it at its operation number `at`, counted from 1."""
    with tempfile.TemporaryDirectory() as place:
        told = Path(place, "told.json")
        done = subprocess.run(
            [sys.executable, "-m", "tests.hostile.faults", "--how", how, "--at", str(at), "--folder", folder,
             "--cwd", cwd, "--report", told, "--", *command],
            cwd=ROOT, env=environment(), capture_output=True, text=True, errors="replace", timeout=seconds,
            check=False,
        )  # fmt: skip
        if not told.exists():
            raise RuntimeError(f"the injector failed: {done.stderr[-2000:]}")
        report = json.loads(told.read_text())
    return Disturbed(report["code"], report["operations"], done.stderr)


class _Injector:
    """Decides about each call that changes something below the folder."""

    def __init__(self, folder: Path, how: How, at: int) -> None:
        self._folder, self._how, self._at = f"{folder}/", how, at
        self.operations: list[str] = []
        self.end: Callable[[], None] = lambda: None

    def __call__(self, call: seccomp.Call) -> int | None:
        name = seccomp.FILE_CALLS[call.number]
        path = self._path(name, call)
        if not f"{path}/".startswith(self._folder):
            return None
        self.operations.append(f"{name} {path[len(self._folder) :]}")
        reached = len(self.operations) >= self._at
        if self._how == "kill" and reached:
            self.end()
            return errno.EIO
        full = self._how == "full" and reached and name in TAKES_SPACE
        return errno.ENOSPC if full else None

    def _path(self, name: str, call: seccomp.Call) -> str:
        if name in _BY_HANDLE:
            return call.file(0)
        if name in ("renameat", "renameat2"):
            return call.path(3, 2)
        if name in ("openat", "unlinkat"):
            return call.path(1, 0)
        return call.path(1 if name == "rename" else 0)


def _run(command: Sequence[str], folder: Path, how: How, at: int, cwd: str) -> Disturbed:
    injector = _Injector(folder, how, at)
    child, listener = seccomp.start(command, seccomp.file_changes, injector, cwd)
    if listener is None:
        raise OSError("this system takes no filter")

    def end() -> None:
        for pid in list(tree(child)):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)

    injector.end = end
    _, status = os.waitpid(child, 0)
    with contextlib.suppress(OSError):
        os.killpg(child, signal.SIGKILL)
    listener.close()
    return Disturbed(os.waitstatus_to_exitcode(status), injector.operations, "")


def content(folder: Path) -> dict[str, bytes]:
    """Give the files of a folder as they are to be the same in each run: without what it took."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = {}
    for path in files:
        try:
            found[path.relative_to(folder).as_posix()] = _comparable(path)
        except ValueError:
            # Half-written: as it is, it is like no whole one.
            found[path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def _is_json(path: Path) -> bool:
    from .judge import read_strictly

    try:
        read_strictly(path.read_text("utf-8"))
    except ValueError:
        return False
    return True


def _comparable(path: Path) -> bytes:
    data = path.read_bytes()
    if path.name in ("run.json", "history.json") or path.suffix == ".keras":
        # Of a training its figures must be the same; these tell how long it took, too.
        return b""
    if path.suffix == ".h5":
        return _numbers(path)
    if path.suffix == ".json" and b'"timings"' in data:
        # Not above: the injector starts often, and has no need of what a judge needs.
        from .judge import read_strictly

        document = read_strictly(data.decode())
        document["timings"] = {}
        return json.dumps(document).encode()
    return data


def _numbers(path: Path) -> bytes:
    """Hash the arrays of an HDF5 file; the names of layers count what was built before them in a process.

    Raises:
        ValueError: The file is not whole.
    """
    import h5py

    hashes: list[bytes] = []
    try:
        with h5py.File(path) as file:
            file.visititems(
                lambda _, item: (
                    hashes.append(hashlib.sha256(item[()].tobytes()).digest())
                    if isinstance(item, h5py.Dataset)
                    else None
                )
            )
    except OSError as error:
        raise ValueError(str(error)) from None
    return b"".join(sorted(hashes))


def temporary(folder: Path) -> list[str]:
    """Name what is not to stay: temporary files and folders."""
    names = (path.relative_to(folder) for path in folder.rglob("*"))
    return sorted(
        str(name) for name in names
        if (name.name.startswith(".") and name.name != _KEPT_HIDDEN)
        or name.suffix == ".part" or name.name.startswith("partial-")
    )  # fmt: skip


def lost(folder: Path, wanted: dict[str, bytes], before: dict[str, bytes]) -> list[str]:
    """Name what is half-written or gone, of files under their final names.

    Args:
        folder: As the disturbed command left it.
        wanted: What an undisturbed one leaves.
        before: What was there.
    """
    passing = {name.split("/")[0] for name in temporary(folder)} | set(temporary(folder))
    faults = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or any(name == one or name.startswith(f"{one}/") for one in passing):
            continue
        if path.name.startswith(("checkpoint-", "best.")):
            # Of a training that has not come to its end: the next run writes them anew, and compares them.
            continue
        try:
            there = _comparable(path)
        except ValueError:
            faults.append(f"{name} is half-written")
            continue
        if path.name == _GROWING:
            faults += [] if _is_json(path) else [f"{name} is half-written"]
            continue
        if there not in (wanted.get(name), before.get(name)):
            faults.append(f"{name} is half-written" if name in wanted else f"{name} is not to be there")
    # A checkpoint goes when the next one is there.
    gone = (name for name in before if not (folder / name).exists() and not _has_newer(folder / name))
    return faults + [f"{name} is gone" for name in gone]


def _has_newer(checkpoint: Path) -> bool:
    stem, _, number = checkpoint.stem.partition("-")
    return stem == "checkpoint" and checkpoint.with_name(f"checkpoint-{int(number) + 1}.keras").exists()


def main() -> int:
    """Disturb the command of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--how", choices=("count", "full", "kill"), default="count")
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--cwd", default=".")
    parser.add_argument("--report", type=Path)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
    done = _run(command, asked.folder.resolve(), asked.how, asked.at, asked.cwd)
    if asked.report:
        asked.report.write_text(json.dumps({"code": done.code, "operations": done.operations}))
    else:
        print("\n".join(f"{i} {what}" for i, what in enumerate(done.operations, 1)), file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
