"""Agreement of a result with what a person annotated, over the ticks that both say something of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from emoview.datasets.names import label_named, listed
from emoview.errors import InputError
from emoview.evaluation.annotations import VALUES, Annotation
from emoview.metrics.agreement import measure_agreement
from emoview.metrics.figures import AgreementFigures, RegressionFigures
from emoview.metrics.values import measure_values
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import GROUPS, LABELS, UNCERTAIN, LabelCount, Naming, group_of, valence_arousal
from emoview.timeline.results import AffectSource, Analysis, Row, main_rows


@dataclass(frozen=True)
class Agreement:
    """How far a result and an annotation agree.

    Attributes:
        modality: Whose answers were compared: `fused`, `face` or `voice`.
        annotated_ticks: Ticks that the annotation says something of.
        compared_ticks: Those of them that the result says something of, too.
        left_out: Words of the annotation that mean none of the labels, with the times they occur.
        labels: None where the annotation has no labels.
        values: Of valence and arousal, those annotated.
        uncertain_ticks: Compared ticks whose label is uncertain, of which `labels` says nothing; None where
            the result has no limit of confidence.
    """

    modality: str
    annotated_ticks: int
    compared_ticks: int
    left_out: Mapping[str, int]
    labels: AgreementFigures | None
    values: Mapping[str, RegressionFigures]
    uncertain_ticks: int | None = None


def measure(
    analysis: Analysis,
    annotations: Sequence[Annotation],
    *,
    modality: str = "fused",
    face: int | None = None,
) -> Agreement:
    """Compare a result with an annotation, tick by tick.

    The labels may be the seven, or positive, neutral and negative, or positive and other; the one
    that tells more of them apart, result or annotation, is grouped as the other.

    Args:
        analysis: The result.
        annotations: What a person said; where several speak of a tick, their majority or mean counts.
        modality: `fused`, `face` or `voice`.
        face: Track id; None for the face with most rows.

    Raises:
        InputError: There is nothing that both speak of, or no such face.
    """
    rows = {row.tick: row for row in _rows(analysis, face) if getattr(row, modality) is not None}
    count, given, left_out = _labels_of_ticks(annotations)
    naming = Naming(min(count, analysis.options.labels), analysis.options.least_confidence)
    labels = {tick: _coarser(label, count, naming.count) for tick, label in given.items()}
    values = {name: _values_of_ticks(annotations, name) for name in VALUES}
    annotated = set(labels).union(*values.values())
    compared = sorted(annotated & set(rows))
    if not compared:
        raise InputError(
            f"the annotation and the {modality} answers have no tick in common: the annotation reaches from "
            f"{min(annotated, default=0) / TICK_HZ:.1f} to {max(annotated, default=0) / TICK_HZ:.1f} s"
        )
    said = {tick: naming.decide(getattr(rows[tick], modality))[0] for tick in compared}
    certain = {tick: label for tick, label in said.items() if label != UNCERTAIN}
    estimated = {
        tick: dict(zip(VALUES, _affect(rows[tick], modality, analysis.affect), strict=True))
        for tick in compared
    }
    return Agreement(
        modality,
        len(annotated),
        len(compared),
        left_out,
        _label_figures(certain, labels, naming.groups),
        {
            name: figures
            for name, given in values.items()
            if (figures := _value_figures({t: estimated[t][name] for t in compared}, given))
        },
        None if naming.least is None else sum(said[t] == UNCERTAIN for t in compared if t in labels),
    )


def _coarser(label: str, given: LabelCount, count: LabelCount) -> str:
    """Name the group that a label among `given` belongs to among `count`, which are no more."""
    if given == 7:
        return group_of(label, count)
    return label if label in GROUPS[count] else "other"


def _rows(analysis: Analysis, face: int | None) -> Sequence[Row]:
    if face is None:
        return main_rows(analysis)
    ids = sorted({row.person for row in analysis.timeline if row.person is not None})
    if face not in ids:
        raise InputError(f"the result has no face {face}: it has {listed(list(map(str, ids))) or 'none'}")
    return [row for row in analysis.timeline if row.person in (face, None)]


def _labels_of_ticks(
    annotations: Sequence[Annotation],
) -> tuple[LabelCount, dict[int, str], dict[str, int]]:
    """Give the label of each tick, how many labels there are, and the words that are none."""
    words = Counter(one.label for one in annotations if one.label is not None)
    counts: tuple[LabelCount, ...] = (7, 3, 2)
    # The grouping that understands most words; of equals, the finer one.
    count = max(counts, key=lambda c: sum(n for w, n in words.items() if label_named(w, GROUPS[c])))
    left_out = {word: n for word, n in words.items() if label_named(word, GROUPS[count]) is None}
    if words and len(left_out) == len(words):
        raise InputError(
            f"the annotation contains no known label, only {listed(list(words)[:5])}: "
            f"the labels are {listed(LABELS)}, or positive, neutral and negative"
        )
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for one in annotations:
        label = None if one.label is None else label_named(one.label, GROUPS[count])
        if label is not None:
            for tick in one.ticks():
                votes[tick][label] += 1
    return count, {tick: said.most_common(1)[0][0] for tick, said in votes.items()}, left_out


def _values_of_ticks(annotations: Sequence[Annotation], name: str) -> dict[int, float]:
    given: dict[int, list[float]] = defaultdict(list)
    for one in annotations:
        if name in one.values:
            for tick in one.ticks():
                given[tick].append(one.values[name])
    return {tick: sum(values) / len(values) for tick, values in given.items()}


def _affect(row: Row, modality: str, source: AffectSource) -> tuple[float, float]:
    if source == "estimated" and modality != "voice" and row.valence is not None and row.arousal is not None:
        return row.valence, row.arousal
    valence, arousal = valence_arousal(np.array(getattr(row, modality)))
    return float(valence), float(arousal)


def _label_figures(
    said: Mapping[int, str], annotated: Mapping[int, str], names: Sequence[str]
) -> AgreementFigures | None:
    ticks = [tick for tick in said if tick in annotated]
    if not ticks:
        return None
    ours, theirs = (
        np.array([names.index(labels[tick]) for tick in ticks], np.int64) for labels in (said, annotated)
    )
    return measure_agreement(ours, theirs, names, block=_in_a_second(ticks))


def _value_figures(
    estimated: Mapping[int, float], annotated: Mapping[int, float]
) -> RegressionFigures | None:
    ticks = [tick for tick in estimated if tick in annotated]
    if not ticks:
        return None
    ours, theirs = (np.array([values[tick] for tick in ticks]) for values in (estimated, annotated))
    return measure_values(ours, theirs, block=_in_a_second(ticks))


def _in_a_second(ticks: Sequence[int]) -> int:
    """How many of the ticks there are in a second: neighbours within it are all but the same example."""
    return max(1, round(len(ticks) * TICK_HZ / (ticks[-1] - ticks[0] + 1)))
