"""Agreement between two who label the same examples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, figure, samples
from emoview.metrics.figures import AgreementFigures
from emoview.metrics.labels import confusions, recalls_of


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
