"""Measures through the pipeline: rows, poor pictures, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emoview.errors import InputError
from emoview.pipeline import warnings
from emoview.pipeline.analysis import analyze
from emoview.pipeline.check import check
from emoview.pipeline.choice import Choice
from emoview.pipeline.evidence import FaceTrack, SequenceLogits
from emoview.pipeline.measures import COVER_EVERY, WIDTH, measured, stretches
from emoview.timeline.measures import MEASURE_COLUMNS
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis


def track(ticks: int = 100) -> FaceTrack:
    """A good face that looks straight ahead and never blinks."""
    values = np.zeros((ticks, WIDTH), np.float32)
    values[:, 0], values[:, 4:6] = 150, 0.3
    values[:, 19:22] = 0.15, 0.5, 0.2
    values[:, 23] = np.where(np.arange(ticks) % COVER_EVERY == 0, -3, np.nan)
    values[:, 24:] = 2, 640
    logits = np.zeros((ticks, 7), np.float32)
    return FaceTrack(
        np.arange(ticks), np.zeros(ticks, np.int64), np.ones((ticks, 4)), logits, np.zeros(ticks),
        SequenceLogits(logits[0], logits), None, measures=values,
    )  # fmt: skip


def column(result: FaceTrack, name: str) -> np.ndarray:
    found = measured(result)
    assert found is not None
    return np.array([row[MEASURE_COLUMNS.index(name)] for row in found.values], float)


def test_a_good_face_is_usable_and_its_width_is_that_of_the_picture_as_shown():
    good = track()
    assert column(good, "usable").all()
    assert set(column(good, "face_px")) == {300}
    assert set(column(good, "head_distance")) == {4.27}
    assert measured(replace(good, measures=None)) is None


def test_a_cover_that_lasts_counts_and_one_wrong_look_does_not():
    one = track()
    one.measures[30, 23] = 5.0
    assert not column(one, "covered").any()
    long = track()
    long.measures[30:70, 23] = np.where(np.isnan(long.measures[30:70, 23]), np.nan, 5.0)
    covered = column(long, "covered")
    assert covered[35:65].all()
    assert not covered[:20].any()
    assert not covered[80:].any()
    assert not column(long, "usable")[40:60].any()
    alone = Choice(0, {}, {0: 0}, {})
    (many, where) = warnings.of_quality({0: measured(long)}, Options(), alone)
    assert "covered" in many
    assert many.endswith("): --min-quality 0.8 leaves them out")
    assert "something covers the lower half of the face from 1.2 to" in where
    (many, _) = warnings.of_quality({0: measured(long)}, Options(min_quality=0.3), alone)
    assert many.endswith("): --min-quality 0.8 leaves all of them out")
    (many, where) = warnings.of_quality(
        {0: measured(long)}, Options(min_quality=0.9), replace(alone, persons={0: 0, 1: 1})
    )
    assert many == "36% of the ticks of face 0 have a quality below 0.9, and were left out"
    assert "half of face 0 from" in where


def test_nothing_is_said_of_a_few_poor_ticks():
    one = track()
    one.measures[:5, 0] = 10
    assert not list(warnings.of_quality({0: measured(one)}, Options(), Choice(0, {}, {0: 0}, {})))
    assert stretches([3, 4, 7]) == [(3, 5), (7, 8)]
    assert stretches([3, 4, 7, 10], within=2) == [(3, 11)]
    assert stretches([]) == []


def test_small_faces_have_no_blinks():
    one = track()
    one.measures[:, 0] = 50
    assert np.isnan(column(one, "blink")).all()


@pytest.fixture(scope="module")
def blurred(made) -> Path:
    """Somebody talks, and after half a second the picture is blurred."""
    return made("blurred.mp4", "-vf", "boxblur=6:enable='gt(t,0.5)'", seconds=1.2)


@pytest.fixture(scope="module")
def short(blurred: Path) -> Analysis:
    return analyze(blurred)


def test_rows_have_measures_of_face_and_sound(short: Analysis):
    records = [short.record(row) for row in short.timeline]
    seen = [record for record in records if record["face_id"] is not None]
    assert abs(seen[5]["head_yaw"]) < 30
    assert 0.1 < seen[5]["eye_left"] < 0.7
    assert all(record["sound_db"] is not None for record in records)
    assert {record["usable"] for record in seen} <= {0, 1}


def test_no_measure_changes_nothing_else(blurred: Path, short: Analysis):
    plain = analyze(blurred, options=Options(measure=False))
    assert [replace(row, measures=None) for row in short.timeline] == list(plain.timeline)
    assert plain.overall == short.overall
    assert plain.columns == short.columns[: len(plain.columns)]


def test_faces_below_the_quality_are_empty_but_the_voice_stays(blurred: Path, short: Analysis):
    qualities = [q for row in short.timeline if (q := short.record(row)["quality"]) is not None]
    least = 0.9
    assert min(qualities) < least < max(qualities)
    strict = analyze(blurred, options=Options(min_quality=least))
    for before, after in zip(short.timeline, strict.timeline, strict=True):
        poor = before.face_id is not None and short.record(before)["quality"] < least
        assert (after.face is None) == (poor or before.face is None)
        assert (after.box, after.measures, after.voice) == (before.box, before.measures, before.voice)
        if poor:
            assert after.fused == (after.voice if after.speaking else None)


@pytest.mark.parametrize(
    "wrong",
    [{"min_quality": 2.0}, {"min_quality": "a"}, {"min_quality": 0.5, "measure": False},
     {"min_quality": 0.5, "causal": True}],
)  # fmt: skip
def test_what_cannot_be_is_refused(wrong):
    with pytest.raises(InputError, match="quality"):
        check(Options(**wrong))


def test_eyes_of_whoever_is_looked_at_next_are_no_blink():
    """One has wide eyes, and the other, who is looked at for a moment, narrow ones, and blinks in it."""
    one = track()
    ids = np.where((np.arange(100) >= 50) & (np.arange(100) < 60), 1, 0)
    one.measures[ids == 1, 4:6] = 0.2
    turns = replace(one, ids=ids)
    joined, apart = measured(turns), measured(turns, {0: 0, 1: 1})
    assert joined is not None
    assert apart is not None
    place = MEASURE_COLUMNS.index("blink")
    assert any(row[place] for row in joined.values)
    assert not any(row[place] for row in apart.values)
    one.measures[53:55, 4:6] = 0.05
    apart = measured(replace(one, ids=ids), {0: 0, 1: 1})
    assert apart is not None
    assert [tick for tick, row in enumerate(apart.values) if row[place]] == [53, 54]
