"""Where ffmpeg is, and how it is started."""

from __future__ import annotations

import functools
import shutil
from pathlib import Path
from typing import Any

import ffmpeg

from emoview.errors import InputError

# Python stands bytes of file names that are no text for by surrogates, at which ffmpeg-python fails:
# inside its graphs they are characters for private use.
_HIDDEN = {0xDC00 + byte: 0x10DC00 + byte for byte in range(0x80, 0x100)}
_SHOWN = {hidden: surrogate for surrogate, hidden in _HIDDEN.items()}


@functools.lru_cache(maxsize=1)
def ffmpeg_path() -> str:
    """Find ffmpeg: the system's if it is on PATH, else the one that imageio-ffmpeg brings."""
    system = shutil.which("ffmpeg")
    if system:
        return system
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise InputError(
            "no ffmpeg was found: install ffmpeg, or reinstall the package imageio-ffmpeg"
        ) from error


def open_input(path: Path, *, seek_s: float = 0.0) -> Any:
    """Name `path` as an ffmpeg input that can reach nothing but files.

    The `file:` in front keeps names such as `-i` or `http:x` what they are, names of files.

    Args:
        path: The file.
        seek_s: Where to jump to; times then count from there. What comes first may lie before it, at
            the key picture from which the decoder has to start.
    """
    seek = {"noaccurate_seek": None, "ss": f"{seek_s:.6f}"} if seek_s > 0 else {}
    return ffmpeg.input(f"file:{str(path).translate(_HIDDEN)}", protocol_whitelist="file,pipe", **seek)


def arguments(stream: Any, *, loglevel: str) -> list[str]:
    """Compile an ffmpeg-python graph into a command line."""
    options = ["-hide_banner", "-nostdin", "-loglevel", loglevel]
    command = ffmpeg.compile(stream, cmd=ffmpeg_path())
    return [command[0], *options, *(argument.translate(_SHOWN) for argument in command[1:])]
