"""Agreement of a result with what a person annotated, over the ticks that both say something of."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.names import label_named, listed
from emoview.errors import InputError
from emoview.evaluation.annotations import VALUES, Annotation
from emoview.metrics.agreement import measure_agreement
from emoview.metrics.figures import AgreementFigures, Figure, RegressionFigures, SeveralFigures
from emoview.metrics.raters import measure_several
from emoview.metrics.values import measure_values
from emoview.timeline.clock import TICK_HZ, time_of
from emoview.timeline.in_file import in_file, in_timeline
from emoview.timeline.labels import GROUPS, LABELS, UNCERTAIN, LabelCount, Naming, group_of, valence_arousal
from emoview.timeline.results import AffectSource, Analysis, Row
from emoview.timeline.shares import overall_rows
from emoview.timeline.turns import own_voice

_COUNTS: tuple[LabelCount, ...] = (7, 3, 2)
# Of a block.
_STRETCHES = 3


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
        left_out_ticks: Annotated ticks of which the annotation says nothing but words that mean no label.
        raters: How far the raters agree, where there are several.
        overlapping_ticks: Annotated ticks of which one rater says different labels; the one said most often
            counts, or the first.
        stretches: Stretches of the compared ticks in which neither result nor annotation changes its label:
            the intervals come of so many.
    """

    modality: str
    annotated_ticks: int
    compared_ticks: int
    left_out: Mapping[str, int]
    labels: AgreementFigures | None
    values: Mapping[str, RegressionFigures]
    uncertain_ticks: int | None = None
    left_out_ticks: int = 0
    raters: RatersAgreement | None = None
    overlapping_ticks: int = 0
    stretches: int = 0


@dataclass(frozen=True)
class RatersAgreement:
    """How far several raters agree with each other, and the result with each of them.

    Attributes:
        names: Of the raters.
        tied_ticks: Ticks in which as many raters say one label as another: they are compared with nothing.
        labels: Of the raters among each other; None where no two speak of one tick.
        kappas: Cohen's kappa of the result and each rater.
    """

    names: tuple[str, ...]
    tied_ticks: int
    labels: SeveralFigures | None
    kappas: Mapping[str, Figure]


def measure(
    analysis: Analysis,
    annotations: Sequence[Annotation],
    *,
    modality: str = "fused",
    face: int | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Agreement:
    """Compare a result with an annotation, tick by tick.

    The labels may be the seven, or positive, neutral and negative, or positive and other; the one
    that tells more of them apart, result or annotation, is grouped as the other.  The voice is that of whom
    the result is about, where that one speaks.

    Args:
        analysis: The result.
        annotations: What people said, on the clock of the recording, also where the result is of a stretch
            of it; where several speak of a tick, their majority, once grouped, or their mean counts.
        modality: `fused`, `face` or `voice`.
        face: Number of the person; None for the one that the overall result is about.
        mapping: Labels that words of the annotation stand for.

    Raises:
        InputError: There is nothing that both speak of, or no such face, or a word is mapped to no label.
    """
    annotations = [_on_timeline(analysis, one) for one in _mapped(annotations, mapping or {})]
    rows = {row.tick: row for row in _rows(analysis, modality, face)}
    count, left_out = _words(annotations)
    naming = Naming(min(count, analysis.options.labels), analysis.options.least_confidence)
    votes = {
        rater: _votes_on_ticks([one for one in annotations if one.rater == rater], count, naming.count)
        for rater in dict.fromkeys(one.rater for one in annotations)
    }
    by_rater = {rater: _decided(ticks) for rater, ticks in votes.items()}
    labels, tied = _majority(list(by_rater.values()))
    unknown = {
        tick for one in annotations if one.label in left_out and not one.values for tick in one.ticks()
    }
    values = {name: _values_of_ticks(annotations, name) for name in VALUES}
    annotated = set(labels).union(*values.values())
    compared = sorted(annotated & set(rows))
    if not compared:
        raise _nothing_common(analysis, modality, annotated, len(tied))
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
        len(unknown - annotated - tied),
        _of_raters(
            by_rater,
            len(tied),
            {t: naming.decide(getattr(row, modality))[0] for t, row in rows.items()},
            naming.groups,
        ),
        len({tick for ticks in votes.values() for tick, said in ticks.items() if len(said) > 1}),
        1 + sum(one != next_one for one, next_one in pairwise((said[t], labels.get(t)) for t in compared)),
    )


def _mapped(annotations: Sequence[Annotation], mapping: Mapping[str, str]) -> list[Annotation]:
    """Put labels for the words that stand for them, whatever their case."""
    for word, label in mapping.items():
        if not any(label_named(label, GROUPS[count]) for count in _COUNTS):
            raise InputError(
                f"{word!r} is mapped to {label!r}, which is no label: the labels are {listed(LABELS)}, "
                "positive, negative and other"
            )
    plain = {word.strip().casefold(): label for word, label in mapping.items()}
    said = {one.label.casefold() for one in annotations if one.label is not None}
    unused = next((word for word in plain if word not in said), None)
    if unused is not None:
        raise InputError(f"no annotation says {unused!r}, which is to be mapped: check the word")
    return [
        one if one.label is None else replace(one, label=plain.get(one.label.casefold(), one.label))
        for one in annotations
    ]


def _nothing_common(analysis: Analysis, modality: str, annotated: Set[int], tied: int) -> InputError:
    if tied and not annotated:
        return InputError(f"the raters are split in all {tied} ticks that they label: there is no majority")
    said, ours = (
        [
            f"{max(0.0, in_file(analysis, time_of(tick))):.1f}"
            for tick in (min(of, default=0), max(of, default=0))
        ]
        for of in (annotated, range(analysis.media.ticks + 1))
    )
    return InputError(
        f"the annotation and the {modality} answers have no tick in common: the annotation reaches from "
        f"{' to '.join(said)} s, the result from {' to '.join(ours)} s of the recording"
    )


