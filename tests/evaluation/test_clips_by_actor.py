"""Clips measured actor by actor, by networks that have not learned from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Make
from trained import clips_of_three, quiet

from emoview.errors import DatasetError
from emoview.evaluation.clips import evaluate_clips_by_actor


@pytest.mark.release
def test_what_ships_is_trained_anew_without_each_actor(made: Make, tmp_path: Path):
    clips_of_three(made, tmp_path)
    figures = evaluate_clips_by_actor(tmp_path, None, on_event=quiet)
    assert {"face_gru", "voice_clip", "early", "late_both", "late_both_gain"} <= set(figures)
    assert {figure.examples for figure in figures.values()} == {6}
    assert set(figures["early"].recalls) == {"happy", "sad"}
    with pytest.raises(DatasetError, match="three named actors"):
        evaluate_clips_by_actor(tmp_path, "valid", on_event=quiet)
