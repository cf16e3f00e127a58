"""Which channels of a sound are analysed: all of them mixed, or the one that holds the voice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.media.sound import Sound, read_sound
from emoview.pipeline.choice import choose
from emoview.pipeline.speaker import correlation, loudness
from emoview.timeline.clock import SAMPLES_PER_TICK, TICK_HZ, ticks_of, time_of
from emoview.timeline.options import Options
from emoview.voice.activity import spoken
from emoview.voice.blocks import BLOCK_TICKS, Samples
from emoview.voice.level import AtUsualLevel, level_db, usual_gain_db
from emoview.voice.silero import speech_probability

if TYPE_CHECKING:
    from emoview.media.facts import Media
    from emoview.pipeline.evidence import Faces, FaceTrack

Notes = tuple[str, ...]
SeenFaces = Callable[[], "Faces | None"]

_SIDES = ("left", "right")
# More are decoded as a mix: a recording of six hours has 22 GB with so many.
_MOST_CHANNELS = 16
# In decibels: what lies so far below the loudest is a pause, and a channel so far below the other is empty.
_PAUSE_DB = 30.0
_EMPTY_DB = 40.0
_NOTHING_DB = -75.0
# Below, there is nothing but the noise of converters.
_SILENT_DB = -80.0
_OPPOSITE = -0.5
# A mix that is so much quieter than its channels has lost most of what they hold, and not in a few ticks.
_LOST_DB = 10.0
_LOST_TICKS = TICK_HZ
# Time codes, hum and hiss are as loud all the time: from one tick in ten to nine, levels are nearer.
_STEADY_DB = 3.0
# A channel has a speaker of its own where in so many ticks it is louder than the other by so much, and the
# other in so many others; a voice between two microphones is louder in the same one all the time.
_OWN_DB = 6.0
_OWN_SHARE = 0.1
_COPY = 0.98
# Ticks by which lips are ahead of a voice, and how much better they must go with one than with the other.
_LONGEST_LEAD = 3
_CLEARLY = 0.05


@dataclass(frozen=True)
class _Ticks:
    """Products of channels, by tick.

    Attributes:
        power: `(ticks, channels)`, mean squares.
        shared: `(ticks, channels)`, mean products with the first channel.
    """

    power: NDArray[np.float64]
    shared: NDArray[np.float64]

    @property
    def alike(self) -> NDArray[np.float64]:
        """Correlation of each channel with the first, `(channels,)`."""
        power = self.power.sum(axis=0)
        return np.asarray(self.shared.sum(axis=0) / np.sqrt(power * power[0] + 1e-20))

    @property
    def level_db(self) -> NDArray[np.float64]:
        """Level of each channel, `(channels,)`."""
        return np.asarray(10 * np.log10(self.power.mean(axis=0) + 1e-12))

    @property
    def lost(self) -> NDArray[np.int64]:
        """Ticks in which the first two channels are loud, and their mix is not."""
        left, right = self.power[:, 0], self.power[:, 1]
        loudest = 10 * np.log10(np.maximum(left, right) + 1e-12)
        loud = loudest > max(np.percentile(loudest, 95) - _PAUSE_DB, _NOTHING_DB)
        mixed = np.maximum((left + right) / 4 + self.shared[:, 1] / 2, 0)
        return np.flatnonzero(loud & (10 * np.log10(mixed + 1e-12) < loudest - _LOST_DB))


class _Channel:
    """One channel of a sound, at its usual level."""

    def __init__(self, sound: Sound, number: int) -> None:
        self._sound, self._number = sound, number
        self._gain: np.float32 | None = None
        self.level_db = level_db(self)
        self._gain = np.float32(10 ** (usual_gain_db(self.level_db) / 20))

    def __len__(self) -> int:
        return len(self._sound)

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        samples = self._sound.apart(part)[:, self._number]
        return samples if self._gain is None else np.clip(samples * self._gain, -1, 1)


def sound_of(media: Media, options: Options, seen: SeenFaces) -> tuple[Sound, Notes]:
    """Decode the sound of a file, and decide which of its channels are analysed.

    Args:
        media: The file.
        options: How it is analysed.
        seen: Waits for the faces; asked where each channel has a speaker of its own.

    Returns:
        The sound, and what a user should know of the choice.

    Raises:
        OutputError: The folder for temporary files is full.
    """
    count = media.audio.count if media.audio is not None and media.audio.count else 1
    if options.channel != "mix":
        if count == 1:
            return read_sound(media), (
                f"the sound has one channel alone: --channel {options.channel} took it",
            )
        sound = read_sound(media, 2)
        side = _SIDES.index(options.channel)
        sound.weights = np.eye(2, dtype=np.float32)[side]
        return sound, _of_chosen(sound, side, count)
    sound = read_sound(media)
    try:
        if count == 2:
            return sound, _of_two(sound, options, seen) or _of_noise(sound)
        if count > 2 and not _speech(sound).any():
            return _of_many(sound, media, min(count, _MOST_CHANNELS))
    except BaseException:
        sound.close()
        raise
    return sound, ()


def of_mix(sound: Sound) -> Notes:
    """Tell where two channels cancel out that were mixed without looking ahead."""
    if sound.channels != 2 or not len(sound) or sound.weights[0] != sound.weights[1]:
        return ()
    lost = _ticks_of(sound).lost
    if len(lost) < _LOST_TICKS:
        return ()
    return (
        f"the two channels are of opposite phase for {time_of(len(lost)):.1f} s from "
        f"{time_of(int(lost[0])):.1f} s on, and cancel out there: --channel left or --channel right "
        "analyses one of them",
    )


def _of_chosen(sound: Sound, side: int, count: int) -> Notes:
    """Tell where the channel that was asked for is silent, and another may not be."""
    try:
        levels_db = _ticks_of(sound).level_db
    except BaseException:
        sound.close()
        raise
    if levels_db[side] >= _SILENT_DB:
        return ()
    if levels_db[1 - side] >= _SILENT_DB:
        return (f"the {_SIDES[side]} channel is silent: --channel {_SIDES[1 - side]} takes the other",)
    return (f"the {_SIDES[side]} channel is silent: --channel mix takes all {count}",) if count > 2 else ()


def _of_noise(sound: Sound) -> Notes:
    """Look for speech on each of two channels where the mix has none, as beside a time code."""
    ticks = _ticks_of(sound)
    if not len(ticks.power) or sound.weights[0] != sound.weights[1] or abs(ticks.alike[1]) > _COPY:
        return ()
    if _speech(sound).any() or (best := _speaking(sound, ticks)) is None:
        return ()
    sound.weights = np.eye(2, dtype=np.float32)[best]
    return (f"speech was found on the {_SIDES[best]} channel, not in the mix: it alone was analysed",)


def _of_two(sound: Sound, options: Options, seen: SeenFaces) -> Notes:
    """Decide how two channels are mixed."""
    ticks = _ticks_of(sound)
    if not len(ticks.power):
        return ()
    left_db, right_db = ticks.level_db
    if abs(left_db - right_db) > _EMPTY_DB:
        sound.weights = np.array([left_db > right_db, right_db > left_db], np.float32)
        return ()
    if ticks.alike[1] < _OPPOSITE:
        sound.weights = np.array([0.5, -0.5], np.float32)
        return (
            "the two channels are of opposite phase: one was turned over, so that they do not cancel out",
        )
    lost = ticks.lost
    if len(lost) >= _LOST_TICKS:
        best = int(right_db > left_db)
        sound.weights = np.eye(2, dtype=np.float32)[best]
        return (
            f"the two channels are of opposite phase for {time_of(len(lost)):.1f} s from "
            f"{time_of(int(lost[0])):.1f} s on, and cancel out there: "
            f"the {_SIDES[best]} one alone was analysed",
        )
    if notes := _beside_steady(sound, ticks):
        return notes
    if _differ(ticks.power):
        return _of_two_speakers(sound, options, seen)
    return ()


def _beside_steady(sound: Sound, ticks: _Ticks) -> Notes:
    """Take the channel with the voice, where the other holds a sound that does not change, as a time code.

    Together, the voice would be heard in that sound, and speech be found in it.
    """
    low, high = np.percentile(10 * np.log10(ticks.power + 1e-12), [10, 90], axis=0)
    steady = high - low < _STEADY_DB
    if steady[0] == steady[1]:
        return ()
    side = int(steady[0])
    spoken, beside = (_speech_in(_Channel(sound, number)).any() for number in (side, 1 - side))
    if beside or not spoken:
        return ()
    sound.weights = np.eye(2, dtype=np.float32)[side]
    return (
        f"the {_SIDES[1 - side]} channel holds a steady sound without speech, such as a time code or hum: "
        f"the {_SIDES[side]} one alone was analysed",
    )


def _differ(power: NDArray[np.float64]) -> bool:
    """Tell whether now this of two channels is the louder one, and now that."""
    levels = 10 * np.log10(power + 1e-12)
    loudest = levels.max(axis=1)
    loud = loudest > np.percentile(loudest, 95) - _PAUSE_DB
    more = (levels[:, 0] - levels[:, 1])[loud]
    return bool((more > _OWN_DB).mean() >= _OWN_SHARE and (more < -_OWN_DB).mean() >= _OWN_SHARE)


def _of_two_speakers(sound: Sound, options: Options, seen: SeenFaces) -> Notes:
    channels = [_Channel(sound, number) for number in range(2)]
    speech = [_speech_in(channel) for channel in channels]
    if min(one.mean() for one in speech) < _OWN_SHARE:
        return ()
    # What is heard of the other speaker does not move these lips.
    levels = np.stack([channel.level_db for channel in channels])
    own = [speech[i] & (levels[i] > levels[1 - i]) for i in range(2)]
    tracks = _tracks(seen(), options)
    moving = [_with_lips(tracks, own[i], channels[i].level_db) for i in range(2)]
    if len({int(np.argmax(one)) for one in moving if any(one)}) > 1:
        return ("each of the two channels has its own speaker, and both are seen: they were mixed",)
    moves = [max(one, default=0.0) for one in moving]
    if options.voice == "all" or abs(moves[0] - moves[1]) < _CLEARLY:
        return (
            "each of the two channels has its own speaker, and they were mixed: "
            "--channel left or --channel right analyses one of them",
        )
    best = int(np.argmax(moves))
    sound.weights = np.eye(2, dtype=np.float32)[best]
    return (
        f"each of the two channels has its own speaker: the {_SIDES[best]} one was analysed, with which the "
        f"lips move; --channel {_SIDES[1 - best]} analyses the other",
    )


def _tracks(faces: Faces | None, options: Options) -> list[FaceTrack]:
    """Give the faces that may be measured, by person."""
    if faces is None or not faces.tracks:
        return []
    try:
        choice = choose(options, faces.tracks, None, file="the file")
    except InputError:
        # There is no such face, which is going to be said where all is joined.
        return []
    return list((choice.moving if options.face == "speaking" else choice.measured).values())


def _with_lips(tracks: list[FaceTrack], speech: NDArray[np.bool_], level: NDArray[np.float32]) -> list[float]:
    """Tell how well the lips of each face move with a voice; 0 for no more than by chance."""
    if not speech.any():
        return []
    heard = loudness(speech, level)
    # Lips open before they are heard.
    voices = [np.concatenate([heard[lead:], np.zeros(lead)]) for lead in range(_LONGEST_LEAD + 1)]
    return [max(correlation(one.ticks, one.lips, voice) or 0.0 for voice in voices) for one in tracks]


def _of_many(mixed: Sound, media: Media, count: int) -> tuple[Sound, Notes]:
    """Look for speech on each of many channels; the mix stays where there is none."""
    sound = read_sound(media, count)
    best = _speaking(sound, _ticks_of(sound))
    if best is None:
        sound.close()
        return mixed, ()
    mixed.close()
    sound.weights = np.eye(count, dtype=np.float32)[best]
    return sound, (
        f"speech was found on channel {best + 1} of {count}, not in the mix: it alone was analysed",
    )


def _speaking(sound: Sound, ticks: _Ticks) -> int | None:
    """Find the channel that holds most speech; None where none does."""
    best, most = None, 0.0
    for number in range(sound.channels if len(ticks.power) else 0):
        copy = number > 0 and abs(ticks.alike[number]) > _COPY
        if copy or ticks.level_db[number] < _NOTHING_DB:
            continue
        share = float(_speech_in(_Channel(sound, number)).mean())
        if share > most:
            best, most = number, share
    return best


def _speech(sound: Sound) -> NDArray[np.bool_]:
    return _speech_in(AtUsualLevel(sound, usual_gain_db(level_db(sound))))


def _speech_in(samples: Samples) -> NDArray[np.bool_]:
    return spoken(speech_probability(samples))


def _ticks_of(sound: Sound) -> _Ticks:
    ticks = ticks_of(len(sound))
    power, shared = np.zeros((2, ticks, sound.channels))
    for first in range(0, ticks, BLOCK_TICKS):
        last = min(first + BLOCK_TICKS, ticks)
        block = sound.apart(slice(first * SAMPLES_PER_TICK, last * SAMPLES_PER_TICK))
        block = np.pad(block, ((0, (last - first) * SAMPLES_PER_TICK - len(block)), (0, 0)))
        block = block.reshape(last - first, SAMPLES_PER_TICK, -1)
        power[first:last] = np.square(block).mean(axis=1)
        shared[first:last] = (block * block[:, :, :1]).mean(axis=1)
    return _Ticks(power, shared)
