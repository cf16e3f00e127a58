"""What is written, read back by the readers of other people."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import jsonschema
import matplotlib.image
import pandas
import praatio.textgrid
import pyarrow.parquet
import pympi
import pytest
import webvtt
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import TICKS, made_up
from typer.testing import CliRunner

from emoview import LABELS, InputError, Options, OutputError, Result
from emoview.cli.main import app
from emoview.output.csv import to_csv
from emoview.output.json import schema, to_json
from emoview.output.plot import View, plot_file
from emoview.output.read import media_of, read_json, with_media_found
from emoview.output.subtitles import _cues
from emoview.output.words import facts_of
from emoview.output.writers import WRITERS, format_of, write_results
from emoview.pipeline.check import check
from emoview.timeline.results import COLUMNS, FaceBox, Row, Segment
from emoview.timeline.segments import segments_of

FUSED = [("happy", 0, 1.6), ("sad", 1.6, 3.2), ("neutral", 3.2, 3.8)]
FACE = [("happy", 0, 1.6), ("sad", 1.6, 3.2)]
VOICE = [("anger", 0.8, 2.0), ("neutral", 2.0, 3.8)]


def _write(folder: Path, name: str, **options) -> Path:
    (path,) = write_results(made_up(**options), "talk", [name], folder)
    return path


@pytest.mark.parametrize(("modality", "expected"), [("fused", FUSED), ("face", FACE), ("voice", VOICE)])
def test_segments_of_a_modality(modality: str, expected: list):
    found = segments_of(made_up(second_face=True).timeline, modality)
    assert [(s.label, s.start_s, s.end_s) for s in found if s.face_id != 1] == expected
    assert [s.label for s in found if s.face_id == 1] == ([] if modality == "voice" else ["fear"])


def test_parquet_has_the_columns_of_the_csv_with_types_and_nulls(tmp_path: Path):
    path = _write(tmp_path, "parquet")
    table = pyarrow.parquet.read_table(path)
    assert tuple(table.column_names) == COLUMNS
    assert table.num_rows == TICKS
    assert table.schema.field("tick").type == "int64"
    assert not table.schema.field("tick").nullable
    assert table["face_id"].null_count == 20
    assert table["voice_happy"].null_count == 25
    assert table["label"].to_pylist()[-1] is None
    frame = pandas.read_parquet(path)
    expected = made_up().to_dataframe()
    assert frame["fused_sad"].tolist()[:90] == expected["fused_sad"].tolist()[:90]


def test_elan_document_links_the_media_and_has_a_tier_for_each_modality(tmp_path: Path):
    media = tmp_path / "a talk é #1.mp4"
    path = _write(tmp_path / "out", "eaf", path=str(media))
    document = pympi.Elan.Eaf(path)
    assert list(document.get_tier_names()) == ["fused", "face", "voice"]
    for tier, expected in (("fused", FUSED), ("face", FACE), ("voice", VOICE)):
        found = [(label, a / 1000, b / 1000) for a, b, label in document.get_annotation_data_for_tier(tier)]
        assert found == expected
    (linked,) = document.get_linked_files()
    assert unquote(urlparse(linked["MEDIA_URL"]).path) == str(media)
    assert unquote(linked["RELATIVE_MEDIA_URL"]) == f"../{media.name}"
    assert linked["MIME_TYPE"] == "video/mp4"
    entries = document.get_controlled_vocabulary_names()
    assert list(entries) == ["emotions"]


def test_elan_document_can_be_changed_and_saved_by_another_tool(tmp_path: Path):
    path = _write(tmp_path, "eaf")
    document = pympi.Elan.Eaf(path)
    document.add_annotation("fused", 3600, 4000, "fear")
    document.to_file(tmp_path / "changed.eaf")
    again = pympi.Elan.Eaf(tmp_path / "changed.eaf").get_annotation_data_for_tier("fused")
    assert (3600, 4000, "fear") in [tuple(one[:3]) for one in again]


def test_praat_grid_has_no_gaps(tmp_path: Path):
    path = _write(tmp_path, "textgrid")
    assert path.name == "talk.TextGrid"
    grid = praatio.textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    assert grid.tierNames == ("fused", "face", "voice")
    assert (grid.minTimestamp, grid.maxTimestamp) == (0, 4)
    for name, expected in (("fused", FUSED), ("face", FACE), ("voice", VOICE)):
        entries = grid.getTier(name).entries
        assert [(e.label, e.start, e.end) for e in entries if e.label] == expected
        assert entries[0].start == 0
        assert entries[-1].end == 4
        assert all(a.end == b.start for a, b in itertools.pairwise(entries))


@pytest.mark.parametrize(("rate", "speed"), [(None, 1), (50.0, 2)])
def test_files_that_go_with_the_recording_have_its_times(rate: float | None, speed: int, tmp_path: Path):
    """Of a stretch, and of slow motion on the clock of its capture."""
    result = made_up()
    options = replace(result.options, capture_rate=rate)
    part = replace(result, media=replace(result.media, start_s=60.5), options=options)
    expected = [(label, (a + 60.5) * speed, (b + 60.5) * speed) for label, a, b in FUSED]
    assert ("starts in the file at", ("1 min 00 s", "2 min 01 s")[speed - 1]) in facts_of(part)
    eaf, grid, vtt, srt = write_results(part, "part", ["eaf", "textgrid", "vtt", "srt"], tmp_path)
    found = pympi.Elan.Eaf(eaf).get_annotation_data_for_tier("fused")
    assert [(label, a / 1000, b / 1000) for a, b, label in found] == expected
    tier = praatio.textgrid.openTextgrid(str(grid), includeEmptyIntervals=True).getTier("fused")
    assert [(e.label, e.start, e.end) for e in tier.entries if e.label] == expected
    assert (tier.entries[0].start, tier.maxTimestamp) == (0, 64.5 * speed)
    first = expected[0]
    # In the time of the recording, the last caption lasts a second.
    assert [cue.start for cue in webvtt.read(str(vtt))][-1] == ("00:01:03.500", "00:02:07.400")[speed - 1]
    for cues in (webvtt.read(str(vtt)), webvtt.from_srt(str(srt))):
        assert (cues[0].start_in_seconds, cues[0].end_in_seconds) == (int(first[1]), int(first[2]))


def test_several_faces_have_tiers_of_their_own(tmp_path: Path):
    names = praatio.textgrid.openTextgrid(
        str(_write(tmp_path, "textgrid", second_face=True)), includeEmptyIntervals=True
    ).tierNames
    assert names == ("fused", "fused 0", "fused 1", "face 0", "face 1", "voice")


@pytest.mark.parametrize("name", ["vtt", "srt"])
def test_subtitles(tmp_path: Path, name: str):
    path = _write(tmp_path, name)
    cues = webvtt.read(str(path)) if name == "vtt" else webvtt.from_srt(str(path))
    assert [(cue.text, cue.start, cue.end) for cue in cues] == [
        ("happy 70 %", "00:00:00.000", "00:00:01.600"),
        ("sad 70 %", "00:00:01.600", "00:00:03.000"),
        # The last one is stretched to a second.
        ("neutral 70 %", "00:00:03.000", "00:00:04.000"),
    ]


def test_captions_follow_each_other_with_a_line_for_each_face(tmp_path: Path):
    cues = webvtt.read(str(_write(tmp_path, "vtt", second_face=True)))
    assert next(cue.lines[:2] for cue in cues) == ["face 0: happy 70 %", "face 1: fear 70 %"]
    assert all(a.end <= b.start for a, b in itertools.pairwise(cues))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 400), st.integers(13, 90), st.integers(0, 2), st.sampled_from(LABELS)),
        max_size=12,
    )
)
def test_captions_are_long_enough_to_read_and_end_with_the_clip(found: list):
    media = replace(made_up().media, duration_s=20.0)
    segments, ends = [], {}
    for start, length, face_id, label in sorted(found):
        start = max(start, ends.get(face_id, 0))
        ends[face_id] = end = min(start + length, 500)
        if end > start:
            segments.append(Segment(start / 25, end / 25, face_id, label, 0.5))
    segments.sort(key=lambda s: s.start_s)
    cues = list(_cues(replace(made_up(), media=media, segments=tuple(segments))))
    assert all(b - a >= 1 - 1e-9 for a, b, _ in cues)
    assert all(a[1] <= b[0] + 1e-9 for a, b in itertools.pairwise(cues))
    assert not cues or cues[-1][1] <= 20
    # What lasts two seconds has a caption.
    text = "\n".join(text for *_, text in cues)
    assert all(s.label in text for s in segments if s.end_s - s.start_s >= 2)


def test_times_beyond_an_hour(tmp_path: Path):
    media = replace(made_up().media, duration_s=8000.0)
    long = replace(made_up(), media=media, segments=(Segment(3599.96, 7384.5, 0, "happy", 0.7),))
    for name, point in (("vtt", "."), ("srt", ",")):
        (path,) = write_results(long, "talk", [name], tmp_path)
        assert f"00:59:59{point}960 --> 02:03:04{point}500" in path.read_text()


def test_names_of_faces_are_text_in_subtitles(tmp_path: Path):
    named = replace(made_up(second_face=True), names={0: "A <b> & --> C", 1: "Ben"})
    path, srt = write_results(named, "talk", ["vtt", "srt"], tmp_path)
    assert "\nA ‹b› & --› C: happy 70 %\n" in srt.read_text()
    assert srt.read_text().count("-->") == len(webvtt.from_srt(str(srt)))
    text = path.read_text()
    assert "\nA &lt;b&gt; &amp; --&gt; C: happy 70 %\n" in text
    assert text.count("-->") == len(webvtt.read(str(path)))


def test_cells_of_the_csv_have_as_many_digits_as_are_known():
    row = Row(50, 0, FaceBox(10.26, 20.0, 30.04, 40.5), valence=0.123456, arousal=-1.0)
    text = to_csv(replace(made_up(), timeline=(row,)))
    cells = dict(zip(*(line.split(",") for line in text.splitlines()), strict=True))
    expected = {
        "tick": "50", "time_s": "2.00", "label": "", "valence": "0.1235", "arousal": "-1.0000",
        "box_x": "10.3", "box_y": "20.0", "box_width": "30.0", "box_height": "40.5", "voice_happy": "",
    }  # fmt: skip
    assert {name: cells[name] for name in expected} == expected


def test_grouped_labels_are_written_grouped(tmp_path: Path):
    cues = webvtt.read(str(_write(tmp_path, "vtt", labels=3)))
    assert [cue.text.split()[0] for cue in cues] == ["positive", "negative", "neutral"]


@pytest.mark.parametrize("name", WRITERS)
def test_writing_twice_gives_the_same_bytes(tmp_path: Path, name: str):
    assert _write(tmp_path / "a", name).read_bytes() == _write(tmp_path / "a", name).read_bytes()


def test_whoever_stops_it_is_told_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def stopped(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("emoview.output.json.json_file", stopped)
    with pytest.raises(KeyboardInterrupt, match=r"talk\.csv was written, and the rest was not"):
        write_results(made_up(), "talk", ["csv", "json"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["talk.csv"]
    with pytest.raises(KeyboardInterrupt, match="nothing was written"):
        write_results(made_up(), "other", ["json"], tmp_path)


def test_the_suffix_names_the_format(tmp_path: Path):
    assert format_of(Path("x.textgrid")) == "textgrid"
    with pytest.raises(InputError, match="add --format"):
        format_of(tmp_path)
    with pytest.raises(InputError, match="no format was named"):
        format_of(None)
    assert write_results(made_up(), "talk", ["eaf"], tmp_path / "x.eaf") == [tmp_path / "x.eaf"]
    assert write_results(made_up(), "talk", ["eaf"], tmp_path / "x") == [tmp_path / "x" / "talk.eaf"]


def test_media_that_moved_with_the_result_is_found(tmp_path: Path):
    (tmp_path / "talk.mp4").touch()
    moved = with_media_found(made_up(path="/gone/talk.mp4"), tmp_path / "talk.json")
    assert moved.media.path == str(tmp_path / "talk.mp4")
    gone = with_media_found(made_up(path="/gone/other.mp4"), tmp_path / "talk.json")
    assert gone.media.path == "/gone/other.mp4"


def test_of_several_recordings_of_one_name_that_of_the_result_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Each participant has a folder, and somebody in one of them looks at the result of another."""
    for name in ("P01", "P02"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "talk.mp4").write_text(name)
    monkeypatch.chdir(tmp_path / "P02")
    result, other = made_up(path="talk.mp4"), Path("../P01/talk.json")
    assert media_of(result, other) == Path("../P01/talk.mp4")
    assert with_media_found(result, other).media.path == "../P01/talk.mp4"
    # What was written from here into another folder is about the file that is here.
    here = replace(result, media=replace(result.media, sha256=hashlib.sha256(b"P02").hexdigest()))
    assert media_of(here, other) == Path("talk.mp4")
    assert media_of(made_up(path="gone.mp4"), other) is None


