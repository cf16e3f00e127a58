"""Lists: a line that is no good is one clip that fails, whatever else stands there."""

from __future__ import annotations

import csv
import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emoview import InputError, Options
from emoview.batch.inputs import Clip, clips_of, kinds_of
from emoview.batch.lists import read_list
from emoview.batch.record import Wanted, write_record
from emoview.batch.run import run_batch
from emoview.batch.summary import FAILED, row_of_failure
from emoview.cli.main import app
from emoview.media.probe import Stretch


def written(folder: Path, content: bytes | str, name: str = "list.txt") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def texts(folder: Path, content: bytes | str, name: str = "list.txt") -> list[str]:
    return [entry.text for entry in read_list(Path(written(folder, content, name)))]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a\nb\r\nc", ["a", "b", "c"]),
        ("a\u2028b\n\x0bc\x0cd\x85e\x1cf\n", ["a\u2028b", "c\x0cd\x85e\x1cf"]),
        ("\ufeffa\n", ["a"]),
        ('" a "\n"#b"\n"say ""x"""\n# no\n  \nc "d"\n', [" a ", "#b", 'say "x"', 'c "d"']),
        ('"a" and "b"\n', ['"a" and "b"']),
        ("  a\t\n", ["a"]),
    ],
)
def test_lines_and_quotes(content: str, expected: list[str], tmp_path: Path):
    assert texts(tmp_path, content) == expected


def test_a_file_that_is_named_like_the_line_is_meant(tmp_path: Path):
    for name in ("#1.wav", " a.wav ", '"q".wav', '"'):
        (tmp_path / name).touch()
    content = '#1.wav\n a.wav \n  a.wav\n"q".wav\n#2.wav\n"\n'
    assert texts(tmp_path, content) == ["#1.wav", " a.wav ", "a.wav", '"q".wav', '"']


def test_a_table_of_a_spreadsheet(tmp_path: Path):
    content = (
        '\ufeffpath,start_s,end_s\r\n"a, b.wav",1,2\r\n"say ""x"".wav",,\r\n,,\r\n"two\nlines.wav",0,1\r\n'
    )
    found = read_list(Path(written(tmp_path, content, "list.csv")))
    assert [entry.text for entry in found] == ["a, b.wav", 'say "x".wav', "two\nlines.wav"]
    assert [entry.line for entry in found] == [2, 3, 5]
    assert not any(entry.fault for entry in found)


BAD_LINES = {
    "a.wav,nan,": "number of seconds", "a.wav,,nan": "number of seconds", "a.wav,inf,": "number of seconds",
    "a.wav,0,1e308": "number of seconds", "a.wav,1e308,": "number of seconds",
    "a.wav,-1,": "number of seconds", "a.wav,x,": "number of seconds",
    "a.wav,3,2": "must lie after", "a.wav,2,2": "must lie after",
    "a\0b.wav,,": "NUL", "x" * 140_000 + ",,": "too long|comma-separated", "a.wav,1,2,3": "4 cells",
    ",1,2": "no file", '"a.wav"x,1,2': "comma-separated", '"never closed,1,2': "comma-separated",
    "y" * 5_000 + ",,": "too long", "nope://a.wav,,": "nope",
}  # fmt: skip


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_of_a_table_fails_alone(line: str, tmp_path: Path):
    content = f"path,start_s,end_s\ngood.wav,0,1\n{line}\nother.wav,,\n"
    good, bad, other = clips_of([written(tmp_path, content, "list.csv")])
    assert (good.path.name, other.path.name) == ("good.wav", "other.wav")
    assert good.fault is None
    assert other.fault is None
    assert bad.origin == f"line 3 of {tmp_path / 'list.csv'}"
    report = run_batch([bad], tmp_path / "out", Wanted(Options(), ("csv",)))
    (row,) = report.rows
    assert row["status"] == FAILED
    assert row["error"].startswith("line 3 of ")
    assert any(words in row["error"] for words in BAD_LINES[line].split("|")), row["error"]
    with (tmp_path / "out" / "summary.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1


@pytest.mark.parametrize(
    "line", [b"a\0b.wav", b"caf\xe9.wav", b"z" * 140_000, b'""', b"nope://x", b"/", b"."]
)
def test_a_bad_line_of_a_text_fails_alone(line: bytes, tmp_path: Path):
    found = clips_of([written(tmp_path, b"good.wav\n" + line + b"\nother.wav\n")])
    assert [clip.path.name for clip in found if "line 2" not in str(clip.origin)] == ["good.wav", "other.wav"]
    report = run_batch([found[1]], tmp_path / "out", Wanted(Options(), ("csv",)))
    assert [row["status"] for row in report.rows] == [FAILED]
    assert report.rows[0]["error"].startswith("line 2 of ")


def test_bytes_that_are_no_text_may_be_a_name(tmp_path: Path):
    listed = written(tmp_path, b"good.wav\ncaf\xe9.wav\n")
    clip = clips_of([listed])[1]
    assert "UTF-8" in str(clip.fault)
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).touch()
    clip = clips_of([listed])[1]
    assert clip.fault is None
    assert str(clip.path).endswith("/caf\udce9.wav")


