"""What a user sees, held against what was looked at last: terminal, help, overlay and report.

After a change that is meant: `EMOVIEW_LOOKED=1 python -m pytest tests/cli/test_screens.py`, then look at the
difference that git shows.
"""

from __future__ import annotations

import difflib
import io
import os
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_up import made_up
from typer.main import get_command
from typer.testing import CliRunner

from emoview.cli import render
from emoview.cli.console import Screen
from emoview.cli.main import app
from emoview.output.json import to_json
from emoview.output.overlay import Overlay
from emoview.rendering.report import write_report

SCREENS = Path(__file__).parent / "screens"
LOOKED = bool(os.environ.get("EMOVIEW_LOOKED"))
COMMANDS = sorted(getattr(get_command(app), "commands", {}))


def check(name: str, shown: str) -> None:
    """Hold text against the file that it was stored in."""
    shown = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    file = SCREENS / name
    if LOOKED:
        file.parent.mkdir(exist_ok=True)
        file.write_text(shown)
    before = file.read_text() if file.exists() else ""
    change = "\n".join(difflib.unified_diff(before.splitlines(), shown.splitlines(), lineterm=""))
    assert not change, f"{name} looks different:\n{change}"


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")
    done = CliRunner().invoke(app, [command, "--help"], color=False)
    assert done.exit_code == 0
    check(f"help-{command}.txt", re.sub(r"\x1b\[[0-9;]*m", "", done.output))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_summary(width: int):
    out = io.StringIO()
    render.summary(Screen(out, width=width), made_up(second_face=True), [Path("talk.csv"), Path("talk.json")])
    check(f"summary-{width}.txt", out.getvalue())


def test_summary_in_groups():
    out = io.StringIO()
    render.summary(Screen(out, width=80), made_up(labels=3, least=0.6), [Path("talk.csv")])
    check("summary-groups.txt", out.getvalue())


class _Text(HTMLParser):
    """Collects what a page shows as text."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del attrs
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._hidden:
            self.lines.append(" ".join(data.split()))


def test_text_of_the_report(tmp_path: Path):
    result = tmp_path / "talk.json"
    result.write_text(to_json(made_up()))
    write_report(result, tmp_path / "talk.html")
    text = _Text()
    text.feed((tmp_path / "talk.html").read_text())
    check("report.txt", "\n".join(text.lines))


def test_overlay_frame():
    picture = np.full((360, 640, 3), 90, np.uint8)
    Overlay(made_up(), width=640, height=360).draw(picture, 1.0)
    file = SCREENS / "overlay.png"
    if LOOKED:
        cv2.imwrite(str(file), picture)
    before = cv2.imread(str(file))
    apart = np.abs(picture.astype(int) - before)
    assert apart.max() <= 3, f"{(apart.max(axis=2) > 3).sum()} pixels of the overlay look different"
