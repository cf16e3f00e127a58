"""Writing files whole or not at all."""

from __future__ import annotations

import glob
import os
import tempfile
from pathlib import Path

from emoview.errors import OutputError

_TEMPORARY = ".part"
# Of a long name a part must do, so that the temporary name is not too long for the file system.
_NAMED_BYTES = 150


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content`, text as UTF-8, under a temporary name beside `path`, then rename it.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=_temporary_prefix(path), suffix=_TEMPORARY, delete=False
        ) as file:
            temporary = file.name
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        # A temporary file is private; a result should be as any new file is.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path} cannot be written ({reason}): free space or choose another folder with -o"
        ) from error


def sweep(path: Path) -> None:
    """Remove what a writer that was killed left beside `path`."""
    for left in path.parent.glob(f"{glob.escape(_temporary_prefix(path))}*{_TEMPORARY}"):
        left.unlink(missing_ok=True)


def _temporary_prefix(path: Path) -> str:
    return "." + os.fsdecode(os.fsencode(path.name)[:_NAMED_BYTES]) + "."
