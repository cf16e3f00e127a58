"""How good predictions are, each figure with its bootstrap 95 % interval.

Of labels: accuracy, unweighted average recall, macro F1, recalls, confusion, expected calibration
error; with a person's labels, Cohen's kappa.  Of valence and arousal: RMSE, and Pearson's, intraclass
and concordance correlation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating[Any]]
Labels = NDArray[np.int64]
Values = NDArray[np.floating[Any]]

DRAWS = 1000
"""Bootstrap samples behind an interval (Efron 1979)."""

_BINS = 10


@dataclass(frozen=True)
class Figure:
    """A measured value and its bootstrap 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        to = " to " if self.low < 0 else "-"
        return f"{self.value:.1f} ({self.low:.1f}{to}{self.high:.1f})"


@dataclass(frozen=True)
class CalibrationBin:
    """Examples of like confidence.

    Attributes:
        examples: How many.
        confidence: Mean probability of what was said, in [0, 1].
        accuracy: Share that was right, in [0, 1].
    """

    examples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True)
class LabelFigures:
    """What was measured on labelled examples.

    Attributes:
        examples: How many.
        labels: Names of the rows and columns of `confusion`.
        accuracy: Share of examples whose most probable label is right, in percent.
        uar: Unweighted average recall, over the labels that have examples, in percent.
        macro_f1: Mean F1 of the labels that have examples, in percent.
        calibration_error: Expected calibration error, 10 bins of equal width, in [0, 1].
        calibration_floor: What it would come to, in the mean, were the same confidences perfectly
            calibrated: with few examples chance alone makes a bin's accuracy miss its confidence.
        calibration: The bins that hold examples, by confidence.
        recalls: In percent, of each label with examples.
        confusion: `confusion[true][said]`, counts.
    """

    examples: int
    labels: tuple[str, ...]
    accuracy: Figure
    uar: Figure
    macro_f1: Figure
    calibration_error: Figure
    calibration_floor: float
    calibration: tuple[CalibrationBin, ...]
    recalls: dict[str, Figure]
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class GainFigures:
    """How much better one says the labels of the same examples than another.

    Attributes:
        examples: How many.
        people: How many the examples are of.
        over: Name of the other.
        uar: Difference of the unweighted average recalls, in points; both are asked about the same
            examples of each bootstrap sample.
        uar_by_people: The same, but whole people are drawn, with all their examples: what to expect of
            others, as far as so few can tell.
    """

    examples: int
    people: int
    over: str
    uar: Figure
    uar_by_people: Figure


@dataclass(frozen=True)
class AgreementFigures:
    """What was measured between two who label the same examples.

    Attributes:
        examples: How many.
        labels: Names of the rows and columns of `confusion`.
        kappa: Cohen's kappa (1960): 0 for agreement by chance, 1 for full agreement.
        accuracy: Share of examples with the same label, in percent.
        uar: Unweighted average recall, over the labels that the annotation has, in percent.
        confusion: `confusion[annotated][said]`, counts.
    """

    examples: int
    labels: tuple[str, ...]
    kappa: Figure
    accuracy: Figure
    uar: Figure
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class RegressionFigures:
    """What was measured on one continuous annotation, in the annotation's unit.

    Attributes:
        examples: How many.
        rmse: Root mean squared error.
        pcc: Pearson's correlation.
        icc: Intraclass correlation ICC(3,1) (Shrout & Fleiss 1979).
        ccc: Concordance correlation (Lin 1989).
    """

    examples: int
    rmse: Figure
    pcc: Figure
    icc: Figure
    ccc: Figure


@dataclass(frozen=True)
class AffectFigures(RegressionFigures):
    """Means over folds of what was measured on valence or arousal, which reach from -`scale` to `scale`.

    Attributes:
        scale: Of the annotation.
        folds: The values of each fold, by the name of the figure.
    """

    scale: float
    folds: tuple[dict[str, float], ...]


def measure_labels(
    probabilities: Probabilities, labels: Labels, names: Sequence[str], *, seed: int = 0
) -> LabelFigures:
    """Measure probabilities `(n, c)` against true labels `(n,)`, positions in `names`."""
    count, said = len(names), probabilities.argmax(axis=1)
    draws = _draws(len(labels), seed)
    tables = np.concatenate(
        [
            _confusions(labels[None], said[None], count),
            _confusions(labels[draws], said[draws], count),
        ]
    )
    seen = np.flatnonzero(tables[0].sum(axis=1))
    recalls = _recalls(tables)
    with np.errstate(invalid="ignore"):
        hits = np.diagonal(tables, axis1=1, axis2=2)
        f1 = 200 * hits / (tables.sum(axis=1) + tables.sum(axis=2))
    confidence, right = probabilities.max(axis=1), said == labels
    errors = [_calibration_error(confidence, right)]
    errors += [_calibration_error(confidence[d], right[d]) for d in draws]
    return LabelFigures(
        len(labels),
        tuple(names),
        _figure(100 * hits.sum(axis=1) / len(labels)),
        _figure(np.nanmean(recalls[:, seen], axis=1)),
        _figure(np.nanmean(f1[:, seen], axis=1)),
        _figure(np.array(errors), digits=4),
        _calibration_floor(confidence, seed),
        _calibration(confidence, right),
        {names[i]: _figure(recalls[:, i]) for i in seen},
        tuple(tuple(int(v) for v in row) for row in tables[0]),
    )


