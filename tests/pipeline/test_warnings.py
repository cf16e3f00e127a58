"""What a user is told of a result: one test a warning, each with what does not deserve it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from emoview.errors import DecodeError
from emoview.media.facts import AudioStream, SoundTrack, VideoStream
from emoview.media.probe import Media, Stretch
from emoview.media.process import DecodeLog
from emoview.pipeline import given, lost
from emoview.pipeline import warnings as warn
from emoview.pipeline.choice import Choice
from emoview.pipeline.evidence import Faces, Voice, altered_share
from emoview.pipeline.speaker import Turns
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.options import Options
from emoview.voice.activity import until_gone
from emoview.voice.quality import Quality

FILE = Media(Path("a.mp4"), 10.0, cast(Any, "pictures"), cast(Any, "sound"), whole_s=10.0)


def stretch_of(start_s: float, end_s: float | None) -> Media:
    """The file, of which a part is analysed."""
    return replace(FILE, duration_s=min(10.0, end_s or 10.0) - start_s, stretch=Stretch(start_s, end_s))


@pytest.mark.parametrize(
    ("pictures", "sound", "said"),
    [
        (250, 250, []),
        # Streams rarely end together: a second is usual.
        (225, 250, []),
        (224, 250, ["the pictures end at 9.0 s, 1.0 s before the rest"]),
        (250, 100, ["the sound ends at 4.0 s, 6.0 s before the rest"]),
        (225, 225, []),
        (224, 224, ["the file claims 10.0 s, but could be decoded up to 9.0 s only"]),
    ],
)
def test_a_stream_that_ends_early(pictures: int, sound: int, said: list[str]):
    assert list(lost.of_length(FILE, {"pictures": pictures, "sound": sound})) == said


def test_what_a_file_claims_is_told_of_all_of_it():
    """Of a stretch, too; and where all that there is was decoded."""
    claim = "the file claims 10.0 s, but could be decoded up to 4.0 s only"
    ticks = {"pictures": 75, "sound": 75}
    assert list(lost.of_length(stretch_of(1.0, None), ticks)) == [claim]
    ends = "the stretch was to end at 6 s, but the file ends at 4.0 s"
    assert list(lost.of_length(stretch_of(1.0, 6.0), ticks)) == [ends, claim]
    assert not list(lost.of_length(stretch_of(1.0, 4.0), ticks))
    # The sound, which was not decoded, may be longer.
    assert not list(lost.of_length(FILE, {"pictures": 100}))
    assert list(lost.of_length(replace(FILE, audio=None), {"pictures": 100})) == [claim]


def test_a_file_without_an_end_is_told_once():
    ticks = {"pictures": 250, "sound": 250}
    (said,) = lost.of_length(FILE, ticks, cut_off=True)
    assert said == "the file is cut off: its end is missing"
    assert not list(lost.of_length(replace(FILE, missing_bytes=5), ticks, cut_off=True))
    # How far it was read behind the stretch is left to chance.
    assert not list(lost.of_length(stretch_of(0.0, 10.0), ticks, cut_off=True))


def test_a_clip_of_a_few_pictures_is_called_short():
    short = replace(FILE, duration_s=None)
    assert [len(list(lost.of_length(short, {"pictures": n}))) for n in (0, 1, 4, 5)] == [0, 1, 1, 0]


def test_the_place_where_a_decoder_gave_up_is_that_in_the_file():
    with pytest.raises(DecodeError, match=r"stopped at 5\.0 s of 10\.0 s"):
        lost.check_end(stretch_of(3.0, 8.0), "pictures", DecodeLog(failure="code 1"), 50)


@pytest.mark.parametrize(
    ("media", "logs", "said"),
    [
        (FILE, {"pictures": DecodeLog()}, "it may be truncated or damaged"),
        (stretch_of(3, None), {"pictures": DecodeLog(seen=True)}, "has no pictures after 3 s: choose"),
        (stretch_of(3, 5), {"pictures": DecodeLog(), "sound": DecodeLog(seen=True)},
         "has no pictures and no sound from 3 to 5 s: choose another"),
        (stretch_of(3, 5), {"pictures": DecodeLog(complaints=1, lines=["bad"])}, "truncated or damaged"),
        (FILE, {"sound": DecodeLog(seen=True, cut_s=21_600)}, "has no sound in its first 6 hours"),
    ],
)  # fmt: skip
def test_why_there_is_nothing(media: Media, logs: dict[str, DecodeLog], said: str):
    assert said in str(lost.nothing_decoded(media, logs))


@pytest.mark.parametrize(
    ("log", "ticks", "cure"),
    [
        (DecodeLog(), 100, None),
        # It gave up, but near the end.
        (DecodeLog(failure="code 1"), 226, None),
        (DecodeLog(failure="code 1"), 200, "export the file again as mp4"),
        (DecodeLog(failure="signal 9", killed=True), 250, "run it again"),
    ],
)
def test_what_a_decoder_left_unfinished_is_refused(log: DecodeLog, ticks: int, cure: str | None):
    if cure is None:
        lost.check_end(FILE, "pictures", log, ticks)
        return
    with pytest.raises(DecodeError, match=cure):
        lost.check_end(FILE, "pictures", log, ticks)


@pytest.mark.parametrize(
    ("log", "ticks", "said"),
    [
        (DecodeLog(seen=True), 5, None),
        (DecodeLog(seen=True), 0, "there is no sound in this stretch"),
        # What lies beside the stretch is no gap in it.
        (DecodeLog(seen=True, gaps=[(0.0, 2.0)], gaps_s=2.0), 0, "there is no sound in this stretch"),
        (DecodeLog(), 0, "could not be decoded"),
        (DecodeLog(complaints=1, lines=["bad"]), 5, "damaged sound: 1 problem was skipped, the first: bad"),
        (DecodeLog(bad_samples=1), 5, "0.01 s of the sound are not numbers"),
        (DecodeLog(complaints=3, lines=["bad header"]), 5, "3 problems were skipped, the first: bad header"),
        (DecodeLog(gaps=[(1.0, 2.5)], gaps_s=1.5), 5, "no sound from 1.0 to 2.5 s: silence was put there"),
        (
            DecodeLog(gaps=[(1.0, 2.5)], gaps_s=4.0),
            5,
            "in several places, 4.0 s in all, first from 1.0 to 2.5 s",
        ),
        (DecodeLog(back_s=1.0), 5, None),
        (DecodeLog(back_s=1.2), 5, "about 1.2 s were left out"),
        (DecodeLog(bad_samples=8000), 5, "0.50 s of the sound are not numbers"),
        (DecodeLog(reshaped_s=[2.0]), 50, None),
        (DecodeLog(reshaped_s=[2.0]), 51, "the pixels change their shape at 2.0 s: all"),
        (DecodeLog(reshaped_s=[-1.0, 2.0]), 99, "the pixels change their shape at 0.0, 2.0 s: all"),
        (DecodeLog(reshaped_s=[0.2, 0.4, 0.6, 0.8]), 99, "at 0.2, 0.4, 0.6 s, and more often: all"),
        (DecodeLog(cut_s=21_600), 5, "the sound goes on after 6 hours"),
    ],
)
def test_what_was_wrong_with_a_stream(log: DecodeLog, ticks: int, said: str | None):
    found = list(lost.of_stream(FILE, "sound", log, ticks))
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_a_decoder_that_jumped_behind_the_end_sees_nothing():
    (said,) = lost.of_stream(stretch_of(3, 5), "sound", DecodeLog(), 0)
    assert said == "there is no sound in this stretch: the rest alone was analysed"
    (said,) = lost.of_stream(stretch_of(3, 5), "sound", DecodeLog(complaints=1, lines=["bad"]), 0)
    assert said == "the sound could not be decoded (bad): the rest alone was analysed"


@pytest.mark.parametrize(
    ("speech", "level", "said"),
    [
        (True, -30.0, []),
        (True, -60.0, ["almost silent (-60.0 dBFS)"]),
        (
            False,
            -30.0,
            ["no speech was found, only other sounds, such as music or noise: the voice columns are"],
        ),
        (False, -60.0, ["no speech was found, only other", "almost silent (-60.0 dBFS)"]),
        (False, -90.0, ["no speech was found: the voice", "almost silent (-90.0 dBFS)"]),
        (False, None, ["no speech was found: the voice columns are empty"]),
    ],
)
def test_why_nothing_was_heard(speech: bool, level: float | None, said: list[str]):
    voice: Any = SimpleNamespace(
        speech=np.array([False, speech]), heard=np.array([False, speech]), level_db=level, notes=(),
        quality=Quality(0.0, 0.5), tick_level_db=np.zeros(2),
    )  # fmt: skip
    media: Any = SimpleNamespace(audio=None, sounds=())
    found = list(warn.of_voice(media, cast(Voice, voice)))
    assert [part in line for part, line in zip(said, found, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("rest", "said"), [(-60.0, None), (-36.0, None), (-28.0, "only 8 dB louder"), (-19.0, "no louder")]
)
def test_speech_that_is_hardly_louder_than_the_rest_is_told(rest: float, said: str | None):
    speech = np.arange(100) < 50
    level = np.where(speech, -20.0, rest)
    voice: Any = SimpleNamespace(
        speech=speech, heard=until_gone(speech), tick_level_db=level, level_db=-25.0, notes=(),
        quality=Quality(0.0, 0.5),
    )  # fmt: skip
    media: Any = SimpleNamespace(audio=None, sounds=())
    found = list(warn.of_voice(media, cast(Voice, voice)))
    assert len(found) == (said is not None)
    assert said is None or f"the speech is {said}" in found[0]


def test_what_dies_away_behind_words_is_not_heard_beside_them():
    """The warning counts as `snr_db` of the result does."""
    speech = np.arange(100) % 10 < 5
    level = np.where(until_gone(speech), -20.0, -60.0)
    voice: Any = SimpleNamespace(
        speech=speech, heard=until_gone(speech), tick_level_db=level, level_db=-25.0, notes=(),
        quality=Quality(0.0, 0.5),
    )  # fmt: skip
    media: Any = SimpleNamespace(audio=None, sounds=())
    assert not list(warn.of_voice(media, cast(Voice, voice)))


@pytest.mark.parametrize(
    ("asked", "count", "what", "said"),
    [
        ("largest", 1, "sure", None),
        ("largest", 2, "sure", "2 faces were found; the largest, face 4, was analysed"),
        ("all", 1, "sure", None),
        ("all", 2, "sure", "the overall result is that of face 4 of 2, which speaks most"),
        ("all", 2, "others", "none of the faces speaks: the overall result is that of face 4"),
        ("speaking", 0, "sure", None),
        ("speaking", 1, "sure", None),
        ("speaking", 1, "silence", "nobody speaks: the overall result is that of the only face, 4"),
        ("all", 2, "silence", "nobody speaks: the overall result is that of the largest face, 4"),
        ("all", 2, "unheard", "no sound was analysed: the overall result is that of the largest face, 4"),
        ("speaking", 2, "unsure", "no lips clearly move with the voice: it was assigned to face 4"),
        ("4", 2, "sure", None),
    ],
)
def test_which_face_was_chosen(asked: str, count: int, what: str, said: str | None):
    persons = {4 + i: 4 + i for i in range(count)}
    choice = Choice(4, {}, persons, {})
    found = warn.of_choice(
        asked, choice, speech={"silence": False, "unheard": None}.get(what, True),
        speaks=what in ("sure", "unsure"), sure=what == "sure",
    )  # fmt: skip
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("speaking", "voice", "said"),
    [
        ([4, 4], "face", "to face 4 of 2, whose lips move, in 1 turn: it covers 67% of the speech"),
        ([4, 5], "1", "to 2 faces in turn of 2, whose lips move, in 2 turns: they cover 67% of voice 1"),
    ],
)
def test_turns_are_counted(speaking: list[int], voice: str, said: str):
    seen = np.array([*speaking, -1])
    turns = Turns(seen, seen, 2 / 3, len(set(speaking)))
    choice = Choice(4, {}, {4: 4, 5: 5}, {}, turns=turns)
    (found,) = warn.of_choice("speaking", choice, speech=True, speaks=True, sure=True, voice=voice)
    assert said in found


def test_a_picture_of_a_face_may_be_the_largest():
    choice = Choice(1, {}, {0: 0, 1: 1}, {}, still=frozenset({0}))
    still, found = warn.of_choice("largest", choice, speech=False, speaks=False, sure=False)
    assert still == "face 0 does not move at all, as on a photograph, and is passed over"
    assert found.startswith("2 faces were found; the largest that moves, face 1, was analysed")


def test_faces_that_do_not_move_are_counted():
    one = Choice(0, {}, {0: 0}, {}, still=frozenset({0}))
    both = Choice(0, {}, {0: 0, 1: 1}, {}, still=frozenset({0, 1}))
    assert [
        warn.of_choice("0", choice, speech=False, speaks=False, sure=False) for choice in (one, both)
    ] == [
        ["the face does not move at all, as on a photograph: what is said of it is about one picture"],
        ["all 2 faces do not move at all, as on a photograph: what is said of them is about pictures"],
    ]


@pytest.mark.parametrize(
    ("level", "asked", "broken", "said"),
    [
        (-20.0, None, False, ["the file has 2 sound tracks; track 1 was analysed: --audio-track takes 2"]),
        (-20.0, "1", False, []),
        (None, "1", False, ["sound track 1 is silent: --audio-track takes 2"]),
        (-90.0, None, False, ["sound track 1 is silent: --audio-track takes 2"]),
        # No advice that fails.
        (-20.0, None, True, ["the file has 2 sound tracks; track 1 was analysed",
                             "sound track 2 cannot be decoded"]),
        (None, "1", True, ["sound track 1 is silent"]),
    ],
)  # fmt: skip
def test_further_sound_tracks_are_told_once(
    level: float | None, asked: str | None, broken: bool, said: list[str]
):
    sounds = (SoundTrack(1, 1), SoundTrack(2, 2, decodes=not broken))
    media = replace(FILE, audio=AudioStream(1, "aac", 48_000, "mono", 0.0), sounds=sounds)
    assert list(given.of_tracks(media, Options(audio_track=asked), level, heard=True)) == said
    assert not list(given.of_tracks(media, Options(modality="face"), level, heard=False))


@pytest.mark.parametrize(
    ("look", "maps", "said"),
    [
        ({}, True, ""),
        ({"odd_aspect": True}, True, "the file claims pixels of a shape that none have"),
        ({"hdr": "smpte2084"}, True, ""),
        ({"hdr": "smpte2084"}, False, "which this ffmpeg cannot map to usual colours: they look flat, and "
                                      "labels of the face may be wrong; use an ffmpeg with zscale"),
        ({"hdr": "smpte2084", "odd_colours": True}, True,
         "(PQ, as in HDR10), which with such colours is not mapped to usual colours: they look flat, and "
         "labels of the face may be wrong"),
    ],
)  # fmt: skip
def test_pictures_that_are_not_as_they_were_meant(
    look: dict[str, Any], maps: bool, said: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(given, "maps_tones", lambda: maps)
    found = list(given.of_look(VideoStream(0, "h264", 64, 48, 25.0, 0, 0.0, **look)))
    assert len(found) == bool(said)
    assert not said or said in found[0]


def test_a_rate_that_is_taken_for_granted_is_told():
    media = replace(FILE, video=VideoStream(0, "h264", 64, 48, 25.0, 0, 0.0), timeless=True)
    said = (
        "the pictures have no time stamps, and were taken to come 25 times a second: if that is wrong, "
        "--capture-rate says how many there are"
    )
    assert warn.of_modality(media, Options()) == [said]
    assert not warn.of_modality(media, Options(capture_rate=30.0))


@pytest.mark.parametrize(
    ("captured", "stored", "said"),
    [
        (30, 29.97, ""),
        (240, 30, "slow motion: captured at 240 pictures a second, stored at 30, so all times are 8.0 times "
                  "too long: --capture-rate 240 gives the real ones"),
        # Phones claim 30, and make fewer where it is dark.
        (30, 15, "slow motion, or a camera in the dark: captured at 30 pictures a second, stored at 15, so "
                 "in slow motion all times are 2.0 times too long: --capture-rate 30 gives the real ones"),
        (2, 30, "time lapse: captured at 2 pictures a second, stored at 30, so all times are 15.0 times too "
                "short: --capture-rate 2 gives the real ones"),
        # More than can be undone.
        (0.1, 30, "time lapse: captured at 0.1 pictures a second, stored at 30, so all times are 300.0 times "
                  "too short"),
    ],
)  # fmt: skip
def test_slow_motion_and_time_lapse_are_told(captured: float, stored: float, said: str):
    media = replace(FILE, video=VideoStream(0, "h264", 64, 48, stored, 0, 0.0), capture_rate=captured)
    assert warn.of_modality(media, Options()) == ([said] if said else [])


@pytest.mark.parametrize(
    ("voices", "faces", "seconds", "said"),
    [(1, 0, 20, "one voice was told"), (2, 0, 5, "2 voices"), (1, 0, 19, ""), (1, 1, 60, ""), (0, 0, 60, "")],
)
def test_voices_that_sound_alone_tells_apart_are_doubted(voices: int, faces: int, seconds: int, said: str):
    told = warn.of_voices(voices, faces, seconds * TICK_HZ)
    assert [one[: len(said)] for one in told] == ([said] if said else [])


@pytest.mark.parametrize(
    ("widths", "said"),
    [
        ((400, 40), ["the smallest face beside a large one is 40 pixels wide, 2.1% of the picture's longer "
                     "side: others that are as small may have been missed"]),
        ((400, 60), []),
        # Where none is large, small ones are looked for all the time.
        ((100, 40), []),
        ((400,), []),
    ],
)  # fmt: skip
def test_others_may_be_missed_where_the_smallest_is_hardly_found(widths: tuple[int, ...], said: list[str]):
    # Those of a phone that is held upright are found as they are when it is not.
    for width, height, apart in ((1920, 1080, 0), (1920, 1080, 9), (1080, 1920, 0)):
        media = cast(Media, SimpleNamespace(video=SimpleNamespace(width=width, height=height)))
        tracks = {
            i: SimpleNamespace(boxes=np.full((9, 4), width), ticks=np.arange(9) + apart * i)
            for i, width in enumerate(widths)
        }
        faces = cast(Faces, SimpleNamespace(tracks=tracks, most=len(widths), altered=0.0))
        # In another shot they are not beside each other.
        assert list(warn.of_faces(faces, media, Options())) == ([] if apart else said)


@pytest.mark.parametrize(
    ("widened", "said"),
    [
        ({1.0: 9}, None),
        ({4 / 3: 9}, "4:3: faces were widened by 4/3;"),
        # As in a film with advertisements of another shape.
        ({1.0: 66, 4 / 3: 33, 0.75: 1}, "4:3, in part: 34% of the faces were widened by 4/3;"),
    ],
)
def test_how_many_faces_were_widened_is_told(widened: dict[float, int], said: str | None):
    share = altered_share(widened)
    told = list(warn.of_finding(1, share, Options()))
    assert [said in one for one in told if said] == ([True] if said else [])
    assert bool(told) == bool(said)
    assert not list(warn.of_finding(1, share, Options(aspect="4:3")))


def test_a_baseline_that_is_taken_away_from_several_people_is_told():
    shown = np.array([0, 0, 2, 1, -1])
    turns = Turns(shown, shown, 1.0, 2)
    asked = Options(face="speaking", baseline="ann.json")
    for persons, count in (({0: 0, 1: 1, 2: 0}, 2), ({0: 0, 1: 0, 2: 0}, 1)):
        choice = Choice(0, {}, persons, {}, turns=turns)
        said = list(warn.of_baseline(choice, asked))
        assert [f"{count} faces were analysed in turn" in one for one in said] == [True] * (count > 1)
        assert not list(warn.of_baseline(choice, Options(face="speaking")))
        assert not list(warn.of_baseline(replace(choice, turns=None), asked))
