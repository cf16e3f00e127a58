"""Options of `evaluate`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from command import run


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
