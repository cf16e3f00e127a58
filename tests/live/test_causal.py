"""The causal analysis: nothing looks ahead, and a file gives what a live session gives."""

from __future__ import annotations

import csv
import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
from live_parts import face_now, moment_of

from emoview import Options, analyze
from emoview.errors import InputError
from emoview.live.causal.core import CausalAnalysis, Manner
from emoview.live.causal.hearing import DELAY, Hearing, Speech
from emoview.live.causal.moment import recency, rows_of
from emoview.live.causal.tally import Tally
from emoview.live.causal.zero import AT_REST, PersonalZero
from emoview.live.program import Plan, Program
from emoview.live.settings import Settings
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.output.csv import to_csv
from emoview.pipeline.analysis import analyze as run
from emoview.pipeline.loading import models_for
from emoview.timeline.clock import SAMPLES_PER_TICK
from emoview.timeline.labels import Naming
from emoview.timeline.results import FaceBox
from emoview.voice.features import VoiceFeatures
from emoview.voice.level import RunningLevel
from emoview.voice.silero import CHUNK

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


@pytest.mark.parametrize(
    "given", [{"fusion": "early"}, {"explain": True}, {"voice": "1"}, {"split": True}, {"merge": ((0, 1),)}]
)
def test_options_that_need_the_whole_are_refused(sample, given):
    with pytest.raises(InputError, match=r"whole recording|takes each track"):
        run(sample, options=Options(causal=True, **given))


@pytest.mark.parametrize("given", [{"clock": True}, {"audio_track": "2"}, {"channel": "left"}])
def test_live_refuses_what_it_does_not_do(sample, given):
    with pytest.raises(InputError, match=f"emoview live takes no --{next(iter(given)).replace('_', '-')}"):
        Program(Plan(str(sample), Options(**given), realtime=True))


def test_a_causal_result_says_what_any_result_says(made):
    clip = made(
        "known.mp4", "-ss", "1", "-metadata", "creation_time=2024-05-01T10:00:00Z", "-af",
        "pan=stereo|c0=c0|c1=0*c0", seconds=1.2,
    )  # fmt: skip
    result = run(clip, options=Options(causal=True, clock=True, channel="right", aspect="8:9"))
    assert result.clock_of(result.timeline[5]) == "2024-05-01T10:00:00.200+00:00"
    assert result.media.ffmpeg
    assert result.media.widened == round(8 / 9, 4)
    assert [(one.face_id, one.ticks) for one in result.faces] == [(0, len(result.timeline))]
    # Nobody speaks on this channel.
    assert result.media.speech_share == 0
    with pytest.raises(InputError, match=r"known.mp4 has no face 9: it has face 0"):
        run(clip, options=Options(causal=True, face="9", modality="face"))


def test_who_speaks_stands_in_the_row(ticks):
    found = rows(ticks[0][:35], ticks[1][: 35 * SAMPLES_PER_TICK])
    assert any(row.speaking for row in found)
    assert all(row.speaking for row in found if row.voice)


def test_the_distance_of_the_microphone_makes_no_difference(ticks):
    samples = ticks[1][:24_000]
    heard = []
    for factor in (1, 10 ** (-30 / 20)):
        hearing = Hearing(models, VoiceFeatures.OPENSMILE, lambda: 15.0)
        hearing.add((factor * samples).astype(np.float32))
        at = hearing.at(len(samples) // SAMPLES_PER_TICK - 1)
        heard.append((hearing.speech_and_level()[1], at.logits))
    (speech, logits), (quiet, quiet_logits) = heard
    assert np.array_equal(speech, quiet)
    for name, values in logits.items():
        assert values == pytest.approx(quiet_logits[name], abs=0.01)


def test_a_constant_offset_is_taken_off_as_soon_as_it_is_known(ticks):
    heard = []
    for offset in (0.0, 0.05):
        speech = Speech()
        chunks = 0.1 * ticks[1][: 40 * CHUNK].reshape(-1, CHUNK) + np.float32(offset)
        said = [speech.add(chunk) for chunk in chunks]
        heard.append((said, speech.at_usual_level(chunks[-1])))
    (said, plain), (said_off, off) = heard
    assert said[20:] == said_off[20:]
    assert off == pytest.approx(plain, abs=0.05)


def test_the_level_follows_who_moves_away():
    level, gains = RunningLevel(), []
    for loud in [-20.0] * 40 + [-40.0] * 9000:
        gains.append(level.gain_db(loud))
        level.add_speech(loud)
    assert gains[39] == pytest.approx(-3, abs=0.3)
    assert gains[-1] == pytest.approx(17, abs=0.3)
    # What nobody says is no measure as soon as somebody spoke.
    for _ in range(500):
        level.gain_db(-60.0)
    assert level.usual_gain_db == pytest.approx(17, abs=0.3)
    assert RunningLevel().gain_db(-120.0) == 0
    # Integers that were stored as floating point.
    assert RunningLevel().gain_db(70.0) == pytest.approx(-93, abs=0.3)


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


def test_the_overall_result_of_whoever_is_looked_at_is_that_of_the_rows():
    """A large face is there, and a small one is looked at, since it speaks, or was larger before."""
    tally = Tally(models)
    for tick in range(4):
        for face_id, width, label in ((0, 90.0, 4), (1, 30.0, 5)):
            said = {name: 5 * np.eye(7, dtype=np.float32)[label] for name in ("face_cnn", "face_gru")}
            tally.add_face(
                tick, face_id, FaceBox(0, 0, width, width), said, affect_estimated=False, main=face_id == 1
            )
    labels = {asked: tally.overall(asked, Naming()).label for asked in ("largest", "all", "speaking", "0")}
    assert labels == {"largest": "sad", "all": "happy", "speaking": "sad", "0": "happy"}


def test_a_live_result_says_what_was_special_about_the_faces():
    squeezed = Options(causal=True, max_faces=2, modality="face")
    with CausalAnalysis(models, squeezed) as core:
        core.tally.most = 2
        core._watching.widened[4 / 3] += 1
        said = " ".join(core.warnings())
    assert "2 faces, as many as were looked for: --max-faces 5 looks for more" in said
    assert "squeezed from 16:9 to 4:3: faces were widened" in said
    assert "up to 2 faces were found at once; the largest of each moment was analysed" in said


@pytest.mark.parametrize(("asked", "told"), [(0.0, 0.0), (0.2, 0.2), (0.6, None)])
def test_a_live_result_says_over_what_time_it_was_smoothed(asked, told):
    assert Program(Plan(None, Options(), Settings(smoothing_s=asked))).options.smooth == told


def test_shares_and_level_are_those_of_the_ticks_that_were_answered():
    """Pictures of every other tick were dropped."""
    tally = Tally(models)
    for tick in range(0, 20, 2):
        tally.add(moment_of(tick, *([face_now(0, "happy")] if tick < 10 else []), voice="sad"))
    assert tally.ticks == 19
    assert (tally.face_share, tally.speech_share, tally.mean_level_db) == (0.5, 1.0, -20.0)
