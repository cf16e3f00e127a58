"""Writing files whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from emoview.errors import OutputError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it.

    Raises:
        OutputError: No permission, no space, or the folder cannot be made; `path` is as it was.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=".", suffix=".part", delete=False
        ) as file:  # fmt: skip
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
