"""The zoo: some dozens of its cases every day, all of them before a release."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from .judge import broken_rules, read_strictly
from .worker import Worker
from .zoo import CASES, Case, Studio
from .zoo.run import run_cases, table

_SEED = 20
_SAMPLE = 28
# Each of these takes seconds, of memory or time, that a daily run has not.
_SLOW_FAMILIES = frozenset({"name", "special", "long", "size", "boxes", "start", "jump"})
_COMMANDS = 2
# What once went wrong with every ffmpeg, and quickly.
_EVERY_DAY = ("size/161x159", "truncated/wav-50")


def _quick(case: Case) -> bool:
    return case.family not in _SLOW_FAMILIES and case.expect.seconds <= 30


def _sample() -> list[Case]:
    """Choose cases so that each family has its turn, and some that need a command of their own."""
    chance = random.Random(_SEED)
    families: dict[str, list[Case]] = {}
    for case in filter(_quick, CASES):
        families.setdefault(case.family, []).append(case)
    for cases in families.values():
        chance.shuffle(cases)
    turns = [cases[turn] for turn in range(_SAMPLE) for cases in families.values() if turn < len(cases)]
    alone = [case for case in CASES if case.alone]
    always = [case for case in CASES if case.id in _EVERY_DAY]
    chosen = [case for case in turns if case.id not in _EVERY_DAY][: _SAMPLE - _COMMANDS - len(always)]
    return always + chosen + chance.sample(alone, _COMMANDS)


def test_there_are_many_cases():
    assert len(CASES) >= 300
    assert len({case.family for case in CASES}) > 20


def test_some_odd_files_give_what_they_must(tmp_path: Path):
    verdicts = list(run_cases(_sample(), tmp_path))
    assert not any(verdict.faults for verdict in verdicts), table(verdicts)
    assert sum(verdict.made is None for verdict in verdicts) > _SAMPLE * 2 / 3, table(verdicts)


def test_a_damaged_file_gives_the_same_result_twice(tmp_path: Path):
    studio = Studio(tmp_path)
    (case,) = (case for case in CASES if case.id == "truncated/mkv-50")
    path = case.make(studio, tmp_path)
    results = []
    for number in range(2):
        out = tmp_path / f"out{number}"
        with Worker() as worker:
            assert worker.call("jobs:analyse", 120, path=str(path), out=str(out)).how == "ok"
        results.append({**read_strictly((out / f"{path.stem}.json").read_text()), "timings": {}})
    assert results[0] == results[1]


@pytest.mark.release
def test_all_odd_files_give_what_they_must(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    verdicts = list(run_cases(CASES, tmp_path, jobs=max(1, (os.cpu_count() or 2) // 2)))
    with capsys.disabled():
        print("\n" + table(verdicts))
    assert sum(verdict.made is None for verdict in verdicts) >= 300
    assert not any(verdict.faults for verdict in verdicts)


@pytest.mark.parametrize("text", ["", "nan", '{"a": NaN}', "[]", '{"timeline": []}'])
def test_the_judge_sees_what_is_no_result(text: str):
    assert broken_rules(text if text != "[]" else "{}")
