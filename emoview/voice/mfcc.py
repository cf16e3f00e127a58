"""Mel-frequency cepstral coefficients, number for number as librosa gives them.

librosa's own take two seconds to start, numba's compiler with them, which a short clip would wait for;
these are a few lines of numpy.  A test holds them against librosa.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from emoview.common.products import product
from emoview.timeline.clock import SAMPLE_RATE

FFT = 512
WINDOW = 400
HOP = 160
BANDS = 64

_FLOOR = 1e-10
_RANGE_DB = 80.0


def mfcc(samples: NDArray[np.float32], *, count: int) -> NDArray[np.float32]:
    """Compute coefficients every 10 ms, of windows of 25 ms.

    Args:
        samples: `(n,)`, 16 kHz mono, n at least 512.
        count: Coefficients a frame.

    Returns:
        `(frames, count)`; frame k is centred on sample 160 k + 256.
    """
    return np.asarray(coefficients(decibels(spectra(samples)), count), np.float32)


def spectra(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute power every 10 ms, of windows of 25 ms: `(n,)` to `(frames, FFT / 2 + 1)`."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, FFT)[::HOP]
    # The window stands in the middle of the longer transform.
    window = np.zeros(FFT, np.float32)
    start = (FFT - WINDOW) // 2
    # Periodic, as for spectra: the cosine's last value is the next window's first.
    window[start : start + WINDOW] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    # Products in double precision: in single, the last digits depend on how many threads share the work.
    return np.asarray(np.square(np.abs(np.fft.rfft(frames * window))), np.float64)


def decibels(power: NDArray[np.float64], bands: int = BANDS) -> NDArray[np.float64]:
    """Sum spectra `(frames, FFT / 2 + 1)` over mel bands, in dB, within 80 dB of the loudest."""
    values = 10 * np.log10(np.maximum(product(power, mel_filters(bands).T), _FLOOR))
    return np.asarray(np.maximum(values, values.max() - _RANGE_DB))


def coefficients(bands: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Transform bands `(frames, BANDS)` into the first `count` coefficients."""
    return product(bands, _cosines(count).T.astype(np.float64))


@functools.lru_cache(maxsize=2)
def mel_filters(bands: int = BANDS) -> NDArray[np.float32]:
    """Give the triangles of the mel scale, of equal area: `(bands, FFT / 2 + 1)`.

    Scale and areas are those of Slaney's Auditory Toolbox (1998, Interval Research 1998-010).
    """
    edges = _hertz(np.linspace(0, _mel(SAMPLE_RATE / 2), bands + 2))
    frequencies = np.linspace(0, SAMPLE_RATE / 2, FFT // 2 + 1)
    widths = np.diff(edges)
    ramps = edges[:, None] - frequencies
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None], np.float32)


@functools.lru_cache(maxsize=1)
def _cosines(count: int) -> NDArray[np.float32]:
    """Give the first rows of the orthonormal discrete cosine transform: `(count, BANDS)`."""
    rows = np.cos(np.pi / BANDS * np.outer(np.arange(count), np.arange(BANDS) + 0.5))
    rows *= np.sqrt(2 / BANDS)
    rows[0] /= np.sqrt(2)
    return np.asarray(rows, np.float32)


# Linear up to 1,000 Hz (15 mel), logarithmic above: 27 mel for a factor of 6.4.
_LINEAR = 200 / 3
_BREAK_HZ = 1000.0
_BREAK_MEL = _BREAK_HZ / _LINEAR
_STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    return float(_BREAK_MEL + np.log(hertz / _BREAK_HZ) / _STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _BREAK_MEL, _LINEAR * mel, _BREAK_HZ * np.exp(_STEP * (mel - _BREAK_MEL)))
