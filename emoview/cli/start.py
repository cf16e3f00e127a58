"""Where the command `emoview` starts."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from typing import Final

# Objects made before Python looks for cycles of them again, 700 if nothing is said: importing makes many, and
# hardly any cycle.
_OBJECTS: Final = 50_000


def main() -> None:
    """Run the command that is named, with its module alone; with all of them where none is."""
    gc.set_threshold(_OBJECTS)
    # Products here are small. With a thread a core OpenBLAS, which numpy brings, keeps the other cores
    # waiting for the next one.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    status: list[int] = []
    # What is registered first runs last.
    atexit.register(_leave, status)
    named = sys.argv[1:2]
    try:
        from emoview.cli.commands import EVERY, app_with

        app_with(named if named and named[0] in EVERY else EVERY)(prog_name="emoview")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            status.append(end.code or 0)
        raise
    except ImportError as error:
        sys.exit(f"error: a library cannot be loaded ({error}): install emoview again in a fresh environment")
    except OSError as error:
        # Of the help and the version; a command tells of its own.
        from emoview.cli.console import said_of_system

        sys.exit(f"error: {said_of_system(error)}")


def _leave(status: list[int]) -> None:
    """End the process, where all went as usual, without taking down what the system takes back anyway."""
    if not status:
        return
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):
        # Python tells of it.
        return
    os._exit(status[0])


if __name__ == "__main__":
    main()
