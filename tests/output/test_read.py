"""Results read back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up import made_up

from emoview import Analysis, InputError, Options
from emoview.media.facts import Stretch
from emoview.output.csv import to_csv
from emoview.output.json import to_json
from emoview.output.read import read_json
from emoview.timeline.segments import segments_of


def test_a_result_read_back_is_the_same(result: Analysis, tmp_path: Path):
    file = tmp_path / "result.json"
    file.write_text(to_json(result), encoding="utf-8")
    again = read_json(file)
    assert to_json(again) == to_json(result)
    assert again.media == result.media
    file.write_text("{}")
    with pytest.raises(InputError, match="not a result"):
        read_json(file)


def test_what_is_equal_as_written_is_decided_alike_when_read(tmp_path: Path):
    said = (0.1, 0.35411, 0.0, 0.1, 0.0, 0.09175, 0.35414)
    result = made_up()
    rows = tuple(replace(row, fused=said) if row.fused else row for row in result.timeline)
    assert rows[0].label == "anger"
    result = replace(result, timeline=rows, segments=segments_of(rows))
    text = to_json(result)
    (tmp_path / "talk.json").write_text(text)
    again = read_json(tmp_path / "talk.json")
    assert to_json(again) == text
    assert to_csv(again) == to_csv(result)


def test_whole_numbers_from_python_are_written_as_they_are_read(tmp_path: Path):
    options = Options(min_segment=0, rate=30, capture_rate=60, least_confidence=0)
    result = made_up(least=0)
    result = replace(result, options=options, segments=segments_of(result.timeline, shortest_s=0))
    result = replace(result, media=replace(result.media, start_s=Stretch(2, 6).start_s))
    text = to_json(result)
    (tmp_path / "talk.json").write_text(text)
    assert to_json(read_json(tmp_path / "talk.json")) == text
