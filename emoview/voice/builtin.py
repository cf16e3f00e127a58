"""Voice features without openSMILE: descriptors on the tick clock, and functionals over windows.

openSMILE may be used for research alone; these lines of numpy are part of emoview.  They are not
its descriptors under other names: pitch is found otherwise, as Boersma (1993) does, and there are fewer.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE, SAMPLES_PER_TICK
from emoview.voice.blocks import Samples, in_blocks
from emoview.voice.mfcc import FFT, HOP, coefficients, decibels, mel_filters, spectra

Floats = NDArray[np.float32]

_BANDS = 26
_COEFFICIENTS = 40
# Of the coefficients, those that functionals are computed of: not the first, which is the level.
_SUMMARISED = slice(1, 17)
_PITCH = ("pitch", "period_change", "amplitude_change", "harmonics_to_noise")
_NAMES = (
    "pitch", "voicing", "period_change", "amplitude_change", "harmonics_to_noise",
    "level", "loudness", "zero_crossings",
    *(f"modulation[{band}]" for band in range(_BANDS)), "modulation",
    "band_250_650", "band_1000_4000",
    "rolloff_25", "rolloff_50", "rolloff_75", "rolloff_90",
    "flux", "centroid", "spread", "skewness", "kurtosis", "entropy", "flatness", "sharpness",
    "slope", "slope_0_500", "slope_500_1500", "alpha_ratio", "hammarberg_index",
)  # fmt: skip
VOICING = _NAMES.index("voicing")
DESCRIPTORS = len(_NAMES) + _COEFFICIENTS
"""Values a tick: descriptors, and 40 MFCCs behind them."""

# Pitch is sought in every second sample, in 50 ms around, between these.
_PITCH_RATE = SAMPLE_RATE // 2
_PITCH_WINDOW = 400
# So long that what lies apart by the longest lag does not wrap around.
_PITCH_FFT = 576
_LONGEST_LAG, _SHORTEST_LAG = _PITCH_RATE // 55, _PITCH_RATE // 550
_CANDIDATES = 5
# After Boersma (1993), IFA Proceedings 17: what being unvoiced, an octave lower, a jump by an octave, and a
# change to or from a voiced frame cost.
_UNVOICED = 0.45
_OCTAVE, _JUMP, _CHANGE = 0.02, 0.35, 0.14
# Half a second: of less there is little to summarise.
_FEWEST = 46
_TINY = 1e-10


def descriptor_names() -> list[str]:
    """Name the values of a tick, or of a frame of 10 ms."""
    return [*_NAMES, *(f"mfcc[{i}]" for i in range(_COEFFICIENTS))]


def tick_features(samples: Samples) -> Floats:
    """Describe every 40 ms tick of a signal.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].

    Returns:
        `(ticks, DESCRIPTORS)`; the last tick counts when it has begun.
    """
    return in_blocks(samples, _described, DESCRIPTORS)


def describe(samples: Floats) -> tuple[Floats, Floats]:
    """Describe an utterance: its ticks as `tick_features`, and `(functionals,)` of all of it."""
    frames = frame_features(samples)
    return _in_ticks(frames), _summary(np.pad(frames, ((0, max(0, _FEWEST - len(frames))), (0, 0)), "edge"))


def _described(samples: Floats, ticks: int) -> Floats:
    return _in_ticks(frame_features(np.pad(samples, (0, ticks * SAMPLES_PER_TICK - len(samples)))))


def _in_ticks(frames: Floats) -> Floats:
    each = SAMPLES_PER_TICK // HOP
    frames = np.pad(frames, ((0, -len(frames) % each), (0, 0)), "edge")
    return np.asarray(frames.reshape(-1, each, frames.shape[1]).mean(axis=1), np.float32)


def window_functionals(samples: Floats, cuts: Sequence[tuple[int, int]]) -> Floats:
    """Summarise windows of a signal, whose descriptors run on over the windows' borders.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        cuts: First sample of each window, and the one after its last: multiples of `HOP`, in order.

    Returns:
        `(windows, functionals)`.
    """
    spans = [(first // HOP, max(last // HOP, first // HOP + _FEWEST)) for first, last in cuts]
    needed = max(last for _, last in spans) * HOP
    frames = frame_features(np.pad(samples, (0, max(0, needed - len(samples)))))
    return np.stack([_summary(frames[first:last]) for first, last in spans])


def frame_features(samples: Floats) -> Floats:
    """Describe every 10 ms that has begun: `(n,)` to `(frames, DESCRIPTORS)`."""
    count = -(-len(samples) // HOP)
    padded = np.pad(samples, (0, max(0, (count - 1) * HOP + FFT - len(samples)))).astype(np.float32)
    power = spectra(padded)[:count]
    bands = decibels(power)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP][:count]
    pitch, voicing = _pitch(padded, count)
    compressed = (power @ mel_filters(_BANDS).T + _TINY) ** 0.3
    modulation = _modulation(decibels(power, _BANDS))
    own = np.column_stack([
        pitch, voicing, *_perturbation(pitch, frames), _harmonics_to_noise(voicing, pitch),
        10 * np.log10(np.square(frames).mean(axis=1) + 1e-9), compressed.sum(axis=1),
        (np.diff(np.signbit(frames), axis=1)).mean(axis=1),
        modulation, modulation.mean(axis=1), _spectral(power, compressed),
    ])  # fmt: skip
    values = np.concatenate([_smoothed(own), coefficients(bands, _COEFFICIENTS)], axis=1)
    return np.asarray(values, np.float32)


def _smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each frame with its neighbours; pitch keeps where it is voiced."""
    padded = np.pad(values, ((1, 1), (0, 0)), mode="edge")
    result: NDArray[np.float64] = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    alone = [_NAMES.index(name) for name in _PITCH]
    result[:, alone] = values[:, alone]
    return result


