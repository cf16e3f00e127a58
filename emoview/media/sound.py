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

from emoview.common.products import product
from emoview.common.text import name_of
from emoview.errors import OutputError
from emoview.media.decode import HOLD_S
from emoview.media.facts import AudioStream, Media
from emoview.media.process import DecodeLog, Decoder, stamp_in, stamped
from emoview.media.tool import open_input
from emoview.timeline.clock import LONGEST_S, SAMPLE_RATE, SAMPLES_PER_TICK

_SAMPLES: Final = re.compile(rb"lavfi\.astats\.Overall\.Number_of_samples=(\d+)")
# Time stamps are rounded, some to milliseconds: only what they are off by more is a gap.
_TOLERANCE: Final = SAMPLES_PER_TICK
# Decoders of sound get some milliseconds wrong after a jump: measured on webm.
_INEXACT_AFTER_SEEK: Final = frozenset({"opus", "vorbis"})
# The last frame of a coder is padded.  Where the file says how much is sound, newer ffmpegs cut the rest
# off, as this does for those that do not; lengths are told in hundredths of a second.
_ROUNDED, _PADDED = SAMPLE_RATE // 200, 4 * SAMPLES_PER_TICK
# Bytes: some four minutes of one channel.
_SOUND_IN_MEMORY: Final = 16 << 20
# Of a sample, in floating point: a mix may go beyond full scale, and what is quiet is not to be made coarse.
_BYTES: Final = 4
# Beyond, a sample is damage: 32-bit integers that were stored as floating point have 2e9.
_ABSURD: Final = np.float32(1e10)
# What is off by less, 60 dB below full scale, is off by chance.
LITTLE_OFFSET: Final = 0.001
# Where what is off zero moves by more, 34 dB below full scale, in the median over two seconds, it is taken
# off as it moves: neither speech nor wind does that.
_MOVED: Final = 0.02
_BLOCK: Final = SAMPLE_RATE // 4
_BLOCKS: Final = 9


