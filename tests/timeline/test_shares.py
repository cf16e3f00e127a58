"""How long each label lasts, and whether one leads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from made_up import leaning, made_up

from emoview.batch.inputs import Clip
from emoview.batch.summary import row_of
from emoview.output.challenge import challenge_label
from emoview.output.json import schema, to_json
from emoview.output.overview import to_notebook
from emoview.output.read import read_json
from emoview.timeline.results import Analysis, FaceBox, Overall, Row, Verdict
from emoview.timeline.shares import is_long, sentence_of, shares_by_person, shares_of, summed_up


def _lasting(**ticks: int) -> Analysis:
    labels = [label for label, count in ticks.items() for _ in range(count)]
    box = FaceBox(0.0, 0.0, 9.0, 9.0)
    rows = tuple(
        Row(i, 0, box, fused=leaning(label), valence=0.0, arousal=0.0) for i, label in enumerate(labels)
    )
    return replace(made_up(), timeline=rows, segments=())


def test_shares_are_of_the_ticks_that_say_something():
    shares = shares_of(made_up())
    assert [(one.label, one.share, one.seconds) for one in shares.labels] == [
        ("happy", 0.4211, 1.6), ("sad", 0.4211, 1.6), ("neutral", 0.1579, 0.6),
    ]  # fmt: skip
    assert [(one.segments, one.mean_s) for one in shares.labels] == [(1, 1.6), (1, 1.6), (1, 0.6)]
    assert shares.seconds == 3.8


@pytest.mark.parametrize(("sad", "leads"), [(400, "sad"), (399, None)])
def test_a_label_leads_from_two_fifths_of_the_time_on(sad: int, leads: str | None):
    shares = shares_of(_lasting(sad=sad, neutral=390, happy=610 - sad))
    assert shares.leads == leads
    said = sentence_of(shares)
    assert said.startswith("sad 40%" if leads else "mixed (sad 40%, neutral 39%")


@pytest.mark.parametrize(("sad", "label"), [(800, "sad"), (799, "mixed")])
def test_a_long_clip_has_the_label_that_lasts_or_none(sad: int, label: str):
    """2,000 ticks; what the networks say of the whole is fear."""
    clip = _lasting(sad=sad, neutral=700, happy=1300 - sad)
    verdict = Verdict.of(leaning("fear"))
    clip = replace(clip, overall=Overall(verdict, verdict, None))
    long = summed_up(replace(clip, media=replace(clip.media, duration_s=80.0)))
    assert long.overall.fused == replace(verdict, label=label, confidence=round(sad / 2000, 4))
    # No row says anything of the face alone.
    assert (long.overall.face, long.overall.voice) == (verdict, None)
    assert summed_up(replace(clip, media=replace(clip.media, duration_s=60.0))).overall.label == "fear"


def test_mixed_is_said_everywhere_and_read_again(tmp_path: Path):
    clip = _lasting(sad=700, neutral=700, happy=700)
    verdict = Verdict.of(leaning("fear"))
    media = replace(clip.media, duration_s=84.0, ticks=2100)
    long = summed_up(replace(clip, media=media, overall=Overall(verdict, None, None)))
    text = to_json(long)
    jsonschema.validate(json.loads(text), schema())
    assert json.loads(text)["overall"]["label"] == "mixed"
    assert json.loads(text)["summary"]["leads"] is None
    (tmp_path / "long.json").write_text(text)
    assert read_json(tmp_path / "long.json").overall == long.overall
    assert row_of(Clip(Path("long.mp4"), "long"), long)["label"] == "mixed"
    assert challenge_label(long) == "fear"
    assert "mixed" in to_notebook(long)


def test_each_person_has_shares_of_its_own():
    first, second = shares_by_person(made_up(second_face=True))
    assert (first.person, second.person, second.leads) == (0, 1, "fear")
    assert second.labels[0].segments == 1


def test_nothing_is_summed_up_as_nothing():
    nothing = replace(made_up(), timeline=(Row(0),), segments=())
    assert shares_of(nothing).labels == ()
    assert sentence_of(shares_of(nothing)) == "nothing to say"
    assert not is_long(nothing)