def _on_timeline(analysis: Analysis, one: Annotation) -> Annotation:
    """Put an annotation on the clock of the result."""
    if one.of_result:
        return one
    end_s = None if one.end_s is None else in_timeline(analysis, one.end_s)
    return replace(one, start_s=in_timeline(analysis, one.start_s), end_s=end_s)


def _majority(raters: Sequence[Mapping[int, str]]) -> tuple[dict[int, str], set[int]]:
    """Give the label that most raters say of each tick, and the ticks in which none has most."""
    if len(raters) == 1:
        return dict(raters[0]), set()
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for rater in raters:
        for tick, label in rater.items():
            votes[tick][label] += 1
    most = {tick: said.most_common(2) for tick, said in votes.items()}
    tied = {tick for tick, best in most.items() if len(best) > 1 and best[0][1] == best[1][1]}
    return {tick: best[0][0] for tick, best in most.items() if tick not in tied}, tied


def _of_raters(
    raters: Mapping[str, Mapping[int, str]], tied: int, said: Mapping[int, str], names: Sequence[str]
) -> RatersAgreement | None:
    ticks = sorted(set().union(*raters.values()))
    if len(raters) < 2 or not ticks:
        return None
    places = np.array(
        [[names.index(of[tick]) if tick in of else -1 for of in raters.values()] for tick in ticks], np.int64
    )
    certain = {tick: label for tick, label in said.items() if label != UNCERTAIN}
    each = {name: _label_figures(certain, of, names) for name, of in raters.items()}
    return RatersAgreement(
        tuple(raters),
        tied,
        measure_several(places, len(names), block=_block(ticks, *places.T)),
        {name: figures.kappa for name, figures in each.items() if figures is not None},
    )


def _coarser(label: str, given: LabelCount, count: LabelCount) -> str:
    """Name the group that a label among `given` belongs to among `count`, which are no more."""
    if given == 7:
        return group_of(label, count)
    return label if label in GROUPS[count] else "other"


def _rows(analysis: Analysis, modality: str, face: int | None) -> list[Row]:
    """Give the rows of a person in which the modality says something of that person."""
    rows = overall_rows(analysis) if face is None else _rows_of(analysis, face)
    own = own_voice(analysis)
    return [row for row in rows if getattr(row, modality) is not None and (modality != "voice" or own(row))]


def _rows_of(analysis: Analysis, face: int) -> list[Row]:
    ids = sorted({row.person for row in analysis.timeline if row.person is not None})
    if face not in ids:
        raise InputError(f"the result has no face {face}: it has {listed(list(map(str, ids))) or 'none'}")
    # Where no face is seen, the voice is that of whom the overall result is about.
    alone = face in {row.person for row in overall_rows(analysis)}
    return [row for row in analysis.timeline if row.person == face or (alone and row.person is None)]


def _words(annotations: Sequence[Annotation]) -> tuple[LabelCount, dict[str, int]]:
    """Tell how many labels the annotations tell apart, and count the words that are none."""
    words = Counter(one.label for one in annotations if one.label is not None)
    # The grouping that understands most words; of equals, the finer one.
    count = max(_COUNTS, key=lambda c: sum(n for w, n in words.items() if label_named(w, GROUPS[c])))
    left_out = {word: n for word, n in words.items() if label_named(word, GROUPS[count]) is None}
    if words and len(left_out) == len(words) and not any(one.values for one in annotations):
        raise InputError(
            f"the annotation contains no known label, only {listed(list(words)[:5])}: the labels are "
            f"{listed(LABELS)}, or positive, neutral and negative; --map WORD=LABEL translates"
        )
    return count, left_out


def _votes_on_ticks(
    annotations: Sequence[Annotation], given: LabelCount, count: LabelCount
) -> dict[int, Counter[str]]:
    """Give what one rater says of each tick, as groups; where annotations overlap, there may be several."""
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    for one in annotations:
        label = None if one.label is None else label_named(one.label, GROUPS[given])
        if label is not None:
            for tick in one.ticks():
                votes[tick][_coarser(label, given, count)] += 1
    return dict(votes)


def _decided(votes: Mapping[int, Counter[str]]) -> dict[int, str]:
    """Give the label of each tick that a rater says most often there, or else first."""
    return {tick: said.most_common(1)[0][0] for tick, said in votes.items()}


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
    return measure_agreement(ours, theirs, names, block=_block(ticks, ours, theirs))


def _value_figures(
    estimated: Mapping[int, float], annotated: Mapping[int, float]
) -> RegressionFigures | None:
    ticks = [tick for tick in estimated if tick in annotated]
    if not ticks:
        return None
    ours, theirs = (np.array([values[tick] for tick in ticks]) for values in (estimated, annotated))
    halves = ours > ours.mean(), theirs > theirs.mean()
    return measure_values(ours, theirs, block=_block(ticks, *halves))


def _block(ticks: Sequence[int], *said: NDArray[Any]) -> int:
    """Say how many neighbouring ticks are drawn together for an interval, as they are all but one example.

    As many as three stretches in which nothing changes have on average, and those of a second at least.  The
    page on agreement tells how often such intervals hold the true value.

    Args:
        ticks: In order.
        said: `(ticks,)` each, what is said of them; of values, whether they are high.
    """
    second = round(len(ticks) * TICK_HZ / (ticks[-1] - ticks[0] + 1))
    changes = np.any([one[1:] != one[:-1] for one in said], axis=0).sum()
    return max(1, second, _STRETCHES * len(ticks) // (1 + int(changes)))
