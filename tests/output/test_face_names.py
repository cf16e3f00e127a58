"""Names of faces: kept beside a result, and used wherever a face is named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up import made_up
from typer.testing import CliRunner

from emoview import InputError
from emoview.cli.main import app
from emoview.output.faces import keep_names, names_file
from emoview.output.json import to_json
from emoview.output.praat import textgrid_file
from emoview.output.read import read_json
from emoview.output.subtitles import vtt_file
from emoview.output.tiers import tiers_of
from emoview.rendering.report import write_report


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "talk.json"
    path.write_text(to_json(made_up(second_face=True)))
    return path


def test_names_are_kept_and_used(stored: Path):
    keep_names(stored, ["0=Anna <b>", "1=Ben"], [0, 1])
    assert json.loads(names_file(stored).read_text()) == {"0": "Anna <b>", "1": "Ben"}
    named = read_json(stored)
    assert named.who(0) == "Anna <b>"
    assert "Anna &lt;b&gt;: happy" in vtt_file(named, Path())
    assert 'name = "fused Ben"' in textgrid_file(named, Path())
    write_report(stored, stored.with_suffix(".html"))
    page = stored.with_suffix(".html").read_text()
    assert "Anna &lt;b&gt;" in page
    assert "Anna <b>" not in page
    # One is taken away again, and the other stays.
    assert keep_names(stored, ["0="], [0, 1]) == {1: "Ben"}
    assert read_json(stored).who(0) == "face 0"
    assert "Ben" not in to_json(read_json(stored))


@pytest.mark.parametrize("names", [["0=Anna", "1=Anna"], ["0=1"], ["0=Anna", "1=1 (1)"]])
def test_tiers_have_names_of_their_own(stored: Path, names: list[str]):
    keep_names(stored, names, [0, 1])
    tiers = [tier.name for tier in tiers_of(read_json(stored))]
    assert len(set(tiers)) == len(tiers)


def test_a_name_that_is_that_of_another_with_its_number(stored: Path):
    keep_names(stored, ["0=Anna", "1=Anna"], [0, 1])
    three = read_json(stored)
    rows = (
        *three.timeline,
        *(replace(row, face_id=2, person=2) for row in three.timeline if row.face_id == 1),
    )
    three = replace(three, timeline=rows, names={**three.names, 2: "Anna (1)"})
    tiers = [tier.name for tier in tiers_of(three)]
    assert len(set(tiers)) == len(tiers)


def test_names_keep_what_their_spelling_joins_letters_with(stored: Path):
    """Persian names, and people of several signs; what works unseen elsewhere does not."""
    persian, doctor = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\U0001f469\u200d\u2695"
    keep_names(stored, [f"0={persian}", f"1={doctor}"], [0, 1])
    assert read_json(stored).names == {0: persian, 1: doctor}
    keep_names(stored, ["0=Be\u200cn\u202e", "1=\u0639\u200c"], [0, 1])
    assert read_json(stored).names == {0: r"Be\u200cn\u202e", 1: "\u0639\\u200c"}


@pytest.mark.parametrize("wrong", ["Anna", "x=Anna", "7=Anna", "²=Anna", "0=" + "a" * 61])
def test_wrong_names_are_refused_and_nothing_is_kept(stored: Path, wrong: str):
    with pytest.raises(InputError):
        keep_names(stored, ["1=Ben", wrong], [0, 1])
    assert not names_file(stored).exists()


@pytest.mark.parametrize("content", ["[]", '{"x": "Anna"}', '{"0": 1}', '{"0": ""}', '{"0":', '{"²": "A"}'])
def test_a_damaged_file_is_refused(stored: Path, content: str):
    names_file(stored).write_text(content)
    with pytest.raises(InputError, match=r"talk\.names\.json"):
        read_json(stored)


def test_the_command_keeps_them(stored: Path):
    out = stored.with_suffix(".vtt")
    done = CliRunner().invoke(app, ["export", str(stored), "-o", str(out), "--name", "1=Ben", "-q"])
    # The command ends without a word.
    assert done.exit_code == 0
    assert "Ben: fear" in out.read_text()