def test_a_result_read_back_is_the_same(tmp_path: Path):
    result = made_up()
    path = tmp_path / "talk.json"
    path.write_text(to_json(result))
    again = read_json(path)
    assert again.media == result.media
    assert [(s.label, s.start_s, s.end_s) for s in again.segments] == FUSED


def test_options_that_are_taken_are_read_back(tmp_path: Path):
    """Numbers in other digits or with zeros, and more persons that are one than fingers can count."""
    options = Options(face="\u0663", voice="01", merge=(tuple(range(150)),), measure=False)
    assert (options.face, options.voice) == ("3", "1")
    check(options)
    (tmp_path / "x.json").write_text(to_json(replace(made_up(), options=options)))
    jsonschema.validate(json.loads((tmp_path / "x.json").read_text()), schema())
    assert read_json(tmp_path / "x.json").options == options
    # Measures were wanted, though a causal analysis has none.
    (tmp_path / "x.json").write_text(to_json(replace(made_up(), options=Options(causal=True))))
    assert read_json(tmp_path / "x.json").options == Options(causal=True)
    for wrong in (Options(face="1" * 10), Options(voice="1" * 10)):
        with pytest.raises(InputError, match="must be"):
            check(wrong)


@pytest.mark.parametrize("command", ["analyze", "export"])
def test_unknown_format_is_wrong_usage(tmp_path: Path, command: str):
    file = tmp_path / "x"
    done = CliRunner().invoke(app, [command, str(file), "--format", "csv,xml"])
    assert done.exit_code == 2
    assert "xml" in done.output