def test_a_bad_line_takes_no_results_of_an_earlier_run_along(tmp_path: Path):
    clip = Clip(tmp_path / "a.wav", "a")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.csv").write_text("result")
    write_record(tmp_path / "out", "a", None, [tmp_path / "out" / "a.csv"], row_of_failure(clip, "x"))
    (bad,) = clips_of([written(tmp_path, "path,start_s\na.wav,nan\n", "list.csv")])
    assert bad.name == "a"
    run_batch([bad], tmp_path / "out", Wanted(Options(), ("csv",)))
    assert (tmp_path / "out" / "a.csv").read_text() == "result"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("list.txt", bytes(range(256)) * 40), ("list.csv", bytes(range(256)) * 40),
        ("list.txt", b""), ("list.txt", b"# nothing\n\n"),
        ("list.csv", b""), ("list.csv", b"path\n"), ("list.csv", b"title\na.wav\n"),
        ("list.csv", b"path,strat_s\na.wav,1\n"),
        ("list.csv", b"path,path\na,b\n"), ("list.csv", b"x" * 140_000 + b"\na\n"),
    ],
)  # fmt: skip
def test_what_is_no_list_stops_before_any_work(name: str, content: bytes, tmp_path: Path):
    with pytest.raises(InputError):
        clips_of([written(tmp_path, content, name)])


def test_a_list_that_names_itself_is_no_clip(tmp_path: Path):
    found = clips_of([written(tmp_path, "list.txt\n")])
    assert [clip.path.name for clip in found] == ["list.txt"]


def test_a_list_of_many_is_quick(tmp_path: Path):
    begun = time.perf_counter()
    lines = "\n".join(f"day{i % 300}/clip{i}.wav" for i in range(30_000))
    assert len(clips_of([written(tmp_path, lines)])) == 30_000
    assert time.perf_counter() - begun < 60


def test_unknown_addresses_and_names_that_no_machine_has():
    from emoview.batch.storage import Remote, fetched

    for address in ("nope://a.wav", "memory://x/..", "memory://" + "n" * 300 + ".w\0av", "zip://a::b::c"):
        with pytest.raises(InputError), fetched(Remote(address)):
            pass
    assert Remote("https://host/a.wav?token=../..#x").name == "a.wav"


