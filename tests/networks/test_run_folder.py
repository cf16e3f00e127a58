"""Run folders: when they become one, and what stands against another run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from emoview.errors import InputError
from emoview.networks.runs import Run


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
