"""Decoding pictures onto a clock, by their own time stamps and in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import ffmpeg
import numpy as np
from numpy.typing import NDArray

from emoview.common.text import name_of
from emoview.media.facts import Media, VideoStream
from emoview.media.process import DecodeLog, Decoder, stamped
from emoview.media.shape import headers_of, heard, may_be_heard, pixel_in
from emoview.media.tool import maps_tones, open_input, tool
from emoview.timeline.clock import LONGEST_S, TICK_HZ

MICROSECONDS: Final = 1_000_000
HOLD_S: Final = 1
"""A picture is on screen for so long, unless the next comes first: what is older is no observation."""

# Rates outside are a container's guess, such as 1000 for a web recording.
_SLOWEST_HZ: Final = 5
_FASTEST_HZ: Final = 60
# Pictures that two clocks place differently by so little stand at the same time.
_SAME_SHAPE: Final = 0.02

# White of pictures of high dynamic range, in candela a square metre (ITU-R BT.2408).
_WHITE_NITS: Final = 203

Picture = NDArray[np.uint8]


@dataclass
class _Shown:
    """The picture on screen: its time in microseconds, and the tick from which it is seen."""

    time_us: int
    slot: int
    picture: Picture


class _Pictures(Decoder):
    """Pictures at a constant rate, chosen by time stamp.

    Each slot of the clock gets the picture that is on screen at its middle, as long as that is not older
    than `HOLD_S`.  Nothing is repeated before it is asked for, so that no gap takes memory.
    """

    def __init__(
        self,
        media: Media,
        *,
        width: int,
        height: int,
        rate: float,
        pixels: str,
        first: int = 0,
        after: int | None = None,
        seek_s: float | None = None,
        start_s: float,
        log: DecodeLog | None,
    ) -> None:
        video = _video_of(media)
        self.width, self.height, self.rate = width, height, rate
        self._start_us = round(start_s * MICROSECONDS)
        self._first = first
        # After a jump everything is there that is no older than a picture may be.
        self._wait_us = HOLD_S * MICROSECONDS if seek_s is None else 0
        longest = round(LONGEST_S * rate)
        self._after = longest if after is None else min(after, longest)
        self._cut = after is None or after > longest
        usual_s = 1 / (video.rate * media.speed if video.rate else rate)
        self._usual_us = self._spacing_us = round(MICROSECONDS * min(usual_s, HOLD_S))

        pixel = pixel_in(media, speed=media.speed)

        def graph(address: str) -> Any:
            stream = open_input(media.path, seek_s=seek_s)[str(video.index)]
            pictures = stream.filter("settb", f"1/{MICROSECONDS}")
            if media.speed != 1:
                pictures = pictures.filter("setpts", f"PTS/{media.speed:.9f}")
            pictures = _sparse(pictures, start_s, rate)
            pictures = fitted(pictures, video, width, height, pixels, pixel=pixel)
            option, value = tool().passthrough
            options = {option: value}
            if media.speed != 1:
                # By the rate of the file ffmpeg would count in steps that are too coarse.
                options["enc_time_base"] = f"1:{MICROSECONDS}"
            raw = ffmpeg.output(stamped(pictures, address), "pipe:", f="rawvideo", pix_fmt=pixels, **options)
            return ffmpeg.merge_outputs(raw, headers_of(stream, video.codec)) if self._listens else raw

        def listener(lines: Iterator[bytes]) -> None:
            for time_s in heard(lines, video):
                self.log.reshaped_s.append(time_s / media.speed - start_s)

        # Who keeps no log is not told what happened.
        self._listens = log is not None and may_be_heard(video)
        self._graph = graph
        log = log or DecodeLog()
        log.foreign, log.jumped = media.decoders[1], seek_s is not None
        super().__init__(graph, log, listener if self._listens else None)

    def _slot(self, time_us: int) -> int:
        """Number the first slot whose middle lies behind a time."""
        return int((time_us * self.rate + MICROSECONDS / 2) // MICROSECONDS)

    def _stamped_pictures(self) -> Iterator[tuple[int, Picture]]:
        """Give `(microseconds, picture)` as they are decoded; those that go back in time are left out."""
        size = self.width * self.height * 3
        last: int | None = None
        while len(data := self._read(size)) == size:
            self.log.seen = True
            stamp = self.next_stamp()
            if stamp is None:
                stamp = self._start_us if last is None else last + self._start_us + self._spacing_us
            time_us = stamp - self._start_us
            if last is not None:
                if time_us < last:
                    self.log.back_s += self._spacing_us / MICROSECONDS
                    continue
                self._spacing_us = min(time_us - last, HOLD_S * MICROSECONDS) or self._spacing_us
            last = time_us
            yield time_us, np.frombuffer(data, np.uint8).reshape(self.height, self.width, 3)

    def _read(self, size: int) -> bytes:
        data = self._out.read(size)
        if not data and not self.log.seen and self._listens and self._gave_up():
            # Headers that cannot be read must not keep the pictures from being decoded.
            self._listens = False
            self._end()
            self.log.forget()
            self._begin(self._graph, None)
            data = self._out.read(size)
        return data

    def slots(self) -> Iterator[tuple[int, Picture]]:
        """Give `(slot, (height, width, 3))` in order, each slot that has a picture."""
        shown: _Shown | None = None
        several = False
        for time_us, picture in self._stamped_pictures():
            slot = self._slot(time_us)
            several = shown is not None
            if shown is not None and slot > shown.slot:
                yield from self._held(shown, slot)
            if slot >= self._after:
                self._end_early()
                return
            if shown is None and slot > 0 and time_us > self._wait_us:
                self.log.add_gap(0.0, slot / self.rate)
            shown = _Shown(time_us, slot, picture)
        if shown is not None:
            # How long the last one is shown is not known: no longer than those before it, as a rule.
            end = self._slot(shown.time_us + min(self._spacing_us, self._usual_us))
            # One picture alone is seen, however short.
            yield from self._held(shown, end if several else max(end, shown.slot + 1))

    def _held(self, shown: _Shown, next_slot: int) -> Iterator[tuple[int, Picture]]:
        stale = max(self._slot(shown.time_us + HOLD_S * MICROSECONDS), shown.slot + 1)
        last = min(next_slot, stale, self._after)
        for slot in range(max(shown.slot, self._first), last):
            yield slot, shown.picture
        # What lies before the stretch is not asked for.
        begin, end = max(stale, 0), min(next_slot, self._after)
        if begin < end:
            self.log.add_gap(begin / self.rate, end / self.rate)

    def _end_early(self) -> None:
        if self._cut:
            self.log.cut_s = self._after / self.rate
        self.stop()


class PictureDecoder(_Pictures):
    """Pictures at 25 Hz for the ticks that have one, RGB, as they are shown: turned and with square pixels.

    Attributes:
        width: Pixels of the pictures given out.
        height: Likewise.
        scale: Shown pixels of the file for each pixel given out.
    """

    def __init__(
        self, media: Media, *, longest_side: int, from_tick: int = 0, log: DecodeLog | None = None
    ) -> None:
        """Start decoding.

        Args:
            media: The file.
            longest_side: Pixels that pictures are scaled down to.
            from_tick: Pictures before this tick are decoded, but not given out.
            log: Where to note what was wrong.
        """
        video = _video_of(media)
        self.scale = max(1.0, max(video.width, video.height) / longest_side)
        super().__init__(
            media,
            width=max(2, round(video.width / self.scale)),
            height=max(2, round(video.height / self.scale)),
            rate=TICK_HZ,
            pixels="rgb24",
            first=from_tick,
            after=media.stretch.ticks,
            seek_s=media.seek_s,
            start_s=media.start_s,
            log=log,
        )

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        """Give `(tick, (height, width, 3) RGB)` in order."""
        return self.slots()


class FullPictureDecoder(_Pictures):
    """Pictures of the whole file at its own rate and size, BGR, for drawing on them.

    The rate is made constant by the time stamps, so the time of a picture is its number over the rate.
    Where the file has no picture the last one stays.

    Attributes:
        width: Pixels of the pictures given out, even as H.264 wants them.
        height: Likewise.
        rate: Pictures a second.
        first_s: Second of the first picture on the clock of the ticks.
    """

    def __init__(self, media: Media) -> None:
        video = _video_of(media)
        rate = None if video.rate is None else video.rate * media.speed
        known = rate is not None and _SLOWEST_HZ <= rate <= _FASTEST_HZ
        self.first_s = video.start_s - media.start_s
        super().__init__(
            media,
            width=max(2, video.width // 2 * 2),
            height=max(2, video.height // 2 * 2),
            rate=float(rate if known and rate else TICK_HZ),
            pixels="bgr24",
            start_s=video.start_s,
            log=None,
        )

    def __iter__(self) -> Iterator[tuple[float, Picture]]:
        """Give `(time_s, (height, width, 3) BGR)` in order; the array is the same each time, to draw on."""
        drawn = np.empty((self.height, self.width, 3), np.uint8)
        last: Picture | None = None
        number = 0
        for slot, picture in self.slots():
            # Before the first there is nothing to repeat.
            for _ in range(number, slot if last is not None else number):
                drawn[:] = last
                yield self.first_s + number / self.rate, drawn
                number += 1
            drawn[:] = picture
            yield self.first_s + slot / self.rate, drawn
            number, last = slot + 1, picture


def fitted(
    pictures: Any, video: VideoStream, width: int, height: int, pixels: str, *, pixel: str | None
) -> Any:
    """Scale pictures into `width` x `height`, and make `pixels` of them, such as `rgb24`.

    Where their shape changes mid-file, there is black beside them: ffmpeg evaluates the expressions anew
    whenever the size of the pictures changes, and for each picture where that of their pixels does.

    Args:
        pictures: Of ffmpeg.
        video: What is known of them.
        width: Pixels.
        height: Likewise.
        pixels: Format.
        pixel: Width of a pixel over its height as told by `pixel_in`.
    """
    if video.odd_colours:
        # Of a matrix that swscale does not know it makes no picture at all: the most common one is nearest.
        pictures = pictures.filter("setparams", colorspace="bt709")
    if video.odd_aspect:
        pictures = pictures.filter("setsar", 1)
    when = {"eval": "init" if pixel is None else "frame"}
    shape = f"(iw*{pixel or 'sar'}/ih/{width / height:.6f})"
    same = f"lt(abs(1-{shape}),{_SAME_SHAPE})"
    wide = f"if({same},{width},max(2,round(min({width},{width}*{shape}))))"
    high = f"if({same},{height},max(2,round(min({height},{height}/{shape}))))"
    scaled = pictures.filter("scale", wide, high, flags="area", **when)
    if video.hdr and not video.odd_colours and maps_tones():
        scaled = _tones_mapped(scaled, video.hdr)
    # ffmpeg makes RGB of the small pictures then, faster than in one go with the scaling.
    small = scaled.filter("format", "yuv420p")
    if pixel is not None:
        # Left to itself, that step would give all pictures the size of the first.
        small = small.filter("scale", "iw", "ih", **when)
    # In RGB a picture may have any size, and not an even one alone.
    return small.filter("format", pixels).filter("pad", width, height, "(ow-iw)/2", "(oh-ih)/2", **when)


def _tones_mapped(pictures: Any, transfer: str) -> Any:
    """Bring pictures of high dynamic range to BT.709; what is no brighter than its white stays as it is."""
    return (
        pictures.filter("format", "yuv444p10le")
        .filter("setparams", colorspace="bt2020nc", color_primaries="bt2020", color_trc=transfer)
        .filter("zscale", t="linear", npl=_WHITE_NITS)
        .filter("format", "gbrpf32le")
        .filter("zscale", p="bt709")
        .filter("tonemap", "mobius", desat=0)
        .filter("zscale", t="bt709", m="bt709", r="tv")
    )


def _sparse(pictures: Any, start_s: float, rate: float) -> Any:
    """Leave out pictures that come faster than two a slot: half a slot is as near as times are told."""
    # A little more, because times that lie on the border are rounded to either side.
    half, before = (
        f"floor(({time}-({start_s:.6f}))*{2 * rate:g}+0.001)" for time in ("t", "prev_selected_t")
    )
    return pictures.filter("select", f"isnan(t)+isnan(prev_selected_t)+not(eq({half},{before}))")


def _video_of(media: Media) -> VideoStream:
    if media.video is None:
        raise ValueError(f"{name_of(media.path)} has no pictures")
    return media.video
