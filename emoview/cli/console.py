"""The terminal: kept free of what libraries print, and errors in one sentence."""

from __future__ import annotations

import errno
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from emoview.common.text import name_of
from emoview.errors import EmoviewError

DEBUG = "EMOVIEW_DEBUG"
FAILED = 1
SOME_FAILED = 3
INTERRUPTED = 130

# What requirements-run.lock leaves out.
_LEFT_OUT = frozenset({"tensorflow", "keras", "librosa", "sklearn", "torch"})
_TOO_MANY_PROCESSES = (
    "no more processes or threads can be started: allow more with ulimit -u, or close other programs"
)
_NO_MEMORY = "out of memory: take a smaller network, size or batch, or close other programs"
# What errors of libraries say that have no class of their own: of threads; of TensorFlow, PyTorch and jax;
# of numba, which librosa imports.
_KNOWN = (
    ("can't start new thread", _TOO_MANY_PROCESSES),
    ("OOM when allocating", _NO_MEMORY),
    ("you tried to allocate", _NO_MEMORY),
    ("RESOURCE_EXHAUSTED", _NO_MEMORY),
    (
        "cannot cache function",
        "compiled functions cannot be kept: name a folder that can be written to in NUMBA_CACHE_DIR",
    ),
)


class Screen(Console):
    """A console on which text from outside is read and does nothing: no markup, no escape sequences."""

    def __init__(self, file: IO[str], *, width: int | None = None) -> None:
        super().__init__(file=file, width=width, highlight=False, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        """Give the parts of what is printed, with escapes for what cannot be seen."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                text = "\n".join(name_of(line) for line in segment.text.split("\n"))
                yield Segment(text, segment.style)


class Terminal:
    """The real standard output and error; what libraries print goes to a file instead.

    TensorFlow and absl write to the file descriptors from native code, which no logging
    setting reaches, so the descriptors themselves are turned away for the rest of the process.
    """

    def __init__(self) -> None:
        self.debug = bool(os.environ.get(DEBUG))
        try:
            _open_standard_files()
            for stream in filter(None, (sys.stdout, sys.stderr)):
                stream.flush()
            self.out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="")
            self._error: IO[str] = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
            if not self.debug:
                # So that no stray line ends up in a pipe that somebody reads.
                sink = os.open(os.devnull, os.O_WRONLY)
                os.dup2(sink, 1)
                os.dup2(sink, 2)
                os.close(sink)
        except OSError as error:
            sys.exit(f"error: {said_of_system(error)}")
        self.console = Screen(self._error)

    @property
    def width(self) -> int | None:
        """Give the width of the terminal that the standard output is; None where it is none."""
        return None if self.out.isatty() else self.console.width

    def printer(self, width: int | None = None) -> Screen:
        """Give what prints tables and the like on the standard output."""
        return Screen(self.out, width=width)

    def note(self, message: str) -> None:
        """Say in one line how something was understood."""
        self.console.print(Text.assemble(("note: ", "bold"), name_of(message)), soft_wrap=True)

    def error(self, message: str) -> None:
        """Say in one line what went wrong."""
        line = name_of(" ".join(message.split()))
        self.console.print(Text.assemble(("error: ", "bold red"), line), soft_wrap=True)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn failures into one line and an exit code; `EMOVIEW_DEBUG=1` shows the traceback."""
        stopped = False

        def stop(*_: object) -> None:
            nonlocal stopped
            stopped = True
            raise KeyboardInterrupt

        try:
            # What ends a job on a cluster or in a container is as good as Ctrl-C.
            signal.signal(signal.SIGTERM, stop)
            if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
                signal.signal(signal.SIGINT, stop)
            yield
            self.out.flush()
        except KeyboardInterrupt as interrupt:
            self._stop(str(interrupt) or "interrupted: nothing was written", INTERRUPTED)
        except BrokenPipeError:
            # Whoever read the output has seen enough.
            self._stop(None, FAILED)
        except EmoviewError as error:
            self._stop(str(error), FAILED)
        except RecursionError:
            self._stop("a file is nested too deeply: correct it, or make it again", FAILED)
        except (MemoryError, ImportError, SystemError, OSError) as error:
            if stopped and isinstance(error, ImportError | SystemError):
                # Stopped while it is loaded, a library says that it cannot be.
                self._stop("interrupted", INTERRUPTED)
            self._stop(said_of_system(error), FAILED)
        except typer.Exit:
            raise
        except Exception as error:
            for words, message in _KNOWN:
                if words in str(error):
                    self._stop(message, FAILED)
            what = " ".join(str(error).split())[:200]
            self._stop(
                f"unexpected {type(error).__name__}: {what}; run again with {DEBUG}=1 and report it",
                FAILED,
            )

    def _stop(self, message: str | None, code: int) -> None:
        if self.debug:
            traceback.print_exc(file=self._error)
        if message is not None:
            self.error(message)
        self._error.flush()
        # Native threads of the libraries may still run; leaving at once keeps them from complaining.
        os._exit(code)


def said_of_system(error: MemoryError | ImportError | SystemError | OSError) -> str:
    """Say what of the machine or the installation stands in the way, and what to do."""
    what = " ".join(str(error).split())[:200]
    if isinstance(error, MemoryError):
        return "out of memory: close other programs, cut the file into parts, or allow more (ulimit -v)"
    if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in _LEFT_OUT:
        return (
            f"this needs {error.name}, which an installation for analysing alone leaves out: "
            "pip install emoview brings it"
        )
    if isinstance(error, ImportError | SystemError):
        return (
            f"a library cannot be loaded ({what}): memory may be limited (ulimit -v), or the installation is "
            "damaged; emoview doctor looks into it"
        )
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many files are open: allow more with ulimit -n"
    if error.errno == errno.EAGAIN:
        return _TOO_MANY_PROCESSES
    if error.errno == errno.ENOMEM or "cannot open shared object" in what or "failed to map" in what:
        return said_of_system(ImportError(what))
    if "temporary directory" in what:
        return "there is no folder for temporary files: set TMPDIR to one that can be written"
    if error.filename is not None:
        name = os.fsdecode(error.filename) if isinstance(error.filename, bytes) else error.filename
        return f"{name} cannot be used ({error.strerror}): check it and its rights"
    return f"the system refuses something ({error.strerror or what}): check space, rights and limits"


def _open_standard_files() -> None:
    """Open those of the standard files that were closed, for the next file opened would take their place."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The system gives the lowest number that is free.
            os.open(os.devnull, os.O_RDWR)
