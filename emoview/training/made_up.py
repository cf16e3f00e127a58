"""Sounds without words, made by formulas: music, signals, wind, knocks, and vowels that are held."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE
from emoview.voice.level import USUAL_DB

Floats = NDArray[np.float32]
_SIGNALS_HZ = ((350, 440), (440, 480), (425, 425), (697, 1209), (900, 1400), (1000, 2000))
# The first three formants of held vowels, and how wide they are.
_VOWELS_HZ = ((700, 1200, 2600), (300, 2300, 3000), (400, 800, 2500), (500, 1900, 2500))
_WIDTH_HZ, _HIGHEST_HZ = 120, 7500


def made_up_sound(length: int, rng: np.random.Generator) -> Floats:
    """Draw a kind of sound, and make one at the usual level, `(length,)` at 16 kHz."""
    sound = _KINDS[rng.integers(len(_KINDS))](length, rng)
    power = np.sqrt(np.square(sound).mean()) + 1e-9
    return np.asarray(sound * (10 ** (USUAL_DB / 20) / power), np.float32)


def coloured(length: int, slope: float, rng: np.random.Generator) -> Floats:
    """Make noise of mean square 1, `(length,)`: white with a slope of 0, pink with 0.5."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    spectrum *= np.maximum(np.fft.rfftfreq(length), 1e-4) ** -slope
    noise = np.fft.irfft(spectrum, length)
    return np.asarray(noise / np.sqrt(np.square(noise).mean()), np.float32)


def _seconds(length: int) -> NDArray[np.float64]:
    return np.arange(length) / SAMPLE_RATE


def _tone(
    hertz: float, seconds: NDArray[np.float64], fall: float, *, vibrato: float = 0.0, overtones: int = 7
) -> NDArray[np.float64]:
    """Make a tone whose overtones fall off, and that sways by a share of its pitch."""
    swayed = seconds + vibrato * np.sin(2 * np.pi * 5.5 * seconds) / (2 * np.pi * 5.5)
    numbers = np.arange(1, overtones + 1)[:, None]
    return np.asarray((np.sin(2 * np.pi * hertz * numbers * swayed) / numbers**fall).sum(axis=0))


def _melody(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    result, at = np.zeros(length), 0
    vibrato, overtones, fall = rng.uniform(0, 0.015), int(rng.integers(1, 13)), rng.uniform(0.8, 2)
    longest, lasts, lowest = rng.uniform(0.2, 0.8), rng.uniform(0.1, 1), rng.uniform(110, 330)
    while at < length:
        seconds = _seconds(min(int(rng.uniform(0.1, longest) * SAMPLE_RATE), length - at))
        pitch = lowest * 2 ** (rng.integers(0, 24) / 12)
        note = _tone(pitch, seconds, fall, vibrato=vibrato, overtones=overtones)
        result[at : at + len(seconds)] = note * np.minimum(1, 40 * seconds) * np.exp(-seconds / lasts)
        at += len(seconds)
    return result


def _chords_and_drums(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    result, at = np.zeros(length), 0
    while at < length:
        seconds = _seconds(min(int(rng.uniform(0.3, 1) * SAMPLE_RATE), length - at))
        root = 110 * 2 ** (rng.integers(0, 12) / 12)
        chord = sum(_tone(root * 2 ** (step / 12), seconds, 1.5) for step in (0, rng.choice([3, 4]), 7, 12))
        result[at : at + len(seconds)] = chord + 3 * rng.standard_normal(len(seconds)) * np.exp(-20 * seconds)
        at += len(seconds)
    return result


def _ringing(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    seconds = _seconds(length)
    low, high = _SIGNALS_HZ[rng.integers(len(_SIGNALS_HZ))]
    on = seconds % rng.uniform(0.5, 4) < rng.uniform(0.3, 2)
    return np.asarray((np.sin(2 * np.pi * low * seconds) + np.sin(2 * np.pi * high * seconds)) * on)


def _alarm(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    hertz = 700 + 300 * np.sin(2 * np.pi * rng.uniform(0.3, 4) * _seconds(length))
    return np.asarray(np.sign(np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE)))


def _wind(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    seconds = _seconds(length)
    at = np.arange(0, length / SAMPLE_RATE + 1, 0.5)
    gusts = np.interp(seconds, at, rng.uniform(0.1, 1, len(at)))
    return np.asarray(coloured(length, rng.uniform(0, 1.2), rng) * gusts, np.float64)


def _knocks(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    result = np.zeros(length)
    for at in rng.integers(0, length, max(1, int(length / SAMPLE_RATE * rng.uniform(1, 6)))):
        seconds = _seconds(min(3000, length - int(at)))
        result[at : at + len(seconds)] += rng.standard_normal(len(seconds)) * np.exp(
            -seconds / rng.uniform(0.006, 0.06)
        )
    return result


def _vowel(length: int, rng: np.random.Generator) -> NDArray[np.float64]:
    pitch = rng.uniform(120, 500)
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.01 * np.sin(2 * np.pi * 5 * _seconds(length)))) / SAMPLE_RATE
    formants = np.array(_VOWELS_HZ[rng.integers(len(_VOWELS_HZ))])
    result = np.zeros(length)
    for overtone in range(1, int(_HIGHEST_HZ / pitch) + 1):
        gain = (1 / (1 + np.square((overtone * pitch - formants) / _WIDTH_HZ))).sum()
        result += gain * np.sin(overtone * phase) / overtone**0.3
    return result


_KINDS: tuple[Callable[[int, np.random.Generator], NDArray[np.float64]], ...] = (
    _melody, _melody, _chords_and_drums, _ringing, _alarm, _wind, _wind, _knocks, _vowel,
)  # fmt: skip
