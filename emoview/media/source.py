"""What can be analysed and is no file yet: standard input, numbered pictures, addresses, content.

Each becomes a file of this machine for as long as it is analysed, so that nothing else needs to know.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO, Any, Final

import ffmpeg
import numpy as np

from emoview.common.files import private_folder
from emoview.common.text import ADDRESS, name_of
from emoview.errors import EmoviewError, InputError
from emoview.media.endings import MEDIA
from emoview.media.tool import MOST_PIXELS, arguments, lines_of, start
from emoview.timeline.clock import LONGEST_S

STANDARD_INPUT: Final = "-"

_SECRET: Final = re.compile(r"(?<=://)[^/@\s]*@")
_NUMBERED: Final = re.compile(r"%0?(\d*)d")
_NUMBER: Final = re.compile(r"(\d+)(?=\D*$)")
_PNG: Final = b"\x89PNG\r\n\x1a\n"
# These a film can hold as they are, each of its own size.
_COPIED: Final = (".png", ".jpg", ".jpeg")
_PICTURES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
# A longer gap in numbers is no dropped picture.
_MOST_MISSING_S: Final = 1.0
_SLOWEST_HZ, _FASTEST_HZ = 0.1, 1000.0
_TIMEOUT_US: Final = 20_000_000
# What is copied byte by byte keeps its index, its rotation and its times.
_WHOLE_FILES: Final = frozenset({"http", "https", "ftp", "sftp"})
_STREAMS: Final = frozenset({
    "rtsp", "rtsps", "rtmp", "rtmps", "rtmpe", "rtmpt", "rtp", "udp", "tcp", "srt", "rist", "mmsh",
    "mmst",
})  # fmt: skip
_LISTS: Final = frozenset({".m3u8", ".m3u", ".mpd", ".ism", ".sdp"})
# No `file`: what comes over the network must not name files of this machine.
_PROTOCOLS: Final = ",".join(
    [*sorted(_WHOLE_FILES | _STREAMS), "httpproxy", "tls", "dtls", "srtp", "crypto", "data"]
)


@dataclass(frozen=True)
class Opened:
    """A file to analyse.

    Attributes:
        path: The file.
        name: What it is called in results: as it was named, without a password.
        warnings: What was made up for.
    """

    path: Path
    name: str
    warnings: tuple[str, ...] = ()


def stem_name(source: str | os.PathLike[str]) -> Path:
    """Give a path whose stem suits the results of what is analysed.

    >>> str(stem_name("rtsp://user:secret@camera.local/stream1"))
    'stream1'
    """
    text = os.fspath(source)
    if os.path.isfile(text):  # noqa: PTH113
        return Path(text)
    if text == STANDARD_INPUT:
        return Path("stdin")
    address = ADDRESS.match(text)
    if address:
        rest = text[address.end() :].partition("?")[0].partition("#")[0]
        *_, last = [part for part in rest.split("/") if part] or ["address"]
        return Path(last.rpartition("@")[2].replace(":", "_"))
    if is_numbered(text):
        plain = _NUMBERED.sub("", Path(text).name)
        stem = Path(plain).stem.strip("_-. ")
        return Path(stem or Path(text).absolute().parent.name or "pictures")
    path = Path(text)
    # A folder may have a point in its name.
    return Path(f"{path.absolute().name}.d") if path.is_dir() else path


def is_numbered(text: str) -> bool:
    """Tell whether a name stands for numbered pictures, such as `frames_%04d.png`."""
    return bool(_NUMBERED.search(Path(text).name)) and not os.path.lexists(text)


@contextmanager
def opened(
    source: str | os.PathLike[str],
    *,
    rate: float | None = None,
    allow_network: bool = False,
    seconds: float | None = None,
) -> Iterator[Opened]:
    """Give a file with what is to be analysed, for as long as the block lasts.

    Errors in the block name the source, wherever the file is.

    Args:
        source: A file; `-` for standard input; a name such as `frames_%04d.png`, or a folder, of numbered
            pictures; or an address.
        rate: Pictures a second, of numbered ones.
        allow_network: Whether ffmpeg may open an address.
        seconds: How much of an address is recorded; None for all of it, at most six hours.

    Raises:
        InputError: It cannot be had, or an option is for another kind of source.
    """
    text = os.fspath(source)
    # A file is meant by its name, whatever that looks like.
    there = os.path.lexists(text)
    address = None if there else ADDRESS.match(text)
    piped = text == STANDARD_INPUT and not there
    pictures = is_numbered(text) or (
        Path(text).is_dir() and (rate is not None or _holds_pictures(Path(text)))
    )
    if rate is not None and not pictures:
        raise InputError(
            "--rate is for numbered pictures, such as frames_%04d.png or a folder of them: leave it out"
        )
    if seconds is not None and (address is None or address[1].lower() == "file"):
        raise InputError(
            "--seconds is how much of an address is recorded: leave it out; of a file, emoview batch "
            "analyses the stretches of a list with start_s and end_s"
        )
    if not piped and address is None and not pictures:
        yield Opened(Path(text), str(Path(text)))
        return
    if address is not None and address[1].lower() == "file":
        path = Path(text[address.end() :])
        yield Opened(path, str(path))
        return
    shown = _SECRET.sub("", text)
    with private_folder() as folder:
        warnings: tuple[str, ...] = ()
        if piped:
            path, shown = _from_standard_input(folder), "standard input"
        elif address is not None:
            path = _from_address(text, shown, folder, allow_network=allow_network, seconds=seconds)
        else:
            path, warnings = _from_pictures(text, rate, folder)
        try:
            yield Opened(path, shown, warnings)
        except EmoviewError as error:
            raise type(error)(str(error).replace(str(path), name_of(shown))) from error


def copy_content(source: object, file: Path) -> str:
    """Write the content of a source that is no path to a file, and name the source.

    Raises:
        InputError: It is nothing that can be analysed.
    """
    with file.open("wb") as out:
        if isinstance(source, bytes | bytearray | memoryview):
            out.write(source)
            return "bytes"
        if hasattr(source, "read") and not isinstance(source, io.TextIOBase):
            try:
                shutil.copyfileobj(source, out)
            except ValueError as error:
                raise InputError(
                    f"{source!r:.80} cannot be read ({error}): give a file opened for reading bytes"
                ) from error
            return str(getattr(source, "name", "file"))
    raise InputError(f"a source is a path, bytes, or a file opened for reading bytes, not {source!r:.80}")


def _holds_pictures(folder: Path) -> bool:
    """Tell whether somebody who names this folder, but no rate, means its pictures."""
    try:
        endings = {file.suffix.lower() for file in folder.iterdir() if not file.name.startswith(".")}
    except OSError:
        return False
    return not endings.isdisjoint(_PICTURES) and endings.isdisjoint(MEDIA)


def _from_standard_input(folder: Path) -> Path:
    """Keep what comes through standard input: many containers cannot be read without going back."""
    path = folder / "stdin"
    stream = sys.stdin.buffer if sys.stdin is not None else None
    if stream is None or stream.isatty():
        raise InputError(
            "nothing comes through standard input: send a file, as in emoview analyze - < clip.mp4"
        )
    try:
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
    except OSError as error:
        raise InputError(
            f"standard input cannot be kept ({error.strerror}): free space or name another folder in TMPDIR"
        ) from error
    if not path.stat().st_size:
        raise InputError("standard input is empty: check the program that writes to it")
    return path


def _from_pictures(text: str, rate: float | None, folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Join numbered pictures losslessly into a film with the rate; where a number is missing, repeat one."""
    if rate is None:
        raise InputError(f"{name_of(text)} stands for numbered pictures: say how many a second with --rate")
    if not _SLOWEST_HZ <= rate <= _FASTEST_HZ:
        raise InputError(
            f"--rate {rate:g} is no rate of pictures: give {_SLOWEST_HZ} to {_FASTEST_HZ:g} a second"
        )
    files = _numbered_pictures(text)
    first, last = files[0][0], files[-1][0]
    # ffmpeg takes what follows for the rest of one that is cut off.
    there = {number: file for number, file in files if not _is_cut_off(file)}
    cut_off = len(files) - len(there)
    if not there:
        raise InputError(f"{name_of(text)}: all of the numbered pictures are cut off: copy them again")
    shown = next(iter(there.values()))
    missing = gap = 0
    for place, number in enumerate(range(first, last + 1)):
        gap = 0 if number in there else gap + 1
        missing += number not in there
        if gap > max(1, _MOST_MISSING_S * rate):
            after = min((n for n in there if n > number), default=last + 1)
            raise InputError(
                f"{name_of(text)}: the pictures {number - gap + 1} to {after - 1} are missing, more than a "
                "second: analyse the parts on their own"
            )
        shown = there.get(number, shown)
        (folder / f"{place:09d}{files[0][1].suffix.lower()}").symlink_to(shown.absolute())
    path = folder / "pictures.mkv"
    ending = files[0][1].suffix.lower()
    pattern = f"file:{str(folder).replace('%', '%%')}/%09d{ending}"
    given = ffmpeg.input(
        pattern, f="image2", framerate=rate, protocol_whitelist="file", max_pixels=MOST_PIXELS
    )
    coder = "copy"
    if ending not in _COPIED:
        given, coder = _of_one_shape(given, next(iter(there.values()))), "ffv1"
    # Nothing by chance: of the same pictures it is the same film.
    options = {"c:v": coder, "fflags": "+bitexact"}
    _run(ffmpeg.output(given, f"file:{path}", f="matroska", **options), name_of(text), path)
    return path, tuple(
        f"{count} of the numbered pictures {'is' if count == 1 else 'are'} {what}: the one before stands in "
        "the place of each"
        for count, what in ((missing - cut_off, "missing"), (cut_off, "cut off"))
        if count
    )


