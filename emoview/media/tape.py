"""Recording pictures as they come: 25 a second, in a file that can be played even if its end is missing."""

from __future__ import annotations

import queue
import subprocess
import threading
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.errors import OutputError
from emoview.media.process import DecodeLog
from emoview.media.tool import start, tool
from emoview.timeline.clock import TICK_HZ

_WAITING: Final = 2 * TICK_HZ


class Tape:
    """An ffmpeg process that makes Matroska with H.264 of the pictures, one a tick, without sound.

    Pictures wait in a queue.  When it is full, the last one is repeated instead, so that nobody waits.  What
    lies before the first is black.

    Args:
        path: Where to.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._log = DecodeLog()
        self._process: subprocess.Popen[bytes] | None = None
        self._size = (0, 0)
        self._owed = 0
        # Each with the ticks before it that had none.
        self._queue: queue.Queue[tuple[int, NDArray[np.uint8]] | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def add(self, picture: NDArray[np.uint8] | None) -> None:
        """Take the picture of a tick, `(height, width, 3)` RGB; None repeats the one before."""
        if picture is None:
            self._owed += 1
            return
        try:
            self._queue.put_nowait((self._owed, picture))
            self._owed = 0
        except queue.Full:
            self._owed += 1

    def close(self) -> list[Path]:
        """End the file; gives it, where there was a picture.

        Raises:
            OutputError: ffmpeg could not write it.
        """
        self._queue.put(None)
        self._thread.join()
        if self._process is None:
            return []
        code = self._process.wait()
        if code:
            said = self._log.lines[-1] if self._log.lines else f"exit code {code}"
            raise OutputError(f"{self.path} could not be written: ffmpeg says {said!r}")
        return [self.path]

    def _write(self) -> None:
        before: bytes | None = None
        while (waiting := self._queue.get()) is not None:
            missing, picture = waiting
            if self._process is None:
                self._open(picture)
            assert self._process is not None
            assert self._process.stdin is not None
            content = self._fitted(picture).tobytes()
            before = before or bytes(len(content))
            try:
                for _ in range(missing):
                    self._process.stdin.write(before)
                self._process.stdin.write(content)
            except (BrokenPipeError, ValueError):
                # Why is told at the end.
                continue
            before = content
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _open(self, picture: NDArray[np.uint8]) -> None:
        high, wide = picture.shape[:2]
        self._size = wide // 2 * 2, high // 2 * 2
        self._process = start(
            [
                tool().path, "-hide_banner", "-nostats", "-loglevel", "error",
                "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{self._size[0]}x{self._size[1]}",
                "-r", str(TICK_HZ), "-i", "pipe:0", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "23",
                "-g", str(TICK_HZ), "-pix_fmt", "yuv420p", "-threads", "1",
                "-flush_packets", "1", "-f", "matroska", f"file:{self.path}",
            ],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stderr is not None
        threading.Thread(target=self._log.read, args=(self._process.stderr,), daemon=True).start()

    def _fitted(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bring a picture to the size of the first."""
        wide, high = self._size
        if 0 <= picture.shape[0] - high < 2 and 0 <= picture.shape[1] - wide < 2:
            return picture[:high, :wide]
        import cv2

        return np.asarray(cv2.resize(picture, (wide, high), interpolation=cv2.INTER_AREA), np.uint8)
