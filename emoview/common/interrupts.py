"""What is said where a command is stopped by Ctrl-C, or told to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupted_as(say: Callable[[], str]) -> Iterator[None]:
    """Let what `say` gives be said where what is within is interrupted, and has written something before.

    Raises:
        KeyboardInterrupt: It was; with what is to be said.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted: {say()}") from None
