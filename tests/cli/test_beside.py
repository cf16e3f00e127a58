"""What is made of a result lies beside it, unless `-o` says otherwise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import run
from conftest import Make
from expected import ONE_PICTURE
from made_up import made_up
from typer.testing import CliRunner

from emoview import Analysis, InputError
from emoview.cli.main import app
from emoview.output.json import to_json
from emoview.output.read import doubt_about_names, read_json
from emoview.output.writers import stem_beside
from emoview.timeline.results import FaceFound


def _overlaid(_analysis: Any, _video: Path, output: Path, **_: Any) -> None:
    """Stands in for the drawing, which is tested elsewhere."""
    output.write_bytes(b"")


@pytest.mark.parametrize(
    ("command", "made"),
    [
        ("report results/talk.json", {"talk-report.html"}),
        ("report results", {"results-report.html", "results-report_files"}),
        ("overlay results/talk.json", {"talk.mp4", "talk-overlay.mp4"}),
        ("plot results/talk.json elsewhere/other.json --compare", {"talk-timeline.png"}),
        ("export results/talk.json --format vtt,csv", {"talk.vtt", "talk.csv"}),
    ],
)
def test_files_lie_beside_the_result_and_are_named(
    command: str,
    made: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
):
    monkeypatch.setattr("emoview.rendering.overlay.write_overlay", _overlaid)
    monkeypatch.chdir(tmp_path)
    for name in ("results/talk.json", "elsewhere/other.json"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(to_json(made_up()))
    if "talk.mp4" in made:
        # Found where it lies, for the result names a file of this name elsewhere.
        (tmp_path / "results" / "talk.mp4").write_bytes(b"")
    assert CliRunner().invoke(app, command.split()).exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"results", "elsewhere"}
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"talk.json", *made}
    said = capfd.readouterr().err
    assert all(f"wrote results/{name}" in said for name in made - {"talk.mp4"} if "." in name)


def test_no_result_takes_the_place_of_that_of_another_file(made: Make, tmp_path: Path):
    """Two recordings of one name, in two folders, analysed into one."""
    for folder, options in (("a", ()), ("b", ("-vf", "hflip"))):
        (tmp_path / folder).mkdir()
        clip = made(ONE_PICTURE, *options)
        (tmp_path / folder / "x.mp4").write_bytes(clip.read_bytes())

    def analysed(*arguments: str) -> list[str]:
        done = run("analyze", *arguments, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stderr.splitlines()

    assert analysed("a/x.mp4", "-o", "out") == ["wrote out/x.csv", "wrote out/x.json"]
    of_a = (tmp_path / "out" / "x.csv").read_bytes()
    said = "warning: out/x is the result of a/x.mp4: that of b/x.mp4 is called x~2"
    assert analysed("b/x.mp4", "-o", "out") == ["wrote out/x~2.csv", "wrote out/x~2.json", said]
    assert (tmp_path / "out" / "x.csv").read_bytes() == of_a
    assert read_json(tmp_path / "out" / "x~2.json").media.path == "b/x.mp4"
    # Whoever does it again gets the same names.
    assert analysed("b/x.mp4", "-o", "out", "--format", "csv") == ["replaced out/x~2.csv", said]
    assert analysed("a/x.mp4", "-o", "out", "--format", "csv") == ["replaced out/x.csv"]
    # A file that was named itself is meant, and a table alone does not say whose it is.
    assert analysed("b/x.mp4", "-o", "out/x.csv") == ["replaced out/x.csv"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "x.csv", "x.json", "x~2.csv", "x~2.json"
    }  # fmt: skip


def test_a_contact_sheet_lies_beside_the_one_file_that_is_named(made: Make, tmp_path: Path):
    clip = made(ONE_PICTURE)
    done = run("analyze", clip, "-o", "out/one.eaf", "--contact-sheet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"one.eaf", f"{clip.stem}-faces.png"}


@pytest.mark.parametrize("name", ["x.mp4", "standard input", "rtsp://camera/x"])
def test_one_name_may_stand_for_several_recordings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Named from several folders, or what comes through one door at several times."""
    for folder in ("a", "out"):
        (tmp_path / folder).mkdir()
    (tmp_path / "a" / "x.mp4").write_bytes(b"")
    monkeypatch.chdir(tmp_path / "a")

    def of(content: str, path: str = name) -> Analysis:
        result = made_up(path=path)
        return replace(result, media=replace(result.media, sha256=content * 64))

    out = tmp_path / "out"
    (out / "x.json").write_text(to_json(of("1")))
    assert stem_beside(of("1"), "x", ["json"], out) == ("x", None)
    stem, said = stem_beside(of("2"), "x", ["json"], out)
    assert stem == "x~2"
    assert said is not None
    assert f"is the result of another {name}, or of what it held before: that of" in said
    # Of a file that was changed where its results lie there is one result.
    (tmp_path / "a" / "x.json").write_text(to_json(of("1")))
    assert stem_beside(of("2"), "x", ["json"], Path())[0] == ("x" if name == "x.mp4" else "x~2")
    whole = str(tmp_path / "a" / "x.mp4")
    (out / "x.json").write_text(to_json(of("1", whole)))
    assert stem_beside(of("2", whole), "x", ["json"], out) == ("x", None)


