"""The house: who may use whom, and how long a file and a function may be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "emoview"

# From the ground up: a module may use those on lower floors, and the others of its own room.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("common.text",),
    ("errors",),
    ("common",),
    ("timeline",),
    ("media", "networks", "fusion"),
    ("face", "voice", "speakers", "output", "imports"),
    ("datasets", "metrics", "pipeline"),
    ("explain",),
    ("live.causal",),
    ("pipeline.analysis",),
    ("pipeline.api",),
    ("rendering", "doctor", "batch", "training", "live"),
    ("evaluation",),
    ("study",),
    ("cli",),
)
MOST_LINES, MOST_LINES_OF_FUNCTION = 400, 50


def floor_of(module: str) -> tuple[int, str]:
    """Give the floor and the room of a module, `pipeline.join` for instance, by its longest known name."""
    names = [(name, number) for number, floor in enumerate(FLOORS) for name in floor]
    room, number = max((n for n in names if f"{module}.".startswith(f"{n[0]}.")), key=lambda n: len(n[0]))
    return number, room


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if len(parts) > 1 or parts[0] == "errors":
            yield ".".join(part for part in parts if part != "__init__"), path


def used_by(path: Path) -> set[str]:
    used = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("emoview."):
            used |= {f"{node.module}.{alias.name}".removeprefix("emoview.") for alias in node.names}
        elif isinstance(node, ast.Import):
            used |= {a.name.removeprefix("emoview.") for a in node.names if a.name.startswith("emoview.")}
    return used


@pytest.mark.parametrize(("module", "path"), [pytest.param(*pair, id=pair[0]) for pair in modules()])
def test_nobody_looks_up(module: str, path: Path):
    floor, room = floor_of(module)
    above = {other for other in used_by(path) if floor_of(other)[0] >= floor and floor_of(other)[1] != room}
    assert not above, f"{module} may not use {', '.join(sorted(above))}"


def test_at_the_root_is_what_users_import():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py", "errors.py"}


@pytest.mark.parametrize("path", [pytest.param(p, id=m) for m, p in modules()])
def test_files_and_functions_are_short(path: Path):
    text = path.read_text()
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            # Lists of arguments and docstrings make nothing hard to follow.
            body = node.body[1 if ast.get_docstring(node) and len(node.body) > 1 else 0 :]
            lines = (node.end_lineno or 0) - body[0].lineno + 1
            assert lines <= MOST_LINES_OF_FUNCTION, f"{node.name} has {lines} lines"
