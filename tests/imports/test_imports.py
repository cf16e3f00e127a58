"""Imported findings: what is kept, what stays empty, and tables with faults."""

from __future__ import annotations

import json
from pathlib import Path

import command
import jsonschema
import numpy as np
import pytest
from conftest import ffmpeg
from made_up import made_up
from made_up_tables import feat, openface
from typer.testing import CliRunner

from emoview.cli.main import app
from emoview.errors import InputError
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import read_annotations
from emoview.imports.result import imported
from emoview.imports.table import read_table
from emoview.media.probe import probe
from emoview.output.csv import to_csv
from emoview.output.json import schema, to_json
from emoview.output.methods import methods_text
from emoview.output.read import read_json
from emoview.output.writers import stem_beside
from emoview.timeline.rules import marks_of, read_rule


def run(*words: object) -> None:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output


def test_what_openface_found_is_on_the_ticks_and_its_angles_have_our_signs(tmp_path: Path):
    lost = openface(tmp_path / "o.csv", change=lambda i: {"success": int(i < 20)})
    result = imported(lost)
    table = result.to_dataframe()
    # Thirty frames at 30 a second are one second; the last ten are no success.
    assert (len(table), result.media.ticks, result.media.face_share) == (25, 25, 17 / 25)
    first = table.iloc[0]
    assert first["head_yaw"] == pytest.approx(-np.degrees(0.2), abs=0.05)
    assert first["head_pitch"] == pytest.approx(-np.degrees(0.1), abs=0.05)
    assert first["head_roll"] == pytest.approx(np.degrees(0.3), abs=0.05)
    assert (first["au12"], first["box_x"], first["box_width"]) == (2.5, 100, 67)
    # Frames 5 to 8 are from 0.167 to 0.3 s.
    assert table.loc[table["blink"] == 1, "tick"].tolist() == [5, 6, 7]
    empty = ["label", "fused_happy", "valence", "eye_left", "quality", "usable", "pitch_hz"]
    assert table[empty].isna().all(axis=None)
    assert table["head_yaw"].isna().sum() == 8
    assert "not successful in 10 of 30 rows" in " ".join(result.warnings)


def test_what_feat_found_has_labels_and_derived_affect(tmp_path: Path):
    result = imported(feat(tmp_path / "f.csv"), rate=25)
    assert [(one.label, one.start_s, one.end_s) for one in result.segments] == [
        ("happy", 0, 1),
        ("sad", 1, 2),
    ]
    row = result.timeline[0]
    assert row.face is not None
    assert sum(row.face) == pytest.approx(1)
    assert row.valence == pytest.approx(0.9 * 0.81)
    assert (result.media.path, result.affect, result.source) == ("talk.mp4", "derived", "py-feat")
    assert result.record(row)["au12"] == 0.75


def test_frames_that_were_skipped_are_filled_and_lost_ones_are_not(tmp_path: Path):
    every_third = imported(feat(tmp_path / "f.csv", 20, lambda i: {"frame": 3 * i}), rate=25)
    assert all(row.face for row in every_third.timeline)
    gap = imported(feat(tmp_path / "g.csv", 20, lambda i: {"frame": i if i < 10 else i + 20}), rate=25)
    assert [row.face is None for row in gap.timeline] == [False] * 11 + [True] * 19 + [False] * 10


