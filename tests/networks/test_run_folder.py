"""Run folders: when they become one, and what stands against another run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from made_data import write

from emoview.errors import InputError
from emoview.networks.runs import Run
from emoview.networks.seen import Seen


@dataclass(frozen=True)
class Options:
    """Of a system."""

    epochs: int = 3
    rate: float = 0.1


def refused(run: Run) -> None:
    with pytest.raises(InputError, match="no such data"), run.learning():
        raise InputError("no such data")


def stopped(run: Run) -> str:
    with pytest.raises(KeyboardInterrupt) as caught, run.learning():
        raise KeyboardInterrupt
    return str(caught.value)


def test_a_training_that_is_stopped_says_what_is_kept(tmp_path: Path):
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    assert stopped(run) == "interrupted: nothing was written"
    run.learns("one", Seen())
    assert stopped(run) == "interrupted: nothing was written"
    run.learns("one", Seen())
    (run.folder / "landmarks.npz").touch()
    assert stopped(run) == f"interrupted: no epoch was learned; what was computed is kept in {run.folder}"
    # It can be run with other options.
    run = Run(tmp_path / "run", "s", Options(9), tmp_path)
    run.learns("one", Seen())
    write(run.part("one") / "history.json", '[{"epoch": 1}, {"epoch": 2}]')
    write(run.part("two") / "1" / "history.json", '[{"epoch": 1}]')
    assert stopped(run) == f"interrupted: 3 epochs are kept in {run.folder}; the same command goes on"
    assert (run.folder / "run.json").exists()


def test_a_training_that_fails_before_its_data_leaves_nothing(tmp_path: Path):
    Run(tmp_path / "run", "s", Options(), tmp_path)
    assert not (tmp_path / "run").exists()
    # So that other options can be tried in the same folder.
    Run(tmp_path / "run", "s", Options(9), tmp_path).save()
    assert (tmp_path / "run" / "run.json").exists()


def test_only_the_difference_is_said(tmp_path: Path):
    Run(tmp_path / "run", "s", Options(), tmp_path).save()
    with pytest.raises(InputError) as caught:
        Run(tmp_path / "run", "s", Options(epochs=5), tmp_path)
    assert "another config (epochs 3, now 5)" in str(caught.value)
    assert "rate" not in str(caught.value)


def test_a_training_that_learned_nothing_is_taken_back(tmp_path: Path):
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    run.learns("one", Seen())
    (run.part("one") / "deep").mkdir(parents=True)
    refused(run)
    assert not (tmp_path / "run").exists()
    # What can be used again stays, without being a run of these options.
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    run.learns("one", Seen())
    (run.folder / "landmarks.npz").touch()
    refused(run)
    assert [file.name for file in run.folder.iterdir()] == ["landmarks.npz"]
    Run(tmp_path / "run", "s", Options(9), tmp_path)


def test_folders_that_were_there_stay(tmp_path: Path):
    own = tmp_path / "project" / "empty"
    own.mkdir(parents=True)
    run = Run(own.parent, "s", Options(), tmp_path)
    run.learns("one", Seen())
    refused(run)
    assert list(own.parent.iterdir()) == [own]


def test_a_training_that_learned_something_stays(tmp_path: Path):
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    run.learns("one", Seen())
    run.part("one").mkdir()
    (run.part("one") / "history.json").write_text("[]")
    refused(run)
    assert (run.folder / "run.json").exists()
    # Of one that goes on nothing is taken back, whatever there is of it.
    (run.part("one") / "history.json").unlink()
    refused(Run(tmp_path / "run", "s", Options(), tmp_path))
    assert (run.folder / "run.json").exists()
