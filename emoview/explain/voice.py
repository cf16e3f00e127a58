"""Which descriptors of the voice moved the decision: occlusion, group by group, against a reference.

The values of a group are brought to the reference's average in the segment, and the voice networks are
run again: by how much the log-odds of the label fall is what the group did.  The movement of the values
from tick to tick stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.explain.groups import VOICED, descriptor, functional, groups
from emoview.explain.seen import Seen
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.explanation import WORDS, Reference, VoiceEffect, VoiceReasons
from emoview.timeline.labels import LABELS

if TYPE_CHECKING:
    from emoview.fusion.baseline import Baseline
    from emoview.pipeline.models import Models

Floats = NDArray[np.floating[Any]]
Ticks = NDArray[np.int64]

# A segment with more of the clip's speech is the clip, and does not differ from its average.
_WHOLE_SHARE = 0.8
# What a segment shows hangs on so many ticks with speech around it: the network over ticks looks 78 ticks
# far, and its answers are smoothed over 40.
_MARGIN = 120
_UNVOICED_HNR = -100.0
# Pitch varies around its mean over so many ticks to both sides.
_NEAR = 25

_GUIDES: Final[Mapping[str, tuple[str, int]]] = {
    "loudness": ("audspec_lengthL1norm_sma_amean", 1),
    "pitch": ("F0final_sma_amean", 1),
    "pitch variation": ("F0final_sma_stddev", 1),
    "tempo": ("audspec_lengthL1norm_sma_meanPeakDist", -1),
    "tension": ("mfcc_sma[1]_amean", -1),
    "voice quality": ("logHNR_sma_quartile3", 1),
    "brightness": ("pcm_fftMag_spectralCentroid_sma_amean", 1),
}
"""The functional by which a recording is told to have more or less of each group, and its sign."""


@dataclass(frozen=True)
class _Average:
    """What a segment is held against.

    Attributes:
        ticks: `(105,)`; of `VOICED` over voiced ticks.
        pitch_variation: Mean distance of the pitch from its mean nearby, in Hz.
        windows: `(6373,)`.
    """

    ticks: Floats
    pitch_variation: float
    windows: Floats


@dataclass(frozen=True)
class _Part:
    """A segment with what the networks see around it; ticks count from the part's start.

    Attributes:
        features: `(ticks, 105)`.
        voiced: `(ticks,)`.
        variation: `(ticks,)`, see `_variation`.
        speech: `(ticks,)`.
        functionals: `(windows, 6373)`, of the windows that the segment reaches into.
        cuts: Their ticks.
        heard: Those that the network over ticks is given.
        ticks: Those of the segment with speech.
    """

    features: Floats
    voiced: NDArray[np.bool_]
    variation: Floats
    speech: NDArray[np.bool_]
    functionals: Floats
    cuts: list[tuple[int, int]]
    heard: Ticks
    ticks: Ticks


class VoiceOcclusion:
    """Explains what the voice networks say of the segments of one clip, of one speaker."""

    def __init__(
        self,
        models: Models,
        seen: Seen,
        baseline: Baseline | None = None,
        smooth_s: float | None = None,
        own: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take what is explained.

        Args:
            models: The networks.
            seen: What was heard.
            baseline: By which it was said.
            smooth_s: Averaged over what time; None as usual.
            own: `(ticks,)`, where the speaker speaks; None where all speech is of one.
        """
        from emoview.pipeline.voice import heard_ticks

        self._models, self._seen, self._baseline, self._smooth_s = models, seen, baseline, smooth_s
        features = seen.descriptors
        self._heard = heard_ticks(seen.speech)
        self._own = speech = seen.speech if own is None else seen.speech & own
        pitch = features[:, descriptor("F0final_sma")]
        self._voiced = voiced = seen.speech & (pitch > 0)
        self._variation = _variation(pitch, self._voiced)
        weights = np.array([speech[a:b].sum() for a, b in seen.cuts], np.float64)
        self._speaker = _Average(
            _mean(features, np.flatnonzero(speech), voiced),
            float(self._variation[voiced & speech].mean()) if (voiced & speech).any() else 0.0,
            np.average(seen.functionals, axis=0, weights=weights),
        )
        # The course of each group over the clip, up for more of it, and where it says something.
        self._courses: Mapping[str, tuple[Floats, NDArray[np.bool_]]] = {
            "loudness": (features[:, descriptor("audspec_lengthL1norm_sma")], speech),
            "pitch": (pitch, voiced & speech),
            "pitch variation": (self._variation, voiced & speech),
            "tension": (-features[:, descriptor("mfcc_sma[1]")], voiced & speech),
            "voice quality": (features[:, descriptor("logHNR_sma")], voiced & speech),
            "brightness": (features[:, descriptor("pcm_fftMag_spectralCentroid_sma")], voiced & speech),
        }
        self._windows = np.flatnonzero(weights)

    def __call__(self, ticks: Ticks, label: str) -> VoiceReasons:
        """Explain a segment.

        Args:
            ticks: Its ticks with speech, at least one.
            label: One of the seven.
        """
        whole = len(ticks) > _WHOLE_SHARE * self._own.sum()
        against: Reference = "training" if whole else "speaker"
        average = self._training() if whole else self._speaker
        windows = self._windows_of(ticks)
        distances = self._from_training(windows) if whole else self._from_speaker(ticks, windows)
        part = self._part(ticks, windows)
        plain = self._log_odds(part, label)
        effects = []
        for group in WORDS:
            z = distances.get(group)
            fall = plain - self._log_odds(_brought(group, part, average), label)
            effects.append(VoiceEffect(group, round(fall, 3), None if z is None else round(z, 2)))
        effects.sort(key=lambda effect: -abs(effect.effect))
        return VoiceReasons(against, round(plain, 3), tuple(effects))

    def _windows_of(self, ticks: Ticks) -> Ticks:
        first, last = ticks[0], ticks[-1]
        found = [i for i, (a, b) in enumerate(self._seen.cuts) if a <= last and b > first]
        return np.array(found, np.int64)

    def _part(self, ticks: Ticks, windows: Ticks) -> _Part:
        seen = self._seen
        cuts = [seen.cuts[i] for i in windows]
        first, last = np.searchsorted(self._heard, [ticks[0], ticks[-1]])
        heard = self._heard[max(0, first - _MARGIN) : last + _MARGIN + 1]
        left = min(int(heard[0]), *(a for a, _ in cuts))
        right = max(int(heard[-1]) + 1, int(ticks[-1]) + 1, *(b for _, b in cuts))
        around = slice(left, right)
        return _Part(
            seen.descriptors[around], self._voiced[around], self._variation[around], seen.speech[around],
            seen.functionals[windows], [(a - left, b - left) for a, b in cuts],
            heard - left, ticks - left,
        )  # fmt: skip

    def _log_odds(self, part: _Part, label: str) -> float:
        """Give the log-odds of the label in the voice alone, averaged over the segment's ticks."""
        from emoview.pipeline.inference import SMOOTHING_S, over_time, run_speech, run_windows, seven_labels

        tcn = run_speech(self._models.voice_tcn, part.features, part.heard, len(part.features))
        clip = run_windows(self._models.voice_clip, part.cuts, part.functionals, part.speech)
        said = {"voice_tcn": seven_labels(tcn.ticks), "voice_clip": seven_labels(clip.ticks)}
        if self._baseline is not None:
            said = self._baseline.removed(said)
        ticks = self._models.late_fusion("voice", self._baseline)(said)
        lasting = self._models.lasting if self._smooth_s is None else None
        if lasting is not None:
            # As in the analysis, silence says nothing.
            ticks = np.where(part.speech[:, None], ticks, 0.0)
        sigma = (SMOOTHING_S if self._smooth_s is None else self._smooth_s) * TICK_HZ
        said_so = over_time(ticks, lasting, sigma=sigma)[part.ticks]
        chance = np.clip(said_so[:, LABELS.index(label)], 1e-9, 1 - 1e-9)
        return float(np.log(chance / (1 - chance)).mean())

    def _from_speaker(self, ticks: Ticks, windows: Ticks) -> dict[str, float]:
        """Give how far a segment is from the clip's speech, in standard deviations of its ticks."""
        result = {}
        for group, (course, where) in self._courses.items():
            own, all_ = course[ticks[where[ticks]]], course[where]
            if len(own) and all_.std() > 0:
                result[group] = float((own.mean() - all_.mean()) / all_.std())
        name, sign = _GUIDES["tempo"]
        tempo = sign * self._seen.functionals[:, functional(name)]
        usual = tempo[self._windows]
        if usual.std() > 0:
            result["tempo"] = float((tempo[windows].mean() - usual.mean()) / usual.std())
        return result

    def _from_training(self, windows: Ticks) -> dict[str, float]:
        """Give how far a segment's windows are from the training data, in standard deviations of those."""
        mean, spread = _normaliser("voice_clip")
        mine = self._seen.functionals[windows].mean(axis=0)
        result = {}
        for group, (name, sign) in _GUIDES.items():
            column = functional(name)
            result[group] = float(sign * (mine[column] - mean[column]) / spread[column])
        return result

    def _training(self) -> _Average:
        windows = _normaliser("voice_clip")[0]
        ticks = _normaliser("voice_tcn")[0].copy()
        # Those means are over unvoiced ticks, too, of which the values are known.
        share = windows[functional("F0final_sma_ff0_nnz")]
        for name in VOICED:
            unvoiced = _UNVOICED_HNR if name == "logHNR_sma" else 0.0
            column = descriptor(name)
            ticks[column] = (ticks[column] - (1 - share) * unvoiced) / share
        # Of a normal distribution the mean distance is this share of the standard deviation.
        variation = float(windows[functional("F0final_sma_stddev")]) * np.sqrt(2 / np.pi)
        return _Average(ticks, float(variation), windows)


