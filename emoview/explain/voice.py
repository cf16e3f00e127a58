"""Which descriptors of the voice moved the decision: occlusion, group by group, against a reference.

The values of a group are brought to the reference's average in the segment, and the voice networks are
run again: by how much the log-odds of the label fall is what the group did.  The movement of the values
from tick to tick stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from emoview.explain.groups import VOICED, descriptor, functional, groups
from emoview.explain.seen import Seen
from emoview.timeline.explanation import WORDS, Reference, VoiceEffect, VoiceReasons
from emoview.timeline.labels import LABELS

if TYPE_CHECKING:
    from emoview.pipeline.models import Models

Floats = NDArray[np.floating[Any]]
Ticks = NDArray[np.int64]

# A segment with more of the clip's speech is the clip, and does not differ from its average.
_WHOLE_SHARE = 0.8
# The networks look this far around a segment.
_MARGIN = 50
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


class VoiceOcclusion:
    """Explains what the voice networks say of the segments of one clip."""

    def __init__(self, models: Models, seen: Seen) -> None:
        self._models, self._seen = models, seen
        self._features = np.asarray(seen.descriptors, np.float64)
        self._speech = np.flatnonzero(seen.speech)
        pitch = self._features[:, descriptor("F0final_sma")]
        self._voiced = seen.speech & (pitch > 0)
        self._variation = _variation(pitch, self._voiced)
        weights = np.array([seen.speech[a:b].sum() for a, b in seen.cuts], np.float64)
        self._speaker = _Average(
            self._mean(self._speech),
            float(self._variation[self._voiced].mean()) if self._voiced.any() else 0.0,
            np.average(seen.functionals, axis=0, weights=weights),
        )

    def __call__(self, ticks: Ticks, label: str) -> VoiceReasons:
        """Explain a segment.

        Args:
            ticks: Its ticks with speech, at least one.
            label: One of the seven.
        """
        whole = len(ticks) > _WHOLE_SHARE * len(self._speech)
        against: Reference = "training" if whole else "speaker"
        average = self._training() if whole else self._speaker
        distances = self._from_training(ticks) if whole else self._from_speaker(ticks)
        windows = self._windows_of(ticks)
        plain = self._log_odds(self._features, self._seen.functionals, ticks, windows, label)
        effects = []
        for group in WORDS:
            features, functionals = self._brought(group, ticks, windows, average)
            occluded = self._log_odds(features, functionals, ticks, windows, label)
            z = distances.get(group)
            effects.append(VoiceEffect(group, round(plain - occluded, 3), None if z is None else round(z, 2)))
        effects.sort(key=lambda effect: -abs(effect.effect))
        return VoiceReasons(against, round(plain, 3), tuple(effects))

    def _mean(self, ticks: Ticks) -> Floats:
        mean = self._features[ticks].mean(axis=0)
        voiced = ticks[self._voiced[ticks]]
        if len(voiced):
            columns = np.array(_voiced_columns())
            mean[columns] = self._features[np.ix_(voiced, columns)].mean(axis=0)
        return np.asarray(mean)

    def _windows_of(self, ticks: Ticks) -> Ticks:
        first, last = ticks[0], ticks[-1]
        found = [i for i, (a, b) in enumerate(self._seen.cuts) if a <= last and b > first]
        return np.array(found, np.int64)

    def _brought(self, group: str, ticks: Ticks, windows: Ticks, average: _Average) -> tuple[Floats, Floats]:
        """Give features and functionals with one group's values in the segment brought to an average."""
        columns = groups()[group]
        functionals = self._seen.functionals.copy()
        functionals[np.ix_(windows, columns.windows)] = average.windows[columns.windows]
        features = self._features.copy()
        voiced = ticks[self._voiced[ticks]]
        if group == "pitch variation":
            own = float(self._variation[voiced].mean()) if len(voiced) else 0.0
            if own > 0:
                column = descriptor("F0final_sma")
                pitch = features[voiced, column]
                features[voiced, column] = pitch.mean() + (pitch - pitch.mean()) * (
                    average.pitch_variation / own
                )
        else:
            shift = average.ticks - self._mean(ticks)
            for column in columns.ticks:
                places = voiced if column in _voiced_columns() else ticks
                features[places, column] += shift[column]
        return features, functionals

    def _log_odds(
        self, features: Floats, functionals: Floats, ticks: Ticks, windows: Ticks, label: str
    ) -> float:
        """Give the log-odds of the label in the voice alone, averaged over ticks."""
        from emoview.pipeline.models import run_sequence, seven_labels, smooth
        from emoview.pipeline.stages import run_windows, speech_range

        begin, end = speech_range(self._seen.speech)
        left, right = max(begin, int(ticks[0]) - _MARGIN), min(end, int(ticks[-1]) + 1 + _MARGIN)
        gru = run_sequence(self._models.voice_gru, features[left:right].astype(np.float32))
        cuts = [self._seen.cuts[i] for i in windows]
        chosen = functionals[windows].astype(np.float32)
        clip = run_windows(self._models.voice_clip, cuts, chosen, self._seen.speech)
        joined = self._models.late_fusion("voice")(
            {
                "voice_gru": smooth(seven_labels(gru.ticks))[ticks - left],
                "voice_clip": seven_labels(clip.ticks[ticks]),
            }
        )
        position = LABELS.index(label)
        others = np.delete(joined, position, axis=1)
        # Of softmax, the odds of one against all others together.
        return float((joined[:, position] - np.logaddexp.reduce(others, axis=1)).mean())

    def _from_speaker(self, ticks: Ticks) -> dict[str, float]:
        """Give how far a segment is from the clip's speech, in standard deviations of its ticks."""
        own = np.zeros(len(self._features), bool)
        own[ticks] = True
        voiced, speech = self._voiced, self._seen.speech
        features = self._features
        courses = {
            "loudness": (features[:, descriptor("audspec_lengthL1norm_sma")], speech),
            "pitch": (features[:, descriptor("F0final_sma")], voiced),
            "pitch variation": (self._variation, voiced),
            "tension": (-features[:, descriptor("mfcc_sma[1]")], voiced),
            "voice quality": (features[:, descriptor("logHNR_sma")], voiced),
            "brightness": (features[:, descriptor("pcm_fftMag_spectralCentroid_sma")], voiced),
        }
        result = {
            group: float((course[own & where].mean() - course[where].mean()) / course[where].std())
            for group, (course, where) in courses.items()
            if (own & where).any() and course[where].std() > 0
        }
        name, sign = _GUIDES["tempo"]
        tempo = sign * self._seen.functionals[:, functional(name)]
        if tempo.std() > 0:
            mine = tempo[self._windows_of(ticks)].mean()
            result["tempo"] = float((mine - tempo.mean()) / tempo.std())
        return result

    def _from_training(self, ticks: Ticks) -> dict[str, float]:
        """Give how far a segment's windows are from the training data, in standard deviations of those."""
        mean, spread = _normaliser("voice_clip")
        mine = self._seen.functionals[self._windows_of(ticks)].mean(axis=0)
        result = {}
        for group, (name, sign) in _GUIDES.items():
            column = functional(name)
            result[group] = float(sign * (mine[column] - mean[column]) / spread[column])
        return result

    def _training(self) -> _Average:
        windows = _normaliser("voice_clip")[0]
        ticks = _normaliser("voice_gru")[0].copy()
        # Those means are over unvoiced ticks, too, of which the values are known.
        share = windows[functional("F0final_sma_ff0_nnz")]
        for name in VOICED:
            unvoiced = _UNVOICED_HNR if name == "logHNR_sma" else 0.0
            column = descriptor(name)
            ticks[column] = (ticks[column] - (1 - share) * unvoiced) / share
        # Of a normal distribution the mean distance is this share of the standard deviation.
        variation = float(windows[functional("F0final_sma_stddev")]) * np.sqrt(2 / np.pi)
        return _Average(ticks, float(variation), windows)


def _voiced_columns() -> list[int]:
    return [descriptor(name) for name in VOICED]


def _variation(pitch: Floats, voiced: NDArray[np.bool_]) -> Floats:
    """Give the distance of the pitch from its mean over voiced ticks nearby, `(ticks,)`, in Hz."""
    window = np.ones(2 * _NEAR + 1)
    total = np.convolve(np.where(voiced, pitch, 0), window)[_NEAR : _NEAR + len(pitch)]
    count = np.convolve(voiced.astype(float), window)[_NEAR : _NEAR + len(pitch)]
    return np.asarray(np.abs(pitch - total / np.maximum(count, 1)))


def _normaliser(model: str) -> tuple[Floats, Floats]:
    """Give the means and standard deviations of a network's inputs over its training data."""
    import h5py

    from emoview.weights import shipped

    with h5py.File(shipped(f"{model}.weights.h5").path) as file:
        stored = file["layers"]["normalization"]["vars"]
        mean, variance = (np.asarray(stored[key], np.float64).ravel() for key in "01")
    return mean, np.maximum(np.sqrt(variance), 1e-7)
