"""The examples of the documentation run as they stand."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import doctest
import inspect
import io
import re
import shutil
from pathlib import Path
from typing import Any, get_args, get_type_hints

import nbformat
import pandas
import pytest
from conftest import ROOT, SAMPLE, Make
from expected import PLAIN

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


def test_the_notebook_shows_what_its_code_does(result: emoview.Result, monkeypatch: pytest.MonkeyPatch):
    """Each cell runs, and what it says and shows is what is stored; figures may differ between machines."""
    monkeypatch.chdir(ROOT / "docs")
    monkeypatch.setattr(emoview, "analyze", lambda path: _of(result, path))
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    notebook = nbformat.read(ROOT / "docs" / "example.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells, start=1):
        said, shown = _run_cell(cell.source, names)
        assert cell.execution_count == number
        stored = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        assert _NUMBER.sub("#", stored) == _NUMBER.sub("#", said)
        kinds = {kind for output in cell.outputs for kind in output.get("data", {})}
        assert kinds or stored, "run make notebook"
        if shown is not None:
            # Of a table the names of its columns, of another value its first line.
            if isinstance(shown, pandas.DataFrame):
                told, stored = list(map(str, shown.columns)), _data(cell, "text/html")
            else:
                told, stored = [repr(shown).split("\n")[0]], _data(cell, "text/plain")
            assert not [one for one in told if _NUMBER.sub("#", one) not in _NUMBER.sub("#", stored)]
    kinds = [kind for cell in cells for output in cell.outputs for kind in output.get("data", {})]
    assert [kinds.count(kind) for kind in ("text/html", "image/png")] == [5, 2]


def _of(result: emoview.Result, path: Path) -> emoview.Result:
    return dataclasses.replace(result, media=dataclasses.replace(result.media, path=str(path)))


_NUMBER = re.compile(r"[\d.]+")


def _run_cell(source: str, names: dict[str, Any]) -> tuple[str, Any]:
    """Run a cell as a notebook does: what it prints, and the value of its last expression."""
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        shown = None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return said.getvalue(), shown


def _data(cell: Any, kind: str) -> str:
    return next(output.data[kind] for output in cell.outputs if kind in output.get("data", {}))