def _pitch(samples: Floats, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give pitch in semitones above 55 Hz, 0 where unvoiced, and how alike neighbouring periods are.

    Both `(count,)`, of windows with the middle of those of the spectra.
    """
    reach = len(_half_band()) // 2
    half = np.convolve(samples, _half_band())[reach : reach + len(samples) : 2].astype(np.float32)
    before = (_PITCH_WINDOW - FFT // 2) // 2
    step = HOP // 2
    half = np.pad(half, (before, (count - 1) * step + _PITCH_WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(half, _PITCH_WINDOW)[: count * step : step]
    windows = windows - windows.mean(axis=1, keepdims=True)
    spectrum = np.fft.rfft(windows, _PITCH_FFT)
    products = np.fft.irfft(np.square(spectrum.real) + np.square(spectrum.imag), _PITCH_FFT)
    lags = np.arange(_SHORTEST_LAG - 1, _LONGEST_LAG + 2)
    energy = np.pad(np.square(windows, dtype=np.float64).cumsum(axis=1), ((0, 0), (1, 0)))
    left, right = energy[:, _PITCH_WINDOW - lags], energy[:, -1:] - energy[:, lags]
    alike = products[:, lags] / np.sqrt(left * right + 1e-8)
    middle = alike[:, 1:-1]
    peaks = np.where((middle > alike[:, :-2]) & (middle >= alike[:, 2:]), middle, 0.0)
    worth = np.where(peaks > 0, peaks - _OCTAVE * np.log2(lags[1:-1] / lags[1]), 0.0)
    chosen = np.argpartition(-worth, _CANDIDATES, axis=1)[:, :_CANDIDATES]
    rows = np.arange(count)[:, None]
    # Between samples the peak lies where a parabola through three of them has it.
    a, b, c = alike[rows, chosen], alike[rows, chosen + 1], alike[rows, chosen + 2]
    bend = np.minimum(a - 2 * b + c, -1e-6)
    lag = lags[1 + chosen] + np.clip((a - c) / 2 / bend, -0.5, 0.5)
    semitones = 12 * np.log2(_PITCH_RATE / lag / 55)
    path = _path(worth[rows, chosen], semitones)
    voiced = path < _CANDIDATES
    at = np.minimum(path, _CANDIDATES - 1)
    pitch = np.where(voiced, np.maximum(semitones[rows[:, 0], at], 0.1), 0.0)
    best = peaks.max(axis=1)
    return pitch, np.clip(np.where(voiced, peaks[rows[:, 0], chosen[rows[:, 0], at]], best), 0, 1)


def _path(worth: NDArray[np.float64], semitones: NDArray[np.float64]) -> NDArray[np.int64]:
    """Choose one candidate a frame, or none (the number behind the last), for the best way through all."""
    count, candidates = worth.shape
    worth = np.concatenate([worth, np.full((count, 1), _UNVOICED)], axis=1)
    jumps = np.full((count, candidates + 1, candidates + 1), _CHANGE)
    jumps[1:, :-1, :-1] = _JUMP / 12 * np.abs(semitones[1:, None, :] - semitones[:-1, :, None])
    jumps[:, -1, -1] = 0
    came = np.zeros(worth.shape, np.int64)
    total = worth[0]
    columns = np.arange(candidates + 1)
    for i in range(1, count):
        ways = total[:, None] - jumps[i]
        came[i] = ways.argmax(axis=0)
        total = ways[came[i], columns] + worth[i]
    path = np.zeros(count, np.int64)
    path[-1] = total.argmax()
    for i in range(count - 1, 0, -1):
        path[i - 1] = came[i, path[i]]
    return path


def _perturbation(pitch: NDArray[np.float64], frames: Floats) -> tuple[NDArray[np.float64], ...]:
    """Tell by how much period and amplitude change from frame to frame, where both are voiced."""
    voiced = pitch > 0
    both = np.concatenate([[False], voiced[1:] & voiced[:-1]])
    level = 10 * np.log10(np.square(frames).mean(axis=1, dtype=np.float64) + 1e-9)
    return tuple(
        np.where(both, np.abs(np.diff(values, prepend=values[:1])), 0.0) for values in (pitch, level)
    )


def _harmonics_to_noise(voicing: NDArray[np.float64], pitch: NDArray[np.float64]) -> NDArray[np.float64]:
    share = np.clip(voicing, 0.01, 0.999)
    return np.where(pitch > 0, 10 * np.log10(share / (1 - share)), 0.0)


@functools.lru_cache(maxsize=1)
def _half_band() -> NDArray[np.float64]:
    """Give a low pass at half the highest frequency: a sinc under Kaiser's window."""
    reach = 20
    taps = np.sinc(np.arange(-reach, reach + 1) / 2) * np.kaiser(2 * reach + 1, 5.0)
    return np.asarray(taps / taps.sum())


def _modulation(bands: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep of each band how it changes as syllables do: Hermansky and Morgan (1994), RASTA."""
    values = bands - bands[:1]
    result = np.empty_like(values)
    # In this order, so that silence is rounded as it was when the networks learned.
    z1, z2, z3, z4 = np.zeros((4, bands.shape[1]))
    for i, x in enumerate(values):
        result[i] = y = z1 + 0.2 * x
        z1, z2, z3, z4 = z2 + 0.1 * x + 0.94 * y, z3, z4 - 0.1 * x, -0.2 * x
    return result


@functools.lru_cache(maxsize=1)
def _hertz() -> NDArray[np.float64]:
    return np.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1)


def _spectral(power: NDArray[np.float64], compressed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Describe the shape of spectra: `(frames, bins)` to `(frames, 20)`."""
    hertz = _hertz()
    kilohertz = hertz / 1000
    power = power + _TINY
    shares = power / power.sum(axis=1, keepdims=True)
    level = 10 * np.log10(power)

    def of(low: float, high: float) -> NDArray[np.bool_]:
        return (hertz >= low) & (hertz < high)

    def slope(low: float, high: float) -> NDArray[np.float64]:
        x = kilohertz[of(low, high)]
        x = x - x.mean()
        return np.asarray(level[:, of(low, high)] @ x / np.square(x).sum())

    def band(low: float, high: float) -> NDArray[np.float64]:
        return np.asarray(10 * np.log10(power[:, of(low, high)].sum(axis=1)))

    reached = shares.cumsum(axis=1)
    rolloffs = [kilohertz[np.minimum((reached < part).sum(axis=1), len(hertz) - 1)]
                for part in (0.25, 0.5, 0.75, 0.9)]  # fmt: skip
    centroid = shares @ kilohertz
    away = kilohertz - centroid[:, None]
    spread = np.sqrt((shares * np.square(away)).sum(axis=1)) + 1e-3
    magnitudes = np.sqrt(shares)
    flux = np.square(np.diff(magnitudes, axis=0, prepend=magnitudes[:1])).sum(axis=1)
    numbers = np.arange(1, compressed.shape[1] + 1)
    return np.column_stack([
        band(250, 650), band(1000, 4000), *rolloffs, flux, centroid, spread,
        (shares * away**3).sum(axis=1) / spread**3, np.log((shares * away**4).sum(axis=1) / spread**4 + 1),
        -(shares * np.log2(shares)).sum(axis=1), level.mean(axis=1) - 10 * np.log10(power.mean(axis=1)),
        compressed @ numbers / compressed.sum(axis=1),
        slope(0, 8000), slope(0, 500), slope(500, 1500),
        band(50, 1000) - band(1000, 5000),
        level[:, of(0, 2000)].max(axis=1) - level[:, of(2000, 5000)].max(axis=1),
    ])  # fmt: skip


def _summary(frames: Floats) -> Floats:
    """Summarise frames `(n, DESCRIPTORS)`: what pitch says where it is voiced, the rest everywhere."""
    names = len(_NAMES)
    values = np.concatenate([frames[:, :names], frames[:, names:][:, _SUMMARISED]], axis=1).astype(np.float64)
    alone = [_NAMES.index(name) for name in _PITCH]
    voiced = values[:, 0] > 0
    spoken = values[voiced]
    everywhere = np.delete(values, alone, axis=1)
    pitched = spoken[:, alone] if len(spoken) > 2 else np.zeros((3, len(alone)))
    heard = spoken if len(spoken) else np.zeros((1, values.shape[1]))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(np.int8)))
    lengths = edges[1::2] - edges[::2] if len(edges) else np.zeros(1)
    gaps = edges[2::2] - edges[1:-1:2] if len(edges) > 2 else np.zeros(1)
    rhythm = np.array([
        voiced.mean(), 50 * len(edges) / len(values),
        lengths.mean(), lengths.std(), gaps.mean(), gaps.std(),
    ])  # fmt: skip
    parts = (_statistics(everywhere), _statistics(pitched), heard.mean(axis=0), heard.std(axis=0), rhythm)
    return np.asarray(np.nan_to_num(np.concatenate([part.ravel() for part in parts])), np.float32)


