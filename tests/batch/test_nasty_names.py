"""Nasty names through every writer and onto the terminal: text they stay, and they do nothing."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_up import made_up
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

from emoview import Analysis, Options
from emoview.batch.events import Finished, Planned
from emoview.batch.inputs import Clip
from emoview.batch.run import Report, Step
from emoview.batch.storage import Remote, write_whole
from emoview.batch.summary import row_of_failure
from emoview.cli import render, render_batch
from emoview.cli.console import Screen
from emoview.cli.main import app
from emoview.common.text import name_of
from emoview.output.plot import plot_file
from emoview.output.read import read_json
from emoview.output.writers import WRITERS, stem_of, write_results
from emoview.rendering.report import write_report, write_reports

NASTY = (
    "=1+1", "-1", "\x1b[31mred\x1b]0;title\x07", "\x9b31m", "a\u202egpj", "a\nb\r\nc", "a\u2028b",
    "[red]x[/red]", "<b>&\"'</b>", "]]>-->", "--> 00:00", "\udcff", "\x00", "\ufffe", ":smile:",
    "$x^2$", "'=1",
)  # fmt: skip


@pytest.fixture(params=NASTY, ids=[ascii(name) for name in NASTY])
def nasty(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def about(name: str) -> Analysis:
    result = made_up(path=f"{name}.wav".encode(errors="backslashreplace").decode())
    return replace(result, warnings=(f"{name} is odd",))


def is_harmless(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def hidden_in(page: Path) -> set[str]:
    return {character for character in page.read_text("utf-8") if not character.isprintable()}


def test_writers(nasty: str, tmp_path: Path):
    result = about(nasty)
    for name, writer in WRITERS.items():
        (path,) = write_results(result, "talk", [name], tmp_path)
        content = path.read_bytes()
        if name == "parquet":
            continue
        text = content.decode()
        if name == "csv-excel":
            text = text.removeprefix("\ufeff").replace("\r\n", "\n")
        assert is_harmless(text.replace("\t", " ")), name
        if name == "json":
            assert json.loads(text)["media"]["path"] == result.media.path
            assert read_json(path).media.path == result.media.path
        if name == "eaf":
            ElementTree.fromstring(content)
        assert path.name.endswith(writer.suffix)


def test_addresses_in_elan(nasty: str, tmp_path: Path):
    result = replace(about(nasty), media=replace(about(nasty).media, path=f"s3://bucket/{nasty}.wav"))
    (path,) = write_results(result, "talk", ["eaf"], tmp_path)
    ElementTree.fromstring(path.read_bytes())


def test_figures(nasty: str, tmp_path: Path):
    content = plot_file([about(nasty)], tmp_path / "talk.svg")
    ElementTree.fromstring(content)
    assert is_harmless(content.decode())


def test_pages(nasty: str, tmp_path: Path):
    name = nasty.replace("\0", "").replace("/", "") or "x"
    folder = tmp_path / "results"
    write_results(about(nasty), name, ["json"], folder)
    (folder / "summary.csv").write_text(f"name,error\nx,{name_of(nasty)}\n", errors="replace")
    written = write_reports(folder, tmp_path / "overview.html")
    write_results(about("talk"), "talk", ["json"], tmp_path)
    plain = tmp_path / "talk.html"
    write_report(tmp_path / "talk.json", plain)
    assert len(written.pages) == 2
    for page in written.pages:
        assert page.resolve().is_relative_to(tmp_path.resolve())
        # What a browser does not show stands in the templates, too.
        assert not hidden_in(page) - hidden_in(plain)
        if "<b>" in nasty:
            assert nasty not in page.read_text("utf-8")


def test_what_a_person_sees(nasty: str, tmp_path: Path):
    file = io.StringIO()
    screen = Screen(file, width=400)
    clip = Clip(Path(nasty), nasty, origin=f"line 1 of {nasty}", fault=f"{nasty} is bad")
    row = row_of_failure(clip, f"{nasty} is bad")
    render.warnings(screen, [nasty])
    render.show_written(screen, [Path(nasty)])
    render.summary(screen, about(nasty), [Path(nasty)])
    with render_batch.progress(screen, quiet=False) as on_event:
        on_event(Planned(1, 0))
        on_event(Finished(None, clip, row))
    render_batch.report(screen, Report((row,), 1, False, (tmp_path / nasty,)), quiet=False)
    out = io.StringIO()
    render_batch.steps(out, [Step(clip, None, None)], Path("out"))
    assert len(out.getvalue().split("\n")) == 2
    seen = file.getvalue() + out.getvalue().replace("\t", " ")
    assert is_harmless(seen)
    assert name_of(nasty) in seen


def test_whatever_is_printed(nasty: str):
    file = io.StringIO()
    screen = Screen(file, width=200)
    table = Table(nasty, title=nasty)
    table.add_row(nasty, Text(nasty))
    for what in (nasty, Text(nasty), table, Markdown(f"`{nasty}`")):
        screen.print(what)
    assert is_harmless(file.getvalue())
    assert "[red]x" in file.getvalue() or "red]" not in nasty


@pytest.mark.parametrize("command", ["batch", "train", "compare", "prepare", "nothing"])
def test_wrong_usage_quotes_without_harm(command: str):
    done = CliRunner().invoke(app, [command, "\x1b[31m\u202ex", "-o", "q", "--data", "\x1b[32m"])
    assert done.exit_code == 2
    assert is_harmless(re.sub("\x1b\\[[0-9;]*m", "", done.output) if done.output.isascii() else done.output)


def test_long_names_keep_all_their_files(tmp_path: Path):
    result = about("x")
    for name in ("n" * 251, "é" * 125 + "x", os.fsdecode(b"\xff" * 251)):
        stem = stem_of(Path(f"{name}.mov"), ["csv", "json"])
        written = write_results(result, stem, ["csv", "json"], tmp_path)
        assert [path.stem for path in written] == [stem, stem]
        assert all(path.is_file() for path in written)
    assert stem_of(Path("n" * 250 + ".wav"), ["csv", "json"]) == "n" * 250
    assert stem_of(Path("n" * 250 + ".wav"), ["csv"], "-faces.png") != "n" * 250


def test_a_path_that_is_too_long_is_one_sentence(tmp_path: Path):
    from emoview.batch.record import Wanted
    from emoview.batch.worker import Ended, Task, attempt

    clip = Clip(Path("x.wav"), "/".join(["d" * 200] * 25) + "/x")
    ended = attempt(Task(clip, None), tmp_path, Wanted(Options(), ("csv",)), lambda _: None)
    assert isinstance(ended, Ended)
    assert "too long" in ended.row["error"]
    assert "unexpected" not in ended.row["error"]


@pytest.mark.parametrize(
    "name", ["a[1]", "a*b", "a?b", "a#b", "a%41", "~x", "a\nb", "a\\b", "d:e", "n" * 251]
)
def test_results_behind_an_address(name: str):
    place = Remote("memory://out") / "day[1]" / f"{name}.csv"
    for text in ("old", "new"):
        write_whole(place, text)
        assert place.read_text() == text
    assert [str(file) for file in Remote("memory://out").find()] == [str(place)]
    place.unlink()