def measure_gain(
    one: Probabilities,
    other: Probabilities,
    labels: Labels,
    people: Sequence[str],
    *,
    over: str,
    seed: int = 0,
) -> GainFigures:
    """Measure how much better probabilities `(n, c)` are than others `(n, c)`, the name of which is `over`.

    Args:
        one: Whose gain it is.
        other: Of the other.
        labels: `(n,)`, positions in the columns of both.
        people: `(n,)`, whom each example is of.
        over: As in `GainFigures`.
        seed: Of the draws.
    """
    count = one.shape[1]
    tables = np.stack(
        [_confusions(labels[:, None], said.argmax(axis=1)[:, None], count) for said in (one, other)], axis=1
    )
    _, person = np.unique(people, return_inverse=True)
    of_people = np.zeros((person.max() + 1, *tables.shape[1:]), np.int64)
    np.add.at(of_people, person, tables)

    def gain(units: NDArray[np.int64]) -> Figure:
        drawn = np.concatenate([np.arange(len(units))[None], _draws(len(units), seed)])
        times = np.stack([np.bincount(sample, minlength=len(units)) for sample in drawn])
        ones, others = np.moveaxis(np.tensordot(times, units, axes=1), 1, 0)
        # A label without examples has no recall, in neither.
        return _figure(np.nanmean(_recalls(ones) - _recalls(others), axis=1))

    return GainFigures(len(labels), len(of_people), over, gain(tables), gain(of_people))


def measure_agreement(
    said: Labels, annotated: Labels, names: Sequence[str], *, block: int = 1, seed: int = 0
) -> AgreementFigures:
    """Measure labels `(n,)` against annotated ones `(n,)`, positions in `names`.

    Args:
        said: By the one.
        annotated: By the other.
        names: Of the labels.
        block: Neighbouring examples that are drawn together for the intervals: those of a timeline depend
            on each other, and drawn one by one they would make the intervals far too narrow.
        seed: Of the draws.
    """
    count = len(names)
    tables = np.concatenate(
        [_confusions(annotated[d][None], said[d][None], count) for d in _samples(len(said), seed, block)]
    )
    seen = np.flatnonzero(tables[0].sum(axis=1))
    hits = np.trace(tables, axis1=1, axis2=2)
    return AgreementFigures(
        len(said),
        tuple(names),
        _figure(cohens_kappa(tables), digits=4),
        _figure(100 * hits / len(said)),
        _figure(np.nanmean(_recalls(tables)[:, seen], axis=1)),
        tuple(tuple(int(v) for v in row) for row in tables[0]),
    )


def measure_values(
    estimated: Values, annotated: Values, *, block: int = 1, seed: int = 0
) -> RegressionFigures:
    """Measure estimates `(n,)` of a continuous annotation `(n,)`; `block` as in `measure_agreement`."""
    metrics: tuple[Callable[[Values, Values], float], ...] = (rmse, pcc, icc, ccc)
    table = np.array(
        [
            [metric(estimated[d], annotated[d]) for metric in metrics]
            for d in _samples(len(annotated), seed, block)
        ]
    )
    return RegressionFigures(len(annotated), *(_figure(column, digits=4) for column in table.T))


def measure_folds(
    estimated: Values, annotated: Values, folds: Sequence[NDArray[np.int64]], *, scale: float, seed: int = 0
) -> AffectFigures:
    """Measure estimates `(n,)` of an annotation `(n,)` fold by fold: the means, and each fold's values.

    Args:
        estimated: In the annotation's unit.
        annotated: Reaches from -`scale` to `scale`.
        folds: Positions of each.
        scale: Of the annotation.
        seed: Of the bootstrap, which draws within each fold.
    """
    metrics: dict[str, Callable[[Values, Values], float]] = {"rmse": rmse, "pcc": pcc, "icc": icc, "ccc": ccc}
    tables = np.array(
        [
            [
                [metric(estimated[fold[d]], annotated[fold[d]]) for metric in metrics.values()]
                for d in _samples(len(fold), seed, 1)
            ]
            for fold in folds
        ]
    )
    rmse_, pcc_, icc_, ccc_ = (_figure(column, digits=4) for column in tables.mean(axis=0).T)
    each = tuple(
        {name: round(float(value), 4) for name, value in zip(metrics, table[0], strict=True)}
        for table in tables
    )
    return AffectFigures(len(annotated), rmse_, pcc_, icc_, ccc_, scale, each)


