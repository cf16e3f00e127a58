"""What sums up measures: syllables, pauses, blinks and usable ticks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up import made_up
from made_up_measures import measured

from emoview.batch.inputs import Clip
from emoview.batch.summary import row_of
from emoview.output.json import to_json
from emoview.output.overview import clip_of
from emoview.output.report import to_html
from emoview.timeline.clock import time_of
from emoview.timeline.measures import MEASURE_COLUMNS, MEASURES, kept
from emoview.timeline.pace import pauses, sounding, syllables
from emoview.timeline.results import Speaker
from emoview.timeline.sums import (
    blinks_of,
    overall_voice,
    sums_of_persons,
    unusable_of,
    voice_of,
)


def test_persons_are_summed_up():
    first, second = sums_of_persons(measured(second_face=True))
    assert (first.person, first.seconds, first.blinks, first.blink_s) == (0, 3.2, 3, 0.08)
    assert first.blinks_per_min == pytest.approx(3 / 3.2 * 60, abs=0.1)
    assert first.usable_share == 0.75
    assert (second.person, second.blinks, second.blink_s, second.usable_share) == (1, 0, None, 0.6)
    assert sums_of_persons(made_up()) == []


def test_a_face_too_small_for_lids_has_no_number_of_blinks():
    result = measured()
    none = MEASURE_COLUMNS.index("blink")
    rows = tuple(
        replace(row, measures=(*row.measures[:none], None, *row.measures[none + 1 :]))
        for row in result.timeline
    )
    (one,) = sums_of_persons(replace(result, timeline=rows))
    assert (one.blinks, one.blinks_per_min, one.blink_s) == (None, None, None)


def test_the_voice_is_summed_up():
    voice = overall_voice(measured())
    assert voice is not None
    assert (voice.speech_s, voice.pauses, voice.pause_s, voice.pitch_hz) == (2.2, 1, 0.8, 131.0)
    assert voice.syllables_per_s == round(4 / 2.2, 2)
    assert voice.snr_db is not None
    assert voice.snr_db > 20
    assert overall_voice(made_up()) is None


def test_the_voice_is_summed_up_where_the_sound_ends_before_the_pictures():
    result = measured()
    level = MEASURE_COLUMNS.index("sound_db")
    shorter = tuple(
        replace(row, measures=(*row.measures[:level], *(None for _ in MEASURE_COLUMNS[level:])))
        if row.tick >= 98
        else row
        for row in result.timeline
    )
    assert overall_voice(replace(result, timeline=shorter)) == overall_voice(result)


def test_in_a_list_the_voice_is_that_of_whom_the_label_is_about():
    result = measured(second_face=True)
    timeline = tuple(
        replace(row, speaking=row.voice_id is not None and row.person == int(row.tick < 30))
        for row in result.timeline
    )
    options = replace(result.options, face="all")
    both = replace(
        result, options=options, timeline=timeline, speakers=(Speaker(0, 1.8, 0), Speaker(1, 0.4, 1))
    )
    assert row_of(Clip(Path("talk.mp4"), "talk"), both)["pitch_hz"] == 152.0
    other = voice_of(both, {1})
    assert other is not None
    assert other.pitch_hz == 125.0
    assert voice_of(both, {2}) is None


def test_what_is_told_of_the_voice_is_the_same_everywhere():
    """Of all faces, JSON, report and table of a batch are about the one that the label is about."""
    result = measured(second_face=True)
    timeline = tuple(
        replace(row, speaking=row.voice_id is not None and row.person == int(30 <= row.tick < 40))
        for row in result.timeline
    )
    both = replace(
        result, options=replace(result.options, face="all"), timeline=timeline,
        speakers=(Speaker(0, 1.2, 0), Speaker(1, 0.4, 1)),
    )  # fmt: skip
    row = row_of(Clip(Path("talk.mp4"), "talk"), both)
    voice = json.loads(to_json(both))["summary"]["measures"]["voice"]
    assert voice["pitch_hz"] == row["pitch_hz"] == 128.0
    assert (voice["pauses"], row["pauses"]) == (0, 0)
    assert "median pitch 128 Hz" in to_html(both, title="talk", origin="talk.json")
    # Segments, too: person 1 is afraid meanwhile.
    assert {one["label"] for one in row["segments"]} == {"happy", "sad", "neutral"}


def test_who_is_not_seen_speaks_on():
    """Rows without a face have something together where the voice is that of the measured person."""
    result = measured()
    heard = [row for row in result.timeline if row.voice_id is not None]
    assert any(row.face_id is None for row in heard)
    own, others = (
        overall_voice(replace(result, timeline=tuple(
            replace(row, fused=row.fused if seen or row.face_id is not None else None)
            for row in result.timeline
        )))
        for seen in (True, False)
    )  # fmt: skip
    assert own is not None
    assert others is not None
    assert own.speech_s == time_of(len(heard))
    assert others.speech_s == time_of(sum(row.face_id is not None for row in heard))


def test_the_voice_that_was_asked_for_is_summed_up():
    """It need not be that of the face, and is the one that the label of the voice is about."""
    result = measured()
    probabilities = (0.4, *(0.1,) * 6)
    rows = tuple(
        replace(
            row, voice_id=None if row.voice_id is None else int(row.tick >= 60), speaking=20 <= row.tick < 40,
            voice=probabilities if row.tick >= 60 and row.voice_id is not None else None,
            fused=row.fused if row.face_id is not None else None,
        )
        for row in result.timeline
    )  # fmt: skip
    own, asked = (
        overall_voice(replace(result, timeline=rows, options=replace(result.options, voice=voice)))
        for voice in ("face", "1")
    )
    assert own is not None
    assert asked is not None
    assert (own.speech_s, own.pitch_hz) == (0.8, 128.0)
    assert (asked.speech_s, asked.pitch_hz) == (1.4, 170.0)


def test_in_a_pause_nobody_else_speaks():
    result = measured()
    rows = tuple(replace(row, speaking=row.voice_id is not None) for row in result.timeline)
    alone = overall_voice(replace(result, timeline=rows))
    assert alone is not None
    assert (alone.pauses, alone.pause_s) == (1, 0.8)
    answered = tuple(replace(row, voice_id=1) if 45 <= row.tick < 55 else row for row in rows)
    told = overall_voice(replace(result, timeline=answered))
    assert told is not None
    assert (told.pauses, told.pause_s, told.speech_s) == (0, None, alone.speech_s)


def test_of_what_was_not_looked_for_a_table_says_nothing():
    result = made_up()
    clip = Clip(Path("talk.mp4"), "talk")
    for modality, expected in (("both", (0.8, 0.75)), ("face", (0.8, None)), ("voice", (None, 0.75))):
        one = replace(result, options=replace(result.options, modality=modality))
        row = row_of(clip, one)
        assert (row["face_share"], row["speech_share"]) == expected
        assert clip_of(one, name="talk", link="talk.html").values["shares"] == list(expected)


def test_stretches_end_where_ticks_are_missing():
    rows = [row for row in measured().timeline if row.tick not in (31, 50)]
    assert blinks_of(rows) == [(10, 12), (30, 31), (32, 33), (70, 71)]
    assert unusable_of(rows) == [(40, 50), (51, 60)]


def test_syllables_need_a_dip_before_and_behind_and_a_pitch():
    time = np.arange(100) / 25
    level = -20 + 6 * np.sin(2 * np.pi * 5 * time)
    every = [True] * 100
    assert len(syllables(level.tolist(), every, every)) == pytest.approx(5 * 4, abs=1)
    assert syllables(level.tolist(), [False] * 100, every) == []
    assert syllables(level.tolist(), every, [False] * 100) == []
    assert syllables((level * 0 - 20).tolist(), every, every) == []
    # Ripples of less than 2 dB are none, and nor is what is far below the loud.
    assert syllables((-20 + 0.8 * np.sin(time * 30)).tolist(), every, every) == []
    quiet = np.concatenate([level, level - 60])
    assert len(syllables(quiet.tolist(), every * 2, every * 2)) < 22


def test_pauses_lie_between_speech():
    speech = [False] * 9 + [True] * 5 + [False] * 10 + [True] * 5 + [False] * 5 + [True] + [False] * 20
    assert pauses(speech) == [(14, 24)]
    assert pauses([False] * 5) == pauses([]) == []


def test_silence_within_a_stretch_of_speech_is_a_pause():
    """Speech goes on over short silence, and for a moment behind its last sound."""
    level = np.full(60, -90.0)
    level[5:20] = level[27:40] = level[50:55] = -20
    speech = [5 <= tick < 43 or 50 <= tick < 58 for tick in range(60)]
    for rest_db in (None, -90.0):
        assert pauses(sounding(level.tolist(), speech, rest_db)) == [(20, 27), (40, 50)]
    # In a noisy room silence is what is near the background.
    noisy = np.maximum(level, -44)
    assert pauses(sounding(noisy.tolist(), speech, -44.0)) == [(20, 27), (40, 50)]
    # Where the background is as loud as what is said quietly, level tells no silence.
    assert pauses(sounding(np.maximum(level, -30).tolist(), speech, -30.0)) == [(43, 50)]
    assert sounding([-20.0] * 3, [False] * 3, None) == [False] * 3


def test_what_is_kept_is_rounded_and_no_number_is_missing():
    some = [1.23456789] * len(MEASURES)
    some[0], some[1] = float("nan"), float("inf")
    rounded = dict(zip(MEASURE_COLUMNS, kept(some), strict=True))
    assert rounded["head_yaw"] is None
    assert rounded["head_pitch"] is None
    assert (rounded["head_roll"], rounded["eye_left"], rounded["jitter"]) == (1.2, 1.235, 1.2346)
    assert isinstance(rounded["usable"], int)