def test_a_plot_is_a_picture_of_the_size_of_a_page_with_the_labels_colours():
    data = plot_file([made_up()], Path("x.png"))
    pixels = matplotlib.image.imread(io.BytesIO(data), format="png")
    assert pixels.shape[1] == 2160
    colours = {tuple(round(255 * c) for c in pixel[:3]) for pixel in pixels[::7, ::7].reshape(-1, 4)}
    # Happy, sad, anger and neutral, of the palette.
    for red_green_blue in ((240, 228, 66), (0, 114, 178), (213, 94, 0), (153, 153, 153)):
        assert red_green_blue in colours


def test_a_vector_plot_stays_one_and_is_the_same_twice():
    results = [made_up(path="$a_b$.mp4"), made_up(second_face=True)]
    data = plot_file(results, Path("x.svg"), View(compare=True))
    root = ElementTree.fromstring(data)
    assert root.tag.endswith("svg")
    assert b"<image" not in data
    assert data == plot_file(results, Path("x.svg"), View(compare=True))


def test_a_result_without_face_and_voice_is_drawn_empty():
    nothing = replace(made_up(), timeline=tuple(Row(tick) for tick in range(TICKS)), segments=())
    assert plot_file([nothing], Path("x.pdf")).startswith(b"%PDF")
    assert plot_file([nothing, made_up()], Path("x.png"), View(compare=True))


