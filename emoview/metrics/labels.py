"""How good probabilities of labels are.

Accuracy, unweighted average recall, F1, recalls, confusion, expected calibration error, and for each label
precision, recall, specificity, F1 and ROC.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, Probabilities, draws, figure
from emoview.metrics.calibration import bins_of, error_of, floor_of
from emoview.metrics.figures import (
    ClassFigures,
    Figure,
    GainFigures,
    LabelFigures,
    MeanFigures,
    PeopleFigures,
)
from emoview.metrics.roc import roc_areas, roc_curve


def measure_labels(
    probabilities: Probabilities,
    labels: Labels,
    names: Sequence[str],
    *,
    people: Sequence[str | None] | None = None,
    seed: int = 0,
) -> LabelFigures:
    """Measure probabilities against true labels.

    Args:
        probabilities: `(n, c)`.
        labels: `(n,)`, positions in `names`.
        names: Of the `c` labels.
        people: `(n,)`, whom each example is of; None, for one or for all, where that is not known.
        seed: Of the bootstrap samples.
    """
    count, said = len(names), probabilities.argmax(axis=1)
    drawn = draws(len(labels), seed)
    tables = np.concatenate(
        [
            confusions(labels[None], said[None], count),
            confusions(labels[drawn], said[drawn], count),
        ]
    )
    seen = np.flatnonzero(tables[0].sum(axis=1))
    recalls, f1 = recalls_of(tables), f1_of(tables)
    hits, support = np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2)
    confidence, right = probabilities.max(axis=1), said == labels
    errors = [error_of(confidence, right)]
    errors += [error_of(confidence[d], right[d]) for d in drawn]
    return LabelFigures(
        len(labels),
        tuple(names),
        figure(100 * hits.sum(axis=1) / len(labels)),
        figure(np.nanmean(recalls[:, seen], axis=1)),
        figure(np.nanmean(f1[:, seen], axis=1)),
        figure(np.array(errors), digits=4),
        floor_of(confidence, seed),
        bins_of(confidence, right),
        {names[i]: figure(recalls[:, i]) for i in seen},
        tuple(tuple(int(v) for v in row) for row in tables[0]),
        figure(np.nansum(f1 * support, axis=1) / len(labels)),
        {names[i]: _of_class(i, tables, probabilities[:, i], labels == i, drawn) for i in seen},
        by_people=_by_people(labels, said, people, count, seed),
    )


def _by_people(
    labels: Labels, said: Labels, people: Sequence[str | None] | None, count: int, seed: int
) -> PeopleFigures | None:
    """Draw whole people, if they are known, several, and fewer than the examples."""
    if people is None or None in people or not 1 < len(set(people)) < len(people):
        return None
    _, person = np.unique([str(one) for one in people], return_inverse=True)
    units = np.zeros((person.max() + 1, count, count), np.int64)
    np.add.at(units, (person, labels, said), 1)
    tables = _tables_of(units, seed)
    seen = np.flatnonzero(tables[0].sum(axis=1))
    hits = np.diagonal(tables, axis1=1, axis2=2).sum(axis=1)
    return PeopleFigures(
        len(units),
        figure(100 * hits / tables.sum(axis=(1, 2))),
        figure(np.nanmean(recalls_of(tables)[:, seen], axis=1)),
    )


def _tables_of(units: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Add up the tables `(units, ...)` of all, in the first row, and of each bootstrap sample of them."""
    drawn = np.concatenate([np.arange(len(units))[None], draws(len(units), seed)])
    times = np.stack([np.bincount(sample, minlength=len(units)) for sample in drawn])
    return np.tensordot(times, units, axes=1)


