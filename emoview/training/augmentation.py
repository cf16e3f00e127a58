"""Random changes of faces and voices that leave the label as it is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import scipy.signal
from numpy.typing import NDArray

from emoview.timeline.clock import SAMPLE_RATE


def augmented_face(image: NDArray[np.uint8], size: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn, shift, scale, mirror and relight a picture, and hide a part of it.

    Args:
        image: `(side, side)` or `(side, side, channels)`.
        size: Side of the result.
        rng: Decides.

    Returns:
        `(size, size[, channels])` in [0, 1].
    """
    source = image.shape[0]
    angle = rng.uniform(-12, 12)
    zoom = size / source * np.exp(rng.uniform(-0.12, 0.12))
    matrix = cv2.getRotationMatrix2D((source / 2, source / 2), angle, zoom)
    matrix[:, 2] += (size - source) / 2 + rng.uniform(-0.08, 0.08, 2) * size
    if rng.random() < 0.5:
        matrix = matrix @ np.array([[-1.0, 0.0, source], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    moved = cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR)
    contrast = np.exp(rng.uniform(-0.25, 0.25))
    brightness = rng.uniform(-0.1, 0.1)
    result: NDArray[np.float32] = moved.astype(np.float32) * np.float32(contrast / 255)
    result += np.float32(brightness)
    np.clip(result, 0, 1, out=result)
    if rng.random() < 0.3:
        # Random erasing (Zhong et al. 2020, arXiv:1708.04896): no single part may decide alone.
        height, width = rng.integers(size // 8, size // 3, 2)
        top, left = rng.integers(0, size - height), rng.integers(0, size - width)
        result[top : top + height, left : left + width] = rng.random()
    return result


def augmented_resize(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Mirror, turn by up to 45 degrees, enlarge by 0 to 12 pixels, and crop back to the size.

    Args:
        image: `(side, side[, channels])`.
        rng: Decides.

    Returns:
        `(side, side[, channels])` in [0, 1].
    """
    side = image.shape[0]
    larger = side + int(rng.integers(0, 13))
    left, top = rng.integers(0, larger - side + 1, 2)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(-45, 45), 1.0)
    grow = larger / side
    place = np.array([[grow, 0, -float(left)], [0, grow, -float(top)], [0, 0, 1]])
    matrix = place @ np.vstack([matrix, [0, 0, 1]])
    if rng.random() < 0.5:
        matrix = matrix @ np.array([[-1.0, 0.0, side], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    moved = cv2.warpAffine(
        image, matrix[:2], (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.float32) / 255


def altered_voice(
    samples: NDArray[np.float32], rng: np.random.Generator, *, room: bool = False, telephone: bool = False
) -> NDArray[np.float32]:
    """Make another speaker, microphone and background of a voice, and put it into a room or on a telephone.

    It is played faster or slower by 5 to 17 %, which moves pitch and formants as a shorter or longer vocal
    tract does (speed perturbation: Ko et al. 2015, Interspeech); its spectrum is tilted by up to 2 dB an
    octave; noise lies 20 to 45 dB below it; its level changes by up to 6 dB.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        rng: Decides.
        room: Whether it is heard in a room: see `in_room`.
        telephone: Whether it comes over a telephone: see `on_telephone`.

    Returns:
        `(m,)`.
    """
    import librosa

    factor = np.exp(rng.choice([-1, 1]) * rng.uniform(0.05, 0.16))
    voice = librosa.resample(samples, orig_sr=SAMPLE_RATE * factor, target_sr=SAMPLE_RATE, res_type="soxr_hq")
    if room:
        voice = in_room(voice, rng)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(voice), 1 / SAMPLE_RATE), 60) / 1000)

    def tilted(sound: NDArray[Any], db_per_octave: float) -> NDArray[np.float64]:
        return np.fft.irfft(np.fft.rfft(sound) * 10 ** (db_per_octave * octaves / 20), len(sound))

    voice = tilted(voice, rng.uniform(-2, 2))
    noise = tilted(rng.standard_normal(len(voice)), -rng.uniform(0, 6))
    below = 10 ** (-rng.uniform(20, 45) / 20)
    noise *= below * np.sqrt(np.square(voice).mean() / np.square(noise).mean())
    changed = (voice + noise) * 10 ** (rng.uniform(-6, 6) / 20)
    heard = np.clip(changed, -1, 1).astype(np.float32)
    return on_telephone(heard, rng) if telephone else heard


def in_room(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Let a voice be heard in a room, with a quarter of a second for it to fade.

    The room answers with noise that decays by 60 dB in 0.2 to 0.8 s (J.-D. Polack's model of 1988), its
    treble weaker by up to 12 dB; what comes straight is 6 dB weaker to 12 dB stronger than all of that.

    Args:
        samples: `(n,)`, 16 kHz mono.
        rng: Decides.

    Returns:
        `(n + 4000,)`, as loud as before.
    """
    decay = rng.uniform(0.2, 0.8)
    tail = rng.standard_normal(int(decay * SAMPLE_RATE))
    tail *= 10 ** (-3 * np.arange(len(tail)) / (decay * SAMPLE_RATE))
    # No wall is so near that its echo comes in less than 3 ms.
    tail[: int(0.003 * SAMPLE_RATE)] = 0
    duller = rng.uniform(0, 0.6)
    tail = scipy.signal.lfilter([1 - duller], [1, -duller], tail)
    tail *= 10 ** (-rng.uniform(-6, 12) / 20) / np.sqrt(np.square(tail).sum())
    tail[0] = 1
    heard = scipy.signal.fftconvolve(samples, tail)[: len(samples) + SAMPLE_RATE // 4]
    heard = np.pad(heard, (0, len(samples) + SAMPLE_RATE // 4 - len(heard)))
    heard *= np.sqrt(np.square(samples).sum() / max(np.square(heard).sum(), np.finfo(np.float32).tiny))
    return heard.astype(np.float32)


def on_telephone(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Send a voice over a telephone: 300 to 3,400 Hz, 8,000 samples a second, and a code.

    One half goes over a fixed line, whose code has eight bits a sample (mu-law: ITU-T G.711, 1988).  The
    other half goes over a mobile phone, whose code (AMR: 3GPP TS 26.071) leaves noise that follows the
    spectrum of the voice; here it lies 6 to 18 dB below it.

    Args:
        samples: `(n,)`, 16 kHz mono, in [-1, 1].
        rng: Decides which, and how much of the edges of the band is lost.

    Returns:
        `(n,)`.
    """
    band = (rng.uniform(200, 400), rng.uniform(3100, 3600))
    sections = scipy.signal.butter(int(rng.integers(2, 6)), band, "bandpass", fs=SAMPLE_RATE, output="sos")
    line = scipy.signal.resample_poly(scipy.signal.sosfilt(sections, samples), 1, 2)
    highest = float(np.abs(line).max(initial=0.0))
    if not highest:
        return np.zeros_like(samples)
    line = line / max(1.0, highest)
    coded = _mu_law(line) if rng.random() < 0.5 else _mobile(line, rng)
    heard = scipy.signal.resample_poly(coded, 2, 1)[: len(samples)]
    return np.clip(np.pad(heard, (0, len(samples) - len(heard))), -1, 1).astype(np.float32)


def _mu_law(line: NDArray[np.float64]) -> NDArray[np.float64]:
    code = np.rint(127 * np.sign(line) * np.log1p(255 * np.abs(line)) / np.log1p(255)) / 127
    return np.asarray(np.sign(code) * np.expm1(np.abs(code) * np.log1p(255)) / 255)


def _mobile(line: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    # Frames of 20 ms.
    if len(line) < 160:
        return line
    _, _, spectra = scipy.signal.stft(line, nperseg=160)
    noise = rng.standard_normal(spectra.shape) + 1j * rng.standard_normal(spectra.shape)
    _, heard = scipy.signal.istft(
        spectra * (1 + 10 ** (-rng.uniform(6, 18) / 20) / np.sqrt(2) * noise), nperseg=160
    )
    return np.asarray(np.pad(heard, (0, max(0, len(line) - len(heard))))[: len(line)])
