"""Turns: which voice each tick of speech has."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from emoview.speakers.clusters import THRESHOLD, cluster, unit
from emoview.speakers.windows import Cut, runs
from emoview.timeline.clock import TICK_HZ

NOBODY: Final = -1
"""Stands where nobody speaks."""

_LEAST_TICKS: Final = 2 * TICK_HZ
_PART: Final = 3 * TICK_HZ
# What it costs, in cosines summed over ticks, that the voice changes amid speech, and behind a pause.
_CHANGE, _CHANGE_BEHIND_PAUSE = 3.0, 0.8
_ROUNDS = 2
# Cosine of two voices from which on they are one: an emotion moves a part of speech far from the next of the
# same voice, but hardly the mean of many.
_SAME: Final = 0.6
# How much it counts whether lips move, beside how a voice sounds.
_LIPS: Final = 0.5


def voices_of(
    embeddings: NDArray[np.float32],
    cuts: list[Cut],
    speech: NDArray[np.bool_],
    lips: NDArray[np.float32] | None = None,
    *,
    threshold: float = THRESHOLD,
) -> NDArray[np.int64]:
    """Tell voices apart.

    Parts of speech of some three seconds, whose windows are averaged, are put together to voices, and voices
    that are alike as a whole to one; a voice that is heard for less than two seconds is none; each tick then
    gets the voice that the windows around it are most like, where a change has its price.

    Args:
        embeddings: `(windows, n)`, of what is heard in `cuts`.
        cuts: See `windows_of`.
        speech: `(ticks,)`.
        lips: `(windows, seats)`, whether lips move in each, see `lips_in`: windows in which the same lips
            move are more alike.  None without faces.
        threshold: See `cluster`.

    Returns:
        `(ticks,)`: numbers of voices, in the order of their first words; `NOBODY` without speech.
    """
    result = np.full(len(speech), NOBODY, np.int64)
    if not cuts:
        return result
    points = unit(embeddings)
    if lips is not None:
        points = np.concatenate([points, _LIPS * lips], axis=1)
    part = _parts(cuts, speech)
    means = np.stack([points[part == i].mean(axis=0) for i in range(part.max() + 1)])
    sound = embeddings.shape[1]
    means[:, :sound] = unit(means[:, :sound])
    middles = _joined(points, cluster(means, threshold=threshold)[part], cuts, sound)
    spoken = np.flatnonzero(speech)
    path = np.zeros(len(spoken), np.int64)
    for _ in range(_ROUNDS):
        path = _path(_likeness(_alike(points, middles, sound), cuts, len(speech))[spoken], spoken)
        middles = _again(points, path, spoken, cuts, middles)
    _, first, inverse = np.unique(path, return_index=True, return_inverse=True)
    result[spoken] = np.argsort(np.argsort(first))[inverse.ravel()]
    return result


def _alike(points: NDArray[np.float32], middles: NDArray[np.float32], sound: int) -> NDArray[np.float32]:
    """Give the cosines of windows and voices, and what lips add to them, `(windows, voices)`."""
    alike = points[:, :sound] @ unit(middles[:, :sound]).T
    apart = points[:, None, sound:] - middles[None, :, sound:]
    return np.asarray(alike - np.square(apart).sum(axis=2) / 2, np.float32)


def _parts(cuts: list[Cut], speech: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Number the windows by the part of a stretch of speech that each begins in, `(windows,)`."""
    number, parts = 0, {}
    for first, last in runs(speech):
        count = max(1, round((last - first) / _PART))
        edges = np.linspace(first, last, count + 1)[1:]
        for tick in range(first, last):
            parts[tick] = number + min(int(np.searchsorted(edges, tick, "right")), count - 1)
        number += count
    found = [parts[(first + last) // 2] for first, last in cuts]
    return np.asarray(np.unique(found, return_inverse=True)[1].ravel(), np.int64)


def _joined(
    points: NDArray[np.float32], labels: NDArray[np.int64], cuts: list[Cut], sound: int
) -> NDArray[np.float32]:
    """Give the directions of voices, of which those that are alike are one."""
    while True:
        heard, middles = _middles(points, labels, cuts)
        directions = np.concatenate([unit(middles[:, :sound]), middles[:, sound:]], axis=1)
        alike = _alike(directions, directions, sound)
        np.fill_diagonal(alike, -np.inf)
        one, other = np.unravel_index(int(alike.argmax()), alike.shape)
        if alike[one, other] < _SAME:
            return middles
        labels = np.where(labels == heard[one], heard[other], labels)


def _middles(
    points: NDArray[np.float32], labels: NDArray[np.int64], cuts: list[Cut]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Name the voices that are heard for long enough, or the longest, where none is, and their directions."""
    covered: list[set[int]] = [set() for _ in range(labels.max() + 1)]
    for (first, last), label in zip(cuts, labels, strict=True):
        covered[label].update(range(first, last))
    heard = np.array([len(ticks) for ticks in covered])
    enough = np.flatnonzero(heard >= min(_LEAST_TICKS, heard.max()))
    return enough, np.stack([points[labels == i].mean(axis=0) for i in enough])


def _again(
    points: NDArray[np.float32],
    path: NDArray[np.int64],
    spoken: NDArray[np.int64],
    cuts: list[Cut],
    middles: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Give the directions of the voices from windows that hold one alone."""
    whose = np.full(spoken[-1] + 2, NOBODY)
    whose[spoken] = path
    pure = np.array([whose[a] if (whose[a:b] == whose[a]).all() else NOBODY for a, b in cuts])
    kept = [points[pure == i].mean(axis=0) if (pure == i).any() else middles[i] for i in range(len(middles))]
    return np.stack(kept)


def _likeness(alike: NDArray[np.float32], cuts: list[Cut], ticks: int) -> NDArray[np.float64]:
    """Average what windows say over the ticks that they cover, most for those in their middle.

    Args:
        alike: `(windows, voices)` cosines.
        cuts: Of the windows.
        ticks: How many.

    Returns:
        `(ticks, voices)`.
    """
    total = np.zeros((ticks, alike.shape[1]))
    weight = np.full(ticks, 1e-9)
    for (first, last), one in zip(cuts, alike, strict=True):
        length = last - first
        near = 1.02 - np.abs(2 * (np.arange(length) + 0.5) / length - 1)
        total[first:last] += near[:, None] * one
        weight[first:last] += near
    return np.asarray(total / weight[:, None])


def _path(likeness: NDArray[np.float64], spoken: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the best way through ticks of speech (Viterbi), `(spoken,)`."""
    count, voices = likeness.shape
    if voices == 1:
        return np.zeros(count, np.int64)
    gap = np.concatenate([[False], np.diff(spoken) > 1])
    price = np.where(gap, _CHANGE_BEHIND_PAUSE, _CHANGE)
    came = np.zeros((count, voices), np.int64)
    total = likeness[0].copy()
    own = np.arange(voices)
    for i in range(1, count):
        best = int(total.argmax())
        stays = total >= total[best] - price[i]
        came[i] = np.where(stays, own, best)
        total = np.where(stays, total, total[best] - price[i]) + likeness[i]
    path = np.zeros(count, np.int64)
    path[-1] = int(total.argmax())
    for i in range(count - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path
