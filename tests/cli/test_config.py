"""Options from emoview.toml."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner, Result

from emoview.cli.complete import formats_like, systems_like
from emoview.cli.config import ConfigOption, tomllib
from emoview.cli.formats import chosen_formats
from emoview.cli.main import app as emoview_app
from emoview.cli.options import LabelChoice
from emoview.errors import InputError
from emoview.training.systems.catalog import system_named

app = typer.Typer()


@app.command()
def analyze(
    clip: Path,
    labels: LabelChoice = LabelChoice.SEVEN,
    max_faces: Annotated[int, typer.Option(min=1, max=20)] = 4,
    formats: Annotated[str, typer.Option("--format", callback=chosen_formats)] = "csv,json",
    output: Annotated[Path | None, typer.Option("-o", "--output")] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet")] = False,
    config: ConfigOption = None,
) -> None:
    values = {"labels": labels.value, "max_faces": max_faces, "formats": formats, "quiet": quiet}
    print(json.dumps({**values, "output": str(output), "clip": str(clip), "config": str(config)}))


@app.command()
def other() -> None:
    """A command that takes no file."""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    # No box around errors, no line ends in them.
    monkeypatch.setenv("COLUMNS", "400")


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["analyze", "x.mp4", *arguments])


def _said(text: str, *arguments: str) -> dict:
    Path("emoview.toml").write_text(text)
    done = _run(*arguments)
    assert done.exit_code == 0, done.output
    return json.loads(done.output)


def test_without_a_file_nothing_changes():
    assert json.loads(_run().output)["labels"] == "7"


def test_the_file_in_the_folder_gives_options_and_the_command_line_wins():
    text = '[analyze]\nlabels = 3\nmax-faces = 2\nformat = ["csv", "eaf"]\nquiet = true\noutput = "out"\n'
    said = _said(text)
    assert said["labels"] == "3"
    assert said["max_faces"] == 2
    assert said["formats"] == "csv,eaf"
    assert said["quiet"]
    assert said["output"] == "out"
    assert _said(text, "--labels", "2", "--format", "vtt") == {**said, "labels": "2", "formats": "vtt"}


def test_a_named_file_takes_the_place_of_the_one_in_the_folder(tmp_path: Path):
    (tmp_path / "mine.toml").write_text("[analyze]\nlabels = 2\n")
    assert _said("[analyze]\nlabels = 3\n", "--config", "mine.toml")["labels"] == "2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[analyze]\nlabel = 3\n", "did you mean 'labels'?"),
        ("[analyse]\nlabels = 3\n", "did you mean 'analyze'?"),
        ("[other]\nx = 3\n", "the tables are analyze"),
        ("[analyze]\nconfig = 'x'\n", "'config'"),
        ("[analyze]\nclip = 'x'\n", "'clip'"),
        ("[analyze]\nzzz = 3\n", "the options are"),
        ("[analyze]\nlabels = 5\n", "labels"),
        ("[analyze]\nmax-faces = 99\n", "--max-faces"),
        ("[analyze]\nformat = 'csv,xml'\n", "'xml'"),
        ("[analyze]\nquiet = 'yes'\n", "true or false"),
        ("[analyze]\nlabels = true\n", "text or a number"),
        ("analyze = 3\n", "[analyze]"),
        ("[analyze\n", "not TOML"),
    ],
)
def test_mistakes_are_wrong_usage_and_say_what_is_right(text: str, words: str):
    Path("emoview.toml").write_text(text)
    done = _run()
    assert done.exit_code == 2
    assert words in " ".join(done.output.split())


def test_a_missing_file_is_wrong_usage():
    done = _run("--config", "none.toml")
    assert done.exit_code == 2
    assert "none.toml" in done.output


def test_options_of_the_person_come_before_those_of_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    home = tmp_path / "config"
    (home / "emoview").mkdir(parents=True)
    (home / "emoview" / "emoview.toml").write_text("[analyze]\nlabels = 3\nmax-faces = 2\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert json.loads(_run().output)["labels"] == "3"
    said = _said("[analyze]\nlabels = 2\n")
    assert (said["labels"], said["max_faces"]) == ("2", 2)


def test_the_options_are_shown_with_where_they_came_from():
    Path("emoview.toml").write_text("[analyze]\nmax-faces = 2\n")
    done = CliRunner().invoke(emoview_app, ["analyze", "--show-config", "--labels", "3"])
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert 'labels = "3"  # here' in lines
    assert "max-faces = 2  # emoview.toml" in lines
    assert "quiet = false  # default" in lines
    # It is a file of options.
    assert tomllib.loads(done.output)["analyze"]["labels"] == "3"


@pytest.mark.parametrize("command", ["analyze", "batch", "train", "plot"])
def test_help_speaks_no_python(command: str):
    said = CliRunner().invoke(emoview_app, [command, "--help"]).output
    for word in ("<bool>", "<path>", "<str>", "<int", "list[", "None", "<="):
        assert word not in said, word


def test_help_of_a_system_lists_its_options_with_their_defaults():
    said = CliRunner().invoke(emoview_app, ["train", "mfcc-cnn", "--help"]).output
    assert "songs" in said
    assert "plan.epochs" in said
    assert "lists the options of a system" in CliRunner().invoke(emoview_app, ["train", "--help"]).output


def test_a_system_that_is_almost_named_is_guessed():
    with pytest.raises(InputError, match="did you mean mfcc-cnn"):
        system_named("mfc-cnn")


def test_values_complete():
    assert formats_like("csv,p") == ["csv,parquet"]
    assert systems_like("mfcc") == ["mfcc-cnn"]
