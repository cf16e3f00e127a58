"""The level of a voice, which the distance of a microphone decides and no emotion."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK
from emoview.voice.blocks import Samples, in_blocks

USUAL_DB = -23.0
"""Level that sounds are brought to, of what is loud in them: the voice networks know it best."""
# What is quieter than 73 dB below full scale is the noise of the recorder.
_MOST_GAIN_DB = 50.0
# Noise under each sound at its usual level: a recorder, a codec or an editor decides what is left of silence,
# down to nothing, and the voice networks would hear it.
FLOOR_DB: Final = -80.0
# It fills what a telephone carries, so that one is still known by what it lacks.
FLOOR_HZ: Final = 3400
_NOISE: Final = 4 * SAMPLE_RATE
# Longer silence, such as gaps are filled with, stays silent, and is little work.
_SILENCE: Final = 10 * SAMPLE_RATE
# As in ITU-T P.56, what lies so far below the level of the rest is a pause.
_MARGIN_DB = 15.9
_SILENT_DB = -119.0

# Of sound as it comes: fine enough that levels between two do not matter, and from silence to integers that
# were stored as floating point.
_STEP_DB: Final = 0.25
_LEVELS_DB: Final = np.arange(_SILENT_DB, 100.0, _STEP_DB)
_POWERS: Final = 10 ** (_LEVELS_DB / 10)
# Chunks of Silero's network: a second of speech is enough, and a minute is remembered.
_ENOUGH: Final = 31.0
KEPT: Final = 1 - 1 / 1875
"""How much what was heard counts a chunk later."""


def level_db(samples: Samples) -> NDArray[np.float32]:
    """Give the level of each tick in dB below full scale.

    Args:
        samples: `(n,)`, 16 kHz mono, 1 for full scale.

    Returns:
        `(ticks,)`, -120 at the least.
    """
    return in_blocks(samples, _levels, 1)[:, 0]


def active_level_db(level: NDArray[np.float32]) -> float | None:
    """Give the level of what is no pause, after ITU-T P.56 (2011); None for silence.

    Args:
        level: `(ticks,)`, see `level_db`.
    """
    power = 10 ** (level[level > _SILENT_DB].astype(np.float64) / 10)
    return _active_level_db(power, np.ones(len(power)))


def _active_level_db(power: NDArray[np.float64], counts: NDArray[np.float64]) -> float | None:
    """Give the active level of mean squares, `(n,)`, of each of which there are so many, `(n,)`."""
    if not counts.any():
        return None
    active, least = float(np.average(power, weights=counts)), 0.0
    # Each round leaves out more or ends; the loudest stays.
    while (higher := active * 10 ** (-_MARGIN_DB / 10)) > least:
        least = higher
        active = float(np.average(power, weights=np.where(power >= least, counts, 0)))
    return float(10 * np.log10(active))


def usual_gain_db(level: NDArray[np.float32]) -> float:
    """Give what brings a sound of such levels, `(ticks,)`, to the usual one."""
    return _gain_db(active_level_db(level))


class RunningLevel:
    """The active level of a sound as it comes: of the speech so far, or of all as long as there was little.

    What was long ago counts less, so that a speaker who moves is heard at the usual level again.
    """

    def __init__(self) -> None:
        # By level, how much there was of the speech, and of all.
        self._speech, self._all = np.zeros((2, len(_LEVELS_DB)))

    def gain_db(self, level_db: float) -> float:
        """Give what brings the next chunk, of this level, to the usual level together with those before."""
        self._all *= KEPT
        self._speech *= KEPT
        if level_db > _SILENT_DB:
            self._all[_place(level_db)] += 1
        return self.usual_gain_db

    def add_speech(self, level_db: float) -> None:
        """Say that somebody spoke in the chunk of this level."""
        self._speech[_place(level_db)] += 1

    @property
    def usual_gain_db(self) -> float:
        """What brings the sound so far to the usual level."""
        known = self._speech if self._speech.sum() >= _ENOUGH else self._all
        return _gain_db(_active_level_db(_POWERS, known))


def _place(level_db: float) -> int:
    """Find the place of a level among `_LEVELS_DB`."""
    place = round((level_db - float(_LEVELS_DB[0])) / _STEP_DB)
    return min(max(place, 0), len(_LEVELS_DB) - 1)


def _gain_db(active: float | None) -> float:
    return 0.0 if active is None else min(USUAL_DB - active, _MOST_GAIN_DB)


class AtUsualLevel:
    """A sound at its usual level, above a little noise that is the same each time.

    Args:
        samples: As they were recorded.
        gain_db: What brings them there, see `usual_gain_db`.
    """

    def __init__(self, samples: Samples, gain_db: float) -> None:
        self._samples, self._gain_db = samples, gain_db

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        first, _, _ = part.indices(len(self))
        return amplified(self._samples[part], self._gain_db, first)


def at_usual_level(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a recording, `(n,)` at 16 kHz mono, to the usual level."""
    return amplified(samples, usual_gain_db(level_db(samples)))


def amplified(samples: NDArray[np.float32], gain_db: float, first: int = 0) -> NDArray[np.float32]:
    """Make samples so much louder, as far as they go, above a little noise.

    Args:
        samples: `(n,)`, 16 kHz mono.
        gain_db: How much.
        first: Which of all samples the first one is: it decides its noise.
    """
    if len(samples) >= _SILENCE and not samples.any():
        return samples
    louder = samples * np.float32(10 ** (gain_db / 20))
    louder += np.resize(np.roll(_noise(), -first), len(samples))
    return np.clip(louder, -1, 1, out=louder)


@functools.lru_cache(maxsize=1)
def _noise() -> NDArray[np.float32]:
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(_NOISE))
    spectrum[np.fft.rfftfreq(_NOISE, 1 / SAMPLE_RATE) > FLOOR_HZ] = 0
    return np.asarray(10 ** (FLOOR_DB / 20) * np.fft.irfft(spectrum, _NOISE), np.float32)


def power_db(samples: NDArray[np.float32]) -> float:
    """Give the level of samples, `(n,)`, together in dB below full scale, -120 at the least."""
    return float(10 * np.log10(max(float(np.square(samples).mean()), 1e-12)))


def _levels(samples: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    padded = np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples)))
    power = np.square(padded.reshape(ticks, SAMPLES_PER_TICK)).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)[:, None]
