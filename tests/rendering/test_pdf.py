"""Reports as PDF, and what is made anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from browser import CHROMIUM
from made_up_report import made_up
from typer.testing import CliRunner

from emoview.cli.main import app
from emoview.errors import InputError
from emoview.output.json import to_json
from emoview.rendering.report import write_report_pdf, write_reports


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "talk.json"
    path.write_text(to_json(made_up()))
    return path


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")
def test_a_pdf_is_one(stored: Path):
    path = stored.with_suffix(".pdf")
    write_report_pdf(stored, path)
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    assert content.rstrip().endswith(b"%%EOF")
    assert {file.name for file in stored.parent.iterdir()} == {"talk.json", "talk.pdf"}


def test_without_a_browser_a_pdf_is_refused(stored: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(stored.parent))
    with pytest.raises(InputError, match="Chromium or Chrome"):
        write_report_pdf(stored, stored.with_suffix(".pdf"))
    assert not stored.with_suffix(".pdf").exists()


@pytest.mark.parametrize("name", ["x.png", "x.docx", "x"])
def test_other_endings_are_wrong_usage(stored: Path, name: str):
    assert CliRunner().invoke(app, ["report", str(stored), "-o", name]).exit_code == 2


def test_a_pdf_embeds_nothing(stored: Path):
    done = CliRunner().invoke(app, ["report", str(stored), "-o", "x.pdf", "--embed"])
    assert done.exit_code == 2
    assert "--embed" in done.output


def test_a_folder_makes_only_what_is_new(tmp_path: Path):
    folder = tmp_path / "results"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.json").write_text(to_json(made_up(50, path=f"{name}.mp4")))
        os.utime(folder / f"{name}.json", (1e9, 1e9))

    def made(**options) -> dict[str, bool]:
        told = {}
        write_reports(
            folder, tmp_path / "all.html", on_clip=lambda page, new: told.update({page.stem: new}), **options
        )
        return told

    assert made() == {"one": True, "two": True}
    assert made() == {"one": False, "two": False}
    # A result that changed, a name that was given since, and another way of making them.
    later = (tmp_path / "all_files" / "one.html").stat().st_mtime + 5
    os.utime(folder / "one.json", (later, later))
    assert made() == {"one": True, "two": False}
    os.utime(folder / "one.json", (1e9, 1e9))
    (folder / "two.names.json").write_text('{"0": "Ben"}')
    os.utime(folder / "two.names.json", (later, later))
    assert made()["two"]
    os.utime(folder / "two.names.json", (1e9, 1e9))
    # A recording that was not there, and was found later; and another in its place.
    assert not any(made().values())
    (folder / "Ben's").mkdir()
    (folder / "one.json").write_text(to_json(made_up(50, path="Ben's/one.mp4")))
    os.utime(folder / "one.json", (1e9, 1e9))
    recording = folder / "Ben's" / "one.mp4"
    recording.write_bytes(b"none that can be read")
    os.utime(recording, (1e9, 1e9))
    assert [made()["one"] for _ in range(2)] == [True, False]
    os.utime(recording, (2 * later, 2 * later))
    assert made()["one"]
