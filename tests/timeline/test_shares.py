"""How long each label lasts, and whether one leads."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from made_up import leaning, made_up

from emoview.batch.inputs import Clip
from emoview.batch.summary import row_of
from emoview.evaluation.agreement import measure
from emoview.evaluation.annotations import Annotation
from emoview.output.challenge import challenge_label
from emoview.output.json import schema, to_json
from emoview.output.overlay import Overlay
from emoview.output.overview import strip_of, to_notebook
from emoview.output.plot import figure_of
from emoview.output.read import read_json
from emoview.timeline.results import Analysis, FaceBox, FaceFound, Overall, Row, Speaker, Verdict
from emoview.timeline.segments import segments_of
from emoview.timeline.shares import (
    is_long,
    one_of_several,
    sentence_of,
    shares_by_person,
    shares_of,
    summed_up,
)


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
    assert challenge_label(long) == ("fear" if label == "mixed" else label)
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


def test_a_row_of_a_summary_lists_the_segments_of_whom_its_label_is_about():
    row = row_of(Clip(Path("talk.mp4"), "talk"), made_up(second_face=True))
    # The other face shows fear for longer than anything else lasts.
    assert [one["label"] for one in row["segments"]] == ["happy", "sad", "neutral"]


def test_nothing_is_summed_up_as_nothing():
    nothing = replace(made_up(), timeline=(Row(0),), segments=())
    assert shares_of(nothing).labels == ()
    assert sentence_of(shares_of(nothing)) == "nothing to say"
    assert not is_long(nothing)


def _minutes(*rows: Row, **options: Any) -> Analysis:
    """Two minutes of rows, each for as long, whose probabilities of the whole are those of fear."""
    count = 3000 // len(rows)
    timeline = tuple(
        replace(row, tick=i * count + tick) for i, row in enumerate(rows) for tick in range(count)
    )
    clip, verdict = made_up(), Verdict.of(leaning("fear"))
    return replace(
        clip, timeline=timeline, overall=Overall(verdict, verdict, verdict), segments=segments_of(timeline),
        media=replace(clip.media, duration_s=120.0, ticks=3000), options=replace(clip.options, **options),
    )  # fmt: skip


def test_a_long_clip_has_the_label_of_the_own_voice():
    """An interviewer who is not seen speaks for most of the time."""
    box, face = FaceBox(0.0, 0.0, 9.0, 9.0), leaning("neutral")
    asks = Row(0, 0, box, face, leaning("anger"), face, voice_id=0, off_screen=True)
    answers = Row(0, 0, box, face, leaning("sad"), face, voice_id=1, speaking=True)
    long = summed_up(_minutes(asks, asks, answers))
    assert long.overall.voice is not None
    assert (long.overall.voice.label, long.overall.voice.confidence) == ("sad", 1.0)
    every = summed_up(_minutes(asks, asks, answers, voice="all"))
    assert every.overall.voice is not None
    assert (every.overall.voice.label, every.overall.voice.confidence) == ("anger", 0.6667)


def test_of_all_faces_a_long_clip_has_the_label_of_the_one_that_speaks_most():
    small, large = FaceBox(0.0, 0.0, 9.0, 9.0), FaceBox(0.0, 0.0, 99.0, 99.0)
    listens = Row(0, 0, small, leaning("happy"), None, leaning("happy"))
    speaks = Row(0, 1, large, leaning("sad"), None, leaning("sad"))
    clip = _minutes(listens, listens, speaks, face="all")
    for speakers in ((Speaker(0, 30.0, 1), Speaker(1, 10.0, 0)), ()):
        long = summed_up(replace(clip, speakers=speakers))
        assert long.overall.label == "sad"
        assert shares_of(long).leads == "sad"
        assert {part["label"] for part in strip_of(long)} == {"sad"}
    # A picture on the wall is passed over, however large.
    still = (FaceFound(1, 1, 80.0, 120.0, 1000, still=True),)
    assert summed_up(replace(clip, faces=still)).overall.label == "happy"
    assert summed_up(replace(clip, speakers=(Speaker(0, 30.0, 0),))).overall.label == "happy"


def test_shares_and_strips_of_whoever_speaks_hold_all_of_them():
    one = Row(0, 0, FaceBox(0.0, 0.0, 9.0, 9.0), leaning("happy"), None, leaning("happy"))
    other = replace(one, face_id=1, person=1, face=leaning("sad"), fused=leaning("sad"))
    clip = _minutes(one, one, other, face="speaking")
    assert [(found.label, found.segments) for found in shares_of(clip).labels] == [("happy", 1), ("sad", 1)]
    assert [part["label"] for part in strip_of(clip)] == ["happy", "sad"]
    drawn = Overlay(clip, width=320, height=240)
    assert {label for *_, label in drawn._label_runs("face")} == {"happy", "sad"}


def test_of_all_faces_what_is_drawn_and_compared_is_that_of_the_overall_result():
    """The one who listens is seen more, the one who speaks has the overall result."""
    clip = made_up()
    listens = [
        Row(t, 0, FaceBox(0.0, 0.0, 9.0, 9.0), leaning("happy"), None, leaning("happy")) for t in range(100)
    ]
    speaks = [
        replace(row, face_id=1, person=1, face=leaning("sad"), fused=leaning("sad")) for row in listens[:90]
    ]
    rows = tuple(sorted([*listens, *speaks], key=lambda row: (row.tick, row.face_id)))
    options = replace(clip.options, face="all")
    clip = replace(clip, timeline=rows, options=options, speakers=(Speaker(0, 3.0, 1),), names={0: "Anna"})
    assert one_of_several(clip) == (1, [0])
    drawn = Overlay(clip, width=320, height=240)
    assert {label for *_, label in drawn._label_runs("face")} == {"sad"}
    assert drawn._whose == "#1 "
    found = measure(clip, [Annotation(0, 3.6, "sad")])
    assert found.labels is not None
    assert found.labels.accuracy.value == 100
    axes = figure_of(clip).axes
    assert axes[0].get_title(loc="left") == "talk.mp4, face 1 of 2 people"
    # The bands of the one that is drawn, then the other's.
    assert [name.get_text() for name in axes[2].get_yticklabels()] == ["face", "together", "Anna"]
    assert [text.get_text() for text in axes[2].texts] == ["sad", "sad", "happy"]
    alone = replace(clip, options=replace(options, face="largest"), timeline=tuple(listens))
    assert one_of_several(alone) is None
    usual = Overlay(alone, width=320, height=240)
    assert usual._whose == ""
    assert usual._gutter < drawn._gutter < 160
    assert figure_of(alone).axes[0].get_title(loc="left") == "talk.mp4"
