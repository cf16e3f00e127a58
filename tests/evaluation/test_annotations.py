"""Annotations as tools leave them: the same three stretches, whoever wrote them."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoview import InputError
from emoview.evaluation.annotations import read_annotations

EXPECTED = [(0.0, 4.0, "neutral"), (4.0, 8.5, "sad")]

TABLES = {
    "points": "start_s,end_s,label\n0,4.0,neutral\n4.0,8.5,sad\n",
    "decimal commas": "start_s;end_s;label\n0,0;4,0;neutral\n4,0;8,5;sad\n",
    "clock": "Start;End;Emotion\n00:00:00.0;00:00:04.0;neutral\n0:04;0:08,5;sad\n",
    "milliseconds": "start_ms,end_ms,label\n0,4000,neutral\n4000,8500,sad\n",
    "thousands of milliseconds": ('start_ms,end_ms,label\n0,"4,000",neutral\n"4,000","8,500",sad\n'),
    "thousandths": "start_s;end_s;label\n0,000;4,000;neutral\n4,000;8,500;sad\n",
    "no unit, milliseconds": "onset,offset,label\n0,4000,neutral\n4000,8500,sad\n",
    "no unit, seconds": "onset,offset,label\n0,4,neutral\n4,8.5,sad\n",
    "lengths": "onset;duration;code\n0;4;neutral\n4;4,5;sad\n",
    "boris aggregated": (
        "Observation id,Media file,Subject,Behavior,Behavioral category,Behavior type,Start (s),Stop (s),"
        "Duration (s)\nobs1,a.mp4,P1,neutral,,STATE,0.0,4.0,4.0\nobs1,a.mp4,P1,sad,,STATE,4.0,8.5,4.5\n"
    ),
    "boris events": (
        "Observation id\tobs1\n\nMedia file(s)\n\nTime\tSubject\tBehavior\tStatus\n"
        "0.0\tP1\tneutral\tSTART\n4.0\tP1\tneutral\tSTOP\n4.0\tP1\tsad\tSTART\n8.5\tP1\tsad\tSTOP\n"
    ),
    "observer": (
        "Time_Relative_sf,Behavior,Event_Type\n0,neutral,State start\n4,neutral,State stop\n"
        "4,sad,State start\n8.5,sad,State stop\n"
    ),
    "boris events with an offset": (
        "Observation id\tobs1\nTime offset (s)\t5.0\n\nTime\tSubject\tBehavior\tStatus\n"
        "5.0\tP1\tneutral\tSTART\n9.0\tP1\tneutral\tSTOP\n9.0\tP1\tsad\tSTART\n13.5\tP1\tsad\tSTOP\n"
    ),
    "boris events in columns with an offset": (
        "Observation id,Source,Time offset (s),FPS,Subject,Behavior,Behavior type,Time,Image index\n"
        "obs1,a.mp4,5.000,25,P1,neutral,START,5.0,0\nobs1,a.mp4,5.000,25,P1,neutral,STOP,9.0,100\n"
        "obs1,a.mp4,5.000,25,P1,sad,START,9.0,100\nobs1,a.mp4,5.000,25,P1,sad,STOP,13.5,212\n"
    ),
    "observer with several clocks": (
        "Time_Relative_hms;Time_Relative_f;Time_Relative_sf;Duration_sf;Behavior;Event_Type\n"
        "00:00:00;0;0,0;4,0;neutral;State start\n00:00:04;0;4,0;0,0;neutral;State stop\n"
        "00:00:04;0;4,0;4,5;sad;State start\n00:00:08;12;8,5;0,0;sad;State stop\n"
    ),
    "frames beside seconds": "start,end,start_s,end_s,label\n0,100,0,4,neutral\n100,212,4,8.5,sad\n",
    "moments with ends": "time;end;label\n0;4;neutral\n4;8,5;sad\n",
    "elan": (
        "c1\t\t00:00:00.000\t0.0\t00:00:04.000\t4.0\t00:00:04.000\t4.0\tneutral\n"
        "c1\t\t00:00:04.000\t4.0\t00:00:08.500\t8.5\t00:00:04.500\t4.5\tsad\n"
    ),
    "elan milliseconds": "c1\t\t0\t4000\t4000\tneutral\nc1\t\t4000\t8500\t4500\tsad\n",
    "elan clock": "c1\t00:00:00.000\t00:00:04.000\tneutral\nc1\t00:00:04.000\t00:00:08.500\tsad\n",
    "elan with a head": (
        "Tier\tBegin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tAnnotation\n"
        "c1\t00:00:00.000\t00:00:04.000\tneutral\nc1\t00:00:04.000\t00:00:08.500\tsad\n"
    ),
    "elan with commas": (
        '"c1","","00:00:00.000","0","00:00:04.000","4000","neutral"\n'
        '"c1","","00:00:04.000","4000","00:00:08.500","8500","sad"\n'
    ),
    "elan with lengths instead of ends": "c1\t\t0.0\t4.0\tneutral\nc1\t\t4.0\t4.5\tsad\nc1\t\t9.0\t0.5\t\n",
    "no unit, milliseconds of pandas": "onset,offset,label\n0.0,4000.0,neutral\n4000.0,8500.0,sad\n",
    "cells of R": "start_s;end_s;label;valence\n0;4;neutral;NA\n4;8,5;sad;NA\n",
    "datavyu": "mood.ordinal,mood.onset,mood.offset,mood.code01\n1,0,4000,neutral\n2,4000,8500,sad\n",
    "praat table": "tmin\ttier\ttext\ttmax\n0\tc1\tneutral\t4\n4\tc1\tsad\t8.5\n",
}
_LONG = """File type = "ooTextFile"
Object class = "TextGrid"

