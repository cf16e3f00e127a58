"""Keeping what native libraries chatter off the standard error of whoever uses this package."""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator
from typing import IO, Final

# Of mediapipe, TensorFlow Lite and absl, which no logging setting reaches.
_CHATTER: Final = re.compile(
    rb"[IW]\d{4} |INFO: Created TensorFlow Lite|WARNING: All log messages before absl::InitializeLog"
)

_lock = threading.Lock()
_inside = 0
_real = -1
_caught: IO[bytes] | None = None


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Leave out known notes of native libraries in the block; all else comes out after it.

    The standard error of the whole process is turned away meanwhile, so the block is to be short; several
    threads may be in one.
    """
    global _inside, _real, _caught
    with _lock:
        _inside += 1
        if _inside == 1:
            _real, _caught = _turned_away()
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside and _caught is not None:
                _turned_back(_real, _caught)
                _caught = None


@atexit.register
def _at_the_end() -> None:
    # Whoever is still inside then says no more.
    if _caught is not None:
        _turned_back(_real, _caught)


def _turned_away() -> tuple[int, IO[bytes] | None]:
    try:
        with contextlib.suppress(AttributeError, ValueError):
            sys.stderr.flush()
        # Its last reference is closed when it is turned back.
        file = tempfile.TemporaryFile()  # noqa: SIM115
        real = os.dup(2)
        os.dup2(file.fileno(), 2)
    except OSError:
        # Without a standard error, or without room for what it says, nothing is turned away.
        return -1, None
    return real, file


def _turned_back(real: int, caught: IO[bytes]) -> None:
    with contextlib.suppress(AttributeError, ValueError):
        sys.stderr.flush()
    os.dup2(real, 2)
    os.close(real)
    caught.seek(0)
    with contextlib.suppress(OSError):
        for line in caught:
            if not _CHATTER.match(line):
                os.write(2, line)
    caught.close()
