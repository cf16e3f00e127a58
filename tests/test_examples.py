"""The examples of the documentation run as they stand."""

from __future__ import annotations

import dataclasses
import doctest
import inspect
import re
import shutil
from pathlib import Path
from typing import Any, get_args, get_type_hints

import nbformat
import pandas
import pytest
from conftest import ROOT, SAMPLE, Make
from expected import PLAIN
from nbclient import NotebookClient

import emoview
from tools.reference import public

_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, each with its line numbers."""
    text = page.read_text("utf-8")
    return ["\n" * text[: found.start(1)].count("\n") + found[1] for found in _BLOCK.finditer(text)]


PAGES = [
    page.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "*/*.md")
    for page in sorted(ROOT.glob(pattern))
    if blocks_of(page)
]


@pytest.mark.parametrize("name", PAGES)
def test_the_python_blocks_of_a_page_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shutil.copy(SAMPLE, tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    _what_a_study_leaves(tmp_path / "study")
    blocks = blocks_of(ROOT / name)
    names = {"__name__": "__main__"}
    for block in blocks:
        exec(compile(block, name, "exec"), names)


def _what_a_study_leaves(folder: Path) -> None:
    folder.mkdir()
    table = pandas.DataFrame({"participant": ["p1"], "condition": ["calm"]})
    table.to_csv(folder / "clips.csv")
    table.to_parquet(folder / "ticks.parquet")


def test_the_pages_of_python_are_found():
    assert {"README.md", "docs/developers.md"} <= set(PAGES)


def test_everything_public_has_an_example_that_runs(
    made: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """In the order of the page, so that an example may use what those before it made."""
    shutil.copy(made(PLAIN), tmp_path / "clip.mp4")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    failed = []
    for name, value in [("emoview", emoview), *public()]:
        text = (value.__doc__ or "") if callable(value) or name == "emoview" else ""
        found = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
        # Methods of results that only look something up need none.
        assert found.examples or "." in name or not callable(value), f"{name} has no example"
        runner.run(found, out=failed.append, clear_globs=False)
        names.update(found.globs)
    assert not failed, "".join(failed)


def test_whatever_a_result_holds_is_exported():
    """So that code that names its types needs no module below `emoview`."""
    todo, seen = [emoview.Result], set()
    while todo:
        kind = todo.pop()
        parts = get_args(kind)
        todo += parts
        if parts or kind in seen or not (dataclasses.is_dataclass(kind) and inspect.isclass(kind)):
            continue
        seen.add(kind)
        todo += get_type_hints(kind).values()
    assert len(seen) > 12
    assert {kind.__name__ for kind in seen} <= set(emoview.__all__)


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
