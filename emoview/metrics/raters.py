"""Raters against each other, and a network against raters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emoview.metrics.bootstrap import Labels, draws, figure, samples
from emoview.metrics.figures import RaterFigures, SeveralFigures

Counts = NDArray[np.float64]


def measure_raters(counts: Counts, said: Labels, names: Sequence[str], *, seed: int = 0) -> RaterFigures:
    """Measure the raters of pictures by leaving each of them out once, and a network beside them.

    A rater who is left out is right where the label is that of most of the others.  Where `m` labels share
    the most votes of the others, each of them is the truth with a share of 1/m, as if the tie were broken at
    random.  Where the others' majority is none of the labels, such as "unknown", the picture is not asked
    about; a rater who chose none of the labels is wrong.  The network is held against the same truths with
    the same weights.  All of it is computed from the counts, as the expectation over raters and ties.

    Args:
        counts: `(n, c + others)`, how many raters of each picture chose each label, then whatever else they
            could choose; at least two raters a picture.
        said: `(n,)`, what the network says, positions in `names`.
        names: Of the `c` labels.
        seed: Of the bootstrap samples of pictures.
    """
    raters = counts.sum(axis=1)
    truth, hits = leave_one_rater_out(counts, len(names))
    asked, right = truth.sum(axis=1), truth[np.arange(len(said)), said]
    same = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    most = counts.max(axis=1) / raters
    drawn = np.concatenate([np.arange(len(counts))[None], draws(len(counts), seed)])
    # A chance to agree is the square of how often a label is chosen; all pictures count the same.
    chance = np.stack([((counts[d] / raters[d, None]).mean(axis=0) ** 2).sum() for d in drawn])
    with np.errstate(invalid="ignore"):
        pairs = same[drawn].mean(axis=1)
        kappa = (pairs - chance) / (1 - chance)
        one, other = (100 * part[drawn].sum(axis=1) / asked[drawn].sum(axis=1) for part in (hits, right))
    return RaterFigures(
        len(counts),
        tuple(names),
        figure(100 * pairs),
        figure(kappa, digits=4),
        figure(100 * most[drawn].mean(axis=1)),
        figure(one),
        figure(other),
        figure(other - one),
    )


def leave_one_rater_out(counts: Counts, labels: int) -> tuple[Counts, Counts]:
    """Give the truths of the raters who stay, and how often the one who is left out hits them.

    Args:
        counts: As in `measure_raters`.
        labels: So many of the columns are labels.

    Returns:
        `(n, labels)`, how probable each label is as the majority of the others, less than 1 in all where the
        majority can be something else; and `(n,)`, how probable it is that the one who is left out chose it.
    """
    truth, hits = np.zeros_like(counts), np.zeros(len(counts))
    for chosen in range(counts.shape[1]):
        rest = counts - np.eye(counts.shape[1])[chosen]
        tied = rest == rest.max(axis=1, keepdims=True)
        share = tied / tied.sum(axis=1, keepdims=True)
        weight = counts[:, chosen] / counts.sum(axis=1)
        truth += weight[:, None] * share
        if chosen < labels:
            hits += weight * share[:, chosen]
    return truth[:, :labels], hits


def measure_several(
    labels: NDArray[np.int64], count: int, *, block: int = 1, seed: int = 0
) -> SeveralFigures | None:
    """Measure how far several raters agree.

    Args:
        labels: `(n, raters)`, positions of labels, or -1 where a rater does not speak of the example.
        count: How many labels there are.
        block: Neighbouring examples that are drawn together for the intervals, as in `measure_agreement`.
        seed: Of the draws.

    Returns:
        None where no example has two raters.
    """
    counts = np.stack([(labels == i).sum(axis=1) for i in range(count)], axis=1).astype(np.float64)
    counts = counts[counts.sum(axis=1) >= 2]
    if not len(counts):
        return None
    whole = counts[counts.sum(axis=1) == labels.shape[1]]
    alphas = [krippendorff_alpha(counts[d]) for d in samples(len(counts), seed, block)]
    kappas = [fleiss_kappa(whole[d]) for d in samples(len(whole), seed, block)] if len(whole) else None
    return SeveralFigures(
        len(counts),
        None if kappas is None else figure(np.array(kappas), digits=4),
        figure(np.array(alphas), digits=4),
    )


def fleiss_kappa(counts: Counts) -> float:
    """Agreement of the same number of raters beyond chance (Fleiss 1971); 0 where all use one label.

    Args:
        counts: `(n, c)`, how many raters of each example chose each label.
    """
    raters = counts[0].sum()
    observed = ((counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))).mean()
    chance = ((counts.sum(axis=0) / counts.sum()) ** 2).sum()
    return float((observed - chance) / (1 - chance)) if chance < 1 else 0.0


def krippendorff_alpha(counts: Counts) -> float:
    """Agreement of any number of raters beyond chance, for labels (Krippendorff 2011); 0 where all use one.

    Args:
        counts: `(n, c)`, how many raters of each example chose each label; at least two raters each.
    """
    raters, labels = counts.sum(axis=1), counts.sum(axis=0)
    total = labels.sum()
    apart = ((raters**2 - (counts**2).sum(axis=1)) / (raters - 1)).sum() / total
    by_chance = (total**2 - (labels**2).sum()) / (total * (total - 1))
    return float(1 - apart / by_chance) if by_chance > 0 else 0.0