def test_a_plot_without_a_path_is_a_figure_that_a_notebook_shows():
    from IPython.core.formatters import DisplayFormatter

    figure = Result.of(made_up()).plot()
    shown, _ = DisplayFormatter().format(figure)
    pixels = matplotlib.image.imread(io.BytesIO(shown["image/png"]), format="png")
    assert pixels.shape[1] == 936
    figure.axes[0].set_title("another title")
    assert DisplayFormatter().format(figure)[0]["image/png"] != shown["image/png"]


def test_a_plot_says_over_how_long_its_means_are():
    """More points than there is room for become fewer, over more seconds than were asked for."""
    long = replace(made_up(), media=replace(made_up().media, duration_s=3600.0))
    for asked, said in ((1.0, b"3.6 s, "), (0.0, b"3.6 s, "), (5.0, b"5 s, "), (None, b"30 s, ")):
        # The text of a figure of the web stands in comments of it.
        assert said in plot_file([long], Path("x.svg"), View(smooth_s=asked))
    assert b" s, " not in plot_file([long], Path("x.svg"), View(to_s=60.0, smooth_s=0.0))


def test_a_plot_of_another_kind_is_refused():
    with pytest.raises(OutputError, match=r"\.png, \.svg"):
        plot_file([made_up()], Path("x.bmp"))


