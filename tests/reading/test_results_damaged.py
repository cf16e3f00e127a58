"""Results that are damaged are read or refused, whatever is done with them then."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from emoview.errors import InputError, NoResultError
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import read_annotations
from emoview.output import form
from emoview.output.json import schema, to_json
from emoview.output.plot import View, plot_file
from emoview.output.read import read_json, with_media_found
from emoview.output.writers import WRITERS, write_results
from emoview.rendering.report import write_report, write_reports
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceEffect, VoiceReasons
from emoview.timeline.results import Analysis
from tests.made_up import made_up
from tests.reading.damage import damaged_json, survives

TIMES = 100


def explained(*, second_face: bool = True) -> Analysis:
    """A made-up result with a reason for each segment."""
    result = made_up(second_face=second_face)
    face = FaceReasons(
        ((0.0, 0.5), (1.0, 0.2)), dict.fromkeys(get_args(form.Region), 1 / 6), 5, 0.4,
        ((1.0, 2.0), (9.0, 2.0), (1.0, 9.0))
    )  # fmt: skip
    voice = VoiceReasons(
        "speaker", 0.5, (VoiceEffect("loudness", 0.4, 1.2), VoiceEffect("timbre", -0.2, None))
    )
    segments = tuple(
        replace(s, explanation=Explanation(face if s.face_id is not None else None, voice))
        for s in result.segments
    )
    return replace(result, segments=segments)


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "talk.json"
    path.write_text(to_json(explained()))
    return path


def test_every_use_of_a_damaged_result(stored: Path, tmp_path: Path):
    table = tmp_path / "coded.csv"
    table.write_text("start_s,end_s,label,valence\n0,1,happy,0.5\n1,3,sad,-0.5\n")
    coded = read_annotations(table)

    def use() -> None:
        analysis = with_media_found(read_json(stored), stored)
        write_results(analysis, "talk", list(WRITERS), tmp_path / "out")
        write_report(stored, tmp_path / "page.html")
        measure(analysis, coded)

    # A tenth is as good as new: its warnings, timings or hashes are others.
    assert survives(stored, damaged_json, use, times=TIMES) > TIMES // 20


def test_what_a_damaged_result_is_drawn_as(stored: Path, tmp_path: Path):
    picture = tmp_path / "x.svg"
    survives(
        stored,
        damaged_json,
        lambda: plot_file([read_json(stored)], picture, View(compare=True)),
        times=12,
        seed=2,
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("$.timeline[3].face.happy", 1.5),
        ("$.timeline[3].face_id", -1),
        ("$.timeline[3].tick", 2**40),
        ("$.timeline[3].label", "joy"),
        ("$.timeline[3].box[0]", "10"),
        ("$.timeline[3].valence", -1.01),
        ("$.media.width", 0),
        ("$.media.ticks", 99),
        ("$.options.labels", 5),
        ("$.weights[0].sha256", "x"),
        ("$.segments[0].end_s", 0.0),
        ("$.timings[...]", "fast"),
        ("$.overall.face.probabilities", dict.fromkeys(get_args(form.Name)[:7], 0.5)),
    ],
)  # fmt: skip
def test_the_place_is_named(stored: Path, place: str, value: object):
    content = json.loads(stored.read_text())
    inner = content
    *path, last = (
        place.removeprefix("$.").replace("[...]", ".total").replace("[", ".").replace("]", "").split(".")
    )
    for step in path:
        inner = inner[int(step) if step.isdigit() else step]
    inner[int(last) if last.isdigit() else last] = value
    stored.write_text(json.dumps(content))
    with pytest.raises(InputError) as refused:
        read_json(stored)
    assert str(refused.value).startswith(f"{stored} is damaged at {place} (")


def test_other_json_is_no_result(stored: Path):
    for text in ("{}", "[]", "1", "null", '"x"', '{"summary_version": "1.0"}'):
        stored.write_text(text)
        with pytest.raises(NoResultError):
            read_json(stored)


def test_a_file_too_large_is_not_read(stored: Path):
    with stored.open("ab") as file:
        file.truncate(2**30 + 1)
    with pytest.raises(InputError, match="larger than 1024 MiB"):
        read_json(stored)


def test_the_form_is_that_of_the_schema():
    properties = schema()["properties"]
    for of, kind in (("media", form.Media), ("options", form.Options)):
        assert set(properties[of]["properties"]) == set(kind.__struct_fields__)
    row = properties["timeline"]["items"]["properties"]
    # The sums of groups follow from the seven, the time of day from the media: they are not read.
    assert set(row) - {"groups", "clock"} == set(form.Row.__struct_fields__)
    assert set(form.Result.__struct_fields__) < set(properties)


def test_bad_files_of_a_folder_are_named_and_the_rest_is_made(stored: Path, tmp_path: Path):
    folder = stored.parent / "results"
    folder.mkdir()
    sound = stored.read_bytes()
    (folder / "sound.json").write_bytes(sound)
    (folder / "cut.json").write_bytes(sound[:900])
    (folder / "high.json").write_bytes(sound.replace(b'"tick": 3', b'"tick": 1e999'))
    (folder / "deep.json").write_bytes(b'{"schema_version": "1.2", "media": ' + b"[" * 100_000)
    (folder / "other.json").write_text('{"settings": [1, 2]}')
    (folder / "list.json").write_text("[]")
    (folder / "folder.json").mkdir()
    Path(os.fsdecode(b"%s/name\xff.json" % os.fsencode(folder))).write_bytes(sound[:-900])
    (folder / "summary.csv").write_bytes(b'name,error\nx,"' + b"a" * 200_000 + b'"\n')
    written = write_reports(folder, tmp_path / "all.html")
    assert len(written.pages) == 2
    names = [failure.split()[0].rpartition("/")[2] for failure in written.failures]
    assert names == ["cut.json", "deep.json", "high.json", "name\\udcff.json", "summary.csv"]
    page = (tmp_path / "all.html").read_text()
    assert all(name in page for name in names)
    assert "other.json" not in page
