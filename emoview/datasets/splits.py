"""Splits that keep a person, or a picture and its exact duplicate, on one side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.errors import DatasetError

Indices = NDArray[np.int64]


def stratified_split(
    labels: Sequence[Any] | NDArray[Any],
    shares: Sequence[float] = (0.7, 0.2, 0.1),
    seed: int = 0,
    *,
    groups: Sequence[Hashable] | None = None,
    duplicates: Sequence[Hashable] | None = None,
) -> tuple[Indices, ...]:
    """Split at random, each part with the same mix of labels as far as the groups allow.

    Args:
        labels: `(n,)`.
        shares: Of the parts, summing to 1.
        seed: Decides the split, alone.
        groups: `(n,)`, such as speakers: none is in two parts.
        duplicates: `(n,)`, such as digests: equal ones are never in two parts.

    Returns:
        The positions of each part, ascending.

    Raises:
        DatasetError: The shares are not shares, the lengths differ, or there are too few groups.
    """
    if min(shares, default=-1) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise DatasetError(f"The shares {tuple(shares)} do not sum to 1; give one share for each part.")
    _, classes = np.unique(np.asarray(labels), return_inverse=True)
    together = _components(len(classes), [kind for kind in (groups, duplicates) if kind is not None])
    counts = [np.bincount(classes[members], minlength=classes.max(initial=0) + 1) for members in together]
    part_of = _distribute(counts, np.asarray(shares, float), np.random.default_rng(seed))
    _fill(part_of, counts, np.asarray(shares, float))
    parts = tuple(
        _joined(m for m, p in zip(together, part_of, strict=True) if p == i) for i in range(len(shares))
    )
    for share, part in zip(shares, parts, strict=True):
        if share > 0 and not len(part):
            raise DatasetError(
                f"{len(together)} groups cannot fill {len(shares)} parts; add data, or ask for fewer parts."
            )
    return parts


def folds_by_group(
    groups: Sequence[Hashable], k: int, seed: int = 0, *, duplicates: Sequence[Hashable] | None = None
) -> tuple[tuple[Indices, Indices], ...]:
    """Make `k` folds of whole groups, of about equal size: `(train, test)` positions of each.

    Groups that share one of the `duplicates`, such as digests, are one.

    Raises:
        DatasetError: There is only one group, there are fewer groups than folds, or less than two folds.
    """
    together = _two_or_more(groups, *([] if duplicates is None else [duplicates]))
    if not 2 <= k <= len(together):
        raise DatasetError(f"{len(together)} groups do not make {k} folds; ask for 2 to {len(together)}.")
    sizes = [np.array([len(members)]) for members in together]
    fold_of = _distribute(sizes, np.full(k, 1 / k), np.random.default_rng(seed))
    folds = [_joined(m for m, f in zip(together, fold_of, strict=True) if f == i) for i in range(k)]
    return tuple((np.setdiff1d(np.arange(len(groups)), test), test) for test in folds)


def leave_one_group_out(groups: Sequence[Hashable]) -> tuple[tuple[Indices, Indices], ...]:
    """Let every group be the test once, in the order of first appearance: `(train, test)` positions.

    Raises:
        DatasetError: There is only one group.
    """
    together = _two_or_more(groups)
    return tuple((np.setdiff1d(np.arange(len(groups)), test), test) for test in together)


def assert_disjoint(
    train: Sequence[int] | NDArray[Any],
    test: Sequence[int] | NDArray[Any],
    groups: Sequence[Hashable] | None,
    digests: Sequence[Hashable] | None = None,
) -> None:
    """Make sure that nothing stands on both sides.

    Args:
        train: Positions, or an `(n,)` mask.
        test: Likewise.
        groups: `(n,)`, such as persons; None where the data set does not tell.
        digests: `(n,)`, of the content.

    Raises:
        DatasetError: A position, a group or an exact duplicate stands on both sides; the message names it.
    """
    one, other = _positions(train), _positions(test)
    both = np.intersect1d(one, other)
    if len(both):
        raise DatasetError(f"Item {both[0]} stands on both sides of the split; take it out of one.")
    for kind, what in ((groups, "{} stands"), (digests, "An exact duplicate ({}) stands")):
        if kind is None:
            continue
        first = {kind[i]: i for i in one[::-1]}
        for i in other:
            if kind[i] in first:
                raise DatasetError(
                    f"{what.format(kind[i])} on both sides of the split (items {first[kind[i]]} and {i}); "
                    "split again with these on one side."
                )


def assert_filled(parts: Sequence[NDArray[Any]], what: str) -> None:
    """Make sure that there is something to choose by and something to measure on.

    Args:
        parts: Positions for learning, for choosing, and of what is measured.
        what: The examples are, for the message, such as `pictures`.

    Raises:
        DatasetError: There is not.
    """
    for part, purpose in zip(parts[1:], ("choose the epoch by", "measure on"), strict=True):
        if not len(part):
            raise DatasetError(f"No {what} are left to {purpose}; add {what}, or split them in another way.")


def assert_taught(
    labels: Sequence[Any] | NDArray[Any],
    train: NDArray[Any],
    test: NDArray[Any],
    names: Sequence[str],
    what: str,
) -> None:
    """Make sure that two labels or more can be learned, and every label that is asked about.

    Args:
        labels: `(n,)`, positions in `names`.
        train: Positions of the examples that are learned from, or an `(n,)` mask.
        test: Of those that are asked about, likewise.
        names: Of the labels.
        what: The examples are, for the message, such as `pictures`.

    Raises:
        DatasetError: One cannot; the message names it.
    """
    values = np.asarray(labels)
    taught = np.unique(values[train])
    if len(taught) < 2:
        only = f"show {names[taught[0]]} alone" if len(taught) else "are none"
        raise DatasetError(
            f"The {what} to learn from {only}, but two labels are needed; add {what} of another."
        )
    missing = np.setdiff1d(values[test], taught)
    if len(missing):
        raise DatasetError(
            f"None of the {what} to learn from shows {names[missing[0]]}, which is asked about; add such "
            f"{what} of others, or take them out."
        )


def assert_taught_by_others(
    labels: Sequence[Any] | NDArray[Any], groups: Sequence[Hashable], names: Sequence[str], what: str
) -> None:
    """Do as `assert_taught` where every group is left out once.

    Raises:
        DatasetError: A label is one group's alone, or there is only one group.
    """
    for train, test in leave_one_group_out(groups):
        assert_taught(labels, train, test, names, what)


def _positions(chosen: Sequence[int] | NDArray[Any]) -> Indices:
    index = np.asarray(chosen)
    return np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)


def _two_or_more(*kinds: Sequence[Hashable]) -> list[Indices]:
    together = _components(len(kinds[0]), kinds)
    if len(together) < 2:
        raise DatasetError("One group cannot be left out of itself; add recordings of somebody else.")
    return together


def _components(count: int, kinds: Sequence[Sequence[Hashable]]) -> list[Indices]:
    """Join items that share a value of any kind, directly or through others; by first appearance."""
    parent = list(range(count))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for values in kinds:
        if len(values) != count:
            raise DatasetError(f"{len(values)} groups or duplicates for {count} items; give one for each.")
        seen: dict[Hashable, int] = {}
        for i, value in enumerate(values):
            one, other = sorted((root(i), root(seen.setdefault(value, i))))
            parent[other] = one
    members: dict[int, list[int]] = {}
    for i in range(count):
        members.setdefault(root(i), []).append(i)
    return [np.array(items, np.int64) for items in members.values()]


def _distribute(
    counts: Sequence[NDArray[np.int64]], shares: NDArray[np.float64], rng: np.random.Generator
) -> list[int]:
    """Give each group the part that its labels lack most; large groups first, equal ones at random.

    Args:
        counts: Items of each label, of each group.
        shares: Of the parts.
        rng: Decides the order of equally large groups.
    """
    wanted = np.outer(shares, sum(counts, np.zeros(1)))
    used = np.zeros_like(wanted)
    part_of = [0] * len(counts)
    order = rng.permutation(len(counts))
    sizes = np.array([group.sum() for group in counts])
    for i in order[np.argsort(-sizes[order], kind="stable")]:
        # How much the squared distance to what is wanted grows, on the scale of what is wanted.
        growth = (counts[i] * (2 * (used - wanted) + counts[i]) / np.maximum(wanted, 1e-9)).sum(axis=1)
        growth[shares == 0] = np.inf
        part_of[i] = int(growth.argmin())
        used[part_of[i]] += counts[i]
    return part_of


def _fill(part_of: list[int], counts: Sequence[NDArray[np.int64]], shares: NDArray[np.float64]) -> None:
    """Give a part that got nothing, since every group is larger than its share, the group that fits best."""
    wanted = np.outer(shares, sum(counts, np.zeros(1)))
    for part in np.flatnonzero(shares > 0).tolist():
        groups_in = Counter(part_of)
        spare = [i for i, other in enumerate(part_of) if groups_in[other] > 1]
        if groups_in[part] or not spare:
            continue
        used = np.zeros_like(wanted)
        np.add.at(used, part_of, counts)

        def distance(i: int, used: NDArray[np.float64] = used, part: int = part) -> float:
            moved = used.copy()
            moved[part_of[i]] -= counts[i]
            moved[part] += counts[i]
            return float(((moved - wanted) ** 2 / np.maximum(wanted, 1e-9)).sum())

        part_of[min(spare, key=distance)] = part


def _joined(pieces: Iterable[Indices]) -> Indices:
    return np.sort(np.concatenate([np.zeros(0, np.int64), *pieces]))
