"""Runs compared."""

from __future__ import annotations

from pathlib import Path

from emoview.evaluation.comparison import compared


def test_runs_beside_each_other(picture_run: Path, sound_run: Path):
    rows = compared([picture_run, sound_run], measure_time=True)
    networks = [row for row in rows if row.parameters]
    assert networks[0].name == "frame-cnn"
    assert all(row.milliseconds and row.milliseconds > 0 and row.flops for row in networks)
    assert all(row.megabytes and row.megabytes > 0.01 for row in networks)
