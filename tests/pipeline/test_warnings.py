"""What a user is told of a result: one test a warning, each with what does not deserve it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from emoview.errors import DecodeError
from emoview.media.probe import WHOLE, Media
from emoview.media.process import DecodeLog
from emoview.pipeline import lost
from emoview.pipeline import warnings as warn
from emoview.pipeline.choice import Choice
from emoview.pipeline.evidence import Faces, Voice
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.options import Options
from emoview.voice.quality import Quality

FILE = cast(Media, SimpleNamespace(path=Path("a.mp4"), duration_s=10.0, stretch=WHOLE))


@pytest.mark.parametrize(
    ("pictures", "sound", "said"),
    [
        (250, 250, []),
        # Streams rarely end together: a second is usual.
        (225, 250, []),
        (224, 250, ["the pictures end at 9.0 s, 1.0 s before the rest"]),
        (250, 100, ["the sound ends at 4.0 s, 6.0 s before the rest"]),
        (225, 225, []),
        (224, 224, ["the file claims 10.0 s, but only 9.0 s could be decoded"]),
    ],
)
def test_a_stream_that_ends_early(pictures: int, sound: int, said: list[str]):
    assert list(lost.of_length(FILE, Options(), {"pictures": pictures, "sound": sound})) == said


def test_a_clip_of_a_few_pictures_is_called_short():
    short = cast(Media, SimpleNamespace(path=Path("a.mp4"), duration_s=None, stretch=WHOLE))
    assert [len(list(lost.of_length(short, Options(), {"pictures": n}))) for n in (0, 1, 4, 5)] == [
        0,
        1,
        1,
        0,
    ]


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
        (DecodeLog(), 0, "could not be decoded"),
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
    found = list(lost.of_stream("sound", log, ticks))
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("speech", "level", "said"),
    [
        (True, -30.0, []),
        (True, -60.0, ["almost silent (-60.0 dBFS)"]),
        (False, -30.0, ["no speech was found, only music or noise: the voice columns are empty"]),
        (False, -60.0, ["no speech was found, only music", "almost silent (-60.0 dBFS)"]),
        (False, -90.0, ["no speech was found: the voice", "almost silent (-90.0 dBFS)"]),
        (False, None, ["no speech was found: the voice columns are empty"]),
    ],
)
def test_why_nothing_was_heard(speech: bool, level: float | None, said: list[str]):
    voice: Any = SimpleNamespace(
        speech=np.array([False, speech]), level_db=level, notes=(), quality=Quality(0.0, 0.5),
        tick_level_db=np.zeros(2),
    )  # fmt: skip
    media: Any = SimpleNamespace(audio=None, sounds=())
    found = list(warn.of_voice(media, cast(Voice, voice)))
    assert [part in line for part, line in zip(said, found, strict=True)] == [True] * len(said)


@pytest.mark.parametrize(
    ("rest", "said"), [(-60.0, None), (-36.0, None), (-28.0, "only 8 dB"), (-19.0, "only 0")]
)
def test_speech_that_is_hardly_louder_than_the_rest_is_told(rest: float, said: str | None):
    speech = np.arange(100) < 50
    level = np.where(speech, -20.0, rest)
    voice: Any = SimpleNamespace(
        speech=speech, tick_level_db=level, level_db=-25.0, notes=(), quality=Quality(0.0, 0.5)
    )
    media: Any = SimpleNamespace(audio=None, sounds=())
    found = list(warn.of_voice(media, cast(Voice, voice)))
    assert len(found) == (said is not None)
    assert said is None or f"the speech is {said}" in found[0]


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
        ("speaking", 1, "silence", "nobody speaks"),
        ("speaking", 2, "unsure", "no lips clearly move with the voice: it was assigned to face 4"),
        ("4", 2, "sure", None),
    ],
)
def test_which_face_was_chosen(asked: str, count: int, what: str, said: str | None):
    persons = {4 + i: 4 + i for i in range(count)}
    choice = Choice(4, {}, persons, {})
    found = warn.of_choice(
        asked, choice, speech=what != "silence", speaks=what in ("sure", "unsure"), sure=what == "sure"
    )
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


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
        ((400, 40), ["the smallest face beside a large one is 40 pixels wide, 2.1% of the picture: others "
                     "that are as small may have been missed"]),
        ((400, 60), []),
        # Where none is large, small ones are looked for all the time.
        ((100, 40), []),
        ((400,), []),
    ],
)  # fmt: skip
def test_others_may_be_missed_where_the_smallest_is_hardly_found(widths: tuple[int, ...], said: list[str]):
    tracks = {i: SimpleNamespace(boxes=np.full((9, 4), width)) for i, width in enumerate(widths)}
    faces = cast(Faces, SimpleNamespace(tracks=tracks, most=len(widths), widened=1))
    media = cast(Media, SimpleNamespace(video=SimpleNamespace(width=1920)))
    assert list(warn.of_faces(faces, media, Options())) == said
