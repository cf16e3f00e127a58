"""What the documentation says of commands, files and pages is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from conftest import ROOT
from typer.main import get_command

from emoview.cli.main import app
from emoview.output.writers import WRITERS
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.results import COLUMNS
from emoview.training.systems.catalog import SYSTEMS
from tools import docs, reference, terminal

PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "benchmarks/*.md", "samples/*.md", "weights/*.md")
    for path in ROOT.glob(pattern)
)
FUNCTIONS = {command.name: command.callback for command in app.registered_commands}
GROUP: Any = get_command(app)


def code_of(page: Path) -> list[str]:
    """The lines of a page's shell blocks, and its commands in backticks."""
    text = page.read_text("utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    lines += re.findall(r"^ {4}(.*\bemoview .*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return lines + re.findall(r"`([^`\n]*\bemoview [a-z][^`\n]*)`", text)


def commands_of(page: Path) -> list[list[str]]:
    """Each call of emoview on a page, as arguments, up to a pipe, a redirection or the end."""
    found = []
    for line in code_of(page):
        for call in re.findall(
            r'(?:^|[ /])emoview ([a-z-]+(?: (?:"[^"]*"|[^;|>])*)?)', line.replace(" …", "")
        ):
            words = shlex.split(call, comments=True)
            if words and (words[0] in FUNCTIONS or line.startswith("emoview ")):
                found.append(words)
    return found


def check(words: list[str]) -> None:
    """Hold a call against the command line: its name, its options and their choices."""
    if words[0].startswith("-"):
        assert words[0] in ("--help", "--version", "--install-completion"), words
        return
    assert words[0] in FUNCTIONS, f"there is no command {words[0]}"
    command = GROUP.commands[words[0]]
    context = command.context_class(command, info_name=words[0])
    given, _, _ = command.make_parser(context).parse_args(words[1:])
    kinds = get_type_hints(FUNCTIONS[words[0]])
    for name, value in given.items():
        if allowed := reference.choices_of(kinds.get(name)):
            assert value in (None, *allowed) or "|" in str(value) or str(value).isupper(), (words, name)
        if name == "formats":
            assert set(value.split(",")) <= set(WRITERS), words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_are_those_of_the_command_line(page: Path):
    for words in commands_of(page):
        check(words)


@pytest.mark.parametrize(
    "call", ["analize clip.mp4", "analyze clip.mp4 --no-such", "analyze clip.mp4 --fusion never", "report -o"]
)
def test_a_wrong_command_on_a_page_is_found(call: str, tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"```sh\nemoview {call}\n```\n")
    (words,) = commands_of(page)
    with pytest.raises(Exception):  # noqa: B017, PT011 - typer's own, which depends on its version
        check(words)


def test_the_pages_have_commands():
    assert sum(len(commands_of(page)) for page in PAGES) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_files_that_a_page_names_exist(page: Path):
    text = page.read_text("utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    missing = [link for link in links if not (page.parent / link).exists()]
    named = re.findall(r"`((?:emoview|tests|tools|samples|docs)/[\w/.-]+)`", text)
    # Two that the reader is to write, and one of an installed package.
    examples = {"emoview/networks/tiny.py", "emoview/output/lines.py", "emoview/_weights"}
    missing += [name for name in named if name not in examples and not (ROOT / name).exists()]
    assert not missing


def test_every_page_has_its_place_in_the_navigation():
    navigation = (ROOT / "docs" / "mkdocs.yml").read_text("utf-8")
    places = re.findall(r"^ +- .*: (\S+\.md)$", navigation, re.MULTILINE)
    collected = {path.relative_to(ROOT).as_posix() for path in PAGES}
    collected |= {f"docs/reference/{name}" for name in reference.PAGES}
    assert len(places) == len(set(places))
    assert set(places) == collected


def told(page: str) -> str:
    """Check that each row of a reference page ends with an explanation, and give the page back."""
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| `")]
    assert rows
    assert all(row[-1].strip(" |") for row in rows)
    return page


def test_the_reference_names_every_option_and_column():
    commands, files = told(reference.commands()), told(reference.files())
    for name, command in GROUP.commands.items():
        assert f"## emoview {name}\n" in commands
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name != "help":
                assert f"`{parameter.opts[-1]}`" in commands
    assert all(f"| `{column}` |" in files for column in (*COLUMNS, *MEASURE_COLUMNS))
    assert "| `segments[].explanation.voice.effects[].z` | number? |" in files


def test_the_options_of_every_system_are_explained():
    page = told(reference.training_options())
    assert "| `plan` | `epochs=100`" in page
    assert all(f"## {name}\n" in page for name in SYSTEMS)


def test_the_pages_are_collected_at_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(docs, "PAGES", {"files.md": lambda: "# Files\n"})
    docs.collect(tmp_path / "pages")
    for name in ("README.md", "weights/MODEL_CARD.md", "docs/terminal.png", "docs/reference/files.md"):
        assert (tmp_path / "pages" / name).stat().st_size > 0


def test_the_terminal_is_drawn_with_its_colours_and_without_the_network():
    svg = terminal.drawing("\x1b[38;2;240;228;66mhappy\x1b[0m 96 % <b>\n", columns=40)
    assert "#f0e442" in svg
    assert "emoview&#160;analyze" in svg
    assert "&lt;b&gt;" in svg
    assert not re.findall(r"url\((?!#)[^)]*\)|href=", svg)
