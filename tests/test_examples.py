"""The examples of the documentation run as they stand."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, SAMPLE
from nbclient import NotebookClient

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


def test_the_notebook_runs_and_is_stored_without_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = nbformat.read(ROOT / "docs" / "example.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert not any(cell.outputs or cell.execution_count for cell in cells)
    # A cell that fails raises here.
    NotebookClient(notebook, resources={"metadata": {"path": ROOT / "docs"}}).execute()
    shown = [set().union(*(output.get("data", {}) for output in cell.outputs)) for cell in cells]
    assert sum("text/html" in kinds for kinds in shown) == 4
    assert [sum(kind in kinds for kinds in shown) for kind in ("image/svg+xml", "image/png")] == [1, 1]
    assert "portrait.mp4: happy" in "".join(output.get("text", "") for output in cells[0].outputs)