xmin = 0
xmax = 20
tiers? <exists>
size = 2
item []:
    item [1]:
        class = "IntervalTier"
        name = "c1"
        xmin = 0
        xmax = 20
        intervals: size = 3
        intervals [1]:
            xmin = 0
            xmax = 4
            text = "neutral"
        intervals [2]:
            xmin = 4
            xmax = 8.5
            text = "sad "
        intervals [3]:
            xmin = 8.5
            xmax = 20
            text = ""
    item [2]:
        class = "TextTier"
        name = "points"
        xmin = 0
        xmax = 20
        points: size = 1
        points [1]:
            number = 3
            mark = "say ""fear"" 5"
"""
_SHORT = """File type = "ooTextFile"
Object class = "TextGrid"

0
20
<exists>
1
"IntervalTier"
"c1"
0
20
2
0
4
"neutral"
4
8.5
"sad"
"""
_ELAN = """<?xml version="1.0"?><ANNOTATION_DOCUMENT><TIME_ORDER>
<TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="0"/><TIME_SLOT TIME_SLOT_ID="t2"/>
<TIME_SLOT TIME_SLOT_ID="t3" TIME_VALUE="8000"/></TIME_ORDER>
<TIER TIER_ID="said">{said}</TIER>
<TIER TIER_ID="mood" PARENT_REF="said">{mood}</TIER>
<TIER TIER_ID="more" PARENT_REF="mood">{more}</TIER></ANNOTATION_DOCUMENT>"""


def _aligned(name: str, start: str, end: str, text: str) -> str:
    return (
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{name}" TIME_SLOT_REF1="{start}" '
        f'TIME_SLOT_REF2="{end}"><ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>'
    )


def _referring(name: str, of: str, text: str) -> str:
    return (
        f'<ANNOTATION><REF_ANNOTATION ANNOTATION_ID="{name}" ANNOTATION_REF="{of}">'
        f"<ANNOTATION_VALUE>{text}</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>"
    )


def _read(path: Path, content: str | bytes, tier: str | None = None) -> list[tuple[float, float | None, str]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [(a.start_s, a.end_s, str(a.label)) for a in read_annotations(path, tier, length_s=24.0)]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_of_many_tools(table: str, encoding: str, tmp_path: Path):
    for end in ("\r\n", "\r"):
        assert _read(tmp_path / "a.txt", table.replace("\n", end).encode(encoding)) == EXPECTED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(("text", "tier"), [(_LONG, "c1"), (_SHORT, None)], ids=["long", "short"])
def test_textgrids(text: str, tier: str | None, encoding: str, tmp_path: Path):
    path = tmp_path / "a.TextGrid"
    assert _read(path, text.replace("\n", "\r\n").encode(encoding), tier) == EXPECTED


def test_points_of_a_textgrid_and_damaged_ones(tmp_path: Path):
    path = tmp_path / "a.TextGrid"
    assert _read(path, _LONG, "points") == [(3.0, None, 'say "fear" 5')]
    with pytest.raises(InputError, match="several tiers: name one with --tier, of c1 and points"):
        _read(path, _LONG)
    for text in (_SHORT[:-40], _SHORT.replace("IntervalTier", "Pitch"), _SHORT.replace("8.5", "1e9")):
        with pytest.raises(InputError, match="damaged TextGrid"):
            _read(path, text)
    with pytest.raises(InputError, match="another file of Praat"):
        _read(path, _SHORT.replace("TextGrid", "PitchTier"))


def test_dependent_tiers_of_elan_have_the_time_of_what_they_refer_to(tmp_path: Path):
    text = _ELAN.format(
        said=_aligned("a1", "t1", "t2", "hello") + _aligned("a2", "t2", "t3", "oh no"),
        mood=_referring("b1", "a1", "happy") + _referring("b2", "a2", "sad") + _referring("b3", "a2", "fear"),
        more=_referring("c1", "b3", "anger") + _referring("c2", "nothing", "lost"),
    )
    path = tmp_path / "a.eaf"
    # The slot in between has no time of its own.
    assert _read(path, text, "said") == [(0.0, 4.0, "hello"), (4.0, 8.0, "oh no")]
    assert _read(path, text, "mood") == [(0.0, 4.0, "happy"), (4.0, 6.0, "sad"), (6.0, 8.0, "fear")]
    assert _read(path, text, "more") == [(6.0, 8.0, "anger")]
    both = read_annotations(path, ["said", "mood"])
    assert [one.rater for one in both] == ["said"] * 2 + ["mood"] * 3


def test_annotations_of_elan_without_times_lie_in_the_order_of_their_slots(tmp_path: Path):
    said = [_aligned("a2", "t2", "t2b", "sad"), _aligned("a1", "t1", "t2", "hello")]
    text = _ELAN.format(said="".join([*said, _aligned("a3", "t2b", "t3", "oh")]), mood="", more="")
    slot = '<TIME_SLOT TIME_SLOT_ID="t2"/>'
    text = text.replace(slot, slot + slot.replace("t2", "t2b"))
    text = text.replace('TIME_VALUE="8000"', 'TIME_VALUE="6000"')
    found = _read(tmp_path / "a.eaf", text, "said")
    assert sorted(found) == [(0.0, 2.0, "hello"), (2.0, 4.0, "sad"), (4.0, 6.0, "oh")]


def test_two_tiers_of_elan_with_one_name_are_refused(tmp_path: Path):
    text = _ELAN.format(said=_aligned("a1", "t1", "t3", "sad"), mood="", more="")
    with pytest.raises(InputError, match="has two tiers 'said'"):
        _read(tmp_path / "a.eaf", text.replace('"mood" PARENT_REF="said"', '"said"'), "said")


def test_dependent_annotations_of_elan_follow_each_other_as_they_say(tmp_path: Path):
    second = _referring("b2", "a1", "sad").replace(
        "ANNOTATION_REF", 'PREVIOUS_ANNOTATION="b1" ANNOTATION_REF'
    )
    mood = second + _referring("b1", "a1", "happy")
    text = _ELAN.format(said=_aligned("a1", "t1", "t3", "hello"), mood=mood, more="")
    assert sorted(_read(tmp_path / "a.eaf", text, "mood")) == [(0.0, 4.0, "happy"), (4.0, 8.0, "sad")]


def test_a_document_of_elan_that_counts_from_within_its_media(tmp_path: Path):
    path = tmp_path / "a.eaf"
    media = '<HEADER TIME_UNITS="{unit}"><MEDIA_DESCRIPTOR TIME_ORIGIN="1500"/>{more}</HEADER><TIME_ORDER>'
    text = _ELAN.format(said=_aligned("a1", "t1", "t3", "sad"), mood="", more="")
    for more, start, words in (
        ("", 1.5, "counts from 1.5 s of its media"),
        ('<MEDIA_DESCRIPTOR TIME_ORIGIN="0"/>', 0.0, "its media begin at different times"),
    ):
        path.write_text(text.replace("<TIME_ORDER>", media.format(unit="milliseconds", more=more)))
        notes: list[str] = []
        (one,) = read_annotations(path, "said", on_note=notes.append)
        assert (one.start_s, one.end_s) == (start, start + 8)
        assert [words in note for note in notes] == [True]
    path.write_text(text.replace("<TIME_ORDER>", media.format(unit="PAL-frames", more="")))
    with pytest.raises(InputError, match="counts 'PAL-frames', not milliseconds"):
        read_annotations(path, "said")


def test_quotes_that_elan_writes_as_they_are_take_nothing_along(tmp_path: Path):
    text = 'c1\t0.0\t4.0\t"oh\nc1\t4.0\t8.5\tsad\nc1\t9.0\t9.5\tno"\n'
    expected = [(0.0, 4.0, '"oh'), (4.0, 8.5, "sad"), (9.0, 9.5, 'no"')]
    assert _read(tmp_path / "a.txt", text) == expected


def test_several_subjects_or_tiers_are_never_mixed(tmp_path: Path):
    table = TABLES["boris aggregated"].replace("P1,sad", "P2,sad")
    with pytest.raises(InputError, match="of obs1 P1 and obs1 P2"):
        _read(tmp_path / "a.csv", table)
    assert _read(tmp_path / "a.csv", table, "obs1 P2") == EXPECTED[1:]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Time,Behavior,Status\n1,sad,START\n", "never stops"),
        ("Time,Behavior,Status\n1,sad,STOP\n", "has not started"),
        ("start_s,end_s,label\n0,1:75,sad\n", "line 2: '1:75' is not a time"),
        ("when,what\n1,sad\n", "has the columns when and what"),
        ("\0\1\2", "is not text"),
        ('{"timeline": []}', "is JSON"),
        ('start_s,end_s,label\n0,1,"sad\n1,2,fear\n', "line 3: a quote that was opened before"),
        ("start_s,end_s,label\n" + "x" * 140_000, "line"),
        ("start_s,end_s,label,label\n0,1,sad,fear\n", "several columns 'label': keep one"),
        ("Start (s),End,start_s,end_s,label\n0,1,2,3,sad\n", r"several columns 'Start \(s\)'"),
        ("Time,Time offset (s),Behavior\n1,5,sad\n", "line 2: the time less its offset of 5 s is before"),
    ],
    ids=range(11),
)
def test_what_is_wrong_is_named(text: str, words: str, tmp_path: Path):
    with pytest.raises(InputError, match=words):
        _read(tmp_path / "a.csv", text)


def test_a_time_offset_of_boris_is_told(tmp_path: Path):
    path = tmp_path / "a.csv"
    for name in ("boris events with an offset", "boris events in columns with an offset"):
        path.write_text(TABLES[name])
        notes: list[str] = []
        read_annotations(path, on_note=notes.append)
        assert [note.partition("a time offset of 5.0")[1] != "" for note in notes] == [True]


def test_times_taken_for_milliseconds_are_told(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(TABLES["no unit, milliseconds"])
    notes: list[str] = []
    read_annotations(path, length_s=24.0, on_note=notes.append)
    assert "read as milliseconds" in notes[0]
    # Of a recording of two hours they are seconds.
    assert read_annotations(path, length_s=7200.0)[1].end_s == 8500


@pytest.mark.parametrize("name", ["coder.xlsx", "coder.csv", "coder.eaf"])
@pytest.mark.parametrize("begin", [b"PK\3\4", b"\xd0\xcf\x11\xe0"])
def test_another_workbook_is_to_be_saved_as_csv(name: str, begin: bytes, tmp_path: Path):
    (tmp_path / name).write_bytes(begin + b"\0x")
    with pytest.raises(InputError, match=rf"{name} is a workbook .*: save the sheet as \.xlsx or CSV"):
        read_annotations(tmp_path / name)


def test_a_remark_may_have_several_lines(tmp_path: Path):
    table = tmp_path / "remarks.csv"
    table.write_text('start_s,end_s,label,remark\n0,1,happy,"long, and\nover two lines, yes"\n1,2,sad,\n')
    assert [(one.start_s, one.label) for one in read_annotations(table)] == [(0, "happy"), (1, "sad")]


def test_a_comma_that_may_stand_before_decimals_or_not_is_told(tmp_path: Path):
    table = tmp_path / "thousand.csv"
    table.write_text('start_s,end_s,label\n0,"1,234",happy\n')
    with pytest.raises(InputError, match=r"line 2: '1,234' may be 1234 or 1\.234 seconds"):
        read_annotations(table)
    table.write_text('start_s,end_s,label\n0.5,"1,234",happy\n')
    assert read_annotations(table)[0].end_s == 1234
