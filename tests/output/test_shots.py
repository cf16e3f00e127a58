"""Shots and persons in what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
from made_up import made_up

from emoview.output.json import schema, to_json
from emoview.output.plot import plot_file
from emoview.output.read import read_json
from emoview.output.report import to_html
from emoview.output.tiers import tiers_of
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis, FaceFound, main_rows
from emoview.timeline.segments import segments_of


def film() -> Analysis:
    """One person in two shots, tracks 0 and 2, and another beside the first."""
    one = made_up(second_face=True)
    rows = tuple(
        replace(row, face_id=2, person=0) if row.face_id == 0 and row.tick >= 40 else row
        for row in one.timeline
    )
    rows = tuple(sorted(rows, key=lambda row: (row.tick, -1 if row.face_id is None else row.face_id)))
    faces = (
        FaceFound(0, 0, 0.0, 1.6, 40), FaceFound(1, 1, 0.4, 2.4, 50, still=True),
        FaceFound(2, 0, 1.6, 3.2, 40),
    )  # fmt: skip
    options = Options(merge=((0, 3),), split=True)
    return replace(
        one, timeline=rows, segments=segments_of(rows), cuts=(1.6,), faces=faces, options=options,
        media=replace(one.media, faces=3, persons=2),
    )  # fmt: skip


def test_persons_and_cuts_are_written_and_read_again(tmp_path: Path):
    result = film()
    text = to_json(result)
    jsonschema.validate(json.loads(text), schema())
    path = tmp_path / "film.json"
    path.write_text(text)
    again = read_json(path)
    assert json.loads(to_json(again)) == json.loads(text)
    assert (again.cuts, again.faces, again.options) == (result.cuts, result.faces, result.options)
    assert {(row.face_id, row.person) for row in again.timeline} == {(0, 0), (1, 1), (2, 0), (None, None)}
    # An earlier version knew tracks alone.
    old = json.loads(text)
    for row in [*old["timeline"], *old["segments"]]:
        del row["person"]
    del old["cuts"], old["faces"], old["media"]["persons"], old["options"]["merge"], old["options"]["split"]
    path.write_text(json.dumps({**old, "schema_version": "1.4"}))
    read = read_json(path)
    assert {row.person for row in read.timeline} == {0, 1, 2, None}
    assert (read.media.persons, read.cuts) == (3, ())


def test_a_segment_ends_at_a_cut_and_the_person_goes_on():
    result = film()
    own = [(s.face_id, s.start_s, s.end_s) for s in result.segments if s.person == 0]
    assert own == [(0, 0.0, 1.6), (2, 1.6, 3.2)]
    assert [row.tick for row in main_rows(result) if row.person == 0] == list(range(80))
    assert {tier.name for tier in tiers_of(result) if tier.name.startswith("face")} == {"face 0", "face 1"}


def test_cuts_are_shown(tmp_path: Path):
    assert '"cuts":[1.6]' in to_html(film(), title="film", origin="film.json").replace(" ", "")
    drawn = [plot_file([one], tmp_path / "film.svg") for one in (film(), replace(film(), cuts=()))]
    assert drawn[0] != drawn[1]
