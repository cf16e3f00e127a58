"""Where the time went: every stage measured, and what the others waited for."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Make
from made_up import made_up

from emoview import Analysis
from emoview.pipeline.profile import STAGES, profile_of


def test_each_stage_of_a_clip_with_both_modalities_is_measured(result: Analysis):
    profile = profile_of(result, start_s=0.5, write_s=0.25)
    assert [stage.name for stage in profile.stages] == list(STAGES)
    for stage in profile.stages:
        assert stage.busy_s > 0, stage.name
        assert stage.ticks_per_s == pytest.approx(result.media.ticks / stage.busy_s)
    assert profile.wall_s == pytest.approx(result.timings["total"] + 0.75)
    assert profile.engine == "onnx"


def test_memory_is_that_of_the_process_and_of_its_ffmpeg(sample: Path):
    # In a process of its own: the peak of this one, and of what it starts, is that of other tests.  A shell
    # stands between, because Linux counts to a process what the one that started it had.
    code = (
        "import sys; from emoview import analyze; from emoview.pipeline.profile import profile_of; "
        "profile = profile_of(analyze(sys.argv[1], end_s=1.0)); print(profile.memory_mb, profile.ffmpeg_mb)"
    )
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" "$2"; exit $?', sys.executable, code, str(sample)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    own, ffmpeg = map(float, done.stdout.split()[-2:])
    assert 100 < own < 1000
    assert 5 < ffmpeg < 500


def test_stages_of_one_line_of_work_bound_a_run_together():
    timings = {
        "total": 4.0,
        "find": 2.0,
        "align": 1.5,
        "face_network": 3.0,
        "voice_features": 1.0,
        "sound": 0.5,
    }
    profile = profile_of(replace(made_up(), timings=timings))
    assert profile.bound_by == ("find", "align")
    shares = {stage.name: stage.share for stage in profile.stages}
    assert shares["voice"] == pytest.approx(1.5 / 4)
    assert profile.engine == "keras"
    fusion = next(stage for stage in profile.stages if stage.name == "fusion")
    assert fusion.ticks_per_s is None


def test_the_command_shows_a_line_for_each_stage_without_a_terminal(made: Make, tmp_path: Path):
    clip = made("short.mp4", "-s", "240x240", seconds=1.0)
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "analyze", str(clip), "-o", str(tmp_path), "--profile", "-q"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert lines[0].split("\t") == ["stage", "seconds", "share", "ticks/s"]
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in lines[1:-1]}
    assert list(rows) == [*STAGES, "all, side by side"]
    assert float(rows["find"][0]) > 0
    assert lines[-1].startswith("bound by ")
    assert "networks in onnx" in lines[-1]
