"""The rules that mark stretches, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import command
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import leaning, made_up
from made_up_measures import measured
from typer.testing import CliRunner

from emoview.cli.events import USUAL
from emoview.cli.main import app
from emoview.errors import InputError
from emoview.output.json import to_json
from emoview.timeline.labels import LABELS
from emoview.timeline.results import Row
from emoview.timeline.rules import lacking, marks_of, read_rule, unsaid

RESULT = measured(second_face=True)


def spans(text: str, person: int | None = 0) -> list[tuple[float, float]]:
    return [(m.start_s, m.end_s) for m in marks_of(RESULT, read_rule(text)) if m.person == person]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("blink", [(0.4, 0.48), (1.2, 1.32), (2.8, 2.84)]),
        ("blink for 0.1 s", [(1.2, 1.32)]),
        ("happy > 0.6", [(0, 1.6)]),
        ("face_happy>=.7", [(0, 1.6)]),
        ("happy > 0.6 for 1.6 s", [(0, 1.6)]),
        ("happy > 0.6 for 1.64 s", []),
        ("sad", [(1.6, 3.2)]),
        ("label != happy", [(1.6, 3.2)]),
        ("not happy and blink", [(2.8, 2.84)]),
        ("happy > 0.6 and not blink", [(0, 0.4), (0.48, 1.2), (1.32, 1.6)]),
        ("blink or (sad and usable)", [(0.4, 0.48), (1.2, 1.32), (2.4, 3.2)]),
        ("head_yaw > -10 and head_yaw < 4", []),
        ("sad starts", [(1.6, 1.6)]),
        ("sad ends", [(3.2, 3.2)]),
        ("valence <= -0.1", [(1.6, 3.2)]),
        ("not valence > -0.1", [(1.6, 3.2)]),
    ],
)
def test_rules_mark_where_they_hold(rule: str, expected: list):
    assert spans(rule) == expected


@pytest.mark.parametrize(
    ("rule", "person", "expected"),
    [
        ("positive > 0.6", 0, [(0, 1.6)]),
        ("fused_negative > 0.8", 0, [(1.6, 3.2)]),
        # Neutral and surprise are 0.3 together, where sad or happy has 0.7, the five others alike.
        ("neutral > 0.09", 0, [(0, 3.2)]),
        ("fused_neutral > 0.09", 0, []),
        ("neutral > 0.7", None, [(3.2, 3.8)]),
        ("voice_neutral_surprise > 0.5", None, [(2, 3.8)]),
        ("neutral", None, [(3.2, 3.8)]),
    ],
)
def test_in_results_of_groups_a_label_is_its_group(rule: str, person: int | None, expected: list):
    marks = marks_of(made_up(labels=3), read_rule(rule))
    assert [(m.start_s, m.end_s) for m in marks if m.person == person] == expected
    assert lacking(made_up(), read_rule("positive > 0.6")) == ["fused_positive"]


def test_rules_about_the_sound_mark_it_once():
    assert spans("speech", None) == [(0.8, 1.6), (2.4, 3.8)]
    assert spans("speech") == []
    assert spans("speech starts", None) == [(0.8, 0.8), (2.4, 2.4)]
    assert spans("sound_db > -20 and speech", None) == [(0.88, 0.92), (1.12, 1.16), (1.36, 1.4), (2.8, 2.84)]


def test_each_person_has_its_own_marks():
    assert spans("fear", 1) == [(0.4, 2.4)]
    assert spans("fear") == []


@pytest.mark.parametrize(
    "wrong",
    ["", "happy >", "happy > x", "happier", "label = happier", "happy > 0.6 for", "happy > 0.6 for 1",
     "(blink", "blink)", "blink blink", "and", "not", "happy > 0.6 for 0.5 min", "__import__('os')",
     "happy > 0.6; blink",
     "label", "speech starts for 1 s",
     "blink for -1 s", "happy > 1e3", "happy == 1", "ünd", "("*99 + "blink" + ")"*99,
     "x" * 2000, "blink.real", "tick[0]", "path > 1"],
)  # fmt: skip
def test_nothing_else_is_taken(wrong: str):
    with pytest.raises(InputError, match="rule"):
        read_rule(wrong)


@given(st.text(alphabet="happy><=!().0123456789 andortfsblink_-'\"", max_size=60))
def test_any_text_is_a_rule_or_refused(text: str):
    try:
        rule = read_rule(text)
    except InputError:
        return
    marks_of(replace(RESULT, timeline=RESULT.timeline[:3]), rule)


def test_the_command_writes_a_table(tmp_path: Path):
    path = tmp_path / "talk.json"
    path.write_text(to_json(measured()))
    out = tmp_path / "marks.csv"
    done = CliRunner().invoke(
        app, ["events", str(path), "--rule", "blink for 0.1 s", "--rule", "speech starts", "-o", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert out.read_text().splitlines() == [
        "start_s,end_s,event,person",
        "0.80,0.80,speech starts,",
        "1.20,1.32,blink for 0.1 s,0",
        "2.40,2.40,speech starts,",
    ]
    assert CliRunner().invoke(app, ["events", str(path), "-o", str(out), "-q"]).exit_code == 0
    assert "0.00,1.60,happy > 0.6 for 0.5 s,0" in out.read_text()


def test_without_a_rule_all_labels_but_neutral_are_marked():
    assert [rule.split(" > ")[0] for rule in USUAL if " > " in rule] == [
        label for label in LABELS if label != "neutral"
    ]


def test_what_is_not_known_is_neither_true_nor_false():
    # The last five ticks say nothing; before them the voice is heard without a face.
    for rule in ("not happy > 0.6", "happy <= 0.6", "not (happy > 0.6 or happy > 0.7)"):
        assert spans(rule, None) == [(3.2, 3.8)], rule
    assert spans("not label = happy", None) == spans("label != happy", None)
    assert spans("not happy > 0.6 or tick >= 0", None) == [(3.2, 4.0)]
    assert spans("not au12 > 2") == []


def test_a_rule_about_what_a_result_does_not_have_is_told(tmp_path: Path):
    for rule, missing in (
        ("not au12 > 2", ["au12"]),
        ("positive or happy", ["positive"]),
        ("label = uncertain", ["uncertain"]),
        ("speech and face and happy > 0.6", []),
    ):
        assert lacking(RESULT, read_rule(rule)) == missing
    assert lacking(replace(RESULT, options=replace(RESULT.options, measure=False)), read_rule("blink")) == [
        "blink"
    ]
    assert unsaid(RESULT, read_rule("jitter > 0 and happy > 0.6")) == ["jitter"]
    path = tmp_path / "talk.json"
    path.write_text(to_json(RESULT))
    before = path.read_bytes()
    for more, said in ((["--rule", "au12 > 2"], "has no au12"), (["-o", str(path)], "overwritten")):
        done = command.run("events", path, *more)
        assert done.returncode == 1
        assert said in done.stderr
    assert path.read_bytes() == before


def test_where_voices_were_not_told_apart_somebody_speaks_nevertheless():
    """As in causal and live analysis."""
    (mark,) = marks_of(made_up(), read_rule("speech"))
    assert (mark.start_s, mark.end_s, mark.person) == (0.8, 3.8, None)
    assert unsaid(made_up(), read_rule("speech or face")) == []
    media = replace(made_up().media, audio_codec=None, width=None, faces=0)
    assert unsaid(replace(made_up(), media=media), read_rule("speech or face")) == ["face", "speech"]


def test_without_a_rule_too_what_is_not_known_is_told(tmp_path: Path):
    path = tmp_path / "talk.json"
    for result, told in ((made_up(), "nothing is known of blink: there are no marks of that"), (RESULT, "")):
        path.write_text(to_json(result))
        done = command.run("events", path)
        assert done.returncode == 0
        assert "happy > 0.6 for 0.5 s" in done.stdout
        assert told in done.stderr
        assert ("nothing is known" in done.stderr) == bool(told)


def test_rules_about_the_voice_find_it_in_whose_row_it_stands():
    face, voice = leaning("happy"), leaning("anger")
    said = {"voice": voice, "fused": face, "voice_id": 0, "speaking": True}
    rows = [row for tick in range(25) for row in (Row(tick, 0, fused=face), Row(tick, 1, **said))]
    result = replace(made_up(), timeline=tuple(rows))
    (mark,) = marks_of(result, read_rule("voice_anger > 0.6 and speech"))
    assert (mark.start_s, mark.end_s, mark.person) == (0.0, 1.0, None)
