"""The terminal: kept free of what libraries print, and errors in one sentence."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import typer
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from emoview.errors import EmoviewError
from emoview.text import name_of

DEBUG = "EMOVIEW_DEBUG"
FAILED = 1
INTERRUPTED = 130


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

    TensorFlow, mediapipe and absl write to the file descriptors from native code, which no logging
    setting reaches, so the descriptors themselves are turned away for the rest of the process.
    """

    def __init__(self) -> None:
        self.debug = bool(os.environ.get(DEBUG))
        sys.stdout.flush()
        sys.stderr.flush()
        self.out: IO[str] = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="")
        self._error: IO[str] = os.fdopen(os.dup(2), "w", encoding="utf-8", errors="replace")
        self.console = Screen(self._error)
        if not self.debug:
            # Its own file, so that no stray line ends up in a pipe that somebody reads.
            with tempfile.TemporaryFile() as sink:
                os.dup2(sink.fileno(), 1)
                os.dup2(sink.fileno(), 2)

    def error(self, message: str) -> None:
        """Say in one line what went wrong."""
        line = name_of(" ".join(message.split()))
        self.console.print(Text.assemble(("error: ", "bold red"), line), soft_wrap=True)

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Turn failures into one line and an exit code; `EMOVIEW_DEBUG=1` shows the traceback."""
        try:
            yield
            self.out.flush()
        except KeyboardInterrupt:
            self._stop("interrupted: nothing was written", INTERRUPTED)
        except BrokenPipeError:
            # Whoever read the output has seen enough.
            self._stop(None, FAILED)
        except EmoviewError as error:
            self._stop(str(error), FAILED)
        except MemoryError:
            self._stop("out of memory: close other programs, or cut the file into parts", FAILED)
        except typer.Exit:
            raise
        except Exception as error:
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