def _of_one_shape(pictures: Any, first: Path) -> Any:
    """Fit pictures into the size of the first, with black beside them: ffmpeg alone would squeeze them."""
    import cv2

    try:
        decoded = cv2.imdecode(np.fromfile(first, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        decoded = None
    if decoded is None:
        # What is wrong with it is left to ffmpeg.
        return pictures
    high, wide = decoded.shape[:2]
    fitting = pictures.filter("scale", wide, high, force_original_aspect_ratio="decrease")
    return fitting.filter("pad", wide, high, "(ow-iw)/2", "(oh-ih)/2")


def _is_cut_off(file: Path) -> bool:
    """Tell whether the end of a PNG is missing; what cannot be read is left to ffmpeg."""
    try:
        with file.open("rb") as content:
            if content.read(8) != _PNG:
                return False
            content.seek(max(8, content.seek(0, os.SEEK_END) - 4096))
            return b"IEND" not in content.read()
    except OSError:
        return False


def _numbered_pictures(text: str) -> list[tuple[int, Path]]:
    """Find the pictures of a folder or a pattern, by their numbers.

    Raises:
        InputError: There are none, of several kinds, or two with one number.
    """
    place = Path(text)
    folder = place if place.is_dir() else place.parent
    try:
        names = [file for file in folder.iterdir() if not file.name.startswith(".")]
    except OSError as error:
        raise InputError(f"{name_of(folder)} cannot be listed ({error.strerror}): check its name") from error
    if place.is_dir():
        files = [(found, file) for file in names if file.suffix.lower() in _PICTURES
                 if (found := _NUMBER.search(file.stem))]  # fmt: skip
    else:
        before, after = _NUMBERED.split(place.name, maxsplit=1)[::2]
        pattern = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
        files = [(found, file) for file in names if (found := pattern.fullmatch(file.name))]
    numbered = sorted((int(found[1]), file) for found, file in files)
    if not numbered:
        raise InputError(f"{name_of(text)}: no numbered pictures were found: check the name and the folder")
    kinds = sorted({file.suffix.lower() for _, file in numbered})
    if len(kinds) > 1 or not _PICTURES.issuperset(kinds):
        raise InputError(
            f"{name_of(text)}: the pictures end in {', '.join(map(name_of, kinds))}: keep one kind of "
            f"{', '.join(sorted(_PICTURES))}"
        )
    twice = next((a[1] for a, b in pairwise(numbered) if a[0] == b[0]), None)
    if twice is not None:
        raise InputError(
            f"{name_of(text)}: two pictures have the number of {name_of(twice.name)}: keep one set"
        )
    return numbered


def _from_address(text: str, shown: str, folder: Path, *, allow_network: bool, seconds: float | None) -> Path:
    """Let ffmpeg record what is at an address.

    Raises:
        InputError: That is not allowed, or there is nothing.
    """
    if not allow_network:
        raise InputError(
            f"{name_of(shown)} is an address, and nothing is read from the network unasked: add "
            "--allow-network, or download it and name the file"
        )
    protocol = text.partition("://")[0].lower()
    if protocol not in _WHOLE_FILES | _STREAMS:
        raise InputError(
            f"{name_of(shown)}: addresses of {name_of(protocol)} are not read: download it and name the file"
        )
    ending = PurePosixPath(text.partition("?")[0].partition("#")[0]).suffix.lower()
    waiting = {"timeout": _TIMEOUT_US, "rtsp_transport": "tcp"} if protocol.startswith("rtsp") else {
        "rw_timeout": _TIMEOUT_US
    }  # fmt: skip
    if protocol in _WHOLE_FILES and ending not in _LISTS and seconds is None:
        path = folder / f"clip{ending if ending[1:].isalnum() else ''}"
        given = ffmpeg.input(text, f="data", protocol_whitelist=_PROTOCOLS, **waiting)
        stream = ffmpeg.output(given["0"], f"file:{path}", f="data", c="copy")
    else:
        path = folder / "clip.mkv"
        given = ffmpeg.input(text, protocol_whitelist=_PROTOCOLS, max_pixels=MOST_PIXELS, **waiting)
        options = {"f": "matroska", "c": "copy", "t": min(seconds or LONGEST_S, LONGEST_S)}
        stream = ffmpeg.output(given["V:0?"], given["a?"], f"file:{path}", **options)
    _run(stream, name_of(shown), path, secret=text)
    return path


def _run(stream: object, shown: str, path: Path, secret: str = "") -> None:
    """Let ffmpeg write a file, and say why where it does not.

    Raises:
        InputError: It does not.
    """
    process = start(
        arguments(stream, loglevel="error"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    said: list[str] = []
    assert process.stderr is not None
    reader = threading.Thread(target=_keep, args=(process.stderr, said), daemon=True)
    reader.start()
    try:
        code = process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    reader.join()
    process.stderr.close()
    if code or not path.exists() or not path.stat().st_size:
        last = said[-1].rsplit(": ", 1)[-1] if said else f"exit code {code}"
        why = name_of(last.replace(secret, shown) if secret else last)
        raise InputError(f"{shown} cannot be read (ffmpeg says {why!r}): check the name, and that it plays")


def _keep(pipe: IO[bytes], said: list[str], most: int = 20) -> None:
    for line in lines_of(pipe):
        if len(said) < most:
            said.append(line.decode(errors="replace").strip())
