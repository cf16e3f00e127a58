"""Voice activity: which ticks hold speech, so that silence says nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import TICK_HZ

# Column of the descriptors, by openSMILE or not.
_VOICING = 1

_SILENCE_DB = -55.0
_BELOW_PEAK_DB = 35.0
_ABOVE_FLOOR_DB = 6.0
_VOICED = 0.55
_LONGEST_PAUSE = round(0.3 * TICK_HZ)
_SHORTEST_SPEECH = round(0.12 * TICK_HZ)
_LEAST_VOICED = 0.2
# What the network says of a tick of speech at the least, of some of each word, and on average.  Measured on
# eight corpora of speech, with noise, rooms and telephone, and on sounds of 16 kinds that voices make.
_PERHAPS, _LIKELY, _SURE = 0.3, 0.5, 0.65
_LONGEST_GAP = round(0.48 * TICK_HZ)
_SHORTEST_LIKELY = round(0.2 * TICK_HZ)
# It notices a word a little late, and forgets it a little early.
_AROUND = round(0.32 * TICK_HZ)
# The last sound of a word dies away for so long.  ITU-T P.56 counts 0.2 s as speech; in conversations, true
# speech by it is met best by this.
_DIES_AWAY = round(0.12 * TICK_HZ)
# What is silence around speech, against the loudest 20 ms.
_BELOW_LOUDEST_DB = 40.0


def voice_activity(
    level: NDArray[np.float32], descriptors: NDArray[np.float32], probability: NDArray[np.float32]
) -> NDArray[np.bool_]:
    """Find the ticks in which somebody speaks.

    A stretch counts when it is louder than the background of its file and a fair part of it is voiced;
    pauses within a word do not interrupt it.  Noise is loud but not voiced, hum is steady and so is
    its own background.  Of such stretches those parts count that a network takes for speech: music, ringing,
    laughing, crying and coughing are loud and voiced, too.

    Args:
        level: `(ticks,)`, see `level_db`, of a sound at its usual level.
        descriptors: `(ticks, 2 or more)`, the second column tells voicing, see `VoiceFeatures`.
        probability: `(ticks,)`, see `speech_probability`, of the same sound.

    Returns:
        `(ticks,)`.
    """
    if not len(level):
        return np.zeros(0, bool)
    peak = float(np.percentile(level, 95))
    floor = min(float(np.percentile(level, 10)), peak - 15)
    loud = level > max(_SILENCE_DB, peak - _BELOW_PEAK_DB, floor + _ABOVE_FLOOR_DB)
    voiced = loud & (descriptors[: len(level), _VOICING] > _VOICED)
    active = np.zeros(len(level), bool)
    for first, last in _runs(_without_short(loud, ~loud, _LONGEST_PAUSE)):
        if last - first >= _SHORTEST_SPEECH and voiced[first:last].mean() >= _LEAST_VOICED:
            active[first:last] = True
    around = np.convolve(spoken(probability), np.ones(2 * _AROUND + 1))[_AROUND : _AROUND + len(level)]
    return active & (around > 0)


def spoken(probability: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the ticks that the network is sure enough of, `(ticks,)`, as `voice_activity` takes them.

    A cough or a sob sounds like speech for a moment, a word does for longer.
    """
    result = np.zeros(len(probability), bool)
    perhaps = probability > _PERHAPS
    for first, last in _runs(_without_short(perhaps, ~perhaps, _LONGEST_GAP)):
        part = probability[first:last]
        if (part > _LIKELY).sum() >= _SHORTEST_LIKELY and part[perhaps[first:last]].mean() >= _SURE:
            result[first:last] = True
    return result


def until_gone(speech: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Let each stretch of speech go on until its last sound has died away, `(ticks,)`.

    Networks hear the words alone; who speaks from when to when includes what is left of them.
    """
    result = speech.copy()
    for late in range(1, _DIES_AWAY + 1):
        result[late:] |= speech[:-late]
    return result


def trim(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Cut the silence before and behind the speech, but for a tenth of a second.

    Args:
        samples: `(n,)`, 16 kHz mono.
    """
    first, last = trimmed(samples)
    return samples[first:last]


def trimmed(samples: NDArray[np.float32]) -> tuple[int, int]:
    """Give the first sample that `trim` leaves, and the one after the last: multiples of 20 ms, or all."""
    frame = 320
    frames = len(samples) // frame
    if frames < 4:
        return 0, len(samples)
    power = (samples[: frames * frame].reshape(frames, frame) ** 2).mean(axis=1)
    loud = np.flatnonzero(power >= power.max() * 10 ** (-_BELOW_LOUDEST_DB / 10))
    return int(max(0, loud[0] - 5)) * frame, int(min(frames, loud[-1] + 6)) * frame


def _without_short(flags: NDArray[np.bool_], gaps: NDArray[np.bool_], longest: int) -> NDArray[np.bool_]:
    """Set the flags within gaps of up to `longest` that lie between set flags."""
    result = flags.copy()
    for first, last in _runs(gaps):
        if last - first <= longest and first > 0 and last < len(flags):
            result[first:last] = True
    return result


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Give `(first, after the last)` of every run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
