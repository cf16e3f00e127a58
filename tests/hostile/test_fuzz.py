"""Damaged inputs: some hundred every day, many before a release."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import seeds
from .fuzz import SHARES, fingerprint, fuzz, shares, table

_SEED = 7
# Networks of a run need TensorFlow, which takes seconds to load.
_QUICK = [kind for kind in SHARES if kind not in ("runs", "media")]


def _tried(inputs: int, kinds: list[str], save: Path) -> None:
    tallies = list(fuzz(inputs, _SEED, kinds, save=save))
    assert not any(tally.failures for tally in tallies), table(tallies, _SEED)


def test_damaged_inputs_are_read_or_refused(tmp_path: Path):
    _tried(280, _QUICK, tmp_path)


def test_damaged_media_are_analysed_or_refused(tmp_path: Path):
    _tried(20, ["media"], tmp_path)


@pytest.mark.release
def test_many_damaged_inputs_are_read_or_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    tallies = list(fuzz(20_000, _SEED, list(SHARES), save=tmp_path, jobs=2))
    with capsys.disabled():
        print("\n" + table(tallies, _SEED))
    assert not any(tally.failures for tally in tallies)


@pytest.mark.parametrize("kind", ["lists", "config", "annotations", "datasets"])
def test_a_seed_makes_the_same_inputs_again(kind: str, tmp_path: Path):
    seeds.MAKERS[kind](tmp_path / "bases")
    prints = [fingerprint(kind, 40, 3, tmp_path / "bases", tmp_path / "input") for _ in range(2)]
    other = fingerprint(kind, 40, 4, tmp_path / "bases", tmp_path / "input")
    assert prints[0] == prints[1] != other


def test_inputs_are_split_over_all_kinds():
    split = shares(20_000, list(SHARES))
    assert abs(sum(split.values()) - 20_000) < 10
    assert split["media"] == 2500
