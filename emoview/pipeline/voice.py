"""The voice branch: sound to descriptors, speech and what the networks say of it."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.media.sound import Sound
from emoview.pipeline.events import EventHook, Progress
from emoview.pipeline.evidence import Collector, SequenceLogits, Voice
from emoview.pipeline.inference import WINDOW_BATCH, over_windows, run_functionals, run_speech
from emoview.pipeline.models import Models
from emoview.pipeline.timings import Timings
from emoview.pipeline.who import embedded
from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.voice.activity import trim, trimmed, voice_activity
from emoview.voice.blocks import BLOCK_TICKS, Samples
from emoview.voice.descriptors import mfcc_means, windows
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import AtUsualLevel, level_db, usual_gain_db
from emoview.voice.measures import sound_measures
from emoview.voice.quality import quality_of
from emoview.voice.silero import speech_probability

# What openSMILE smooths and tracks over neighbouring frames has something to start from.
_LEAD_TICKS = TICK_HZ // 2
# So much of a pause belongs to the speech before it, and so much to that behind it: about half a second.
_BREATH_TICKS = TICK_HZ // 2
# Of a sample in 32 bits: 16 are too coarse for what is quiet.
_LARGEST = 2**31 - 1


class VoiceBranch:
    """Finds the speech in a sound, and asks the networks about it.

    Args:
        load: Gives the models; asked where somebody speaks.
        described_by: The features.
        timings: Told of the time it takes.
        on_event: Told of each of four steps.
        keep: Given the features on the way.
        measure: Whether the voice is measured.
    """

    def __init__(
        self,
        load: Callable[[], Models],
        *,
        described_by: VoiceFeatures = VoiceFeatures.OPENSMILE,
        timings: Timings,
        on_event: EventHook,
        keep: Sequence[Collector] = (),
        measure: bool = False,
    ) -> None:
        self._measure = measure
        self._load, self._described_by = load, described_by
        self._timings, self._on_event, self._keep = timings, on_event, keep

    def hear(self, sound: Sound) -> Voice:
        """Give all that is heard in a sound."""
        self._step(1)
        with self._timings.measure("voice_features"):
            level = level_db(sound)
            gain_db = usual_gain_db(level)
            usual = AtUsualLevel(sound, gain_db)
            probability = speech_probability(usual)
            features = self._described_by.of_ticks(usual)
            speech = voice_activity(level + np.float32(gain_db), features, probability)
        for one in self._keep:
            one.add_voice(features, speech)
        self._step(2)
        tcn = clip = voices = None
        if speech.any():
            models = self._load()
            with self._timings.measure("speakers"):
                voices = embedded(models.speaker, features, speech)
            clip = self._over_windows(models, usual, speech)
            self._step(3)
            if "voice" not in models.stand_ins:
                with self._timings.measure("voice_network"):
                    tcn = run_speech(models.voice_tcn, features, heard_ticks(speech), len(speech))
        self._step(4)
        mean, gain = _mean_level(sound), 10 ** (gain_db / 20)
        quality = quality_of(sound, gain, speech)
        measures = None
        if self._measure:
            measures = sound_measures(level, features, speech, gain, self._described_by)
        return Voice(
            len(speech), speech, level, mean, tcn, clip, sound.log, quality, voices=voices, measures=measures
        )

    def _over_windows(self, models: Models, sound: Samples, speech: NDArray[np.bool_]) -> SequenceLogits:
        """Ask the network that hears whole windows, that of a run where there is one."""
        stand_in = models.stand_ins.get("voice")
        means = stand_in is not None and stand_in.network.takes == "mfcc-means"
        network = stand_in.model if stand_in else models.voice_clip
        cuts = speech_windows(speech)
        logits = []
        for first in range(0, len(cuts), WINDOW_BATCH):
            some = cuts[first : first + WINDOW_BATCH]
            with self._timings.measure("voice_functionals"):
                summaries = describe_windows(
                    sound, some, mfcc_means if means else None, described_by=self._described_by
                )
            for one in self._keep:
                one.add_windows(some, summaries)
            with self._timings.measure("voice_network"):
                logits.append(run_functionals(network, summaries))
        with self._timings.measure("voice_network"):
            return over_windows(np.concatenate(logits), cuts, speech)

    def _step(self, number: int) -> None:
        self._on_event(Progress("voice", number, 4))


def speech_range(speech: NDArray[np.bool_]) -> tuple[int, int]:
    """Give the first tick of speech and the tick after the last."""
    active = np.flatnonzero(speech)
    return int(active[0]), int(active[-1]) + 1


def speech_windows(speech: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Cut what is from the first speech to the last into windows, in ticks; give those with speech."""
    first, last = speech_range(speech)
    cuts = [(first + a, first + b) for a, b in windows(last - first)]
    return [(a, b) for a, b in cuts if speech[a:b].any()]


def describe_windows(
    samples: Samples,
    cuts: Sequence[tuple[int, int]],
    describe: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    *,
    described_by: VoiceFeatures = VoiceFeatures.OPENSMILE,
) -> NDArray[np.float32]:
    """Describe windows, in ticks and in order, by their functionals, `(windows, n)`, or otherwise."""
    step = SAMPLES_PER_TICK
    if describe is not None:
        return np.stack([describe(trim(samples[a * step : b * step])) for a, b in cuts])
    parts = []
    for some in _together(cuts):
        start = max(0, some[0][0] - _LEAD_TICKS)
        spoken = []
        for a, b in some:
            first, last = trimmed(samples[a * step : b * step])
            spoken.append(((a - start) * step + first, (a - start) * step + last))
        sound = samples[start * step : (some[-1][1] + _LEAD_TICKS) * step]
        parts.append(described_by.of_windows(sound, spoken))
    return np.concatenate(parts)


def _together(cuts: Sequence[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    """Give windows that touch, a few at a time: what lies between others is no work for openSMILE."""
    some: list[tuple[int, int]] = []
    for cut in cuts:
        if some and (cut[0] > some[-1][1] or len(some) == WINDOW_BATCH):
            yield some
            some = []
        some.append(cut)
    yield some


def heard_ticks(speech: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Choose the ticks that the network over ticks is given: all from the first speech to the last.

    Of a pause of a second or more the middle is left out: the network learned from utterances, and holds what
    it hears against what is around.

    Args:
        speech: `(ticks,)`, true somewhere.
    """
    first, last = speech_range(speech)
    around = np.convolve(speech, np.ones(2 * _BREATH_TICKS + 1))[_BREATH_TICKS:][first:last]
    return first + np.flatnonzero(around)


def _mean_level(sound: Sound) -> float | None:
    # It reads PATH, without which a process can be started.
    os.environ.setdefault("PATH", os.defpath)
    with warnings.catch_warnings():
        # It looks for an ffmpeg on PATH, which nothing here needs it to have.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
    step = BLOCK_TICKS * SAMPLES_PER_TICK
    energy = 0.0
    for first in range(0, len(sound), step):
        # As it was recorded, since what is analysed is all equally loud; beyond full scale, too.
        block = sound[first : first + step].astype(np.float64)
        highest = max(1.0, float(np.abs(block).max()))
        pcm = np.rint(block / highest * _LARGEST).astype(np.int32)
        part = AudioSegment(pcm.tobytes(), sample_width=4, frame_rate=SAMPLE_RATE, channels=1)
        energy += len(pcm) * (highest * part.rms / part.max_possible_amplitude) ** 2
    return round(10 * math.log10(energy / len(sound)), 1) if energy else None
