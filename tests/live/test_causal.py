"""The causal analysis: nothing looks ahead, and a file gives what a live session gives."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace

import numpy as np
import pytest

from emoview import Options, analyze
from emoview.errors import InputError
from emoview.live.causal.core import CausalAnalysis, Manner
from emoview.live.causal.hearing import DELAY, Hearing
from emoview.live.causal.moment import recency, rows_of
from emoview.live.causal.zero import AT_REST, PersonalZero
from emoview.live.program import Plan, Program
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.output.csv import to_csv
from emoview.pipeline.analysis import analyze as run
from emoview.pipeline.analysis import models_for
from emoview.timeline.clock import SAMPLES_PER_TICK
from emoview.voice.features import VoiceFeatures

OPTIONS = Options(causal=True)


def models():
    return models_for(OPTIONS)[1]


@pytest.fixture(scope="module")
def ticks(made):
    """Pictures and sound of two seconds in which somebody speaks."""
    media = probe(made("causal.mp4", "-ss", "1"))
    with PictureDecoder(media, longest_side=640) as decoder:
        pictures = [picture.copy() for _, picture in decoder]
    with read_sound(media) as sound:
        samples = sound[0 : len(sound)]
    return pictures, samples


def rows(pictures, samples, *, manner=None):
    result = []
    with CausalAnalysis(models, OPTIONS, manner=manner) as core:
        for tick, picture in enumerate(pictures):
            core.hear(samples[tick * SAMPLES_PER_TICK : (tick + 1) * SAMPLES_PER_TICK])
            result += rows_of(core.see(tick, picture)[0], OPTIONS.naming)
    return result


def test_what_comes_later_changes_nothing(ticks):
    pictures, samples = ticks[0][:35], ticks[1][: 35 * SAMPLES_PER_TICK]
    first = 32
    noise = np.random.default_rng(0)
    other_pictures = [*pictures[:first], *(p[:, ::-1] for p in pictures[first:])]
    other = samples.copy()
    other[first * SAMPLES_PER_TICK :] = noise.uniform(-0.5, 0.5, len(other) - first * SAMPLES_PER_TICK)
    as_it_is, changed = rows(pictures, samples), rows(other_pictures, other)
    assert as_it_is[:first] == changed[:first]
    assert as_it_is[first:] != changed[first:]
    assert any(row.voice for row in as_it_is[:first])
    assert all(row.face for row in as_it_is)


def test_sound_in_other_parts_is_heard_alike(ticks):
    samples = ticks[1][:24_000]
    heard = []
    for part in (160, 5000):
        hearing = Hearing(models, VoiceFeatures.OPENSMILE, lambda: 15.0)
        for first in range(0, len(samples), part):
            hearing.add(samples[first : first + part])
        at = hearing.at(len(samples) // SAMPLES_PER_TICK - 1)
        heard.append((at.speech, round(at.share, 9), {n: v.tolist() for n, v in at.logits.items()}))
    assert heard[0] == heard[1]
    assert heard[0][2]


def test_hearing_forgets(ticks):
    samples = ticks[1][:24_000]
    hearing = Hearing(models, VoiceFeatures.OPENSMILE, lambda: 15.0)
    hearing.add(samples)
    for _ in range(8):
        hearing.add(np.zeros(16_000, np.float32))
    assert len(hearing._samples) < 16_000 * 11
    known = hearing._known
    hearing.skip(known + 100)
    assert not hearing.at(known + 100).speech
    hearing.add(samples)
    first, speech, _ = hearing.speech_and_level()
    assert first == known + 100
    assert speech.any()
    assert hearing.at(first + len(speech) - 1 + DELAY).speech == bool(speech[-1])


def test_a_silent_end_is_no_speech(ticks):
    samples = ticks[1][:16_000]
    hearing = Hearing(models, VoiceFeatures.OPENSMILE, lambda: 15.0)
    hearing.add(samples)
    ticks_heard = len(samples) // SAMPLES_PER_TICK
    assert not hearing.at(ticks_heard + 100).speech


def test_a_live_recording_is_the_causal_analysis_of_the_file(made, tmp_path):
    clip = made("same.mp4", "-ss", "1", seconds=0.7)
    program = Program(Plan(str(clip), Options(), realtime=True, record=tmp_path))
    program.session.done.wait(30)
    result, (table, _) = program.finish()
    whole = run(clip, options=OPTIONS)
    live, file = (list(csv.DictReader(io.StringIO(text))) for text in (table.read_text(), to_csv(whole)))
    assert [row["tick"] for row in live] == [row["tick"] for row in file]
    if not program.session.inbox.dropped:
        # A machine that is busy drops pictures, whose ticks hold the answer before them.
        assert live == file
        # A stream has no content that could be named by its digest.
        assert replace(result.media, path="") == replace(whole.media, path="", sha256=None)
        assert result.overall == whole.overall
    assert result.options.causal


def test_options_that_need_the_whole_are_refused(sample):
    for given in ({"fusion": "early"}, {"explain": True}):
        with pytest.raises(InputError, match="whole recording"):
            run(sample, options=Options(causal=True, **given))


def test_without_asking_nothing_is_said_of_it():
    assert "causal" not in Options().asked()
    assert OPTIONS.asked()["causal"] is True
    assert analyze.__kwdefaults__["causal"] is False


def test_recency_weighs_the_newest_most():
    weights = recency(np.array([10.0, 5.0, 0.0]), 5.0)
    assert weights.sum() == pytest.approx(1)
    assert weights[2] / weights[1] == pytest.approx(np.e)
    assert recency(np.array([3.0, 1.0, 2.0]), 0.0).tolist() == [0, 1, 0]


def test_smoothing_and_frequency_change_while_it_runs(ticks):
    pictures, samples = ticks[0][:24], np.zeros(0, np.float32)
    smooth = rows(pictures, samples, manner=Manner(2.0))
    raw = rows(pictures, samples, manner=Manner(0.0))
    seldom = rows(pictures, samples, manner=Manner(0.0, every=8))

    def changes(found):
        return sum(a.face != b.face for a, b in itertools.pairwise(found))

    def movement(found):
        values = np.array([row.face for row in found])
        return np.abs(np.diff(values, axis=0)).sum()

    assert movement(smooth) < movement(raw)
    assert changes(seldom) <= len(pictures) // 8 < changes(raw)


def test_a_zero_brings_a_person_at_rest_to_what_people_at_rest_are():
    zero = PersonalZero()
    rest = {name: np.array(values, np.float32) for name, values in AT_REST.items()}
    own = {name: values + np.eye(7, dtype=np.float32)[5] * 3 for name, values in rest.items()}
    zero.ask(8)
    for tick in range(250):
        zero.learn(tick, own)
        assert zero.known == (tick >= 200)
    for name, values in zero.removed(own).items():
        before = (own[name] - rest[name]).max()
        assert (values - values.mean() - rest[name]).max() < 0.6 * before
    # Another zero forgets the first.
    zero.ask(2)
    zero.learn(250, own)
    assert not zero.known
