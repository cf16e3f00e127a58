"""Cameras, network streams and pipes: pictures and sound as they come, through an ffmpeg process."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final, Literal
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from emoview.common.text import ADDRESS, name_of
from emoview.errors import DecodeError, InputError
from emoview.media.tool import CONTAINERS, MOST_PIXELS, lines_of, start, tool
from emoview.timeline.clock import SAMPLE_RATE, TICK_HZ

Kind = Literal["camera", "address", "pipe"]

_SCHEMES: Final = {
    "rtsp": "rtsp,rtp,udp,tcp", "rtsps": "rtsp,rtp,srtp,udp,tcp,tls", "http": "http,tcp,crypto,httpproxy",
    "https": "https,http,tls,tcp,crypto,httpproxy", "rtmp": "rtmp,tcp", "srt": "srt,udp", "udp": "udp,rtp",
    "tcp": "tcp",
}  # fmt: skip
"""Schemes of addresses, each with the protocols that ffmpeg may use then: none of them reads a file."""
_FORMATS: Final = (*CONTAINERS, "rtsp", "sdp", "rtp", "hls", "mpjpeg", "flv", "mp3", "webm")
_IN_PARTS: Final = frozenset(
    {".m3u8", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".mp3", ".wav", ".ogg", ".aac"}
)
_VIDEO: Final = re.compile(
    r"Stream #\d+:\d+.*?: Video: (\w+).*?, (\d+)x(\d+)(?: \[SAR ([1-9]\d*):([1-9]\d*))?"
)
_AUDIO: Final = re.compile(r"Stream #\d+:\d+.*?: Audio: (\w+).*?, (\d+) Hz, ([^,\n]+)")
_SIDE: Final = "min(1\\,{side}/max(iw*sar\\,ih))"
# What tells why a stream could not be opened, among all that ffmpeg says.
_TELLING: Final = re.compile(
    "error|refused|not found|denied|busy|fail|invalid|no route|timed out|40[0-9]|does not contain",
    re.IGNORECASE,
)
# Of one chunk: a picture of the longest side, and more than any sound.
_MOST_CHUNK: Final = 1 << 23
_KEPT_LINES: Final = 12
# Below each picture, so that one that is turned has another length than those before it.
_MARGIN: Final = 2


@dataclass(frozen=True)
class Source:
    """Where pictures and sound come from.

    Attributes:
        kind: What it is.
        name: Number of a camera, address, or `-` for the standard input.
        microphone: Device for the sound, as `alsa:default`; None for the sound of the stream itself.
        sound: Whether sound is wanted.
    """

    kind: Kind
    name: str
    microphone: str | None = None
    sound: bool = True

    @property
    def in_parts(self) -> bool:
        """Whether it comes in parts, or is there as a whole, and would be read faster than it plays."""
        if self.kind != "address":
            return False
        return PurePosixPath(urlsplit(self.name).path).suffix.lower() in _IN_PARTS


def is_address(text: str) -> bool:
    """Tell an address, such as `rtsp://camera/1`, from the name of a file."""
    return ADDRESS.match(text) is not None


def check_address(text: str) -> None:
    """Refuse an address of a scheme that no stream comes by.

    Raises:
        InputError: Such a one.
    """
    scheme = text.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        known = ", ".join(f"{one}://" for one in _SCHEMES)
        raise InputError(f"{name_of(scheme)}:// is no kind of stream that is opened here: use {known}")


def without_password(address: str) -> str:
    """Write an address without the name and the password in it."""
    return re.sub(r"(://)[^/@]*@", r"\1", address)


def cameras() -> dict[str, str]:
    """Give the cameras of this machine: number, and the name that the driver gives it."""
    found = {}
    for device in sorted(Path("/dev").glob("video[0-9]*")):
        number = device.name.removeprefix("video")
        name = Path(f"/sys/class/video4linux/{device.name}/name")
        with suppress(OSError):
            found[number] = (
                name_of(name.read_text(errors="replace").strip()) if name.exists() else device.name
            )
    return found


def check_camera(number: str) -> None:
    """See to it that a camera is there.

    Raises:
        InputError: It is not; those that are there are named.
    """
    there = cameras()
    if number in there:
        return
    listed = ", ".join(f"{n} ({name})" for n, name in there.items())
    cure = f"these are there: {listed}" if there else "this machine has none: connect one, or name a stream"
    raise InputError(f"there is no camera {number}: {cure}")


class StreamEndedError(DecodeError):
    """A stream ended, or never began.  The message says why."""


@dataclass(frozen=True)
class Arrived:
    """A picture or some sound.

    Attributes:
        number: Of the picture, 25 a second by its time stamp; None of sound.
        picture: `(height, width, 3)` RGB, or None.
        scale: Pixels as shown for each pixel of the picture.
        samples: `(n,)` at 16 kHz in [-1, 1], or None.
    """

    number: int | None = None
    picture: NDArray[np.uint8] | None = None
    scale: float = 1.0
    samples: NDArray[np.float32] | None = None


class LiveStream:
    """An ffmpeg process that gives pictures and sound as they come; ended with the `with` block.

    It writes AVI, whose parts come at once and carry their length, so that a picture of another size than
    the others is noticed.

    Attributes:
        size: Width and height of the pictures as shown; None as long as none is known.
        video_codec: Likewise.
        audio_codec: Likewise.
        audio_rate: Likewise.
        audio_channels: Likewise.
    """

    def __init__(self, source: Source, *, longest_side: int) -> None:
        self._source = source
        self.size: tuple[int, int] | None = None
        self.video_codec: str | None = None
        self.audio_codec: str | None = None
        self.audio_rate: int | None = None
        self.audio_channels: str | None = None
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)
        self._stopped = False
        self._process = start(
            command(source, longest_side),
            stdin=sys.stdin.buffer if source.kind == "pipe" else subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=1 << 20,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._out: IO[bytes] = self._process.stdout
        self._reader = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def __enter__(self) -> LiveStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._process.wait()
        self._reader.join()
        self._out.close()
        if self._process.stderr is not None:
            self._process.stderr.close()

    def stop(self) -> None:
        """End it, from any thread."""
        self._stopped = True
        with suppress(OSError):
            self._process.kill()

    def __iter__(self) -> Iterator[Arrived]:
        """Give what comes, until it ends.

        Raises:
            StreamEndedError: It ended otherwise than at its end, never began, or its pictures changed size.
        """
        wide = high = 0
        number, came = -1, False
        for name, data in self._chunks():
            if name == b"strf" and len(data) >= 40 and not wide:
                wide, high = (abs(v) for v in struct.unpack_from("<ii", data, 4))
                high -= _MARGIN
            elif name[2:] in (b"db", b"dc"):
                # An empty one stands where there is no picture.
                number += 1
                if not data:
                    continue
                if len(data) != wide * (high + _MARGIN) * 3 // 2:
                    raise StreamEndedError("its pictures changed their size")
                came = True
                yield Arrived(number, _rgb(data, wide, high), self._scale(wide, high))
            elif name[2:] == b"wb" and data:
                came = True
                samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768
                yield Arrived(samples=samples)
        if not self._stopped:
            code = self._process.wait()
            self._reader.join()
            if code or not came:
                raise StreamEndedError(self._why())

    def _scale(self, wide: int, high: int) -> float:
        return max(1.0, max(self.size) / max(wide, high)) if self.size else 1.0

    def _chunks(self) -> Iterator[tuple[bytes, bytes]]:
        """Give the parts of the AVI, lists opened."""
        if len(self._out.read(12)) < 12:
            return
        while len(head := self._out.read(8)) == 8:
            name, size = head[:4], struct.unpack("<I", head[4:])[0]
            if name in (b"LIST", b"RIFF"):
                self._out.read(4)
                continue
            if size > _MOST_CHUNK:
                raise StreamEndedError("its pictures cannot be read")
            data = self._out.read(size + size % 2)
            if len(data) < size:
                return
            yield name, data[:size]

    def _listen(self, pipe: IO[bytes]) -> None:
        """Read what ffmpeg says of the stream."""
        own = False
        # A microphone is the second input, and what the first has of sound is not heard.
        heard = "Stream #0:" if self._source.microphone is None else "Stream #1:"
        for raw in lines_of(pipe):
            line = raw.decode(errors="replace").rstrip()
            own |= line.startswith("Output #")
            video, audio = _VIDEO.search(line), _AUDIO.search(line)
            if video and not own and self.size is None:
                shape = int(video[4]) / int(video[5]) if video[4] else 1.0
                self.video_codec, self.size = video[1], (round(int(video[2]) * shape), int(video[3]))
            elif audio and audio[0].startswith(heard) and not own and self.audio_codec is None:
                self.audio_codec, self.audio_rate, self.audio_channels = (
                    audio[1], int(audio[2]), audio[3].strip(),
                )  # fmt: skip
            elif line.strip() and not line.startswith(" "):
                self._lines.append(name_of(line.strip()))

    def _why(self) -> str:
        said = [line for line in self._lines if _TELLING.search(line)]
        last = said[0] if said else self._lines[-1] if self._lines else "ffmpeg says nothing"
        secret = self._source.name
        return last.replace(secret, without_password(secret)).rsplit("] ", 1)[-1]


def command(source: Source, longest_side: int) -> list[str]:
    """Give the command line for a source.

    Raises:
        InputError: The microphone has no such form.
    """
    known = tool()
    line = [known.path, "-hide_banner", "-nostats", "-loglevel", "info"]
    if source.kind != "pipe":
        line.append("-nostdin")
    line += _input_of(source)
    voice = "0:a:0?"
    if source.microphone is not None:
        system, colon, device = source.microphone.partition(":")
        if not colon or system not in ("alsa", "pulse"):
            raise InputError(
                f"{name_of(source.microphone)} is no microphone: name it as pulse:default or alsa:default"
            )
        line += ["-thread_queue_size", "64", "-f", system, "-i", device]
        voice = "1:a:0"
    share = _SIDE.format(side=longest_side)
    scaled = f"scale=2*trunc(iw*sar*{share}/2):2*trunc(ih*{share}/2):flags=area,setsar=1,format=yuv420p"
    option, _ = known.passthrough
    line += ["-map", "0:v:0?"]
    if option == "fps_mode":
        # Else pictures of another size are squeezed into that of the first; older ones know no better.
        line.append("-noautoscale")
    if source.sound:
        line += ["-map", voice, "-c:a", "pcm_s16le", "-ar", str(SAMPLE_RATE), "-ac", "1"]
    return [
        *line, "-vf", f"{scaled},pad=iw:ih+{_MARGIN}", "-enc_time_base:v", f"1:{TICK_HZ}", f"-{option}:v",
        "vfr", "-c:v", "rawvideo", "-max_interleave_delta", "1", "-flush_packets", "1", "-f", "avi", "pipe:1",
    ]  # fmt: skip


def _input_of(source: Source) -> list[str]:
    # Several threads would each hold back a picture.
    common = ["-threads", "1", "-max_pixels", str(MOST_PIXELS)]
    if source.kind == "camera":
        return [*common, "-f", "v4l2", "-thread_queue_size", "8", "-i", f"/dev/video{source.name}"]
    allowed = ["-format_whitelist", ",".join(_FORMATS)]
    if source.kind == "pipe":
        # At its own rate, since a file may be at the other end.
        return [*common, *allowed, "-protocol_whitelist", "pipe", "-re", "-i", "pipe:0"]
    scheme = source.name.partition(":")[0].lower()
    options = [*common, *allowed, "-protocol_whitelist", _SCHEMES[scheme], "-analyzeduration", "1000000"]
    if scheme.startswith("rtsp"):
        options += ["-rtsp_transport", "tcp"]
    if source.in_parts:
        options.append("-re")
    return [*options, "-i", source.name]


def _rgb(data: bytes, wide: int, high: int) -> NDArray[np.uint8]:
    import cv2

    planes = np.frombuffer(data, np.uint8).reshape((high + _MARGIN) * 3 // 2, wide)
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)[:high], np.uint8)
