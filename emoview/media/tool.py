"""Where ffmpeg is, how it is started, and what it may do."""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import ffmpeg

from emoview.errors import InputError

MOST_PIXELS: Final = 8192 * 8192
"""Pixels of the largest picture that is decoded."""
_MOST_MEMORY: Final = 1280 << 20
_VERSION_TIMEOUT_S: Final = 20
# By this people tell imageio-ffmpeg to take another program.
_NAMED: Final = "IMAGEIO_FFMPEG_EXE"

# Python stands bytes of file names that are no text for by surrogates, at which ffmpeg-python fails:
# inside its graphs they are characters for private use.
_HIDDEN = {0xDC00 + byte: 0x10DC00 + byte for byte in range(0x80, 0x100)}
_SHOWN = {hidden: surrogate for surrogate, hidden in _HIDDEN.items()}

CONTAINERS: Final = (
    # Films and recordings.
    "mov", "matroska", "avi", "asf", "asf_o", "flv", "live_flv", "kux", "mpeg", "mpegts", "mpegvideo", "mxf",
    "gxf", "nut", "rm", "ivr", "ivf", "dv", "dhav", "wtv", "swf", "nsv", "roq", "smk", "ogg", "yuv4mpegpipe",
    # One stream of pictures.
    "h261", "h263", "h264", "hevc", "vvc", "evc", "m4v", "av1", "obu", "mjpeg", "vc1", "vc1test", "cavsvideo",
    "dirac", "dnxhd",
    # Sound.
    "wav", "w64", "aiff", "au", "caf", "mp3", "aac", "loas", "ac3", "eac3", "ac4", "dts", "dtshd", "truehd",
    "mlp", "flac", "ape", "tta", "tak", "wv", "mpc", "mpc8", "amr", "amrnb", "amrwb", "gsm", "g722", "voc",
    "sox", "oma", "dsf", "shn", "ircam", "nistsphere", "avr", "xa", "qcp", "iamf", "osq", "wve", "xwma",
    # Single pictures, and moving ones.
    "gif", "apng", "png_pipe", "jpeg_pipe", "bmp_pipe", "tiff_pipe", "webp_pipe", "webp_anim", "jpegxl_pipe",
    "jpegxl_anim",
)  # fmt: skip
"""Names of ffmpeg's readers that are let near a file.

Left out is what opens further files that the first one names (playlists, manifests, scripts, numbered
pictures, drawings), what captures from devices, and what takes any bytes for sound.
"""

# What a picture starts with. Told by its name alone it would be read as one of many, numbered ones.
_PICTURES: Final = (
    (b"\xff\xd8\xff", "jpeg_pipe"), (b"\x89PNG\r\n\x1a\n", "png_pipe"), (b"BM", "bmp_pipe"),
    (b"II*\x00", "tiff_pipe"), (b"MM\x00*", "tiff_pipe"),
)  # fmt: skip

# Takes what a file holds for one picture, whatever stands behind it.
_ONE_PICTURE: Final = "image2"


@dataclass(frozen=True)
class Tool:
    """An ffmpeg that runs.

    Attributes:
        path: Of the program.
        version: As it says itself, such as `5.1.6`.
        passthrough: The option by which it leaves time stamps alone, with its value.
        broken: The program on PATH, if it does not run and this is used instead.
    """

    path: str
    version: str
    passthrough: tuple[str, str]
    broken: str | None = None


@functools.lru_cache(maxsize=1)
def maps_tones() -> bool:
    """Tell whether this ffmpeg can make usual pictures of those of high dynamic range."""
    try:
        said = subprocess.run(
            [ffmpeg_path(), "-hide_banner", "-filters"], stdin=subprocess.DEVNULL, capture_output=True,
            timeout=_VERSION_TIMEOUT_S, check=True,
        ).stdout.decode(errors="replace")  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return False
    return all(re.search(rf"(?m)^ \S+ +{name} ", said) for name in ("zscale", "tonemap"))


def ffmpeg_path() -> str:
    """Find an ffmpeg that runs, see `tool`."""
    return tool().path


@functools.lru_cache(maxsize=1)
def tool() -> Tool:
    """Find an ffmpeg that runs: the system's if one is on PATH, else the one that imageio-ffmpeg brings.

    Raises:
        InputError: There is none.
    """
    system = shutil.which("ffmpeg")
    of_system = _asked(system)
    if isinstance(of_system, Tool):
        return of_system
    found = _asked(_packaged())
    if isinstance(found, Tool):
        return replace(found, broken=system)
    said = f"{system} {of_system}, and " if system else "no ffmpeg is on PATH, and "
    raise InputError(f"{said}that of imageio-ffmpeg {found}: install ffmpeg, or reinstall imageio-ffmpeg")


def _packaged() -> str | None:
    found = importlib.util.find_spec("imageio_ffmpeg")
    folders = [] if found is None else found.submodule_search_locations or ()
    programs = [one for folder in folders for one in sorted(Path(folder).glob("binaries/ffmpeg-linux*"))]
    if len(programs) == 1 and _NAMED not in os.environ:
        # Asked, the package would start it, to see whether it runs.
        return str(programs[0])
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        return None


