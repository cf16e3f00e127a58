"""The level of a voice, which the distance of a microphone decides and no emotion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLES_PER_TICK
from emoview.voice.blocks import Samples, in_blocks

USUAL_DB = -23.0
"""Level that sounds are brought to, of what is loud in them: the voice networks know it best."""
# What is quieter than 73 dB below full scale is the noise of the recorder.
_MOST_GAIN_DB = 50.0
# As in ITU-T P.56, what lies so far below the level of the rest is a pause.
_MARGIN_DB = 15.9
_SILENT_DB = -119.0


def level_db(samples: Samples) -> NDArray[np.float32]:
    """Give the level of each tick in dB below full scale.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].

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
    if not len(power):
        return None
    active, least = power.mean(), 0.0
    # Each round leaves out more or ends; the loudest stays.
    while (higher := active * 10 ** (-_MARGIN_DB / 10)) > least:
        least = higher
        active = power[power >= least].mean()
    return float(10 * np.log10(active))


def usual_gain_db(level: NDArray[np.float32]) -> float:
    """Give what brings a sound of such levels, `(ticks,)`, to the usual one."""
    active = active_level_db(level)
    return 0.0 if active is None else min(USUAL_DB - active, _MOST_GAIN_DB)


def at_usual_level(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a recording, `(n,)` at 16 kHz mono, to the usual level."""
    gain = 10 ** (usual_gain_db(level_db(samples)) / 20)
    return np.clip(samples * np.float32(gain), -1, 1)


def _levels(samples: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    padded = np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples)))
    power = np.square(padded.reshape(ticks, SAMPLES_PER_TICK)).mean(axis=1)
    return np.asarray(10 * np.log10(np.maximum(power, 1e-12)), np.float32)[:, None]
