"""The packaged ffmpeg is found without starting it, and is the one that its package names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from emoview.errors import InputError
from emoview.media import tool


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """Nothing is remembered of which ffmpeg runs."""
    tool.tool.cache_clear()
    yield
    tool.tool.cache_clear()


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exec sleep 5", "did not answer within 0.2 s"),
        ("exit 1", "does not run"),
        ("echo hello", "is no ffmpeg"),
    ],
)
def test_what_is_wrong_with_each_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str
):
    program = tmp_path / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    monkeypatch.setattr(tool, "_VERSION_TIMEOUT_S", 0.2)
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(
        InputError, match=rf"^no ffmpeg is on PATH, and that of imageio-ffmpeg {said}: install"
    ):
        tool.tool()
    monkeypatch.setattr("shutil.which", lambda _: str(program))
    with pytest.raises(InputError, match=rf"^{program} {said}, and that of imageio-ffmpeg {said}: install"):
        tool.tool()


def test_it_is_the_one_that_the_package_names_and_is_not_started(monkeypatch: pytest.MonkeyPatch):
    named = imageio_ffmpeg.get_ffmpeg_exe()
    monkeypatch.setattr("subprocess.Popen", None)
    assert tool._packaged() == named


def test_another_that_is_named_to_the_package_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "own"))
    assert tool._packaged() == str(tmp_path / "own")
