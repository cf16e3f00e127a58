"""Run folders: when they become one, and what stands against another run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from emoview.errors import InputError
from emoview.networks.runs import Run
from emoview.networks.seen import Seen


@dataclass(frozen=True)
class Options:
    """Of a system."""

    epochs: int = 3
    rate: float = 0.1


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
    run.forget()
    assert not (tmp_path / "run").exists()
    # What can be used again stays, without being a run of these options.
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    run.learns("one", Seen())
    (run.folder / "landmarks.npz").touch()
    run.forget()
    assert [file.name for file in run.folder.iterdir()] == ["landmarks.npz"]
    Run(tmp_path / "run", "s", Options(9), tmp_path)


def test_folders_that_were_there_stay(tmp_path: Path):
    own = tmp_path / "project" / "empty"
    own.mkdir(parents=True)
    run = Run(own.parent, "s", Options(), tmp_path)
    run.learns("one", Seen())
    run.forget()
    assert list(own.parent.iterdir()) == [own]


def test_a_training_that_learned_something_stays(tmp_path: Path):
    run = Run(tmp_path / "run", "s", Options(), tmp_path)
    run.learns("one", Seen())
    run.part("one").mkdir()
    (run.part("one") / "history.json").write_text("[]")
    run.forget()
    assert (run.folder / "run.json").exists()
    # Of one that goes on nothing is taken back, whatever there is of it.
    (run.part("one") / "history.json").unlink()
    Run(tmp_path / "run", "s", Options(), tmp_path).forget()
    assert (run.folder / "run.json").exists()