def test_emotions_are_scaled_and_of_several_faces_the_largest_is_kept(tmp_path: Path):
    def change(i: int) -> dict[str, object]:
        return {"frame": i // 2, "happiness": 0.8 if i % 2 else 0.1, "FaceRectWidth": 90 if i % 2 else 20}

    result = imported(feat(tmp_path / "f.csv", 20, change), rate=25)
    assert len(result.timeline) == 10
    assert result.timeline[0].face is not None
    assert result.timeline[0].face[4] == pytest.approx(0.8 / 0.9)
    said = " ".join(result.warnings)
    assert "the largest of each is kept" in said
    assert "divided by their sum" in said


def test_an_imported_result_is_read_back_and_fits_the_schema(tmp_path: Path):
    for number, result in enumerate(
        (imported(openface(tmp_path / "o.csv")), imported(feat(tmp_path / "f.csv"), rate=25))
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(to_json(result))
        again = read_json(path)
        assert to_csv(again) == to_csv(result)
        assert (again.source, again.action_units) == (result.source, result.action_units)
        jsonschema.validate(json.loads(path.read_text()), schema())
    assert [m.end_s for m in marks_of(again, read_rule("au12 > 0.7 and happy > 0.5"))] == [1.0]


def test_other_commands_take_an_imported_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coded.csv").write_text("start_s,end_s,label\n0,1,happy\n1,2,fear\n")
    run("import", feat(tmp_path / "f.csv"), "--rate", 25, "-o", "f.json")
    run("import", openface(tmp_path / "o.csv"), "-o", "o.json")
    for name in ("f.json", "o.json"):
        run("plot", name, "-o", f"{name}.svg")
        run("report", name, "-o", f"{name}.html")
        assert "imported from" in Path(f"{name}.html").read_text()
    run("agree", "f.json", "coded.csv", "--json", "agreement.json")
    assert json.loads(Path("agreement.json").read_text())["compared_ticks"] == 50
    with pytest.raises(InputError, match="no tick in common"):
        measure(read_json(Path("o.json")), read_annotations(Path("coded.csv")))
    with pytest.raises(InputError, match="imported from py-feat: describe and cite that"):
        methods_text(read_json(Path("f.json")))


def test_what_was_imported_and_what_was_analysed_do_not_replace_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.json").write_text(to_json(made_up(path="talk.mp4")))
    (tmp_path / "processed").mkdir()
    table = feat(tmp_path / "processed" / "talk.csv")
    # The table names the recording, talk.mp4, as the result of emoview does.
    run("import", table, "--rate", 25)
    said = capfd.readouterr().err
    assert "wrote talk~2.json" in said
    assert "talk is the result of emoview about talk.mp4: that of py-feat about talk.mp4 is" in said
    # Whoever does it again gets the same name.
    run("import", table, "--rate", 25)
    assert {path.name for path in tmp_path.glob("*.json")} == {"talk.json", "talk~2.json"}
    assert read_json(Path("talk.json")).source is None
    assert read_json(Path("talk~2.json")).source == "py-feat"
    Path("talk~2.json").rename("talk.json")
    stem, said = stem_beside(made_up(path="talk.mp4"), "talk", ["json"], Path())
    assert (stem, said and said.startswith("talk is the result of py-feat about")) == ("talk~2", True)


def test_a_row_without_all_points_has_no_face(tmp_path: Path):
    result = imported(openface(tmp_path / "o.csv", 30, lambda i: {"x_9": ""} if i < 15 else {}))
    assert [row.face_id is None for row in result.timeline] == [True] * 13 + [False] * 12
    read = tmp_path / "o.json"
    read.write_text(to_json(result))
    assert read_json(read).media.face_share == 0.48


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"timestamp": "soon"}, "row 3: 'soon' in the column timestamp is no number from 0"),
        ({"timestamp": ""}, "row 3: the time is missing"),
        ({"timestamp": -1}, "'-1' in the column timestamp is no number from 0"),
        ({"timestamp": 1e6}, "timestamp is no number from 0"),
        ({"pose_Ry": "inf"}, "'inf' in the column pose_Ry is no number"),
        ({"x_3": "\x1b[31m"}, r"'\\x1b\[31m' in the column x_3 is no number"),
        ({"AU12_r": 70}, "'70' in the column AU12_r is no number"),
        ({"face_id": -5}, "'-5' in the column face_id"),
    ],
)
def test_wrong_numbers_are_named(tmp_path: Path, change: dict[str, object], said: str):
    with pytest.raises(InputError, match=said):
        imported(openface(tmp_path / "o.csv", 5, lambda i: change if i == 2 else {}))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cannot be read as a table"),
        ("tick,time_s,face_id\n0,0,1\n", "neither those of OpenFace nor of py-feat"),
        ("frame, timestamp, confidence, success\n", "has no rows"),
        ("a,b\n1,2\n1,2,3\n", "line 3: there are 3 cells but 2 columns"),
        ("\0\0", "is not text"),
        ("FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight\n1,1,1,1\n", "no column frame"),
        ("frame,FaceRectX,FaceRectY,FaceRectWidth,FaceRectHeight\n1,1,1,1,1\n", "add --rate"),
    ],
)
def test_other_tables_are_refused_in_a_sentence(tmp_path: Path, text: str, said: str):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError, match=said):
        imported(tmp_path / "t.csv")


def test_the_video_gives_rate_and_size(tmp_path: Path, sample: Path):
    result = imported(feat(tmp_path / "f.csv"), video=sample)
    assert (result.media.width, result.media.frame_rate, result.media.ticks) == (480, 25, 50)
    assert result.media.path == str(sample)


def test_frames_of_pictures_that_start_late_are_where_they_are_shown(tmp_path: Path, sample: Path):
    late = tmp_path / "late.mkv"
    ffmpeg("-i", str(sample), "-t", "1", "-vf", "setpts=PTS+0.5/TB", "-c:a", "aac", str(late))
    found = imported(openface(tmp_path / "o.csv"), video=late)
    with_face = [row.tick for row in found.timeline if row.face_id is not None]
    media = probe(late)
    assert media.video is not None
    assert with_face[0] == round((media.video.start_s - media.start_s) * 25)
    assert with_face[-1] - with_face[0] == 24
    assert "the pictures start 0.5" in " ".join(found.warnings)


def test_tables_of_other_programs_and_countries_are_the_same_table(tmp_path: Path):
    plain = openface(tmp_path / "o.csv")
    text = plain.read_text()
    expected = to_csv(imported(plain))
    for other in (
        text.replace(", ", ";").replace(".", ","),
        text.replace(", ", "\t"),
        "".join(f"{line},\n" for line in text.splitlines()),
        "\n".join(line.replace(", ", ",") for line in text.splitlines()),
    ):
        (tmp_path / "other.csv").write_text(other)
        assert to_csv(imported(tmp_path / "other.csv")) == expected
    # Decimal commas between commas shift all columns behind them.
    (tmp_path / "other.csv").write_text(text.replace(".", ","))
    with pytest.raises(InputError, match=r"line 2: there are \d+ cells but 153 columns"):
        imported(tmp_path / "other.csv")


