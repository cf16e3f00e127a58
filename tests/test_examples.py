"""The examples of the documentation run as they stand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, SAMPLE

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, each with its line numbers."""
    text = page.read_text("utf-8")
    return ["\n" * text[: found.start(1)].count("\n") + found[1] for found in _BLOCK.finditer(text)]


@pytest.mark.parametrize("name", ["docs/developers.md", "README.md"])
def test_the_python_blocks_of_a_page_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(SAMPLE, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(ROOT / name)
    assert blocks
    names = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, name, "exec"), names)
