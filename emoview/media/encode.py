"""Writing a video: pictures from a pipe, the sound as it was."""

from __future__ import annotations

import contextlib
import subprocess
import threading
from pathlib import Path

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.errors import OutputError
from emoview.media.facts import Media
from emoview.media.process import DecodeLog
from emoview.media.sound import added
from emoview.media.tool import arguments, open_input, start

# What an mp4 may carry and players play; other sound is encoded anew.
_COPIED_SOUND = ("aac", "mp3", "ac3", "eac3", "opus", "alac")
_QUALITY = 20


class VideoEncoder:
    """An ffmpeg process that makes an H.264 mp4 of the pictures it is given, with the sound of another file.

    Use it as a context; the file is complete when the block ends.
    """

    def __init__(self, path: Path, *, width: int, height: int, rate: float, sound_of: Media) -> None:
        """Start encoding.

        Args:
            path: Where the mp4 goes; what is there is overwritten.
            width: Pixels of the pictures, even.
            height: Likewise.
            rate: Pictures a second.
            sound_of: The file whose sound is kept, and whose pictures say when the first one is shown.
        """
        self._log = DecodeLog()
        self._process = start(
            arguments(_graph(path, width, height, rate, sound_of), loglevel="error", copyts=True),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdin is not None
        assert self._process.stderr is not None
        self._in = self._process.stdin
        self._reader = threading.Thread(target=self._log.read, args=(self._process.stderr,), daemon=True)
        self._reader.start()

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Encode one picture, `(height, width, 3)` BGR.

        Raises:
            OutputError: ffmpeg stopped, for example for want of space.
        """
        try:
            self._in.write(picture.reshape(-1).data)
        except BrokenPipeError:
            self._process.wait()
            raise self._failure() from None

    def __enter__(self) -> VideoEncoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.kill()
        # Where ffmpeg has gone, the exit code says so below.
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        code = self._process.wait()
        self._reader.join()
        if self._process.stderr is not None:
            self._process.stderr.close()
        if code and kind is None:
            raise self._failure()

    def _failure(self) -> OutputError:
        self._reader.join()
        reason = self._log.lines[-1] if self._log.lines else f"exit code {self._process.returncode}"
        return OutputError(f"the video could not be encoded: ffmpeg says {reason!r}")


def _graph(path: Path, width: int, height: int, rate: float, sound_of: Media) -> object:
    video, audio = sound_of.video, sound_of.audio
    late_s = video.start_s - sound_of.start_s if video else 0.0
    pictures = (
        ffmpeg.input("pipe:", f="rawvideo", pix_fmt="bgr24", s=f"{width}x{height}", r=rate)
        # `itsoffset` would say this more simply, but raw pictures from a pipe do not heed it.
        .filter("setpts", f"PTS+{late_s:.3f}/TB")
        .filter("scale", out_color_matrix="bt709", out_range="tv")
    )
    options = {
        "f": "mp4", "c:v": "libx264", "preset": "veryfast", "crf": _QUALITY, "pix_fmt": "yuv420p",
        "colorspace": "bt709", "color_primaries": "bt709", "color_trc": "bt709",
        "movflags": "+faststart",
    }  # fmt: skip
    streams = [pictures]
    if audio is not None:
        offset_s = -sound_of.start_s * sound_of.speed
        sound = open_input(sound_of.path, offset_s=offset_s, guess_places=False)[str(audio.index)]
        if sound_of.speed != 1:
            sound = sound.filter("asetrate", round(audio.rate * sound_of.speed)).filter("aresample", 48_000)
        copied = audio.codec in _COPIED_SOUND and sound_of.speed == 1
        if audio.unplaced and not copied:
            # AAC has a place for each channel, and no place for most of many; as it is analysed.
            sound = added(sound, audio)
        streams.append(sound)
        options |= {"c:a": "copy"} if copied else {"c:a": "aac", "b:a": "192k"}
    return ffmpeg.output(*streams, f"file:{path}", **options).overwrite_output()
