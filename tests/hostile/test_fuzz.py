"""Damaged inputs: some hundred every day, many before a release."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emoview.batch.inputs import clips_of
from emoview.errors import EmoviewError
from emoview.evaluation.annotations import read_annotations
from emoview.output.read import read_json

from . import seeds
from .fuzz import SHARES, fingerprint, fuzz, shares, table

_SEED = 7
# Networks of a run need TensorFlow, which takes seconds to load.
_QUICK = [kind for kind in SHARES if kind not in ("runs", "media")]


def _tried(inputs: int, kinds: list[str], save: Path) -> None:
    tallies = list(fuzz(inputs, _SEED, kinds, save=save))
    assert not any(tally.failures for tally in tallies), table(tallies, _SEED)


def test_damaged_inputs_are_read_or_refused(tmp_path: Path):
    _tried(140, _QUICK, tmp_path)


def test_damaged_media_are_analysed_or_refused(tmp_path: Path):
    _tried(10, ["media"], tmp_path)


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


_TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)
_FEW = settings(max_examples=60, deadline=None, derandomize=True, database=None)


@_FEW
@given(text=_TEXTS, end=st.sampled_from([".txt", ".csv"]), head=st.sampled_from(["", "path,start_s,end_s\n"]))
def test_any_text_is_a_list_or_is_refused(text: str, end: str, head: str):
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EmoviewError):
        path = Path(folder, f"list{end}")
        path.write_text(head + text, "utf-8", newline="")
        names = [clip.name for clip in clips_of([str(path)])]
        assert len(set(names)) == len(names)


@_FEW
@given(document=_JSON, version=st.sampled_from([None, "1.2", 1, "x"]))
def test_any_json_is_a_result_or_is_refused(document: object, version: object):
    if version is not None and isinstance(document, dict):
        document["schema_version"] = version
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EmoviewError):
        path = Path(folder, "result.json")
        path.write_text(json.dumps(document), "utf-8")
        read_json(path)


@_FEW
@given(text=_TEXTS, head=st.sampled_from(["", "time_s,label\n", "start_s,end_s,valence\n"]))
def test_any_text_is_an_annotation_or_is_refused(text: str, head: str):
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EmoviewError):
        path = Path(folder, "coded.csv")
        path.write_text(head + text, "utf-8", newline="")
        for one in read_annotations(path):
            one.ticks()
