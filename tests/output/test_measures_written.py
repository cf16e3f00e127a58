"""Measures in files, and read back."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pandas
import praatio.textgrid
import pytest
from made_up import made_up
from made_up_measures import measured

from emoview.errors import InputError
from emoview.output.json import schema, to_json
from emoview.output.read import read_json
from emoview.output.report import to_html
from emoview.output.writers import write_results
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.results import COLUMNS


def test_columns_stand_at_the_end_with_their_types(tmp_path: Path):
    result = measured()
    paths = write_results(result, "talk", ["csv", "parquet"], tmp_path)
    with paths[0].open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == (*COLUMNS, *MEASURE_COLUMNS)
    assert (rows[10]["blink"], rows[12]["blink"], rows[90]["blink"]) == ("1", "0", "")
    assert (rows[22]["sound_db"], rows[22]["pitch_hz"], rows[23]["pitch_hz"]) == ("-10.0", "122.0", "")
    table = pandas.read_parquet(paths[1])
    assert table["blink"].sum() == 6
    assert table["usable"].isna().sum() == 20
    assert list(table.columns) == list(rows[0])


def test_json_is_valid_and_read_back():
    result = measured()
    text = to_json(result)
    jsonschema.validate(json.loads(text), schema())
    assert json.loads(text)["summary"]["measures"]["persons"][0]["blinks"] == 3


def test_a_result_reads_as_it_was_written(tmp_path: Path):
    path = tmp_path / "talk.json"
    path.write_text(to_json(measured()))
    again = read_json(path)
    assert again.options.measured
    assert [row.measures for row in again.timeline] == [row.measures for row in measured().timeline]


def test_earlier_and_later_versions_are_read(tmp_path: Path):
    stored = json.loads(to_json(made_up()))
    del stored["measures"], stored["options"]["measure"]
    path = tmp_path / "talk.json"
    path.write_text(json.dumps({**stored, "schema_version": "1.5"}))
    assert not read_json(path).options.measured
    # A later version measures something more, before the others.
    stored = json.loads(to_json(measured()))
    stored["measures"].insert(0, "further")
    for row in stored["timeline"]:
        row["measures"].insert(0, 7.0)
    path.write_text(json.dumps(stored))
    assert read_json(path).timeline[10].measures == measured().timeline[10].measures


@pytest.mark.parametrize("wrong", [[1.0], ["a"], 3, [None] * 500])
def test_damaged_measures_are_refused(tmp_path: Path, wrong: object):
    stored = json.loads(to_json(measured()))
    stored["timeline"][5]["measures"] = wrong
    path = tmp_path / "talk.json"
    path.write_text(json.dumps(stored))
    with pytest.raises(InputError, match="measures"):
        read_json(path)


def test_elan_has_a_tier_of_blinks_outside_the_vocabulary(tmp_path: Path):
    (path,) = write_results(measured(), "talk", ["eaf"], tmp_path)
    tiers = {tier.get("TIER_ID"): tier for tier in ElementTree.parse(path).iter("TIER")}
    values = [one.text for one in tiers["blinks"].iter("ANNOTATION_VALUE")]
    assert values == ["blink"] * 3
    kinds = {
        one.get("LINGUISTIC_TYPE_ID"): one.get("CONTROLLED_VOCABULARY_REF")
        for one in ElementTree.parse(path).iter("LINGUISTIC_TYPE")
    }
    assert kinds[tiers["blinks"].get("LINGUISTIC_TYPE_REF")] is None
    assert kinds[tiers["face"].get("LINGUISTIC_TYPE_REF")] is not None
    several = write_results(measured(second_face=True), "two", ["eaf"], tmp_path)[0]
    assert any(t.get("TIER_ID") == "blinks 0" for t in ElementTree.parse(several).iter("TIER"))


@pytest.mark.parametrize("speed", [0.1, 0.01])
def test_no_stretch_of_time_lapse_is_without_a_length(speed: float, tmp_path: Path):
    """A blink of one tick lasts four milliseconds of the recording, or less than ELAN can tell."""
    result = measured()
    fast = replace(result, options=replace(result.options, capture_rate=25 * speed))
    eaf, path = write_results(fast, "talk", ["eaf", "textgrid"], tmp_path)
    grid = praatio.textgrid.openTextgrid(str(path), includeEmptyIntervals=True)
    blinks = [(one.start, one.end) for one in grid.getTier("blinks").entries if one.label]
    expected = [(0.4, 0.48), (1.2, 1.32), (2.8, 2.84)]
    assert blinks == [pytest.approx((a * speed, b * speed), abs=1e-9) for a, b in expected]
    document = ElementTree.parse(eaf)
    times = {one.get("TIME_SLOT_ID"): int(one.get("TIME_VALUE", "")) for one in document.iter("TIME_SLOT")}
    stretches = [[times[one.get(f"TIME_SLOT_REF{i}")] for i in (1, 2)]
                 for one in document.iter("ALIGNABLE_ANNOTATION")]  # fmt: skip
    assert stretches
    assert all(start < end for start, end in stretches)


def test_the_report_says_what_was_measured():
    page = to_html(measured(), title="talk", origin="talk.json").replace("\xa0", " ")
    assert "3 blinks, 56 a minute; 75 % of the ticks are usable." in page
    assert '"blinks": [[0.4, 0.48], [1.2, 1.32], [2.8, 2.84]]' in page
    assert '"poor": [[1.6, 2.4]]' in page
    without = to_html(made_up(), title="talk", origin="talk.json")
    assert "usable" not in without.partition("<script")[0]