class SoundDecoder(Decoder):
    """Sound at 16 kHz on the clock of the ticks, silent where the file has none.

    Args:
        media: The file.
        channels: How many of its channels are kept apart, the first ones; 1 for all of them mixed.
    """

    def __init__(self, media: Media, channels: int) -> None:
        audio = media.audio
        if audio is None:
            raise ValueError(f"{name_of(media.path)} has no sound")
        self._channels = channels
        self._start = round(media.start_s * SAMPLE_RATE)
        longest = LONGEST_S * SAMPLE_RATE
        asked = None if media.stretch.ticks is None else media.stretch.ticks * SAMPLES_PER_TICK
        self._after = longest if asked is None else min(asked, longest)
        self._cut = asked is None or asked > longest
        self._late = False
        whole = media.indexed and media.speed == 1 and asked is None and not media.stretch.start_s
        self._claimed = round(media.whole_s * SAMPLE_RATE) if whole and media.whole_s else None
        seek_s = None if audio.codec in _INEXACT_AFTER_SEEK else media.seek_s

        def graph(address: str) -> Any:
            sound = open_input(media.path, seek_s=seek_s, guess_places=False)[str(audio.index)]
            if media.speed != 1:
                # Time stamps and pitch go with it.
                sound = sound.filter("asetrate", round(audio.rate * media.speed))
            sound = (
                _mixed(sound, audio, channels)
                # How many samples there are is printed beside their time stamp.
                .filter("astats", metadata=1, reset=1, measure_perchannel="none",
                        measure_overall="Number_of_samples")
            )  # fmt: skip
            return ffmpeg.output(stamped(sound, address, sound=True), "pipe:", f="f32le", ar=SAMPLE_RATE)

        super().__init__(graph, DecodeLog(foreign=media.decoders[0], jumped=seek_s is not None))

    def read_all(self) -> Sound:
        """Read all samples.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        sound = Sound(self.log, self._channels)
        try:
            for stamp, samples in self._frames():
                self._place(sound, stamp, samples)
                if self._late or len(sound) >= self._after:
                    if self._cut:
                        self.log.cut_s = self._after / SAMPLE_RATE
                    self.stop()
                    break
            if self._claimed is not None and _ROUNDED < len(sound) - self._claimed <= _PADDED:
                sound.shorten(self._claimed)
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
            data = self._out.read(4 * self._channels * int(count[1]))
            self.log.seen = True
            whole = len(data) // (4 * self._channels) * 4 * self._channels
            yield stamp, np.frombuffer(data[:whole], "<f4").reshape(-1, self._channels)

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
        bad = ~(np.abs(block) < _ABSURD)
        if bad.any():
            self.log.bad_samples += int(bad.any(axis=1).sum())
            block = np.where(bad, np.float32(0), block)
        return bytes(block.astype("<f4", copy=False).tobytes())


class Sound:
    """Samples at 16 kHz, on disk where they are many, so that memory does not grow with them.

    `len(sound)` counts them, and `sound[first:last]` gives `(n,)` of all channels together, 1 for full scale,
    as loud as they were recorded: a mix, or a file in floating point, may go beyond.  One thread at a time
    may read them; leaving the `with` block forgets them.

    Attributes:
        log: What was wrong with them.
        channels: How many are kept apart.
        weights: `(channels,)`, with which they are mixed.
        offset: `(blocks, channels)`, what each is off zero by in each quarter of a second, which is taken
            off; one block where it is the same all the time.
    """

    def __init__(self, log: DecodeLog, channels: int = 1) -> None:
        self.log, self.channels = log, channels
        self.weights = np.full(channels, 1 / channels, np.float32)
        self.offset = np.zeros((1, channels), np.float32)
        self._sum, self._count = np.zeros(channels), 0
        self._sums: dict[int, NDArray[np.float64]] = {}
        self._silences: list[tuple[int, int]] = []
        self._bytes = 0
        self._file = tempfile.SpooledTemporaryFile(max_size=_SOUND_IN_MEMORY)  # noqa: SIM115

    def add(self, data: bytes) -> None:
        """Append samples, little-endian `float32`, one of each channel after the other.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        first = len(self)
        self._write(data)
        values = np.frombuffer(data, "<f4").reshape(-1, self.channels)
        self._sum += values.sum(axis=0, dtype=np.float64)
        self._count += len(values)
        if not len(values):
            return
        starts = np.r_[0, np.arange(_BLOCK - first % _BLOCK, len(values), _BLOCK)]
        sums = np.add.reduceat(values, starts, axis=0, dtype=np.float64)
        counts = np.diff(np.r_[starts, len(values)])
        for block, (total, count) in enumerate(zip(sums, counts, strict=True), first // _BLOCK):
            own = np.append(total, count).astype(np.float64)
            self._sums[block] = self._sums[block] + own if block in self._sums else own

    def _write(self, data: bytes) -> None:
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
        first, step = len(self), 1 << 19
        for begin in range(0, samples, step):
            self._write(bytes(_BYTES * self.channels * min(step, samples - begin)))
        if samples > 0:
            self._silences.append((first, first + samples))

    def shorten(self, samples: int) -> None:
        """Leave that many samples."""
        self._bytes = samples * _BYTES * self.channels
        self._file.truncate(self._bytes)

    def flush(self) -> None:
        """Have everything written, and find out what is off zero.

        Raises:
            OutputError: The folder for temporary files is full.
        """
        try:
            self._file.flush()
        except OSError as error:
            raise _full(error) from error
        mean = self._sum / max(self._count, 1)
        self.offset = np.where(np.abs(mean) < LITTLE_OFFSET, 0, mean).astype(np.float32)[None]
        if self._sums:
            self._follow_offset()

    def _follow_offset(self) -> None:
        """Let the offset move where it does."""
        heard = sorted(self._sums)
        known = np.stack([self._sums[block] for block in heard])
        means = known[:, :-1] / known[:, -1:]
        if (np.ptp(means, axis=0) <= _MOVED).all():
            return
        from scipy.ndimage import median_filter

        running = median_filter(means, (_BLOCKS, 1), mode="nearest")
        moves = np.ptp(running, axis=0) > _MOVED
        if moves.any():
            # Silence between what was heard is left alone.
            before = np.searchsorted(heard, np.arange(heard[-1] + 1), side="right") - 1
            self.offset = np.where(moves, running[np.maximum(before, 0)], self.offset).astype(np.float32)

    def __len__(self) -> int:
        return self._bytes // (_BYTES * self.channels)

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        return np.asarray(product(self.apart(part), self.weights), np.float32)

    def apart(self, part: slice) -> NDArray[np.float32]:
        """Give samples of each channel, `(n, channels)`, 1 for full scale, without their offset."""
        first, last, step = part.indices(len(self))
        if step != 1:
            raise ValueError("samples are read one after the other")
        each = _BYTES * self.channels
        self._file.seek(each * first)
        data = self._file.read(each * max(0, last - first))
        samples = np.frombuffer(data, "<f4").astype(np.float32).reshape(-1, self.channels)
        if self.offset.any():
            if len(self.offset) == 1:
                samples -= self.offset
            else:
                block = np.minimum(np.arange(first, first + len(samples)) // _BLOCK, len(self.offset) - 1)
                samples -= self.offset[block]
            for begin, end in self._silences:
                samples[max(0, begin - first) : max(0, min(end, last) - first)] = 0
        return samples

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


def added(stream: Any, audio: AudioStream) -> Any:
    """Add all channels of a sound whose `count` is known, in floating point.

    Who speaks is as loud as in the own channel, however many others there are.
    """
    every = "+".join(f"c{i}" for i in range(audio.count or 1))
    return stream.filter("aformat", sample_fmts="flt").filter("pan", args=f"mono|c0={every}")


def _mixed(stream: Any, audio: AudioStream, channels: int) -> Any:
    """Bring sound to 16 kHz in floating point, since integers do not tell what was no number."""
    stream, layout = stream.filter("aresample", SAMPLE_RATE), audio.channels
    if channels == 1 and audio.unplaced:
        return added(stream, audio)
    if channels == 1 or (channels == 2 and layout == "stereo"):
        # Where the layout changes on the way, ffmpeg's own rules mix what is more.
        kept = "mono" if channels == 1 else layout
        return stream.filter("aformat", channel_layouts=kept, sample_fmts="flt")
    # In other layouts a channel has a meaning, such as bass effects, for which it would be left out.
    places = "|".join(f"c{i}=c{i}" for i in range(channels))
    return stream.filter("aformat", sample_fmts="flt").filter("pan", args=f"{channels}c|{places}")


def read_sound(media: Media, channels: int | None = None) -> Sound:
    """Decode the whole sound of a file, from tick 0 on.

    Args:
        media: The file.
        channels: How many of its channels are kept apart; None for two where it has two, and else a mix of
            all as ffmpeg makes it.

    Raises:
        OutputError: The folder for temporary files is full.
    """
    if channels is None:
        channels = 2 if media.audio is not None and media.audio.count == 2 else 1
    with SoundDecoder(media, channels) as decoder:
        sound: Sound = decoder.read_all()
    return sound
