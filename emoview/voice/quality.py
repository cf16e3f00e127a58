"""How good a recording of a voice is, as far as it can be heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK
from emoview.voice.blocks import BLOCK_TICKS, Samples

# Of a wave that is cut off, many samples lie within 10 % of the highest or above; of speech a few in a
# thousand do.
# The very highest say nothing: a change of the rate makes a cut-off wave swing beyond its edge.
_HIGHEST = 0.001
_NEAR_HIGHEST = 0.9
_MOST_NEAR = 0.0075
# Steps of height, up to 18 dB above full scale once at the usual level.
_FINENESS, _HEIGHTS = 2000, 16_000
# Hertz: what a telephone leaves out, and what carries most of a voice.
_HIGH = (4200, 7600)
_CORE = (500, 2500)
_NARROW_DB = -42.0
# The filter of a telephone ends a voice behind 3.4 kHz, if not at once: of 236 recordings from eight corpora
# one falls so far in both bands, and that has hardly anything above 4 kHz; sent through filters of 48, 24 and
# 12 dB an octave, 99, 61 and 9 in a hundred do.
_LAST = (3000, 3600)
_BEHIND = ((4400, 5200), -11.0), ((5500, 7600), -26.0)


@dataclass(frozen=True)
class Quality:
    """What harms the recognition of a voice.

    Attributes:
        clipped: Share of the samples of speech at or above 90 % of the height that one in a thousand exceeds;
            more than 0.0075 when it is clipped.
        high_db: Density of power from 4.2 to 7.6 kHz against that from 0.5 to 2.5 kHz; None without speech.
        ends: Whether it falls steeply behind 3.4 kHz.
    """

    clipped: float = 0.0
    high_db: float | None = None
    ends: bool = False

    @property
    def is_clipped(self) -> bool:
        """Whether waves are cut off."""
        return self.clipped > _MOST_NEAR

    @property
    def is_narrow(self) -> bool:
        """Whether there is hardly anything above 4 kHz."""
        return self.ends or (self.high_db is not None and self.high_db < _NARROW_DB)


USUAL: Final = Quality()


def quality_of(samples: Samples, gain: float, speech: NDArray[np.bool_]) -> Quality:
    """Measure a recording where somebody speaks.

    Args:
        samples: `(n,)`, 16 kHz mono.
        gain: What brings it to the usual level.
        speech: `(ticks,)`.
    """
    # Counted by height, since the highest is known only at the end.
    counts = np.zeros(_HEIGHTS, np.int64)
    power = np.zeros(SAMPLES_PER_TICK // 2 + 1)
    window = np.hanning(SAMPLES_PER_TICK).astype(np.float32)
    for first in range(0, len(speech), BLOCK_TICKS):
        chosen = speech[first : first + BLOCK_TICKS]
        if not chosen.any():
            continue
        block = samples[first * SAMPLES_PER_TICK : (first + len(chosen)) * SAMPLES_PER_TICK]
        block = np.pad(block, (0, len(chosen) * SAMPLES_PER_TICK - len(block)))
        ticks = block.reshape(-1, SAMPLES_PER_TICK)[chosen] * np.float32(gain)
        heights = np.minimum(np.abs(ticks).ravel() * _FINENESS, _HEIGHTS - 1).astype(np.int64)
        counts += np.bincount(heights, minlength=_HEIGHTS)
        power += np.square(np.abs(np.fft.rfft(ticks * window, axis=1))).sum(axis=0)
    total = int(counts.sum())
    if not total:
        return USUAL
    above = np.cumsum(counts[::-1])[::-1]
    highest = int(np.flatnonzero(above > _HIGHEST * total)[-1])
    near = int(counts[int(np.ceil(_NEAR_HIGHEST * highest)) :].sum())
    last = _density_db(power, _LAST)
    ends = all(_density_db(power, band) - last < least for band, least in _BEHIND)
    return Quality(near / total, _density_db(power, _HIGH) - _density_db(power, _CORE), ends)


def _density_db(power: NDArray[np.float64], band: tuple[int, int]) -> float:
    hertz = np.fft.rfftfreq(SAMPLES_PER_TICK, 1 / SAMPLE_RATE)
    inside = (hertz >= band[0]) & (hertz < band[1])
    return float(10 * np.log10(power[inside].mean() + 1e-12))
