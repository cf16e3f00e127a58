"""What is made of a result lies beside it, unless `-o` says otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_up import made_up
from typer.testing import CliRunner

from emoview import InputError
from emoview.cli.main import app
from emoview.output.json import to_json
from emoview.output.read import read_json


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
