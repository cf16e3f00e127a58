"""The voice as it comes: whether somebody speaks, and what the networks say of the last seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.live.causal.moment import recency
from emoview.media.sound import LITTLE_OFFSET
from emoview.pipeline.evidence import Logits
from emoview.pipeline.inference import run_functionals, run_sequence, seven_labels
from emoview.pipeline.models import Models
from emoview.pipeline.stand_ins import STAND_INS
from emoview.pipeline.voice import describe_windows
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.voice.descriptors import mfcc_means
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import KEPT, RunningLevel, amplified, level_db, power_db
from emoview.voice.silero import CHUNK, Listener

Samples = NDArray[np.float32]

HOP: Final = 5
"""Ticks from one answer of the voice networks to the next: 0.2 s."""
DELAY: Final = 5
"""A row is given what was known of the voice so many ticks ago: 0.2 s, in which the networks answer.

It is always the same, so that rows do not depend on how fast the machine is.
"""
# Ticks of speech that the network over ticks looks back on.
_MEMORY = 4 * TICK_HZ
# openSMILE smooths and tracks over neighbouring frames: before the first tick, and behind the last.
_LEAD, _EDGE = TICK_HZ, 2
# So much of a pause belongs to the speech before and behind it.
_BREATH = TICK_HZ // 2
# What is said of less than a second of speech is wrong too often (docs/live.md).
_SPAN, _FEWEST, _SUMMARY_EVERY = 3 * TICK_HZ, TICK_HZ, 2 * HOP
_KEPT_TICKS = _SPAN + 2 * _LEAD + HOP

_OFFSET_SAMPLES: Final = SAMPLE_RATE // 2

_STARTS, _STOPS = 0.5, 0.35
# A pause between two words does not end what is said.
_PAUSE_CHUNKS = round(0.3 * TICK_HZ * SAMPLES_PER_TICK / CHUNK)


@dataclass(frozen=True)
class Heard:
    """What is known of the voice at a tick.

    Attributes:
        speech: Whether somebody speaks.
        share: How much of the last moments was speech, in [0, 1].
        logits: `(7,)` of each network; empty where nothing can be said yet.
        level_db: Level of the tick; None where there is no sound yet.
    """

    speech: bool
    share: float
    logits: dict[str, Logits]
    level_db: float | None


NOTHING: Final = Heard(False, 0.0, {}, None)


class Speech:
    """Tells speech by Silero's network, of whose answers each depends on the sound before it alone.

    It hears the sound at its usual level, as far as that is known.
    """

    def __init__(self) -> None:
        self._listener, self._level = Listener(), RunningLevel()
        self._sum = self._count = 0.0
        self._on, self._quiet = False, 0

    @property
    def on(self) -> bool:
        """Whether somebody spoke last, or only drew breath."""
        return self._on

    def at_usual_level(self, samples: Samples) -> Samples:
        """Bring samples to the usual level, without a constant offset, by what was heard so far."""
        return amplified(samples - self._offset, self._level.usual_gain_db)

    def add(self, chunk: Samples) -> bool:
        """Take the next 512 samples; tell whether somebody speaks in them, or only draws breath."""
        self._sum, self._count = KEPT * self._sum + float(chunk.sum()), KEPT * self._count + len(chunk)
        even = chunk - self._offset
        level = power_db(even)
        likely = self._listener.hear(amplified(even, self._level.gain_db(level)))
        if likely >= _STARTS:
            self._level.add_speech(level)
            self._on, self._quiet = True, 0
        elif self._on and likely < _STOPS:
            self._quiet += 1
            self._on = self._quiet <= _PAUSE_CHUNKS
        return self._on

    @property
    def _offset(self) -> np.float32:
        """What the sound is off zero by all the time; of a moment it is only how slow waves stand."""
        mean = self._sum / max(self._count, 1.0)
        known = self._count >= _OFFSET_SAMPLES and abs(mean) >= LITTLE_OFFSET
        return np.float32(mean if known else 0.0)


class Hearing:
    """Takes the sound as it comes, and asks the voice networks every `HOP` ticks in which somebody speaks.

    One thread may add sound while another asks.  Memory does not grow.

    Args:
        load: Gives the models; asked when somebody speaks.
        features: What describes the voice.
        smoothing: Gives the ticks over which speech fades in and out, see `recency`.
    """

    def __init__(
        self, load: Callable[[], Models], features: VoiceFeatures, smoothing: Callable[[], float]
    ) -> None:
        self._load, self._features, self._smoothing = load, features, smoothing
        self._lock = threading.Lock()
        self._speech = Speech()
        # Samples from `_first` on; chunks up to `_listened`, and hops up to `_hopped` ticks are done.
        self._samples: Samples = np.zeros(0, np.float32)
        self._first = self._listened = self._hopped = 0
        self._marks: deque[tuple[bool, float]] = deque(maxlen=_KEPT_TICKS)
        self._known = 0
        self._spoken = False
        self._described: deque[tuple[int, NDArray[np.float32]]] = deque(maxlen=_MEMORY)
        self._described_to = self._utterance = self._summarised = 0
        self._silent = _KEPT_TICKS
        self._summary: Logits | None = None
        self._answers: deque[tuple[int, dict[str, Logits]]] = deque(maxlen=4)

    def add(self, samples: Samples) -> None:
        """Take `(n,)` more samples at 16 kHz, in [-1, 1]."""
        self._samples = np.concatenate([self._samples, samples])
        end = self._first + len(self._samples)
        while self._listened + CHUNK <= end:
            self._listen()
            # At once, so that nothing depends on how much is added together.
            while (self._hopped + HOP) <= self._known:
                self._hopped += HOP
                self._hop(self._hopped)
        keep = min(self._listened, max(0, self._known - _KEPT_TICKS) * SAMPLES_PER_TICK)
        if keep - self._first > _KEPT_TICKS * SAMPLES_PER_TICK:
            self._samples = self._samples[keep - self._first :].copy()
            self._first = keep

    def skip(self, tick: int) -> None:
        """Go on at a later tick, since there was no sound before it."""
        if tick <= self._known:
            return
        with self._lock:
            self._marks.clear()
            self._known = tick
        self._samples = np.zeros(0, np.float32)
        self._first = self._listened = tick * SAMPLES_PER_TICK
        self._hopped = self._described_to = self._utterance = tick
        self._silent, self._summary = _KEPT_TICKS, None

    @property
    def heard(self) -> bool:
        """Whether there was any sound."""
        return self._known > 0

    def at(self, tick: int) -> Heard:
        """Tell what is known at a tick: what was heard `DELAY` ticks before it."""
        heard = tick - DELAY
        with self._lock:
            first = self._known - len(self._marks)
            marks = list(self._marks)[: max(0, heard + 1 - first)]
            answers = [answer for at, answer in self._answers if at <= heard + 1]
        if not marks or heard >= first + len(marks) + _BREATH:
            # There is no sound, or no more.
            return NOTHING
        speech = np.array([spoken for spoken, _ in marks], np.float64)
        weights = recency(np.arange(len(marks))[::-1].astype(np.float64), self._smoothing())
        share = float(weights @ speech)
        return Heard(marks[-1][0], share, answers[-1] if answers else {}, round(marks[-1][1], 1))

    def speech_and_level(self) -> tuple[int, NDArray[np.bool_], NDArray[np.float32]]:
        """Give the first tick that is remembered, and of it and those after it speech and level."""
        with self._lock:
            marks = list(self._marks)
            first = self._known - len(marks)
        return first, np.array([m[0] for m in marks], bool), np.array([m[1] for m in marks], np.float32)

    def _part(self, first: int, last: int) -> Samples:
        """Give the samples of ticks, silence where there are none."""
        a, b = (tick * SAMPLES_PER_TICK - self._first for tick in (first, last))
        part = self._samples[max(0, a) : max(0, b)]
        return np.pad(part, (max(0, -a), 0)) if a < 0 else part

    def _listen(self) -> None:
        """Hear the next chunk, and mark the ticks that end in it."""
        start = self._listened - self._first
        self._spoken |= self._speech.add(self._samples[start : start + CHUNK])
        self._listened += CHUNK
        while (self._known + 1) * SAMPLES_PER_TICK <= self._listened:
            level = float(level_db(self._part(self._known, self._known + 1))[0])
            with self._lock:
                self._marks.append((self._spoken, level))
                self._known += 1
            self._spoken = self._speech.on

    def _hop(self, end: int) -> None:
        """Ask the networks about what was heard up to the tick `end`."""
        ticks = [self._marks[i - self._known][0] for i in range(end - HOP, end)]
        if not any(ticks):
            self._silent += HOP
            if self._silent > _BREATH + HOP:
                return
        else:
            if self._silent > 2 * _BREATH:
                self._utterance, self._summary = max(0, end - HOP - _BREATH // 2), None
            self._silent = 0
        models = self._load()
        answer = self._asked(models, end)
        if answer:
            with self._lock:
                self._answers.append((end, answer))

    def _asked(self, models: Models, end: int) -> dict[str, Logits]:
        stand_in = models.stand_ins.get("voice")
        if end - self._utterance >= _FEWEST and (
            self._summary is None or end - self._summarised >= _SUMMARY_EVERY
        ):
            self._summarise(models, end)
        if stand_in is not None:
            return {} if self._summary is None else {STAND_INS["voice"]: self._summary}
        self._describe(end - _EDGE)
        if self._summary is None or not self._described:
            return {}
        values = np.stack([vector for _, vector in self._described])
        # Of what it says of ticks, the last ones lack what comes behind them.
        said = seven_labels(run_sequence(models.voice_tcn, values).whole)
        return {"voice_tcn": said, "voice_clip": self._summary}

    def _describe(self, end: int) -> None:
        """Describe the ticks up to `end` that have not been described, but for long silence."""
        first = max(self._described_to, end - HOP - _BREATH, 0)
        if end <= first:
            return
        lead = max(0, first - _LEAD)
        sound = self._speech.at_usual_level(self._part(lead, end + _EDGE))
        features = self._features.of_ticks(sound)
        self._described.extend((tick, features[tick - lead]) for tick in range(first, end))
        self._described_to = end

    def _summarise(self, models: Models, end: int) -> None:
        """Ask the network over functionals about the last seconds of what is being said."""
        first = max(self._utterance, end - _SPAN)
        lead = max(0, first - _LEAD)
        sound = self._speech.at_usual_level(self._part(lead, end))
        stand_in = models.stand_ins.get("voice")
        means = stand_in is not None and stand_in.network.takes == "mfcc-means"
        network = stand_in.model if stand_in else models.voice_clip
        values = describe_windows(
            sound, [(first - lead, end - lead)], mfcc_means if means else None, described_by=self._features
        )
        said = run_functionals(network, values)[0]
        self._summary = seven_labels(said if stand_in is None else stand_in.voices(said))
        self._summarised = end