def mean_figure(values: Values, *, of: Callable[..., Any] = np.mean, seed: int = 0) -> Figure:
    """Make a figure of the mean, or another statistic, of measurements `(n,)`."""
    if not len(values):
        return Figure(float("nan"), float("nan"), float("nan"))
    every = np.concatenate([np.arange(len(values))[None], _draws(len(values), seed)])
    return _figure(of(values[every], axis=1))


def cohens_kappa(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Agreement beyond chance (Cohen 1960) of confusion tables `(..., c, c)`.

    0 where both use one and the same label only: nothing tells such agreement from chance.
    """
    total = tables.sum(axis=(-2, -1))
    observed = np.trace(tables, axis1=-2, axis2=-1) / total
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / total**2
    kappa = (observed - chance) / np.where(chance < 1, 1 - chance, 1)
    return np.asarray(np.where(chance < 1, kappa, 0.0), np.float64)


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable label is right, in percent."""
    return float(100 * np.mean(probabilities.argmax(axis=1) == labels))


def unweighted_average_recall(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of the labels' recalls, in percent: each label counts the same."""
    said = probabilities.argmax(axis=1)
    return float(np.nanmean(_recalls(_confusions(labels[None], said[None], probabilities.shape[1]))))


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean distance between confidence and accuracy (expected; Naeini et al. 2015, AAAI)."""
    return _calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def rmse(estimated: Values, annotated: Values) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean(np.square(estimated - annotated))))


def pcc(estimated: Values, annotated: Values) -> float:
    """Pearson's correlation; 0 where one of the two does not vary."""
    spread = float(estimated.std() * annotated.std())
    return _covariance(estimated, annotated) / spread if spread else 0.0


def icc(estimated: Values, annotated: Values) -> float:
    """Intraclass correlation ICC(3,1): two raters, consistency (Shrout & Fleiss 1979)."""
    total = float(estimated.var() + annotated.var())
    return 2 * _covariance(estimated, annotated) / total if total else 0.0


def ccc(estimated: Values, annotated: Values) -> float:
    """Concordance correlation (Lin 1989): like ICC(3,1), less for a shift between the two."""
    shift = float(estimated.mean() - annotated.mean()) ** 2
    total = float(estimated.var() + annotated.var()) + shift
    return 2 * _covariance(estimated, annotated) / total if total else 0.0


def _covariance(one: Values, other: Values) -> float:
    return float(np.mean((one - one.mean()) * (other - other.mean())))


def _draws(count: int, seed: int) -> NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, count, (DRAWS, count))


def _samples(count: int, seed: int, block: int) -> Iterator[NDArray[np.int64]]:
    """Give the positions of all examples, then those of each bootstrap sample.

    The samples are of moving blocks of neighbours (Kuensch 1989), which with a block of 1 is the usual
    bootstrap.  They come one at a time: together, those of an hour of ticks would take gigabytes.
    """
    yield np.arange(count)
    block = min(block, count)
    random = np.random.default_rng(seed)
    for _ in range(DRAWS):
        starts = random.integers(0, count - block + 1, -(-count // block))
        yield (starts[:, None] + np.arange(block)).ravel()[:count]


def _confusions(labels: NDArray[np.int64], said: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Count `(draws, n)` pairs into `(draws, true, said)`."""
    cells = labels * count + said + np.arange(len(labels))[:, None] * count**2
    return np.bincount(cells.ravel(), minlength=len(labels) * count**2).reshape(-1, count, count)


def _recalls(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    with np.errstate(invalid="ignore"):
        return np.asarray(100 * np.diagonal(tables, axis1=1, axis2=2) / tables.sum(axis=2))


def _bin_of(confidence: Values) -> NDArray[np.int64]:
    return np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)


def _calibration(confidence: Values, right: NDArray[np.bool_]) -> tuple[CalibrationBin, ...]:
    bins = _bin_of(confidence)
    chosen = (bins == number for number in np.unique(bins))
    return tuple(
        CalibrationBin(int(c.sum()), round(float(confidence[c].mean()), 4), round(float(right[c].mean()), 4))
        for c in chosen
    )


def _calibration_error(confidence: Values, right: NDArray[np.bool_]) -> float:
    gaps = np.bincount(_bin_of(confidence), right - confidence, _BINS)
    return float(np.abs(gaps).sum() / len(right))


def _calibration_floor(confidence: Values, seed: int, draws: int = 200) -> float:
    random = np.random.default_rng(seed)
    lucky = (random.random(len(confidence)) < confidence for _ in range(draws))
    return round(float(np.mean([_calibration_error(confidence, right) for right in lucky])), 4)


def _figure(values: NDArray[np.floating[Any]], *, digits: int = 2) -> Figure:
    """Make a figure of the value, which stands first, and those of the bootstrap samples."""
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    return Figure(*(round(float(v), digits) for v in (values[0], low, high)))