def test_commas_between_thousands_are_none_before_decimals(tmp_path: Path):
    numbers = {"frame": ["998", "999", "1,000"], "x": ["1,000.5", "", "2.5"], "y": ["1,5", "2,25", "3"]}
    (tmp_path / "t.csv").write_text(
        "".join(f'"{a}","{b}","{c}"\n' for a, b, c in [tuple(numbers), *zip(*numbers.values(), strict=True)])
    )
    table = read_table(tmp_path / "t.csv")
    np.testing.assert_array_equal(table.numbers("x"), [1000.5, np.nan, 2.5])
    np.testing.assert_array_equal(table.numbers("y"), [1.5, 2.25, 3])
    with pytest.raises(InputError, match=r"'1,000' in the column frame may be 1000 or 1\.000, and no other"):
        table.numbers("frame")


def test_what_is_no_number_on_windows_is_missing(tmp_path: Path):
    result = imported(openface(tmp_path / "o.csv", 30, lambda i: {"pose_Rx": "-nan(ind)"} if i < 15 else {}))
    assert result.to_dataframe()["head_pitch"].isna().tolist() == [True] * 13 + [False] * 12


def test_times_that_cannot_be_right_are_told(tmp_path: Path, sample: Path):
    with pytest.raises(InputError, match="all frames have the timestamp 0"):
        imported(openface(tmp_path / "o.csv", change=lambda _: {"timestamp": 0}))
    milliseconds = imported(openface(tmp_path / "m.csv", 4, lambda i: {"timestamp": 2000 * i}))
    assert "the frames are 2e+03 s apart" in milliseconds.warnings[-1]
    # A frame stands for a second at most.
    assert milliseconds.media.face_share == 0.0005
    longer = imported(feat(tmp_path / "f.csv", 500), video=sample)
    assert "the table ends at 20.0 s, the video at 8.0 s" in longer.warnings[-1]
    assert imported(openface(tmp_path / "t.csv", 60), rate=25).warnings[-1].startswith("the rate")


def test_frames_of_several_recordings_are_not_mixed(tmp_path: Path):
    def change(i: int) -> dict[str, object]:
        return {"frame": i % 10, "input": "a.mp4" if i < 10 else "b.mp4"}

    with pytest.raises(InputError, match=r"several recordings, such as a\.mp4 and b\.mp4"):
        imported(feat(tmp_path / "f.csv", 20, change), rate=25)
    # Pictures of one recording each have a name.
    assert imported(feat(tmp_path / "g.csv", 20, lambda i: {"input": f"{i}.png"}), rate=25).media.ticks == 20


def test_a_face_without_a_size_is_none(tmp_path: Path):
    nothing = {"FaceRectWidth": 0, "FaceRectHeight": 0}
    result = imported(feat(tmp_path / "f.csv", 20, lambda i: nothing if i < 5 else {}), rate=25)
    assert result.media.face_share == 0.75


def test_the_table_is_not_written_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    before = feat(tmp_path / "f.csv").read_bytes()
    for output in ([], ["-o", "f.csv"]):
        done = command.run("import", "f.csv", "--rate", "25", "--format", "csv", *output)
        assert done.returncode == 1
        assert "overwritten" in done.stderr
        assert Path("f.csv").read_bytes() == before


def test_a_long_import_says_the_same_before_and_after_it_is_written(tmp_path: Path):
    def change(i: int) -> dict[str, object]:
        cells: dict[str, object] = dict.fromkeys(("happiness", "sadness", "fear"), 0)
        return cells | {("happiness", "sadness", "fear")[i // 10 % 3]: 0.9}

    result = imported(feat(tmp_path / "f.csv", 1600, change), rate=25)
    (tmp_path / "f.json").write_text(to_json(result))
    assert result.overall.label == "mixed"
    again = read_json(tmp_path / "f.json").overall
    assert (again.label, again.confidence) == (result.overall.label, result.overall.confidence)


def test_the_overall_result_is_that_of_the_face_with_most_rows(tmp_path: Path):
    def change(i: int) -> dict[str, object]:
        ann = i % 2 == 0 or i >= 20
        return {"frame": i // 2 if i < 20 else i - 10, "happiness": 0.9 * ann, "sadness": 0.9 * (not ann)}

    path = feat(tmp_path / "f.csv", 30, change)
    head, *lines = path.read_text().splitlines()
    named = [f"{line},{'Ann' if i % 2 == 0 or i >= 20 else 'Ben'}" for i, line in enumerate(lines)]
    path.write_text("\n".join([f"{head},Identity", *named]) + "\n")
    result = imported(path, rate=25)
    assert len({row.person for row in result.timeline}) == 2
    assert result.overall.probabilities is not None
    assert result.overall.probabilities[4] == pytest.approx(0.9)
