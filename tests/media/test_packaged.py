"""The packaged ffmpeg is found without starting it, and is the one that its package names."""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import pytest

from emoview.media import tool


def test_it_is_the_one_that_the_package_names_and_is_not_started(monkeypatch: pytest.MonkeyPatch):
    named = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setattr("subprocess.Popen", None)
    assert tool._packaged() == named


def test_another_that_is_named_to_the_package_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "own"))
    assert tool._packaged() == str(tmp_path / "own")