STRETCHES = {
    "decimal commas": "path;start_s;end_s\nb.mp4;1,5;4,5\n",
    "semicolons": "path;start_s;end_s\nb.mp4;1.5;4.5\n",
    "tabs": "path\tstart_s\tend_s\nb.mp4\t1.5\t4.5\n",
    "quoted commas": 'path,start_s,end_s\nb.mp4,"1,5","4,5"\n',
    "minutes": "path,start_s,end_s\nb.mp4,0:01.5,00:04.5\n",
    "hours": "path;start_s;end_s\nb.mp4;0:00:01,5;00:00:04,500\n",
    "capitals and blanks": "Path , Start_s, End_S\n b.mp4 , 1.5, 4.5 \n",
    "words": "File name,Start (s),End (s)\nb.mp4,1.5,4.5\n",
    "milliseconds": "path,onset_ms,offset_ms\nb.mp4,1500,4500\n",
    "t0 in milliseconds": 'path,t0 (ms),t1 (ms)\nb.mp4,1500,"4,500"\n',
    "a length": "path,start_s,duration\nb.mp4,1.5,3\n",
    "a line for Excel": "sep=;\npath;start_s;end_s\nb.mp4;1,5;4,5\n",
    **{
        times: f"path,{times}\nb.mp4,1.5,4.5\n"
        for times in (
            "t0,t1",
            "IN,Out",
            "in point,Out_Point",
            "InPoint,OutPoint",
            "tc_in,TC Out",
            "begin,stop",
            "Onset,OFFSET",
            "from,to",
            "StartTime,EndTime",
            "Time in (s),Time out (s)",
            "mark_in,mark_out",
        )
    },
    "frames beside seconds": "path,start,end,start_s,end_s\nb.mp4,38,113,1.5,4.5\n",
    "columns without a name": "path;start_s;end_s;;\nb.mp4;1,5;4,5;;\n",
    "a line for Excel, saved again": "sep=;;\npath;start_s;end_s\nb.mp4;1,5;4,5\n",
    "empty lines first": ";;\n\npath;start_s;end_s\nb.mp4;1,5;4,5\n",
    "quotes twice": 'path;start_s;end_s\n"""b.mp4""";1,5;4,5\n',
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("content", STRETCHES.values(), ids=STRETCHES)
def test_spreadsheets_save_lists_in_many_ways(content: str, encoding: str, tmp_path: Path):
    for end in ("\r\n", "\r"):
        listed = written(tmp_path, content.replace("\n", end).encode(encoding), "list.csv")
        (clip,) = clips_of([listed])
        assert (clip.path.name, clip.fault) == ("b.mp4", None)
        assert (clip.stretch.start_s, clip.stretch.end_s) == (1.5, 4.5)


def test_what_r_writes_for_nothing_is_no_time(tmp_path: Path):
    content = '"","path","start_s","end_s"\n"1","a.mp4",NA,1.5\n"2","b.mp4",0.5,NA\n'
    found = clips_of([written(tmp_path, content, "list.csv")])
    assert [(c.stretch.start_s, c.stretch.end_s, c.fault) for c in found] == [
        (0, 1.5, None),
        (0.5, None, None),
    ]


@pytest.mark.parametrize("times", ["clip_start,clip_end", "start_s,clip_end", "trial_onset_ms,end_s"])
def test_times_that_are_called_otherwise_are_not_passed_over(times: str, tmp_path: Path):
    with pytest.raises(InputError, match=r"has a column '(clip|trial)_.* is (start|end)_s meant\? rename it"):
        clips_of([written(tmp_path, f"path,{times}\nb.mp4,1,2\n", "list.csv")])
    # Nothing is missing here.
    content = "path,start_s,duration,week_end\nb.mp4,1,2,x\n"
    (clip,) = clips_of([written(tmp_path, content, "list.csv")])
    assert (clip.stretch.end_s, clip.further) == (3, (("week_end", "x"),))


@pytest.mark.parametrize("times", ["start_s,Start (s),end_s", "start_s,end_s,end_s", "start,dur,dur"])
def test_two_columns_of_one_name_are_refused(times: str, tmp_path: Path):
    with pytest.raises(InputError, match=r"has several columns '.*': keep one"):
        clips_of([written(tmp_path, f"path,{times}\nb.mp4,1,2,3\n", "list.csv")])


@pytest.mark.parametrize("times", ["t0", "t1,start_s", "in,end", "in", "start,in,out", "OUT (ms)"])
def test_half_a_pair_is_not_passed_over(times: str, tmp_path: Path):
    cells = ",".join("1" for _ in times.split(","))
    with pytest.raises(
        InputError, match=r"(?i)has a column '(t0|t1|in|out|out \(ms\))': is (start|end)_s meant"
    ):
        clips_of([written(tmp_path, f"path,{times}\nb.mp4,{cells}\n", "list.csv")])


@pytest.mark.parametrize(("columns", "told"), [("Duration", 1), ("end,length", 1), ("start,end,length", 0)])
def test_a_length_without_a_start_is_told(columns: str, told: int, tmp_path: Path):
    cells = ",".join(str(i) for i, _ in enumerate(columns.split(",")))
    notes: list[str] = []
    (clip,) = clips_of([written(tmp_path, f"path,{columns}\nb.mp4,{cells}\n", "list.csv")], notes=notes)
    assert len(clip.further) == 1
    assert len(notes) == told
    assert all(note.startswith(f"the column {columns.split(',')[-1]!r} of the list ") for note in notes)
    assert all(
        note.endswith(
            "is not used, since no column tells where the clips start: add start_s, or call it end_s"
        )
        for note in notes
    )


@pytest.mark.parametrize(
    ("others", "start_s"),
    [
        (["0.5", "700"], 1234), (["1,234.5", "7"], 1234), (["1,234,567", "7"], 1234), (["0:02.5", "7"], 1234),
        (["0,5", "700"], 1.234), (["12,25", "700"], 1.234), (["0:01,5", "7"], 1.234), (["0,25", "7"], 1.234),
        (["0,250", "7"], 1.234),
        (["7", "700"], None), (["", "NA"], None), (["0.5", "0,5"], None),
    ],
)  # fmt: skip
def test_a_comma_is_what_the_other_times_show(others: list[str], start_s: float | None, tmp_path: Path):
    rows = "".join(f'b{i}.mp4,"{cell}"\n' for i, cell in enumerate(others))
    content = f'path,start_s\na.mp4,"1,234"\n{rows}'
    clip, *rest = clips_of([written(tmp_path, content, "list.csv")])
    assert not any(other.fault for other in rest)
    if start_s is None:
        assert clip.origin == f"line 2 of {tmp_path / 'list.csv'}"
        assert str(clip.fault).startswith(
            "'1,234' may be 1234 or 1.234 seconds, and no other time in the list"
        )
    else:
        assert (clip.stretch.start_s, clip.fault) == (start_s, None)
    # Where a comma stands between no columns, it is there for decimals unless others show it.
    clip = clips_of(
        [
            written(
                tmp_path,
                content.replace('","', "\t").replace(".mp4,", ".mp4\t").replace("path,", "path\t"),
                "list.tsv",
            )
        ]
    )[0]
    assert clip.stretch.start_s == (start_s or 1.234)


@pytest.mark.parametrize("cell", ["1:60", "1:2:3:4", "1.234,5", "1:61:00", "1;5", "5 min"])
def test_a_time_that_is_none_is_named(cell: str, tmp_path: Path):
    (clip,) = clips_of([written(tmp_path, f"path\tstart_s\nb.mp4\t{cell}\n", "list.tsv")])
    assert repr(cell) in str(clip.fault)


@pytest.mark.parametrize(
    "times", ["start (min),end (min)", "start,end_frames", "onset_h,offset_h", "start,length (min)"]
)
def test_times_in_other_units_are_not_passed_over(times: str, tmp_path: Path):
    table = tmp_path / "list.csv"
    table.write_text(f"path,{times}\nb.mp4,1,2\n")
    with pytest.raises(InputError, match=r"has a column .* give the times in seconds"):
        read_list(table)
    table.write_text("path,to_hand,start_of_f\nb.mp4,1,2\n")
    assert read_list(table)[0].further == (("to_hand", "1"), ("start_of_f", "2"))


def test_further_columns_go_to_the_summary(tmp_path: Path):
    content = "path;participant;Größe;label\nno.mp4;P07;=1+1;calm\n".encode("cp1252")
    (clip,) = clips_of([written(tmp_path, content, "list.csv")])
    assert clip.further == (("participant", "P07"), ("Größe", "=1+1"), ("label", "calm"))
    run_batch([clip], tmp_path / "out", Wanted(Options(), ("csv",)))
    with (tmp_path / "out" / "summary.csv").open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert (row["participant"], row["Größe"], row["list_label"]) == ("P07", "'=1+1", "calm")
    assert row["label"] == ""


def test_what_is_named_twice_keeps_what_the_lists_say(tmp_path: Path):
    (tmp_path / "b.mp4").touch()
    listed = written(tmp_path, "path,who\nb.mp4,A\nb.mp4,A\nb.mp4,B\n", "list.csv")
    found = clips_of([str(tmp_path), listed])
    assert [dict(clip.further)["who"] for clip in found] == ["A", "B"]


def test_a_header_that_names_no_path_is_told_what_was_found(tmp_path: Path):
    with pytest.raises(InputError, match=r"line 1 of .* has 'clip1\.mp4', '0,5': it needs a column path"):
        clips_of([written(tmp_path, "clip1.mp4;0,5\n", "list.csv")])
    # With blanks between columns, as R writes by default.
    with pytest.raises(InputError, match=r"line 2 of .* has '\"path\" \"end_s\"': it needs"):
        clips_of([written(tmp_path, '\n"path" "end_s"\n"1" "a.mp4" 1\n', "list.csv")])


def test_a_bad_line_names_what_stands_between_its_columns(tmp_path: Path):
    (clip,) = clips_of([written(tmp_path, 'path;start_s\n"a.mp4"x;1\n', "list.csv")])
    assert "this is not semicolon-separated text" in str(clip.fault)


def test_names_of_windows(tmp_path: Path):
    (tmp_path / "day").mkdir()
    for name in ("a.mp4", "gespräch.mp4"):
        (tmp_path / "day" / name).touch()
    lines = "day\\a.mp4\r\nday/gespräch.mp4\r\nC:\\clips\\a.mp4\r\n".encode("cp1252")
    found = clips_of([written(tmp_path, lines)])
    assert [clip.path.name for clip in found[:2]] == ["a.mp4", "gespräch.mp4"]
    assert [clip.fault is None for clip in found] == [True, True, False]
    assert "path of Windows" in str(found[2].fault)


def test_unicode_text_of_a_spreadsheet_is_a_table(tmp_path: Path):
    (clip,) = clips_of([written(tmp_path, "Path\tEnd_s\r\nb.mp4\t4,5\r\n".encode("utf-16"))])
    assert (clip.path.name, clip.stretch.end_s) == ("b.mp4", 4.5)


def test_what_is_passed_over_is_counted(tmp_path: Path):
    names = (
        "a.MOD b.tod c.divx d.mpe e.f4v f.m4b g.au h.caf i.mp2 j.m2v k.h264 l.dav m.jpg n.JPG o.docx p .q.jpg"
    )
    for name in names.split():
        (tmp_path / name).touch()
    counted: Counter[str] = Counter()
    found = clips_of([str(tmp_path)], passed_over=counted)
    assert len(found) == 12
    assert kinds_of(counted) == "2 of .jpg, 1 of .docx and 1 without an ending"
    with pytest.raises(InputError, match=r"no media file matches .*, only"):
        clips_of([str(tmp_path / "*.jpg")])


@pytest.mark.parametrize("name", ["list.xlsx", "list.csv", "list.xls"])
def test_a_damaged_workbook_is_refused_in_a_sentence(name: str, tmp_path: Path):
    path = written(tmp_path, b"PK\x03\x04" + bytes(range(256)), name)
    with pytest.raises(InputError, match=r"is a workbook .*: save the sheet as \.xlsx or CSV"):
        clips_of([path])


def test_what_a_list_says_in_vain_is_told_on_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    command = [
        "batch",
        written(tmp_path, "path,dur\nb.mp4,2\n", "list.csv"),
        "-o",
        str(tmp_path),
        "--dry-run",
    ]
    CliRunner().invoke(app, command)
    assert capfd.readouterr().err.count("warning: the column 'dur' of the list ") == 1
    CliRunner().invoke(app, [*command, "--quiet"])
    assert "warning" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "content",
    [
        "Datei;Anfang;Ende\r\nb.mp4;1,5;4,5\r\n",
        "path;Start;Ende\r\nb.mp4;00:01,5;00:04,5\r\n",
        "fichier;d\u00e9but;fin\nb.mp4;0:01,5;0:04,5\n",
        "path;von;bis\nb.mp4;1,5;4,5\n",
        "archivo,inicio,fin\nb.mp4,1.5,4.5\n",
        # Nobody writes thousandths of milliseconds.
        "path;start_ms;end_ms\nb.mp4;1.500;4.500\n",
    ],
)
def test_lists_of_spreadsheets_in_other_languages(content: str, tmp_path: Path):
    (clip,) = clips_of([written(tmp_path, content.encode("cp1252"), "list.csv")])
    assert (clip.fault, clip.stretch) == (None, Stretch(1.5, 4.5))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("path;heure;slut\nb.mp4;0:01;0:03\n", "'heure'.*whole files are analysed"),
        ("path,start,slut\nb.mp4,1.5,3\nb.mp4,4,5\n", "'slut'.*call it end_s"),
        # What is less than the start somewhere, or no time, is no end.
        ("path,start,score\nb.mp4,1.5,3\nb.mp4,4,3\n", None),
        ("path,start,who\nb.mp4,1.5,P07\n", None),
        ("path,participant\nb.mp4,7\n", None),
        ("path,start,end,recorded\nb.mp4,1,2,12:30\n", None),
    ],
)
def test_times_under_a_name_that_is_not_known_are_told(content: str, told: str | None, tmp_path: Path):
    notes: list[str] = []
    clips_of([written(tmp_path, content, "list.csv")], notes=notes)
    if told is None:
        assert not notes
    else:
        assert re.search(told, notes[0])


def test_a_stretch_of_less_than_a_tick_is_a_slip(tmp_path: Path):
    # As spreadsheets keep times: a second and a half, and four and a half, as parts of a day.
    table = "path,start,end\nb.mp4,0.0000173611,0.0000520833\nb.mp4,4.46,4.5\n"
    bad, good = clips_of([written(tmp_path, table, "list.csv")])
    assert "parts of a day" in str(bad.fault)
    assert good.stretch == Stretch(4.46, 4.5)