def test_what_is_no_result_says_where_one_is(tmp_path: Path):
    for name in ("talk.csv", "talk.mp4", "talk.json", "alone.mp4"):
        (tmp_path / name).write_bytes(b"x")
    for name in ("talk.csv", "talk.mp4"):
        with pytest.raises(InputError, match=r"not the JSON of a result: name .*talk\.json$"):
            read_json(tmp_path / name)
    with pytest.raises(InputError, match="cannot be read"):
        read_json(Path())
    with pytest.raises(InputError, match=r"alone\.mp4 is a recording: analyze it first"):
        read_json(tmp_path / "alone.mp4")


@pytest.mark.parametrize("option", ["--json", "--save-features"])
def test_the_recording_is_not_written_over(option: str, tmp_path: Path):
    clip = tmp_path / "talk.npz"
    clip.write_bytes(b"a recording")
    done = run("analyze", clip, option, "talk.npz", cwd=tmp_path)
    assert done.returncode == 1
    assert "talk.npz would be overwritten" in done.stderr
    assert clip.read_bytes() == b"a recording"


@pytest.mark.parametrize(
    ("options", "made"),
    [
        ("--json alone.json", {"alone.json"}),
        ("--json alone.json --format vtt", {"alone.json", "talk.vtt"}),
        ("--json alone.json -o out", {"alone.json", "out/talk.csv", "out/talk.vtt"}),
        ("-o one.eaf", {"one.eaf"}),
        ("-o one-excel.csv", {"one-excel.csv"}),
        ("", {"talk.csv", "talk.vtt"}),
    ],
)
def test_what_the_command_line_names_is_written_whatever_a_file_of_options_says(
    options: str, made: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("emoview.pipeline.analysis.analyze", lambda *_, **__: made_up())
    monkeypatch.chdir(tmp_path)
    Path("emoview.toml").write_text('[analyze]\nformat = ["csv", "vtt"]\n')
    assert CliRunner().invoke(app, ["analyze", "talk.mp4", "-q", *options.split()]).exit_code == 0
    written = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.*")}
    assert written == {"emoview.toml", *made}
    if "one-excel.csv" in made:
        assert Path("one-excel.csv").read_text().startswith("\ufefftick;")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("-o clip.eaf --format eaf,vtt", "clip.eaf is one file of the format eaf: name a folder"),
        ("-o clip.eaf --format vtt", "clip.eaf is one file of the format eaf: name a folder"),
        ("-o clip.html --format csv", "emoview report makes it of a result"),
        ("-o clip.svg", "emoview plot makes it of a result"),
        ("-o clip.xlsx --format csv", "clip.xlsx is no file of a format: name a folder"),
    ],
)
def test_no_folder_is_made_of_the_name_of_a_file(asked: str, said: str, tmp_path: Path):
    (tmp_path / "talk.json").write_text(to_json(made_up()))
    done = run("export", "talk.json", *asked.split(), cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["talk.json"]


@pytest.mark.parametrize("options", ["-o file", "--json file/x.json", "--save-features file/x.npz"])
def test_nobody_waits_for_what_cannot_be_written(options: str, tmp_path: Path):
    (tmp_path / "file").touch()
    # Before it is even looked whether the recording is there.
    done = run("analyze", "none.mp4", *options.split(), cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be written (" in done.stderr
    assert "file is not a folder" in done.stderr


def test_names_that_were_given_to_other_faces_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    now = replace(made_up(), faces=(FaceFound(0, 0, 0.0, 3.2, 80), FaceFound(1, 1, 0.4, 2.4, 50)))
    monkeypatch.setattr("emoview.pipeline.analysis.analyze", lambda *_, **__: now)
    monkeypatch.chdir(tmp_path)
    # It is of another analysis of the same file, in which the numbers were others.
    before = replace(now, faces=tuple(replace(face, person=1 - face.person) for face in now.faces))
    Path("talk.json").write_text(to_json(before))
    Path("talk.names.json").write_text('{"0": "Anna"}')
    assert doubt_about_names(before, Path("talk.json")) is None
    assert doubt_about_names(now, Path("talk.csv")) is None
    assert CliRunner().invoke(app, ["analyze", "talk.mp4", "-q"]).exit_code == 0
    assert capfd.readouterr().err.startswith("warning: talk.names.json has the names of faces of an earlier")
    # What is there now is of this analysis, and the next one is the same.
    assert doubt_about_names(now, Path("talk.json")) is None


def test_faces_that_lay_there_before_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    monkeypatch.setattr("emoview.pipeline.analysis.analyze", lambda *_, **__: made_up())
    monkeypatch.chdir(tmp_path)
    Path("faces").mkdir()
    for name in ("000004_0.png", "000005_0.png", "mine.png"):
        (Path("faces") / name).touch()
    assert CliRunner().invoke(app, ["analyze", "talk.mp4", "-q", "--save-faces", "faces"]).exit_code == 0
    said = "warning: faces held 2 faces before: those that were not replaced are of another analysis"
    assert capfd.readouterr().err.splitlines() == [said]