@pytest.mark.parametrize("labels", [7, 3, 2])
def test_what_is_uncertain_is_so_everywhere_and_read_again(tmp_path: Path, labels: int):
    result = made_up(labels=labels, least=0.6)
    document = json.loads(to_json(result))
    jsonschema.validate(document, schema())
    assert document["options"]["least_confidence"] == 0.6
    (tmp_path / "x.json").write_text(to_json(result))
    assert json.loads(to_json(read_json(tmp_path / "x.json"))) == document
    # Of two labels, whatever is not happy adds up to enough.
    said = {segment.label for segment in segments_of(result.timeline, "voice")}
    assert ("uncertain" in said) == (labels != 2)


def test_the_table_for_spreadsheets_with_decimal_commas(tmp_path: Path):
    (path,) = write_results(made_up(), "talk", ["csv-excel"], tmp_path)
    assert path.name == "talk-excel.csv"
    content = path.read_bytes().decode()
    assert content.startswith("\ufefftick;time_s;")
    plain = to_csv(made_up())
    assert content[1:].replace(",", ".").replace(";", ",").replace("\r\n", "\n") == plain
    assert content.split("\r\n")[2].startswith("1;0,04;0;happy;0,7000;")
    asked = tmp_path / "my.csv"
    assert write_results(made_up(), "talk", ["csv-excel"], asked) == [asked]


def test_rows_have_the_time_of_day_where_it_was_asked_for(tmp_path: Path):
    result = made_up()
    facts = replace(result.media, created="2024-05-01T23:59:59.000+02:00", start_s=0.5)
    result = replace(result, media=facts, options=replace(result.options, clock=True))
    write_results(result, "talk", ["csv", "json", "parquet"], tmp_path)
    table = pandas.read_csv(tmp_path / "talk.csv")
    assert list(table.columns[:4]) == ["tick", "time_s", "clock", "face_id"]
    assert table["clock"][13] == "2024-05-02T00:00:00.020+02:00"
    assert list(pandas.read_parquet(tmp_path / "talk.parquet")["clock"]) == list(table["clock"])
    stored = json.loads((tmp_path / "talk.json").read_text())
    jsonschema.validate(stored, schema())
    assert stored["timeline"][13]["clock"] == table["clock"][13]
    again = read_json(tmp_path / "talk.json")
    assert again.columns == result.columns
    assert [again.clock_of(row) for row in again.timeline] == list(table["clock"])
    unknown = replace(result, media=replace(facts, created=None))
    assert to_csv(unknown).splitlines()[1].startswith("0,0.00,,0,")
    damaged = to_json(result).replace("2024-05-01T23", "2024-02-31T23")
    (tmp_path / "bad.json").write_text(damaged)
    with pytest.raises(InputError, match=r"media\.created"):
        read_json(tmp_path / "bad.json")
