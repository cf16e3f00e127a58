"""Splits without leaks, and duplicates."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from made_data import refused, write

from emoview.datasets.pictures import open_pictures
from emoview.datasets.splits import (
    assert_disjoint,
    assert_filled,
    folds_by_group,
    leave_one_group_out,
    stratified_split,
)


def test_stratified_split_keeps_the_mix():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [500, 300, 50]))
    parts = stratified_split(labels, seed=4)
    assert [len(part) for part in parts] == [595, 170, 85]
    assert sorted(np.concatenate(parts)) == list(range(850))
    for part in parts:
        np.testing.assert_allclose(
            np.bincount(labels[part]) / len(part), [10 / 17, 6 / 17, 1 / 17], atol=0.01
        )
    for one, other in zip(parts, stratified_split(labels, seed=4), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(parts[0], stratified_split(labels, seed=5)[0])


def test_stratified_split_keeps_groups_and_duplicates_together():
    rng = np.random.default_rng(0)
    labels, people = rng.integers(0, 7, 600), [f"p{i % 30}" for i in range(600)]
    digests = [f"d{i}" for i in range(600)]
    digests[1] = digests[0]
    train, valid, test = stratified_split(labels, (0.6, 0.2, 0.2), 1, groups=people, duplicates=digests)
    assert (len(train), len(valid), len(test)) == (360, 120, 120)
    assert_disjoint(train, np.concatenate([valid, test]), people, digests)
    assert_disjoint(valid, test, people, digests)
    with refused("sum to 1"):
        stratified_split(labels, (0.5, 0.2))
    with refused("3 groups or duplicates for 600"):
        stratified_split(labels, groups=["a", "b", "c"])
    with refused("1 groups cannot fill 3 parts"):
        stratified_split(labels, groups=["same"] * 600)


def test_folds_by_group():
    people = [f"p{i % 22}" for i in range(440)]
    folds = folds_by_group(people, 5, seed=1)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(440))
    assert {len(test) for _, test in folds} == {80, 100}
    for train, test in [*folds, *leave_one_group_out(people)]:
        assert_disjoint(train, test, people)
        assert len(train) + len(test) == 440
    assert len(leave_one_group_out(people)) == 22
    with refused("22 groups", "23 folds"):
        folds_by_group(people, 23)
    with refused("One group"):
        leave_one_group_out(["a", "a"])


def test_both_sides_are_told_apart():
    people, digests = ["ann", "bob", "cid", "ann"], ["x", "y", "y", "z"]
    assert_disjoint([0, 3], [1, 2], people, digests)
    with refused("ann", "both sides", "items 0 and 3"):
        assert_disjoint([0, 1], [2, 3], people)
    with refused("exact duplicate (y)", "items 1 and 2"):
        assert_disjoint(np.array([True, True, False, True]), [2], people, digests)
    with refused("Item 1"):
        assert_disjoint([0, 1], [1, 2], None)


def test_exact_duplicates_are_found_in_other_encodings(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)
    for part, ending in (("train", ".png"), ("test", ".bmp")):
        write(tmp_path / part / "sad" / f"1{ending}", cv2.imencode(ending, image)[1].tobytes())
    digests = [open_pictures(tmp_path, part).digest(0) for part in ("train", "test")]
    with refused("exact duplicate", "items 0 and 1"):
        assert_disjoint([0], [1], None, digests)


def test_nothing_to_choose_by_or_to_measure_on():
    some, none = np.arange(2), np.arange(0)
    assert_filled((some, some, some), "pictures")
    with refused("No pictures are left to choose the epoch by"):
        assert_filled((some, none, some), "pictures")
    with refused("No clips are left to measure on"):
        assert_filled((some, some, none), "clips")
