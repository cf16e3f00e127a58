"""Three labels, two, and `uncertain`, wherever results go: tables, summaries, agreement, earlier versions."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet
import pytest

from emoview.batch.inputs import Clip
from emoview.batch.summary import row_of, row_of_failure, to_csv
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import read_annotations
from emoview.output.json import to_json
from emoview.output.parquet import parquet_file
from emoview.output.read import read_json
from emoview.timeline.results import COLUMNS
from tests.made_up import made_up

_GROUPS = {3: ("positive", "neutral_surprise", "negative"), 2: ("positive", "other")}


@pytest.mark.parametrize("count", [3, 2])
def test_groups_have_columns_of_their_own_in_parquet_and_the_summary(count: int, tmp_path: Path):
    result = made_up(labels=count)
    table = pyarrow.parquet.read_table(io.BytesIO(parquet_file(result, tmp_path)))
    names = [f"{modality}_{group}" for modality in ("face", "voice", "fused") for group in _GROUPS[count]]
    assert table.column_names == [*COLUMNS, *names]
    first = table.slice(0, 1).to_pylist()[0]
    # Seven tenths happy, the rest in equal parts.
    assert first["face_positive"] == pytest.approx(0.7)
    assert first[f"face_{_GROUPS[count][-1]}"] == pytest.approx(0.2 if count == 3 else 0.3)
    assert first["voice_positive"] is None
    clip = Clip(Path("talk.mp4"), "talk")
    rows = [row_of(clip, result), row_of_failure(clip, "broken")]
    done, failed = csv.DictReader(io.StringIO(to_csv(rows)))
    assert float(done["fused_positive"]) == pytest.approx(0.7)
    assert failed["fused_positive"] == ""
    assert set(done) - set(next(csv.DictReader(io.StringIO(to_csv([row_of(clip, made_up())]))))) == set(names)


def test_seven_labels_are_written_without_a_word_of_groups(tmp_path: Path):
    result = made_up()
    assert pyarrow.parquet.read_table(io.BytesIO(parquet_file(result, tmp_path))).column_names == list(
        COLUMNS
    )
    assert '"groups"' not in to_json(result)
    assert '"least_confidence"' not in to_json(result)
    assert '"valence_arousal": "derived"' in to_json(result)
    assert '"weights": null' in to_json(result)


def test_agreement_in_groups_and_with_what_is_uncertain(tmp_path: Path):
    table = tmp_path / "a.csv"
    table.write_text("start_s,end_s,label\n0,1.6,happy\n1.6,3.2,anger\n")
    annotations = read_annotations(table)
    seven, three = (measure(made_up(labels=count), annotations).labels for count in (7, 3))
    assert seven is not None
    assert three is not None
    # The face is happy, and then sad, which is as negative as anger is.
    assert (seven.accuracy.value, three.accuracy.value) == (50, 100)
    # The probability of sad alone is 0.7; that of the negative labels together 0.85.
    for count, least, uncertain in ((7, 0.75, 80), (3, 0.8, 40), (3, 0.9, 80)):
        found = measure(made_up(labels=count, least=least), annotations)
        assert found.uncertain_ticks == uncertain
        assert (found.labels is None) == (uncertain == 80)


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_groups_of_earlier_versions_are_read_with_the_sums_of_today(version: str, tmp_path: Path):
    result = made_up(labels=3)
    stored = json.loads(to_json(result))
    stored["schema_version"] = version
    del stored["valence_arousal"]
    for row in stored["timeline"]:
        del row["groups"]
    for segment in stored["segments"]:
        segment["confidence"] = 0.5
    file = tmp_path / "old.json"
    file.write_text(json.dumps(stored))
    again = read_json(file)
    assert [s.label for s in again.segments] == [s.label for s in result.segments]
    assert [s.confidence for s in again.segments] == pytest.approx([s.confidence for s in result.segments])
    assert again.overall.fused == result.overall.fused
    assert again.affect == "derived"