def _statistics(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Describe how each of some values goes over time: `(frames, n)` to `(statistics, n)`."""
    count = len(values)
    time = np.linspace(-1, 1, count)[:, None]
    mean, deviation, skewness, kurtosis = _moments(values)
    ordered = np.sort(values, axis=0)
    p1, p25, p50, p75, p99 = _percentiles(ordered)
    slope = 3 * (time * (values - mean)).mean(axis=0)
    bow = np.square(time) - np.square(time).mean()
    curve = (bow * values).sum(axis=0) / np.square(bow).sum()
    rest = values - mean - slope * time
    span = p99 - p1 + 1e-6
    above = [(values > p1 + part * span).mean(axis=0) for part in (0.25, 0.5, 0.75, 0.9)]
    change = np.diff(values, axis=0)
    rising = change > 0
    tops = rising[:-1] & ~rising[1:]
    number = tops.sum(axis=0)
    heights = (tops * (values[1:-1] - mean)).sum(axis=0) / np.maximum(number, 1)
    _, d_deviation, d_skewness, d_kurtosis = _moments(change)
    d1, d25, _, d75, d99 = _percentiles(np.sort(change, axis=0))
    ups, downs = np.maximum(change, 0), np.maximum(-change, 0)
    return np.stack([
        mean, deviation, skewness, kurtosis, p1, p25, p50, p75, p99, p50 - p25, p75 - p50, p75 - p25, span,
        slope, curve, rest.std(axis=0), *above, rising.mean(axis=0), values.argmax(axis=0) / count,
        values.argmin(axis=0) / count, number / count, heights, heights / (np.abs(mean) + 1e-3 + deviation),
        d_deviation, d_skewness, d_kurtosis, d1, d25, d75, d99, d75 - d25, d99 - d1,
        np.abs(change).mean(axis=0),
        ups.sum(axis=0) / np.maximum(rising.sum(axis=0), 1),
        downs.sum(axis=0) / np.maximum((~rising).sum(axis=0), 1),
        d_deviation / (deviation + 1e-6),
    ])  # fmt: skip


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    mean = values.mean(axis=0)
    away = values - mean
    square = np.square(away)
    variance = square.mean(axis=0)
    deviation = np.sqrt(variance) + 1e-6
    # Of long tails the logarithm: some lie far out.
    fourth = np.log(np.square(square).mean(axis=0) / deviation**4 + 1)
    return mean, deviation, (square * away).mean(axis=0) / deviation**3, fourth


def _percentiles(ordered: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    last = len(ordered) - 1
    return [ordered[round(part * last)] for part in (0.01, 0.25, 0.5, 0.75, 0.99)]
