"""Recordings: the files of `analyze`, and nothing lost by a crash but the last second."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest
from made_up import made_up

from emoview.live.causal.result import StreamFacts
from emoview.live.record import KIND, Recorder, finish_left
from emoview.output.csv import to_csv
from emoview.output.read import read_json

FACTS = StreamFacts("camera 0", 640, 360, None, 0, "mjpeg", "pcm_s16le", 16_000, "mono")


def recorder(folder, result, *more):
    weights = dict.fromkeys(("face_cnn.onnx", *more), "0" * 64)
    return Recorder(
        folder, "talk", result.options, facts=lambda: FACTS, weights=lambda: weights, device="cpu"
    )


@pytest.mark.parametrize("labels", [7, 3])
def test_the_csv_is_that_of_analyze(tmp_path, labels):
    result = made_up(labels=labels, second_face=True)
    recording = recorder(tmp_path, result)
    for row in result.timeline:
        recording.add([row])
    table, path = recording.close(lambda rows, notes: replace(result, timeline=tuple(rows)))
    assert table.read_text() == to_csv(result)
    assert read_json(path).timeline == read_json(path).timeline
    assert [row.label for row in read_json(path).timeline] == [row.label for row in result.timeline]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["talk.csv", "talk.json"]


def test_what_a_crash_left_is_finished_by_the_next_recording(tmp_path, monkeypatch):
    result = made_up(second_face=True)
    recording = recorder(tmp_path, result, "face/a.keras", "affect/a.keras")
    # A second passes at every row, so that each is on the disk when it has been added.
    clock = iter(range(10**6))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    for row in result.timeline[:80]:
        recording.add([row])
    recording.note("something was changed")
    with recording.csv.open("a") as file:
        file.write("80,3.2")
    assert finish_left(tmp_path) == [], "whoever records is not disturbed"
    recording._file.close()
    table, path = finish_left(tmp_path)
    left = read_json(path)
    assert left.timeline == tuple(
        replace(row, **{name: None if (v := getattr(row, name)) is None else tuple(round(p, 4) for p in v)
                        for name in ("face", "voice", "fused")},
                valence=None if row.valence is None else round(row.valence, 4),
                arousal=None if row.arousal is None else round(row.arousal, 4))
        for row in result.timeline[:80]
    )  # fmt: skip
    assert left.media.path == "camera 0"
    assert left.overall.fused.label in ("happy", "fear")
    assert left.overall.voice.label == "anger"
    assert left.media.ticks == result.timeline[79].tick + 1
    assert left.options == result.options
    assert [weight.name for weight in left.weights] == ["face_cnn.onnx", "face/a.keras", "affect/a.keras"]
    assert left.affect == "estimated"
    assert "something was changed" in left.warnings
    assert any("cut off" in warning for warning in left.warnings)
    assert len(list(csv.reader(table.open()))) == 81
    assert finish_left(tmp_path) == []


def test_no_recording_takes_the_place_of_another(tmp_path):
    result = made_up()
    names = []
    for _ in range(3):
        recording = recorder(tmp_path, result)
        recording.add([result.timeline[0]])
        names += [path.name for path in recording.close(lambda rows, notes: result)]
    assert names[::2] == ["talk.csv", "talk-2.csv", "talk-3.csv"]


def test_no_recording_has_the_name_of_a_film_that_is_there(tmp_path):
    (tmp_path / "talk.mkv").write_bytes(b"what is played")
    assert recorder(tmp_path, made_up()).csv.name == "talk-2.csv"


def test_a_damaged_leftover_stands_in_nobodys_way(tmp_path):
    (tmp_path / "a.recording.json").write_text("{")
    (tmp_path / "a.csv").write_text("")
    (tmp_path / "b.recording.json").write_text("{}")
    assert finish_left(tmp_path) == []


def test_a_leftover_of_another_version_waits_for_it(tmp_path):
    kept = {"kind": KIND, "facts": {}, "device": "cpu", "weights": {}, "warnings": []}
    (tmp_path / "a.recording.json").write_text(json.dumps({**kept, "options": {"of_later": 1}}))
    (tmp_path / "a.csv").write_text("")
    assert finish_left(tmp_path) == []
    assert (tmp_path / "a.recording.json").exists()


def test_the_json_says_who_speaks_as_the_csv_does(tmp_path):
    result = made_up(second_face=True)
    rows = tuple(replace(row, speaking=row.voice is not None) for row in result.timeline)
    recording = recorder(tmp_path, result)
    for row in rows:
        recording.add([row])
    table, path = recording.close(lambda rows, notes: replace(result, timeline=tuple(rows)))
    told = [row.speaking for row in read_json(path).timeline]
    assert told == [row.speaking for row in rows]
    assert told == [cells["speaking"] == "1" for cells in csv.DictReader(table.open())]


def test_what_a_crash_left_has_the_segments_that_were_asked_for(tmp_path):
    result = made_up()
    result = replace(result, options=replace(result.options, min_segment=2.0))
    recording = recorder(tmp_path, result)
    for row in result.timeline:
        recording.add([row])
    recording._sync(0.0)
    recording._file.close()
    _, path = finish_left(tmp_path)
    stored = json.loads(path.read_text())
    assert len(stored["segments"]) == len(read_json(path).segments) == 1
    assert (stored["media"]["faces"], stored["media"]["persons"]) == (1, 1)
