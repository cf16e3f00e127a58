"""Decoding sound onto the clock: 640 samples a tick, by their own time stamps."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of
from emoview.errors import OutputError
from emoview.media.decode import HOLD_S
from emoview.media.facts import Media
from emoview.media.process import DecodeLog, Decoder, stamp_in, stamped
from emoview.media.tool import open_input
from emoview.timeline.clock import LONGEST_S, SAMPLE_RATE, SAMPLES_PER_TICK

_SAMPLES: Final = re.compile(rb"lavfi\.astats\.Overall\.Number_of_samples=(\d+)")
# Time stamps are rounded, some to milliseconds: only what they are off by more is a gap.
_TOLERANCE: Final = SAMPLES_PER_TICK
# Decoders of sound get some milliseconds wrong after a jump: measured on webm.
_INEXACT_AFTER_SEEK: Final = frozenset({"opus", "vorbis"})
# Bytes: some four minutes.
_SOUND_IN_MEMORY: Final = 8 << 20


class SoundDecoder(Decoder):
    """Sound at 16 kHz mono on the clock of the ticks, silent where the file has none."""

    def __init__(self, media: Media) -> None:
        audio = media.audio
        if audio is None:
            raise ValueError(f"{name_of(media.path)} has no sound")
        self._start = round(media.start_s * SAMPLE_RATE)
        longest = LONGEST_S * SAMPLE_RATE
        asked = None if media.stretch.ticks is None else media.stretch.ticks * SAMPLES_PER_TICK
        self._after = longest if asked is None else min(asked, longest)
        self._cut = asked is None or asked > longest
        self._late = False
        seek_s = None if audio.codec in _INEXACT_AFTER_SEEK else media.seek_s

        def graph(address: str) -> Any:
            sound = open_input(media.path, seek_s=seek_s)[str(audio.index)]
            if media.speed != 1:
                # Time stamps and pitch go with it.
                sound = sound.filter("asetrate", round(audio.rate * media.speed))
            sound = (
                sound.filter("aresample", SAMPLE_RATE)
                # In floating point, since integers do not tell what was no number.
                .filter("aformat", channel_layouts="mono", sample_fmts="flt")
                # How many samples there are is printed beside their time stamp.
                .filter("astats", metadata=1, reset=1, measure_perchannel="none",
                        measure_overall="Number_of_samples")
            )  # fmt: skip
            return ffmpeg.output(
                stamped(sound, address, sound=True), "pipe:", f="f32le", ac=1, ar=SAMPLE_RATE
            )

        super().__init__(graph)

    def read_all(self) -> Sound:
        """Read all samples.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        sound = Sound(self.log)
        try:
            for stamp, samples in self._frames():
                self._place(sound, stamp, samples)
                if self._late or len(sound) >= self._after:
                    if self._cut:
                        self.log.cut_s = self._after / SAMPLE_RATE
                    self.stop()
                    break
            sound.flush()
        except BaseException:
            sound.close()
            raise
        return sound

    def _frames(self) -> Iterator[tuple[int | None, NDArray[np.float32]]]:
        """Give `(time stamp in samples, samples)` as they are decoded."""
        stamp: int | None = None
        for line in self.lines():
            count = _SAMPLES.match(line)
            if count is None:
                stamp = stamp_in(line)
                continue
            data = self._out.read(4 * int(count[1]))
            self.log.seen = True
            yield stamp, np.frombuffer(data[: len(data) // 4 * 4], "<f4")

    def _place(self, sound: Sound, stamp: int | None, block: NDArray[np.float32]) -> None:
        """Append samples at their time: silence before them, or without those that come too late."""
        off = 0 if stamp is None else stamp - self._start - len(sound)
        starting = not len(sound)
        if starting and off >= self._after and self._cut:
            # Nothing of it can be placed, and hours of silence are no sound.
            self._late = True
            return
        if starting or abs(off) > _TOLERANCE:
            if off > 0:
                silence = min(off, self._after - len(sound))
                if silence > HOLD_S * SAMPLE_RATE:
                    self.log.add_gap(len(sound) / SAMPLE_RATE, (len(sound) + silence) / SAMPLE_RATE)
                sound.add_silence(silence)
            elif off < 0:
                if not starting:
                    self.log.back_s += min(-off, len(block)) / SAMPLE_RATE
                block = block[-off:]
        sound.add(self._numbers(block[: self._after - len(sound)]))

    def _numbers(self, block: NDArray[np.float32]) -> bytes:
        bad = ~np.isfinite(block)
        if bad.any():
            self.log.bad_samples += int(bad.sum())
            block = np.where(bad, np.float32(0), block)
        samples = np.clip(np.rint(block * 32768.0), -32768, 32767).astype("<i2")
        return bytes(samples.tobytes())


class Sound:
    """Samples at 16 kHz mono, on disk where they are many, so that memory does not grow with them.

    `len(sound)` counts them, and `sound[first:last]` gives `(n,)` of them in [-1, 1].  One thread at a time
    may read them; leaving the `with` block forgets them.

    Attributes:
        log: What was wrong with them.
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
        except OSError as error:
            raise _full(error) from error
        self._bytes += len(data)

    def add_silence(self, samples: int) -> None:
        """Append samples of silence.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        step = 1 << 19
        for first in range(0, samples, step):
            self.add(bytes(2 * min(step, samples - first)))

    def flush(self) -> None:
        """Have everything written.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise _full(error) from error

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


def _full(error: OSError) -> OutputError:
    return OutputError(
        f"the folder for temporary files cannot hold the sound ({error.strerror or error}): "
        "free space or name another in TMPDIR"
    )


def read_sound(media: Media) -> Sound:
    """Decode the whole sound of a file, from tick 0 on.

    Raises:
        OutputError: The folder for temporary files is full.
    """
    with SoundDecoder(media) as decoder:
        sound: Sound = decoder.read_all()
    return sound
