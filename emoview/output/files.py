"""Writing files whole or not at all."""

from __future__ import annotations

import glob
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from emoview.errors import OutputError

_TEMPORARY = ".part"
# Of a long name a part must do, so that the temporary name is not too long for the file system.
_NAMED_BYTES = 150


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path` to write to; it is renamed when the block ends well.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=_temporary_prefix(path), suffix=_TEMPORARY, delete=False
        ) as file:
            temporary = Path(file.name)
        yield temporary
        # A temporary file is private; a result should be as any new file is.
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path} cannot be written ({reason}): free space or choose another folder with -o"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


Content: TypeAlias = "str | bytes | Iterable[str]"
"""Of a file: text, which is UTF-8 there, text in pieces, or bytes."""


def write_whole(path: Path, content: Content) -> None:
    """Write `content` under a temporary name beside `path`, then rename it.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    with whole_file(path) as temporary, temporary.open("wb") as file:
        if isinstance(content, bytes):
            file.write(content)
        else:
            # Text of a long video is made piece by piece: as a whole it would take more memory than the rows.
            for piece in [content] if isinstance(content, str) else content:
                file.write(piece.encode())
        file.flush()
        os.fsync(file.fileno())


def sweep(path: Path) -> None:
    """Remove what a writer that was killed left beside `path`."""
    for left in path.parent.glob(f"{glob.escape(_temporary_prefix(path))}*{_TEMPORARY}"):
        left.unlink(missing_ok=True)


def _temporary_prefix(path: Path) -> str:
    return "." + os.fsdecode(os.fsencode(path.name)[:_NAMED_BYTES]) + "."
