"""Voice features: low-level descriptors on the tick clock, and functionals over windows.

Low-level descriptors and functionals are those of ComParE 2016 (Schuller et al. 2016, Interspeech),
computed by openSMILE; the second set are 40 mel-frequency cepstral coefficients.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK, TICK_HZ
from emoview.voice.blocks import Samples, in_blocks
from emoview.voice.mfcc import HOP, mfcc
from emoview.voice.smile import (
    FunctionalSet,
    Level,
    compare_2016,
    compare_2016_windows,
    functionals_of,
    names,
)

DESCRIPTORS = 65
MFCCS = 40
FUNCTIONALS = 6373

_FRAMES_PER_TICK = SAMPLES_PER_TICK // HOP
# Frames that begin within a signal but reach beyond its end.
_BEHIND = 4
# Half a second: of less there is little to summarise.
_FEWEST = 50 - _BEHIND


class FeatureSet(str, Enum):
    """The per-tick feature sets."""

    OPENSMILE = "opensmile"
    MFCC = "mfcc"
    BOTH = "both"

    @property
    def width(self) -> int:
        """Values a tick."""
        return {"opensmile": DESCRIPTORS, "mfcc": MFCCS, "both": DESCRIPTORS + MFCCS}[self.value]


def tick_features(samples: Samples, feature_set: FeatureSet = FeatureSet.BOTH) -> NDArray[np.float32]:
    """Describe every 40 ms tick of a signal.

    The descriptors are computed once over the signal, every 10 ms, and averaged into ticks: cutting
    the signal first would break every analysis window at a border.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        feature_set: Which features.

    Returns:
        `(ticks, feature_set.width)`; openSMILE's 65 first, then the 40 MFCCs.  The last tick counts
        when it has begun.
    """
    parts = []
    if feature_set is not FeatureSet.MFCC:
        parts.append(_opensmile_ticks)
    if feature_set is not FeatureSet.OPENSMILE:
        parts.append(_mfcc_ticks)

    def describe(block: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
        return np.concatenate([part(block, ticks) for part in parts], axis=1)

    return in_blocks(samples, describe, feature_set.width)


def mfcc_means(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average 40 mel-frequency cepstral coefficients over a signal.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].

    Returns:
        `(40,)`.
    """
    import librosa

    coefficients = librosa.feature.mfcc(y=samples, sr=SAMPLE_RATE, n_mfcc=MFCCS)
    return np.asarray(coefficients.mean(axis=1), np.float32)


def functionals(
    samples: NDArray[np.float32], which: FunctionalSet = FunctionalSet.COMPARE_2016
) -> NDArray[np.float32]:
    """Summarise a whole signal of a second or more.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        which: In which functionals.

    Returns:
        `(which.width,)`; what cannot be computed (no voiced frame, say) is 0.
    """
    shortest = SAMPLE_RATE // 2
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)))
    return _clean(functionals_of(samples, which)).reshape(which.width)


def window_functionals(samples: NDArray[np.float32], cuts: Sequence[tuple[int, int]]) -> NDArray[np.float32]:
    """Summarise windows of a signal as `functionals` does whole signals.

    The descriptors run on over the windows' borders, so a voice that is cut through there does not
    look as if it broke off.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        cuts: First sample of each window, and the one after its last: multiples of `HOP`, in order.

    Returns:
        `(windows, 6373)`.
    """
    frames = [(first // HOP, max(last // HOP - _BEHIND, first // HOP + _FEWEST)) for first, last in cuts]
    needed = (max(last for _, last in frames) + 2 * _BEHIND) * HOP
    padded = np.pad(samples, (0, max(0, needed - len(samples))))
    return _clean(compare_2016_windows(padded, frames)).reshape(len(cuts), FUNCTIONALS)


def descriptor_names() -> list[str]:
    """Name the 65 low-level descriptors of openSMILE, as it does: `F0final_sma`, `mfcc_sma[1]`."""
    return names(Level.DESCRIPTORS)


def functional_names() -> list[str]:
    """Name the 6,373 functionals, as openSMILE does: `F0final_sma_amean`, `mfcc_sma_de[1]_range`."""
    return names(Level.FUNCTIONALS)


def windows(
    ticks: int, *, longest_s: float = 4.0, window_s: float = 3.0, hop_s: float = 1.5
) -> list[tuple[int, int]]:
    """Cut `ticks` into the windows that functionals are computed over.

    A clip of up to `longest_s` is one window; anything longer is covered by windows of `window_s`
    that overlap by half, the last one flush with the end.

    Returns:
        `(first tick, tick after the last)` of each window.
    """
    if ticks <= 0:
        return []
    if ticks <= longest_s * TICK_HZ:
        return [(0, ticks)]
    width, hop = round(window_s * TICK_HZ), round(hop_s * TICK_HZ)
    starts = [*range(0, ticks - width, hop), ticks - width]
    return [(start, start + width) for start in starts]


def _opensmile_ticks(samples: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    # openSMILE's windows start at the frame's time; its last frames are missing where a window
    # would reach beyond the end, hence the padding.
    padded = np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples) + 1600))
    return _pool(_clean(compare_2016(padded, Level.DESCRIPTORS)), ticks)


def _mfcc_ticks(samples: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    padded = np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples) + 400))
    return _pool(mfcc(padded, count=MFCCS), ticks)


def _pool(frames: NDArray[np.float32], ticks: int) -> NDArray[np.float32]:
    needed = ticks * _FRAMES_PER_TICK
    if len(frames) < needed:
        frames = np.pad(frames, ((0, needed - len(frames)), (0, 0)), mode="edge")
    pooled = frames[:needed].reshape(ticks, _FRAMES_PER_TICK, -1).mean(axis=1)
    return np.asarray(pooled, dtype=np.float32)


def _clean(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
