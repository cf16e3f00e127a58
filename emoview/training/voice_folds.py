"""What the voice networks say of speakers left out of their training, and the late rule fitted on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.fusion.late import LateFusion, fit_late_fusion, softmax
from emoview.metrics.figures import LabelFigures, MeanFigures
from emoview.metrics.labels import measure_groups, measure_labels
from emoview.pipeline.inference import seven_labels, with_extras
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.training.voice_splits import RAVDESS_LABELS

_RAVDESS = tuple(label for label in VOICE_LABELS if label in RAVDESS_LABELS)


@dataclass(frozen=True)
class VoiceAnswers:
    """What networks say of utterances whose speakers they have not heard.

    Attributes:
        people: `(n,)`, such as `ravdess/01`.
        languages: `(n,)`, such as `en`.
        labels: `(n,)` positions in `VOICE_LABELS`.
        folds: `(n,)`, without which of `folds_of_all_corpora` the networks were trained.
        voice_clip: `(n, 9)` logits.
        voice_tcn: `(n, 9)` logits.
    """

    people: NDArray[np.str_]
    languages: NDArray[np.str_]
    labels: NDArray[np.int64]
    folds: NDArray[np.int64]
    voice_clip: NDArray[np.float32]
    voice_tcn: NDArray[np.float32]

    @classmethod
    def joined(cls, parts: Sequence[VoiceAnswers]) -> VoiceAnswers:
        """Put some behind each other."""
        return cls(**{name: np.concatenate([part._columns[name] for part in parts]) for name in _NAMES})

    @classmethod
    def read(cls, file: Path) -> VoiceAnswers:
        """Read what `save` wrote."""
        stored = read_arrays(file, "remove it, and it is made again")
        people = stored.need("people", "U", (None,))
        logits = (len(people), len(VOICE_LABELS))
        return cls(
            people,
            stored.need("languages", "U", people.shape),
            stored.need("labels", "i", people.shape),
            stored.need("folds", "i", people.shape),
            stored.need("voice_clip", "f", logits),
            stored.need("voice_tcn", "f", logits),
        )

    def save(self, file: Path) -> None:
        """Write them to an `.npz` file."""
        partial = file.with_name(f"partial-{file.name}")
        np.savez(partial, **self._columns)
        partial.replace(file)

    def select(self, chosen: NDArray[np.bool_]) -> VoiceAnswers:
        """Keep those where `chosen`, `(n,)`, is true."""
        return VoiceAnswers(**{name: values[chosen] for name, values in self._columns.items()})

    @property
    def logits(self) -> dict[str, NDArray[np.float32]]:
        """`(n, 9)` of each network, by name."""
        return {"voice_clip": self.voice_clip, "voice_tcn": self.voice_tcn}

    @property
    def corpora(self) -> NDArray[np.str_]:
        """`(n,)`, of the people."""
        return np.array([person.split("/")[0] for person in self.people])

    @property
    def _columns(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, name) for name in _NAMES}

    @property
    def seven(self) -> NDArray[np.int64]:
        """`(n,)` positions in `LABELS`: calm and boredom are ways of being neutral."""
        return np.where(self.labels < len(LABELS), self.labels, 0)

    def rule(self) -> LateFusion:
        """Fit a late rule that joins the networks."""
        return fit_late_fusion(self._seven_logits(), self.seven, list(self.people))

    def figures(self, told: VoiceAnswers | None = None) -> dict[str, LabelFigures | MeanFigures]:
        """Measure the networks, joined by a rule that was fitted on the other folds.

        Args:
            told: Answers that the rules are fitted on; None for these.

        Returns:
            Seven labels: of all speakers, the means over languages and over people, and of the speakers of
            each corpus and each language.  Of RAVDESS its eight, of the networks joined (`ravdess`) and of
            each alone.
        """
        taught = self if told is None else told
        joined = np.zeros((len(self.labels), len(LABELS)))
        for fold in np.unique(self.folds):
            rule = taught.select(taught.folds != fold).rule()
            joined[self.folds == fold] = rule(self.select(self.folds == fold)._seven_logits())
        probabilities = softmax(joined)
        result: dict[str, LabelFigures | MeanFigures] = {
            "speakers": measure_labels(probabilities, self.seven, LABELS),
            "languages": measure_groups(probabilities, self.seven, list(self.languages), len(LABELS)),
            "people": measure_groups(probabilities, self.seven, list(self.people), len(LABELS)),
        }
        for kind, groups in (("speakers", self.corpora), ("language", self.languages)):
            for group in np.unique(groups):
                own = groups == group
                result[f"{kind}_{group}"] = measure_labels(probabilities[own], self.seven[own], LABELS)
        return result | self._of_ravdess(joined)

    def _of_ravdess(self, joined: NDArray[np.float64]) -> dict[str, LabelFigures]:
        own = self.corpora == "ravdess"
        if not own.any():
            return {}
        ravdess = self.select(own)
        columns = np.array([VOICE_LABELS.index(label) for label in _RAVDESS])
        labels = np.searchsorted(columns, ravdess.labels)
        eight = softmax(with_extras(joined[own], ravdess.logits, _RAVDESS))
        result = {"ravdess": measure_labels(eight, labels, _RAVDESS)}
        for name, values in ravdess.logits.items():
            result[f"ravdess_{name}"] = measure_labels(softmax(values[:, columns]), labels, _RAVDESS)
        return result

    def unheard(self, told: VoiceAnswers) -> dict[str, LabelFigures | MeanFigures]:
        """Measure networks of which each was trained without the corpus that it is asked about.

        Args:
            told: Answers that the rules are fitted on, each without those of the corpus.

        Returns:
            Seven labels: of each corpus, and the means over corpora.
        """
        joined = np.zeros((len(self.labels), len(LABELS)))
        for corpus in np.unique(self.corpora):
            rule, own = told.select(told.corpora != corpus).rule(), self.corpora == corpus
            joined[own] = rule(self.select(own)._seven_logits())
        probabilities = softmax(joined)
        result: dict[str, LabelFigures | MeanFigures] = {
            "unheard": measure_groups(probabilities, self.seven, list(self.corpora), len(LABELS))
        }
        for corpus in np.unique(self.corpora):
            own = self.corpora == corpus
            result[f"unheard_{corpus}"] = measure_labels(probabilities[own], self.seven[own], LABELS)
        return result

    def _seven_logits(self) -> dict[str, NDArray[np.float32]]:
        return {name: seven_labels(values) for name, values in self.logits.items()}


_NAMES = tuple(field.name for field in fields(VoiceAnswers))
