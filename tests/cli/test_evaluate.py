"""Options of `evaluate`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import run
from made_up import made_up
from typer.testing import CliRunner

from emoview.cli.main import app
from emoview.evaluation.clips import evaluate_clips
from emoview.evaluation.timelines import TimelineFigures
from emoview.metrics.figures import Figure


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("face", ["--plot", "x.bmp"], "end its name in"),
        ("timeline", ["--plot", "x.png"], "draws labels"),
        ("voice", ["--cut-out"], "is for faces, not for voice"),
        ("voice", ["--groups", __file__], "is for faces, not for voice"),
        ("face", ["--humans", "--groups", __file__], "measures no groups"),
        ("voice", ["--part", "valid"], "--part is for face and clips and timeline, not for voice"),
        ("clips", ["--truth", "votes"], "--truth is for face, not for clips"),
        ("voice", ["--fusion", "late"], "--fusion is for clips, not for voice"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_measuring(
    what: str, options: list[str], said: str, tmp_path: Path
):
    # Nothing to measure is there: what is refused first is the option.
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "evaluate", what, "shipped", str(tmp_path), *options],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 1
    assert said in done.stderr


def test_a_seed_is_not_negative(tmp_path: Path):
    done = run("evaluate", "timeline", "shipped", tmp_path, "--seed", "-3")
    assert done.returncode == 2
    assert "not in the range" in done.stderr


def test_clips_that_say_nothing_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in "ab":
        (tmp_path / f"{name}.mp4").write_bytes(b"")
    (tmp_path / "index.csv").write_text("path,label\na.mp4,happy\nb.mp4,sad\n")
    result = made_up()
    silent = replace(result, overall=replace(result.overall, voice=None))
    monkeypatch.setattr("emoview.pipeline.analysis.analyze", lambda *_, **__: silent)
    told: list[Mapping[str, Any]] = []
    figures = evaluate_clips("shipped", tmp_path, None, fusion="auto", on_event=told.append)
    assert [one["note"] for one in told if "note" in one] == [
        "voice says nothing of 2 of 2 clips: they count as neutral"
    ]
    assert figures["face"].accuracy.value == 50


def test_figures_that_are_no_numbers_are_null(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    known, none = Figure(1.0, 0.5, 2.0), Figure(*[float("nan")] * 3)
    found = TimelineFigures(1, known, known, known, known, none, none, float("nan"))
    monkeypatch.setattr("emoview.evaluation.timelines.evaluate_timelines", lambda *_, **__: found)
    out = tmp_path / "figures.json"
    done = CliRunner().invoke(app, ["evaluate", "timeline", "shipped", str(tmp_path), "--json", str(out)])
    assert done.exit_code == 0, done.output

    def refuse(word: str) -> None:
        raise AssertionError(word)

    figures = json.loads(out.read_text(), parse_constant=refuse)["timeline"]
    assert (figures["boundary_error"]["value"], figures["found"]["low"]) == (None, 0.5)