def measure_groups(
    probabilities: Probabilities, labels: Labels, groups: Sequence[str], count: int, *, seed: int = 0
) -> MeanFigures:
    """Measure probabilities `(n, count)` in each of the groups `(n,)` by itself, and take the means.

    Args:
        probabilities: Of the labels.
        labels: `(n,)`, the true ones.
        groups: `(n,)`, which each example is of.
        count: Of the labels.
        seed: Of the bootstrap samples, which are drawn within each group.
    """
    uars, errors = {}, []
    for number, group in enumerate(sorted(set(groups))):
        own = np.asarray(groups) == group
        here, true = probabilities[own], labels[own]
        said, confidence = here.argmax(axis=1), here.max(axis=1)
        drawn = np.concatenate([np.arange(len(true))[None], draws(len(true), seed + number)])
        recalls = recalls_of(confusions(true[drawn], said[drawn], count))
        uars[group] = np.nanmean(recalls[:, np.unique(true)], axis=1)
        errors.append([error_of(confidence[d], (said == true)[d]) for d in drawn])
    return MeanFigures(
        len(labels),
        {group: figure(values) for group, values in uars.items()},
        figure(np.mean(list(uars.values()), axis=0)),
        figure(np.mean(errors, axis=0), digits=4),
    )


def f1_of(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the F1 of confusion tables `(draws, c, c)`, in percent; NaN for a label without a trace."""
    with np.errstate(invalid="ignore"):
        hits = np.diagonal(tables, axis1=1, axis2=2)
        return np.asarray(200 * hits / (tables.sum(axis=1) + tables.sum(axis=2)))


def _of_class(
    label: int,
    tables: NDArray[np.int64],
    scores: Probabilities,
    positive: NDArray[np.bool_],
    drawn: NDArray[np.int64],
) -> ClassFigures:
    """Measure one label against the others, from the confusion tables of all examples and of each draw."""
    hits = tables[:, label, label]
    true, said, total = tables[:, label].sum(axis=1), tables[:, :, label].sum(axis=1), positive.size
    with np.errstate(invalid="ignore"):
        rejected = 100 * (total - true - said + hits) / (total - true)
    several = not positive.all()
    return ClassFigures(
        int(true[0]),
        figure(100 * hits / np.maximum(said, 1)),
        figure(recalls_of(tables)[:, label]),
        figure(rejected) if several else Figure(100.0, 100.0, 100.0),
        figure(f1_of(tables)[:, label]),
        figure(roc_areas(scores, positive, drawn), digits=4) if several else None,
        roc_curve(scores, positive),
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
        [confusions(labels[:, None], said.argmax(axis=1)[:, None], count) for said in (one, other)], axis=1
    )
    _, person = np.unique(people, return_inverse=True)
    of_people = np.zeros((person.max() + 1, *tables.shape[1:]), np.int64)
    np.add.at(of_people, person, tables)

    def gain(units: NDArray[np.int64]) -> Figure:
        ones, others = np.moveaxis(_tables_of(units, seed), 1, 0)
        # A label without examples has no recall, in neither.
        return figure(np.nanmean(recalls_of(ones) - recalls_of(others), axis=1))

    return GainFigures(len(labels), len(of_people), over, gain(tables), gain(of_people))


def accuracy(probabilities: Probabilities, labels: Labels) -> float:
    """Share of examples whose most probable label is right, in percent."""
    return float(100 * np.mean(probabilities.argmax(axis=1) == labels))


def unweighted_average_recall(probabilities: Probabilities, labels: Labels) -> float:
    """Mean of the labels' recalls, in percent: each label counts the same."""
    said = probabilities.argmax(axis=1)
    return float(np.nanmean(recalls_of(confusions(labels[None], said[None], probabilities.shape[1]))))


def calibration_error(probabilities: Probabilities, labels: Labels) -> float:
    """Mean distance between confidence and accuracy (expected; Naeini et al. 2015, AAAI)."""
    return error_of(probabilities.max(axis=1), probabilities.argmax(axis=1) == labels)


def confusions(labels: NDArray[np.int64], said: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Count `(draws, n)` pairs into `(draws, true, said)`."""
    cells = labels * count + said + np.arange(len(labels))[:, None] * count**2
    return np.bincount(cells.ravel(), minlength=len(labels) * count**2).reshape(-1, count, count)


def recalls_of(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the recalls of confusion tables `(..., c, c)`, in percent; NaN for a label without examples."""
    with np.errstate(invalid="ignore"):
        return np.asarray(100 * np.diagonal(tables, axis1=1, axis2=2) / tables.sum(axis=2))