def _asked(path: str | None) -> Tool | str:
    """Ask a program for its version; what is wrong with it, where it is no ffmpeg that runs."""
    if path is None:
        return "is missing"
    try:
        said = subprocess.run(
            [path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=_VERSION_TIMEOUT_S,
            check=True,
        ).stdout.decode(errors="replace")  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"did not answer within {_VERSION_TIMEOUT_S} s"
    except (OSError, subprocess.SubprocessError):
        return "does not run"
    version = re.match(r"ffmpeg version (\S+)", said)
    filters = re.search(r"libavfilter\s+(\d+)\.\s*(\d+)", said)
    if version is None or filters is None:
        return "is no ffmpeg"
    # ffmpeg 5.1 gave the option its present name, and later ones forgot the old one.
    name = "fps_mode" if (int(filters[1]), int(filters[2])) >= (8, 44) else "vsync"
    return Tool(path, version[1], (name, "passthrough"))


def open_input(
    path: Path, *, seek_s: float | None = None, offset_s: float = 0.0, guess_places: bool = True
) -> Any:
    """Name `path` as an ffmpeg input that can reach no other file and no network.

    The `file:` in front keeps names such as `-i` or `http:x` what they are, names of files.

    Args:
        path: The file.
        seek_s: Time stamp to jump to.  What comes first may lie before it, at the key picture from which
            the decoder has to start.
        offset_s: Added to all time stamps.
        guess_places: Whether three or more channels of sound are given places, such as that of the bass,
            where the file tells none.
    """
    options: dict[str, Any] = {
        "protocol_whitelist": "file,pipe",
        "format_whitelist": ",".join(CONTAINERS),
        "max_pixels": MOST_PIXELS,
        # How much of a stream was damaged is ours to judge.
        "max_error_rate": 1,
    }
    if seek_s is not None:
        options |= {"noaccurate_seek": None, "seek_timestamp": 1, "ss": f"{seek_s:.6f}"}
    if not guess_places:
        options["guess_layout_max"] = 2
    if offset_s:
        options["itsoffset"] = f"{offset_s:.6f}"
    kind = _kind_of_picture(path)
    if kind is not None:
        options["f"] = kind
    if kind == _ONE_PICTURE:
        # By itself this reader would look for more files with numbers.
        options |= {"format_whitelist": kind, "pattern_type": "none"}
    return ffmpeg.input(f"file:{str(path).translate(_HIDDEN)}", **options)


def _kind_of_picture(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            head = file.read(8)
            kind = next((kind for magic, kind in _PICTURES if head.startswith(magic)), None)
            if kind == "png_pipe" and _is_animated(file):
                return "apng"
            return _ONE_PICTURE if kind == "jpeg_pipe" and _has_maps(file) else kind
    except OSError:
        return None


def _is_animated(png: IO[bytes]) -> bool:
    """Tell whether a PNG that is read up to its first chunk holds more than one picture."""
    while len(head := png.read(8)) == 8 and head[4:] != b"IDAT":
        if head[4:] == b"acTL":
            return True
        # Behind each chunk stands its checksum.
        png.seek(int.from_bytes(head[:4], "big") + 4, os.SEEK_CUR)
    return False


def _has_maps(jpeg: IO[bytes]) -> bool:
    """Tell whether behind a JPEG stand others, such as the map of brightness of a phone (CIPA DC-007)."""
    jpeg.seek(2)
    while len(head := jpeg.read(8)) == 8 and head[0] == 0xFF and head[1] != 0xDA:
        if head[1] == 0xE2 and head[4:] == b"MPF\0":
            return True
        jpeg.seek(int.from_bytes(head[2:4], "big") - 6, os.SEEK_CUR)
    return False


def arguments(stream: Any, *, loglevel: str, copyts: bool = False) -> list[str]:
    """Compile an ffmpeg-python graph into a command line.

    Args:
        stream: The graph.
        loglevel: What ffmpeg says.
        copyts: Whether the time stamps stay those of the file; otherwise the file begins at 0.
    """
    options = ["-hide_banner", "-nostdin", "-loglevel", loglevel, *(["-copyts"] if copyts else [])]
    command = ffmpeg.compile(stream, cmd=ffmpeg_path())
    return [command[0], *options, *(argument.translate(_SHOWN) for argument in command[1:])]


def start(command: Sequence[str], **pipes: Any) -> subprocess.Popen[bytes]:
    """Start ffmpeg so that no file can make it take more memory than this machine may spare."""
    process = subprocess.Popen(command, **pipes)
    # From outside: a function that runs between fork and exec may hang where there are threads.
    with suppress(OSError, ValueError):
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MOST_MEMORY, _MOST_MEMORY))
    return process


def lines_of(pipe: IO[bytes]) -> Iterator[bytes]:
    """Give the lines of a pipe, none of them longer than a person would read."""
    return iter(lambda: pipe.readline(4096), b"")