def _brought(group: str, part: _Part, average: _Average) -> _Part:
    """Bring one group's values in the segment to an average."""
    columns = groups()[group]
    functionals, features = part.functionals.copy(), part.features.copy()
    functionals[:, columns.windows] = average.windows[columns.windows]
    voiced = part.ticks[part.voiced[part.ticks]]
    if group == "pitch variation":
        pitch = features[voiced, descriptor("F0final_sma")]
        own = part.variation[voiced].sum() / max(1, len(voiced))
        if own > 0:
            narrowed = pitch.mean() + (pitch - pitch.mean()) * (average.pitch_variation / own)
            features[voiced, descriptor("F0final_sma")] = narrowed
    else:
        shift = average.ticks - _mean(features, part.ticks, part.voiced)
        plain = np.setdiff1d(columns.ticks, _voiced_columns())
        features[np.ix_(part.ticks, plain)] += shift[plain]
        only_voiced = np.intersect1d(columns.ticks, _voiced_columns())
        features[np.ix_(voiced, only_voiced)] += shift[only_voiced]
    return replace(part, functionals=functionals, features=features)


def _mean(features: Floats, ticks: Ticks, voiced: NDArray[np.bool_]) -> Floats:
    """Average features over ticks, of `VOICED` over those that are voiced: `(105,)`."""
    mean = features[ticks].mean(axis=0, dtype=np.float64)
    spoken = ticks[voiced[ticks]]
    if len(spoken):
        columns = _voiced_columns()
        mean[columns] = features[np.ix_(spoken, columns)].mean(axis=0, dtype=np.float64)
    return np.asarray(mean)


def _voiced_columns() -> Ticks:
    return np.array([descriptor(name) for name in VOICED], np.int64)


def _variation(pitch: Floats, voiced: NDArray[np.bool_]) -> Floats:
    """Give the distance of the pitch from its mean over voiced ticks nearby, `(ticks,)`, in Hz."""
    window = np.ones(2 * _NEAR + 1)
    total = np.convolve(np.where(voiced, pitch, 0), window)[_NEAR : _NEAR + len(pitch)]
    count = np.convolve(voiced.astype(float), window)[_NEAR : _NEAR + len(pitch)]
    return np.asarray(np.abs(pitch - total / np.maximum(count, 1)))


def _normaliser(model: str) -> tuple[Floats, Floats]:
    """Give the means and standard deviations of a network's inputs over its training data."""
    import h5py

    from emoview.networks.weights import shipped

    with h5py.File(shipped(f"{model}.weights.h5").path) as file:
        stored = file["layers"]["normalization"]["vars"]
        mean, variance = (np.asarray(stored[key], np.float64).ravel() for key in "01")
    return mean, np.maximum(np.sqrt(variance), 1e-7)
