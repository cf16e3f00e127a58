"""Decoding onto the clock: one picture and 640 samples of sound a tick."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.errors import OutputError
from emoview.media.probe import Media
from emoview.media.tool import arguments, open_input
from emoview.text import name_of
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ, TICK_MS

_KEPT_LOG_LINES = 20
# Rates outside are a container's guess, such as 1000 for a web recording.
_SLOWEST_HZ = 5
_FASTEST_HZ = 60

# Decoders of sound need some packets before the first that they get right.
_RUN_UP_S = 1.0
# Their samples come out some milliseconds early after a jump: measured on webm.
_INEXACT_AFTER_SEEK = frozenset({"opus", "vorbis"})
# Bytes: some four minutes.
_SOUND_IN_MEMORY = 8 << 20


@dataclass
class DecodeLog:
    """What ffmpeg complained of while it decoded, and what it cost.

    Attributes:
        complaints: How many lines it wrote.
        lines: The first of them.
        busy_s: Processor seconds of all its threads; known when it has come to its end.
    """

    complaints: int = 0
    lines: list[str] = field(default_factory=list)
    busy_s: float = 0.0

    def read(self, pipe: IO[bytes]) -> None:
        """Read complaints until the pipe ends."""
        for line in pipe:
            self.complaints += 1
            if len(self.lines) < _KEPT_LOG_LINES:
                self.lines.append(line.decode(errors="replace").strip())


class _Decoder:
    """An ffmpeg process that writes raw data, and is ended with the `with` block."""

    def __init__(self, stream: Any) -> None:
        self.log = DecodeLog()
        self._process = subprocess.Popen(
            arguments(stream, loglevel="error"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=1 << 20,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._out = self._process.stdout
        # A full pipe of complaints would stop ffmpeg, so a thread reads them.
        self._reader = threading.Thread(target=self.log.read, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, *more: object) -> None:
        self._out.close()
        if kind is not None:
            self._process.kill()
            code = self._process.wait()
        else:
            _, status, usage = os.wait4(self._process.pid, 0)
            code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self.log.busy_s = usage.ru_utime + usage.ru_stime
        self._reader.join()
        if code < 0 and kind is None:
            self.log.complaints += 1
            self.log.lines.append(f"ffmpeg crashed (signal {-code})")
        if self._process.stderr is not None:
            self._process.stderr.close()


class PictureDecoder(_Decoder):
    """Pictures at 25 Hz, one for each tick that has one.

    Pictures are placed by their time stamps: each tick gets the picture that is on screen at its
    middle.  Rotation and non-square pixels are applied by ffmpeg, once.

    Attributes:
        width: Pixels of the pictures given out.
        height: Likewise.
        scale: Shown pixels of the file for each pixel given out.
        first_tick: Tick of the first picture.
    """

    def __init__(self, media: Media, *, longest_side: int, from_tick: int = 0) -> None:
        """Start decoding.

        Args:
            media: The file.
            longest_side: Pixels that pictures are scaled down to.
            from_tick: Pictures before this tick are decoded, but not given out.
        """
        video = media.video
        if video is None:
            raise ValueError(f"{name_of(media.path)} has no pictures")
        self.scale = max(1.0, max(video.width, video.height) / longest_side)
        self.width = max(2, round(video.width / self.scale))
        self.height = max(2, round(video.height / self.scale))
        late_by = round((video.start_s - media.start_s) * 1000 / TICK_MS)
        first = max(0, late_by)
        self.first_tick = max(first, from_tick)
        source, start = _opened(media, video.index, seek=media.indexed)
        # Time stamps are taken from the first picture, because ffmpeg would fill the time before it
        # with copies of it; `first_tick` says where it stands.
        clock = "PTS-STARTPTS" if late_by >= 0 else f"PTS-{start:.6f}/TB"
        pictures = source.filter("setpts", clock).filter("fps", TICK_HZ, start_time=0)
        bounds = {"start_frame": self.first_tick - first} if self.first_tick > first else {}
        if media.stretch.ticks is not None:
            bounds["end_frame"] = max(0, media.stretch.ticks - first)
        if bounds:
            pictures = pictures.filter("trim", **bounds).filter("setpts", "PTS-STARTPTS")
        pictures = (
            pictures.filter("scale", self.width, self.height, flags="area")
            # ffmpeg makes RGB of the small pictures then, faster than in one go with the scaling.
            .filter("format", "yuv420p")
        )
        super().__init__(ffmpeg.output(pictures, "pipe:", f="rawvideo", pix_fmt="rgb24"))

    def __iter__(self) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """Give `(tick, (height, width, 3) RGB)` in order."""
        size = self.width * self.height * 3
        tick = self.first_tick
        while len(data := self._out.read(size)) == size:
            yield tick, np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)
            tick += 1


class FullPictureDecoder(_Decoder):
    """Pictures at the file's own rate and size, for drawing on them.

    ffmpeg makes the rate constant by the time stamps, so the time of a picture is its number over the rate.

    Attributes:
        width: Pixels of the pictures given out, even as H.264 wants them.
        height: Likewise.
        rate: Pictures a second.
        first_s: Second of the first picture on the clock of the ticks.
    """

    def __init__(self, media: Media) -> None:
        video = media.video
        if video is None:
            raise ValueError(f"{name_of(media.path)} has no pictures")
        self.width = max(2, video.width // 2 * 2)
        self.height = max(2, video.height // 2 * 2)
        known = video.rate is not None and _SLOWEST_HZ <= video.rate <= _FASTEST_HZ
        self.rate = float(video.rate if known and video.rate else TICK_HZ)
        self.first_s = video.start_s - media.start_s
        pictures = (
            open_input(media.path)[str(video.index)]
            .filter("setpts", "PTS-STARTPTS")
            .filter("fps", self.rate, start_time=0)
            .filter("scale", self.width, self.height)
        )
        super().__init__(ffmpeg.output(pictures, "pipe:", f="rawvideo", pix_fmt="bgr24"))

    def __iter__(self) -> Iterator[tuple[float, NDArray[np.uint8]]]:
        """Give `(time_s, (height, width, 3) BGR)` in order; the array is the same each time, to draw on."""
        picture = np.empty((self.height, self.width, 3), np.uint8)
        memory = picture.reshape(-1).data
        number = 0
        while self._out.readinto(memory) == picture.size:  # type: ignore[attr-defined]
            yield self.first_s + number / self.rate, picture
            number += 1


class SoundDecoder(_Decoder):
    """Sound at 16 kHz mono, padded with silence to tick 0, gaps filled."""

    def __init__(self, media: Media) -> None:
        if media.audio is None:
            raise ValueError(f"{name_of(media.path)} has no sound")
        delay_ms = max(0, round((media.audio.start_s - media.start_s) * 1000))
        exact = media.indexed and media.audio.codec not in _INEXACT_AFTER_SEEK
        sound, start = _opened(media, media.audio.index, seek=exact)
        if media.audio.start_s < media.start_s:
            sound = sound.filter("atrim", start=f"{start:.6f}").filter("asetpts", f"PTS-{start:.6f}/TB")
        else:
            sound = sound.filter("asetpts", "PTS-STARTPTS")
        sound = sound.filter("aresample", SAMPLE_RATE, **{"async": 1, "first_pts": 0}).filter(
            "aformat", channel_layouts="mono"
        )
        if delay_ms:
            sound = sound.filter("adelay", delay_ms)
        if media.stretch.ticks is not None:
            sound = sound.filter("atrim", end_sample=media.stretch.ticks * SAMPLES_PER_TICK)
        super().__init__(ffmpeg.output(sound, "pipe:", f="s16le", ac=1, ar=SAMPLE_RATE))

    def read_all(self) -> Sound:
        """Read all samples."""
        sound = Sound(self.log)
        try:
            while data := self._out.read(1 << 20):
                sound.add(data)
        except BaseException:
            sound.close()
            raise
        return sound


class Sound:
    """Samples at 16 kHz mono, on disk where they are many, so that memory does not grow with them.

    `len(sound)` counts them, and `sound[first:last]` gives `(n,)` of them in [-1, 1].  One thread at a time
    may read them; leaving the `with` block forgets them.

    Attributes:
        log: What the decoder complained of.
    """

    def __init__(self, log: DecodeLog) -> None:
        self.log = log
        self._bytes = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=_SOUND_IN_MEMORY)  # noqa: SIM115

    def add(self, data: bytes) -> None:
        """Append samples, little-endian `int16`.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        try:
            self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise OutputError(
                f"the folder for temporary files cannot hold the sound ({error.strerror or error}): "
                "free space or name another in TMPDIR"
            ) from error
        self._bytes += len(data)

    def __len__(self) -> int:
        return self._bytes // 2

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        return self.pcm(part).astype(np.float32) / 32768

    def pcm(self, part: slice) -> NDArray[np.int16]:
        """Give samples as they were decoded, `(n,)`."""
        first, last, step = part.indices(len(self))
        if step != 1:
            raise ValueError("samples are read one after the other")
        self._file.seek(2 * first)
        return np.frombuffer(self._file.read(2 * max(0, last - first)), "<i2").astype(np.int16, copy=False)

    def close(self) -> None:
        """Forget the samples."""
        # What a full disk did not take is written once more here, in vain.
        with suppress(OSError):
            self._file.close()

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _opened(media: Media, index: int, *, seek: bool) -> tuple[Any, float]:
    """Open a stream, near tick 0 if it may `seek`, and tell where tick 0 then stands on its clock."""
    jump = max(0.0, media.start_s - _RUN_UP_S) if seek and media.stretch.start_s else 0.0
    return open_input(media.path, seek_s=jump)[str(index)], media.start_s - jump


def read_sound(media: Media) -> Sound:
    """Decode the whole sound of a file, from tick 0 on."""
    with SoundDecoder(media) as decoder:
        sound: Sound = decoder.read_all()
    return sound
