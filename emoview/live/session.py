"""A session: a source, the causal analysis of it, and those who are told what comes out."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import numpy as np

from emoview.common.text import counted
from emoview.errors import InputError
from emoview.live.causal.core import CausalAnalysis, Manner
from emoview.live.causal.hearing import DELAY
from emoview.live.causal.moment import Moment, rows_of
from emoview.live.causal.result import StreamFacts
from emoview.live.gaps import Gaps
from emoview.live.inbox import Inbox, Shot
from emoview.live.settings import EMOVIEW, Labels, Settings
from emoview.live.sources import Feed, OpenFeed, SourceState
from emoview.pipeline.evidence import Found
from emoview.pipeline.models import Models, read_baseline
from emoview.timeline.clock import SAMPLES_PER_TICK, TICK_HZ, ticks_of, time_of
from emoview.timeline.options import Options
from emoview.timeline.results import FaceBox, Row

HELD_TICKS: Final = 12
"""Ticks without an answer, since a newer picture took the place of theirs, have the last one for so long."""
NO_ZERO: Final = "no zero was taken, since no face was seen for a second"
_MEASURED = 250
# Sound that waits has not been heard yet, nor is it missing.
_WAITING_TICKS: Final = 4 * TICK_HZ


@dataclass(frozen=True)
class Pace:
    """How fast it goes.

    Attributes:
        rate_hz: Answers a second, over the last seconds.
        delay_ms: From a picture's arrival to its answer, the last.
        delay_p95_ms: Likewise, that 95 % of the last are below.
        dropped: Pictures that a newer one took the place of, in all.
    """

    rate_hz: float = 0.0
    delay_ms: float = 0.0
    delay_p95_ms: float = 0.0
    dropped: int = 0


@dataclass(frozen=True)
class Update:
    """What viewers are told.

    Attributes:
        number: Counts updates.
        moment: What is known.
        labels: By face, what is presented.
        shot: The picture, as it was analysed.
        pace: How fast it goes.
        source: How the source is doing.
        settings: What they are.
        zero_left_s: Seconds of a calibration that are to come; None where none runs.
        zero: Whether a personal zero is taken away.
        zero_failed: Whether the last one that was asked for could not be taken.
        boxes: Of all faces that are in the picture, or were a moment ago, whatever is known of them.
    """

    number: int
    moment: Moment
    labels: dict[int, str | None]
    shot: Shot
    pace: Pace
    source: SourceState
    settings: Settings
    zero_left_s: float | None
    zero: bool
    zero_failed: bool = False
    boxes: tuple[FaceBox, ...] = ()


class Recording(Protocol):
    """What a session writes to: told of rows in order, and of pictures."""

    def add(self, rows: list[Row], shot: Shot | None, boxes: tuple[FaceBox, ...]) -> None:
        """Take the rows of a tick; the picture, and where faces are in it, where it was analysed."""

    def note(self, sentence: str) -> None:
        """Take what a user should know."""


OnUpdate = Callable[[Update], None]


@dataclass
class _Measure:
    """Times of the last answers."""

    times: deque[float] = field(default_factory=lambda: deque(maxlen=_MEASURED))
    delays: deque[float] = field(default_factory=lambda: deque(maxlen=_MEASURED))

    def add(self, at: float) -> None:
        now = time.monotonic()
        self.times.append(now)
        self.delays.append(now - at)

    def pace(self, dropped: int) -> Pace:
        recent = [t for t in self.times if t > self.times[-1] - 3]
        rate = (len(recent) - 1) / max(1e-6, recent[-1] - recent[0]) if len(recent) > 1 else 0.0
        p95 = float(np.percentile(self.delays, 95))
        return Pace(round(rate, 1), round(1000 * self.delays[-1], 1), round(1000 * p95, 1), dropped)


class Session:
    """Runs an analysis in threads of its own.

    Args:
        load: Gives the models.
        options: How to analyse.
        settings: What viewers may change.
        record: Where rows go; None for nowhere: nothing is stored then.
        open_feed: Opens another source by its name; None where the source cannot be changed.
    """

    def __init__(
        self,
        load: Callable[[], Models],
        options: Options,
        *,
        settings: Settings = EMOVIEW,
        record: Recording | None = None,
        open_feed: OpenFeed | None = None,
    ) -> None:
        self._load, self.options, self._record = load, options, record
        self.settings = settings
        self.manner = Manner(settings.smoothing_s, settings.prediction_frequency)
        self.baseline = baseline = None if options.baseline is None else read_baseline(options.baseline)
        for kind, other in (("face", "voice"), ("voice", "face")):
            if baseline is not None and options.modality != other:
                baseline.require(kind)
        self.core = CausalAnalysis(load, options, manner=self.manner, baseline=baseline)
        self.inbox = Inbox()
        self.state = self._first = SourceState()
        self.failure: BaseException | None = None
        self.latest: Update | None = None
        self.done = threading.Event()
        self._open_feed = open_feed
        self._feed: Feed | None = None
        self._next: str | None = None
        self._camera = settings.camera
        self._lock = threading.Lock()
        self._listeners: list[OnUpdate] = []
        self._labels, self._measure = Labels(), _Measure()
        self._updates = 0
        self._seen, self._heard, self._samples = Gaps(HELD_TICKS), Gaps(), 0
        self._late = 0
        self._boxes: dict[int, tuple[int, FaceBox]] = {}
        self._recorded = 0
        self._last_rows: tuple[int, list[Row]] | None = None
        self._threads: list[threading.Thread] = []

    def listen(self, on_update: OnUpdate) -> Callable[[], None]:
        """Be told of updates, from the thread of the analysis; gives what ends it."""
        with self._lock:
            self._listeners.append(on_update)

        def end() -> None:
            with self._lock:
                self._listeners.remove(on_update)

        return end

    def start(self, feed: Feed | None) -> None:
        """Start; without a feed, whoever holds the session puts pictures and sound into its inbox."""
        self._feed = feed
        self._first = self.state if feed is None else feed.state
        jobs = [self._analyse, self._hear, *([self._run_feed] if feed is not None else [])]
        self._threads = [
            threading.Thread(target=self._kept, args=(job,), name=f"emoview{job.__name__}", daemon=True)
            for job in jobs
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        with self._lock:
            feed, self._open_feed = self._feed, None
        if feed is not None:
            feed.stop()
        self.inbox.close()
        for thread in self._threads:
            thread.join()
        self.core.__exit__()

    def change(self, settings: Settings) -> None:
        """Take other settings."""
        before, self.settings = self.settings, settings
        self.manner.smoothing_s = settings.smoothing_s
        self.manner.every = settings.prediction_frequency
        if settings == before:
            return
        if settings.camera != before.camera:
            self._switch(settings.camera)
        if self._record is not None and (settings.smoothing_s, settings.prediction_frequency) != (
            before.smoothing_s, before.prediction_frequency,
        ):  # fmt: skip
            at = time_of(self.latest.moment.tick) if self.latest else 0.0
            every = settings.prediction_frequency
            self._record.note(
                f"from {at:.1f} s on: predictions every {'picture' if every == 1 else f'{every} pictures'}, "
                f"smoothed over {settings.smoothing_s:g} s"
            )

    def facts(self) -> StreamFacts:
        """Tell what is known of the source, and when the first of several began."""
        return replace(self.state.facts, created=self._first.facts.created)

    def lost(self) -> Iterator[str]:
        """Say where nothing was seen or heard, as when a source was away."""
        end = self.core.tally.ticks
        if self.options.modality != "voice":
            yield from self._seen.told("nothing was seen", "the face cells are empty there", end)
        if self.options.modality != "face":
            end -= _WAITING_TICKS
            yield from self._heard.told("nothing was heard", "the voice cells are empty there", end)
            if self._late:
                late = counted(self._late, "tick")
                yield f"the sound was analysed too late for {late}: the voice there is of the sound before"

    def calibrate(self, seconds: float) -> None:
        """Take the next seconds as the person's zero."""
        self.core.zero.ask(seconds)
        if self._record is not None:
            at = time_of(self.latest.moment.tick) if self.latest else 0.0
            self._record.note(f"from {at:.1f} s on: {seconds:g} s taken as the person's zero")

    def _switch(self, name: str) -> None:
        with self._lock:
            if self._open_feed is None or self._feed is None:
                return
            self._next = name
            self._feed.stop()

    def _kept(self, job: Callable[[], None]) -> None:
        """Do a job, and keep what goes wrong for whoever ends the session."""
        try:
            job()
        except BaseException as error:
            self.failure = self.failure or error
            feed = self._feed
            if feed is not None:
                feed.stop()
            self.inbox.close()

    def _run_feed(self) -> None:
        """Feed the inbox, from one source after the other if viewers want another."""
        while self._feed is not None:
            self.state = self._feed.state
            self._feed.run(self.inbox)
            with self._lock:
                opened = self._feed = self._opened()
            if opened is not None:
                # A second without pictures: no face goes on from one camera to the other.
                last = self.latest.moment.tick if self.latest is not None else -1
                first = last + 1 + TICK_HZ
                self.inbox.begin(first)
                if self._record is not None:
                    self._record.note(f"from {time_of(first):.1f} s on: the source is {opened.title}")
        self.inbox.close()

    def _opened(self) -> Feed | None:
        """Open the source that viewers want; where there is none of this name, the one before."""
        name, self._next = self._next, None
        if name is None or self._open_feed is None:
            return None
        try:
            feed = self._open_feed(name)
        except InputError:
            self.settings = self.settings.changed({"camera": self._camera})
            return self._open_feed(self._camera)
        self._camera = name
        return feed

    def _hear(self) -> None:
        while (part := self.inbox.take_sound()) is not None:
            from_tick, samples = part
            if from_tick is not None:
                self.core.skip_sound(from_tick)
                self._samples = max(self._samples, from_tick * SAMPLES_PER_TICK)
            self.core.hear(samples)
            end = self._samples + len(samples)
            self._heard.fill(self._samples // SAMPLES_PER_TICK, ticks_of(end))
            # Last, for whoever waits for it asks for the gaps next.
            self._samples = end

    def _analyse(self) -> None:
        try:
            while not self.inbox.closed:
                shot = self.inbox.take(timeout=1.0)
                if shot is not None:
                    self._answer(shot)
        finally:
            self.done.set()

    def _answer(self, shot: Shot) -> None:
        self._late += self.inbox.unheard_ticks >= DELAY
        moment, found = self.core.see(shot.tick, shot.picture, shot.scale)
        labels = self._labels.show(moment, self.settings) if shot.picture is not None else {}
        if shot.picture is not None:
            self._seen.fill(shot.tick, shot.tick + 1)
        self._measure.add(shot.at)
        self._updates += 1
        update = Update(
            self._updates, moment, labels, shot, self._measure.pace(self.inbox.dropped), self.state,
            self.settings, self.core.zero.left_s(shot.tick), self.core.zero.known, self.core.zero.failed,
            self._boxes_at(shot.tick, found),
        )  # fmt: skip
        failed = update.zero_failed and not (self.latest is not None and self.latest.zero_failed)
        self.latest = update
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener(update)
        if self._record is not None:
            if failed:
                self._record.note(f"at {time_of(shot.tick):.1f} s: {NO_ZERO}")
            self._keep(update, self._record)

    def _boxes_at(self, tick: int, found: Sequence[Found]) -> tuple[FaceBox, ...]:
        """Give where faces are: one that was not found for a moment is still where it was."""
        self._boxes.update((face.face_id, (tick, face.box)) for face in found)
        self._boxes = {i: (at, box) for i, (at, box) in self._boxes.items() if tick - at <= HELD_TICKS}
        return tuple(box for _, box in self._boxes.values())

    def _keep(self, update: Update, record: Recording) -> None:
        """Record a tick, and those before it whose pictures were dropped."""
        shot = update.shot
        rows = list(rows_of(update.moment, self.options.naming))
        for tick in range(self._recorded, shot.tick):
            record.add(self._held(tick), None, ())
        record.add(rows, shot, update.boxes)
        self._recorded = shot.tick + 1
        self._last_rows = (shot.tick, rows)

    def _held(self, tick: int) -> list[Row]:
        """Give the rows of a tick whose picture was dropped: the last ones, as long as they are fresh."""
        if self._last_rows is None or tick - self._last_rows[0] > HELD_TICKS:
            return [Row(tick, naming=self.options.naming)]
        return [replace(row, tick=tick) for row in self._last_rows[1]]
