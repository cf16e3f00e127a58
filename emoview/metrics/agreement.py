"""Agreement between two who label the same examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, figure, samples
from emoview.metrics.figures import AgreementFigures, LabelAgreement
from emoview.metrics.labels import confusions, f1_of, recalls_of


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
        [confusions(annotated[d][None], said[d][None], count) for d in samples(len(said), seed, block)]
    )
    seen = np.flatnonzero(tables[0].sum(axis=1))
    hits = np.trace(tables, axis1=1, axis2=2)
    return AgreementFigures(
        len(said),
        tuple(names),
        figure(cohens_kappa(tables), digits=4),
        figure(100 * hits / len(said)),
        figure(np.nanmean(recalls_of(tables)[:, seen], axis=1)),
        tuple(tuple(int(v) for v in row) for row in tables[0]),
        {names[i]: _of_label(i, tables) for i in range(count) if tables[0][i].any() or tables[0][:, i].any()},
    )


def _of_label(label: int, tables: NDArray[np.int64]) -> LabelAgreement:
    """Measure one label against the rest, from the confusion tables of all examples and of each draw."""
    hits = tables[:, label, label]
    annotated, said = tables[:, label].sum(axis=1), tables[:, :, label].sum(axis=1)
    rest = tables.sum(axis=(1, 2)) - annotated - said + hits
    two = np.stack([hits, annotated - hits, said - hits, rest], axis=1).reshape(-1, 2, 2)
    return LabelAgreement(
        int(annotated[0]), int(said[0]), figure(f1_of(tables)[:, label]), figure(cohens_kappa(two), digits=4)
    )


def cohens_kappa(tables: NDArray[np.int64]) -> NDArray[np.float64]:
    """Agreement beyond chance (Cohen 1960) of confusion tables `(..., c, c)`.

    0 where both use one and the same label only: nothing tells such agreement from chance.
    """
    total = tables.sum(axis=(-2, -1))
    observed = np.trace(tables, axis1=-2, axis2=-1) / total
    chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / total**2
    kappa = (observed - chance) / np.where(chance < 1, 1 - chance, 1)
    return np.asarray(np.where(chance < 1, kappa, 0.0), np.float64)
