"""Sources that feed a session: streams that are opened again when they fail, and files at their own rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Final, Protocol

from emoview.common.text import name_of
from emoview.errors import DecodeError, InputError
from emoview.live.causal.file import facts_of
from emoview.live.causal.result import StreamFacts
from emoview.live.clock import StreamClock
from emoview.live.inbox import Inbox, Shot
from emoview.media.decode import Picture, PictureDecoder
from emoview.media.probe import Media, probe
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound
from emoview.media.stream import (
    LiveStream,
    Source,
    check_address,
    check_camera,
    is_address,
    without_password,
)
from emoview.pipeline import lost
from emoview.pipeline.channels import of_mix
from emoview.pipeline.finding import LONGEST_SIDE
from emoview.pipeline.stage import Stage
from emoview.timeline.clock import SAMPLES_PER_TICK, ticks_of, time_of

ANSWER_S: Final = 10.0
"""A source that gives nothing for so long when it is opened does not answer."""
FROZEN_S: Final = 5.0
"""A source that gives nothing for so long is opened again."""
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 30.0
# What ffmpeg has read to find out what a stream holds comes at once, and is older than it seems.
_SETTLED_S = 0.4
# Of streams in parts, so much is held in hand, and when it is used up it is held anew.
_AHEAD_S, _LATE_S = 0.5, 0.2
# A stream that shows nothing for so long is sound alone.
_WITHOUT_S = 0.5
_ENDED: Final = "the stream ended"


@dataclass
class SourceState:
    """How a source is doing.

    Attributes:
        state: `opening`, `live`, `waiting` or `ended`.
        message: What is wrong, in one sentence; empty where nothing is.
        facts: What is known of it.
        opened: How often it was opened.
    """

    state: str = "opening"
    message: str = ""
    facts: StreamFacts = field(default_factory=lambda: StreamFacts(""))
    opened: int = 0


class Feed(Protocol):
    """Feeds an inbox until it ends or is stopped."""

    state: SourceState
    title: str

    def run(self, inbox: Inbox) -> None:
        """Feed; returns at the end."""

    def stop(self) -> None:
        """End it, from any thread."""


class StreamFeed:
    """A camera, an address or a pipe, opened again with growing waits whenever it fails.

    Args:
        source: It.
        retry: Go on trying, even if it never answered.
    """

    def __init__(self, source: Source, *, retry: bool) -> None:
        self.title = _title(source)
        self.state = SourceState(facts=StreamFacts(self.title))
        self._source, self._retry = source, retry
        self._stopped = threading.Event()
        self._stream: LiveStream | None = None
        self._clock = StreamClock()
        self._heard = self._opened_at = self._pictured_at = self._base = 0.0
        self._picture_seen = False
        self._created: str | None = None

    def run(self, inbox: Inbox) -> None:
        """Feed until it is stopped, or a pipe ends.

        Raises:
            DecodeError: It never answered, and `retry` is off; or it is a pipe that failed before its end.
        """
        wait = _FIRST_WAIT_S
        while not self._stopped.is_set():
            self._picture_seen = False
            why = self._once(inbox)
            if self._stopped.is_set():
                break
            if self._source.kind == "pipe" and self.state.opened:
                if why == _ENDED:
                    break
                raise DecodeError(f"{self.title}: {why}, and a pipe cannot be opened again: start anew")
            if not self.state.opened and not self._retry:
                cure = (
                    "send what can be read from its start, such as mpegts, mkv or mjpeg"
                    if self._source.kind == "pipe"
                    else "--retry goes on trying"
                )
                raise DecodeError(f"{self.title}: {why}; {cure}")
            wait = _FIRST_WAIT_S if self._picture_seen else min(2 * wait, _LONGEST_WAIT_S)
            self.state.state = "waiting"
            self.state.message = f"{why}: trying again in {wait:.0f} s" if wait >= 1 else why
            self._stopped.wait(wait)
        self.state.state = "ended"

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.stop()

    def _once(self, inbox: Inbox) -> str:
        """Feed until the stream fails; say why."""
        why = ""
        try:
            with LiveStream(self._source, longest_side=LONGEST_SIDE) as stream:
                self._stream, self._heard = stream, time.monotonic()
                watched = threading.Event()
                guard = threading.Thread(target=self._watch, args=(stream, watched), daemon=True)
                guard.start()
                try:
                    self._feed(stream, inbox)
                finally:
                    watched.set()
                    guard.join()
        except DecodeError as error:
            why = str(error)
        silent = time.monotonic() - self._heard
        if not self._picture_seen and silent >= ANSWER_S:
            return f"it did not answer within {ANSWER_S:.0f} s"
        if self._picture_seen and silent >= FROZEN_S:
            return "no pictures came any more"
        return why or _ENDED

    def _feed(self, stream: LiveStream, inbox: Inbox) -> None:
        for arrived in stream:
            # A microphone of its own goes on when the camera is gone.
            own = arrived.picture is not None or self._source.microphone is None
            self._heard = time.monotonic() if own else self._heard
            if arrived.number is not None and self._source.in_parts:
                self._wait_for(arrived.number)
            now = time.monotonic()
            self._heard = now if own else self._heard
            if not self._picture_seen:
                self._picture_seen, self._opened_at = True, now
                self._note(stream)
            if arrived.picture is not None:
                self._pictured_at = now
                tick = self._clock.tick(now)
                if tick is None:
                    inbox.drop()
                else:
                    inbox.put(Shot(tick, arrived.picture, arrived.scale, now))
            elif arrived.samples is not None and now - self._opened_at >= _SETTLED_S:
                from_tick, samples = self._clock.place(arrived.samples, now)
                inbox.put_sound(samples, from_tick)
                if now - self._pictured_at > _WITHOUT_S:
                    # Sound alone has its ticks, too, however many parts it comes in.
                    tick = self._clock.tick(now, ahead=0)
                    if tick is not None:
                        inbox.put(Shot(tick, None, 1.0, now))
            self._date()

    def _date(self) -> None:
        """Keep when the first tick began, by the clock of this machine."""
        start = self._clock.start
        if self._created is None and start is not None:
            passed = timedelta(seconds=time.monotonic() - start)
            self._created = (datetime.now(timezone.utc) - passed).isoformat(timespec="milliseconds")
            self.state.facts = replace(self.state.facts, created=self._created)

    def _wait_for(self, number: int) -> None:
        """Wait until a picture is due: those of a part come all at once, and are shown one by one."""
        late_s = time.monotonic() - self._base - time_of(number)
        if not self._picture_seen or late_s > _LATE_S:
            self._base = time.monotonic() + _AHEAD_S - time_of(number)
            late_s = -_AHEAD_S
        self._stopped.wait(max(0.0, -late_s))

    def _note(self, stream: LiveStream) -> None:
        wide, high = stream.size or (None, None)
        self.state.state, self.state.message = "live", ""
        self.state.opened += 1
        facts = StreamFacts(
            self.title, wide, high, None, 0, stream.video_codec, stream.audio_codec, stream.audio_rate,
            stream.audio_channels, created=self._created,
        )  # fmt: skip
        self.state.facts = facts if self._source.sound else _unheard(facts)

    def _watch(self, stream: LiveStream, done: threading.Event) -> None:
        """End a stream that gives nothing."""
        while not done.wait(0.25):
            limit = FROZEN_S if self._picture_seen else ANSWER_S
            if time.monotonic() - self._heard >= limit:
                stream.stop()
                return


class FileFeed:
    """A file at its own rate, with the ticks that an analysis of it has.

    Args:
        media: It.
        loop: Whether to begin again at the end.
        sound: Whether somebody listens to it.
        pictures: Whether its pictures are analysed; they are shown in any case.

    Attributes:
        warnings: What was wrong with it, when it has been read once.
    """

    def __init__(
        self, media: Media, *, loop: bool = False, sound: bool = True, pictures: bool = True
    ) -> None:
        self.warnings: list[str] = []
        self.title = name_of(media.path.name)
        facts = facts_of(media)
        self.state = SourceState(facts=facts if sound else _unheard(facts))
        self.media, self._loop, self._sound = media, loop, sound
        self._looks, self._reached = pictures and media.video is not None, 0
        self._start = 0.0
        self._stopped = threading.Event()

    def run(self, inbox: Inbox) -> None:
        """Feed until the end.

        Raises:
            DecodeError: A decoder gave up before it.
        """
        media = self.media
        sound = read_sound(media) if media.audio is not None and self._sound else None
        if sound is not None:
            # As in `analyze --causal`, that of the whole is not known yet.
            sound.offset[:] = 0
        self.state.state, self.state.opened = "live", 1
        done = rounds = 0
        try:
            while not self._stopped.is_set() and (self._loop or not rounds):
                log = DecodeLog()
                done = self._round(inbox, sound, done, log)
                if not rounds:
                    self._note(log, sound)
                rounds += 1
        finally:
            if sound is not None:
                sound.close()
        self.state.state = "ended"

    def _note(self, log: DecodeLog, sound: Sound | None) -> None:
        """Keep what was wrong with the file, as `analyze` tells it."""
        logs = {"pictures": (log, self._reached)} if self._looks else {}
        if sound is not None:
            logs["sound"] = sound.log, ticks_of(len(sound))
        for kind, (said, reached) in logs.items():
            if not self._stopped.is_set():
                lost.check_end(self.media, kind, said, reached)
            self.warnings += lost.of_stream(self.media, kind, said, reached)
        self.warnings += () if sound is None else of_mix(sound)

    def stop(self) -> None:
        """End it."""
        self._stopped.set()

    def _round(self, inbox: Inbox, sound: Sound | None, first: int, log: DecodeLog) -> int:
        """Feed the file once, from tick `first` on; give the tick after its last."""
        tick = -1
        if self.media.video is not None:
            with PictureDecoder(self.media, longest_side=LONGEST_SIDE, log=log) as decoder:
                for number, picture in Stage(iter(decoder)):
                    for empty in range(tick + 1, number):
                        self._give(inbox, sound, first, empty, None, 1.0)
                    self._give(inbox, sound, first, number, picture, decoder.scale)
                    tick = number
                    if self._stopped.is_set():
                        break
        self._reached = tick + 1
        last = ticks_of(len(sound)) if sound is not None else 0
        for empty in range(tick + 1, last):
            if self._stopped.is_set():
                break
            self._give(inbox, sound, first, empty, None, 1.0)
        return first + max(tick + 1, last)

    def _give(
        self, inbox: Inbox, sound: Sound | None, first: int, tick: int,
        picture: Picture | None, scale: float,
    ) -> None:  # fmt: skip
        """Give what belongs to a tick when its time has come: at its end, when its sound has been heard."""
        if not tick:
            # Opening a file takes its time, which is not the analysis' to make up for.
            self._start = time.monotonic() - time_of(first)
        due = self._start + time_of(first + tick + 1)
        self._stopped.wait(max(0.0, due - time.monotonic()))
        if sound is not None:
            part = sound[tick * SAMPLES_PER_TICK : (tick + 1) * SAMPLES_PER_TICK]
            inbox.put_sound(part, first + tick if first and not tick else None)
        inbox.put(Shot(first + tick, picture, scale, max(due, time.monotonic())))


def _unheard(facts: StreamFacts) -> StreamFacts:
    """Leave out the sound that nobody listens to: no share of speech is told of it."""
    return replace(facts, audio_codec=None, audio_rate=None, audio_channels=None)


def _title(source: Source) -> str:
    if source.kind == "camera":
        return f"camera {source.name}"
    return "standard input" if source.kind == "pipe" else name_of(without_password(source.name))


def open_feed(
    text: str,
    *,
    realtime: bool = False,
    loop: bool = False,
    retry: bool = False,
    microphone: str | None = None,
    sound: bool = True,
    pictures: bool = True,
) -> Feed:
    """Find what a source means: the number of a camera, an address, `-`, or a file.

    Raises:
        InputError: There is no such camera or file, or a file was named without `realtime`.
    """
    if text.isdecimal():
        check_camera(text)
        # A camera has no sound of its own.
        return StreamFeed(Source("camera", text, microphone, sound and microphone is not None), retry=retry)
    if text == "-":
        return StreamFeed(Source("pipe", "-", microphone, sound), retry=False)
    if is_address(text):
        check_address(text)
        return StreamFeed(Source("address", text, microphone, sound), retry=retry)
    media = probe(Path(text))
    if microphone is not None:
        raise InputError(f"{name_of(text)} is heard as it is: leave out --microphone")
    if not realtime:
        raise InputError(
            f"{name_of(text)} is a file: add --realtime to play it at its own rate, "
            "or use emoview analyze --causal, which takes no longer than it must"
        )
    return FileFeed(media, loop=loop, sound=sound, pictures=pictures)


OpenFeed = Callable[[str], Feed]
