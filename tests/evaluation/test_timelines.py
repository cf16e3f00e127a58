"""Timelines measured: flicker, and changes at the joints of clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Make
from trained import clips_of_three, quiet

from emoview.errors import DatasetError
from emoview.evaluation.timelines import evaluate_timelines, flicker_of, measured


def test_flicker_counts_ticks_that_stand_alone():
    assert flicker_of(np.array([0, 0, 1, 0, 0, 2, 2, -1, 3, -1])) == pytest.approx(100 / 5)
    assert flicker_of(np.array([0, 0, 0, 1, 1, 1])) == 0
    assert flicker_of(np.array([], np.int64)) == 0


def test_the_nearest_change_is_held_against_the_joint():
    labels = np.array([4] * 50 + [5] * 50)
    assert measured(labels, 2.0)[1:3] == (1, 100)
    assert measured(labels, 2.0)[4] == pytest.approx(0)
    # One change lands within half a second of the joint by chance in a quarter of four seconds.
    assert measured(labels, 2.0)[3] == pytest.approx(25)
    late = measured(labels, 1.2)
    assert late[2] == 0
    assert late[4] == pytest.approx(0.8)
    # A gap without labels is no change, and without any change nothing is found.
    assert measured(np.array([4] * 20 + [-1] * 5 + [4] * 20), 0.9)[1:] == (0, 0, 0, np.inf)


def test_timelines_of_joined_clips(made: Make, tmp_path: Path):
    clips_of_three(made, tmp_path)
    (tmp_path / "index.csv").write_text("path,actor,label\n00.mp4,a,happy\n01.mp4,a,sad\n10.mp4,b,sad\n")
    figures = evaluate_timelines(tmp_path, None, seed=1, on_event=quiet)
    # The clip of b has no partner; the two of a are joined.
    assert figures.examples == 1
    assert 0 <= figures.flicker.value <= 100
    assert figures.found.value in (0, 100)
    with pytest.raises(DatasetError, match="has no part 'valid', only clips without one"):
        evaluate_timelines(tmp_path, "valid", seed=1, on_event=quiet)
    (tmp_path / "index.csv").write_text("path,actor,label\n00.mp4,a,happy\n10.mp4,b,sad\n")
    with pytest.raises(DatasetError, match="no actor has two clips"):
        evaluate_timelines(tmp_path, None, seed=1, on_event=quiet)
