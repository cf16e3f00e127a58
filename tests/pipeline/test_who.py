"""Whose voice joins which face: evidence made up, and what the join makes of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emoview import InputError
from emoview.media.facts import WHOLE, Media
from emoview.media.process import DecodeLog
from emoview.output.read import read_json
from emoview.output.writers import write_results
from emoview.pipeline.answers import Answers
from emoview.pipeline.evidence import Faces, FaceTrack, SequenceLogits, Voice, Voices
from emoview.pipeline.join import Join
from emoview.pipeline.measures import WIDTH
from emoview.pipeline.models import Models
from emoview.speakers.windows import windows_of
from emoview.timeline.labels import LABELS
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis
from emoview.timeline.shares import overall_rows

TICKS, HALF = 500, 250
HAPPY, SAD = LABELS.index("happy"), LABELS.index("sad")


def track(*, talks: np.ndarray, x: float = 0.0) -> FaceTrack:
    """Give a face that says neutral, and whose lips move where it talks."""
    lips = 0.03 + np.where(talks, 0.006, 0.0003) * np.where(np.arange(TICKS) % 2, 1, -1)
    logits = np.tile(4 * np.eye(7, dtype=np.float32)[0], (TICKS, 1))
    boxes = np.tile([x, 0.0, 50.0, 50.0], (TICKS, 1))
    ids = np.zeros(TICKS, np.int64)
    return FaceTrack(np.arange(TICKS), ids, boxes, logits, lips, SequenceLogits(logits[0], logits), None)


def voice(first: int = HALF) -> Voice:
    """Give a voice that is happy up to a tick, and another that is sad behind it."""
    speech = np.ones(TICKS, bool)
    speech[first - 10 : first] = False
    cuts = windows_of(speech)
    said = np.zeros((TICKS, 9), np.float32)
    said[:first, HAPPY] = said[first:, SAD] = 5
    embeddings = np.array([[1, 0] if last <= first else [0, 1] for _, last in cuts], np.float32)
    logits = SequenceLogits(said.mean(axis=0), said)
    level = np.where(speech, -20, -60).astype(np.float32)
    return Voice(TICKS, speech, level, -20.0, logits, logits, DecodeLog(), voices=Voices(cuts, embeddings))


def joined(*tracks: FaceTrack, heard: Voice | None = None, **options: Any) -> Analysis:
    numbered = {i: replace(one, ids=np.full(TICKS, i)) for i, one in enumerate(tracks)}
    media = Media(Path("talk.mp4"), TICKS / 25, None, None, WHOLE)
    faces = Faces(TICKS, numbered, DecodeLog(), widened=1.0) if tracks else None
    return Join(media, Options(**options), faces, heard or voice(), Models()).analysis([], "cpu")


FIRST_HALF = np.arange(TICKS) < HALF


def test_an_unseen_interviewer_never_touches_what_is_said_of_the_face():
    result = joined(track(talks=FIRST_HALF))
    own, other = result.timeline[50], result.timeline[400]
    assert (own.voice_id, own.speaking, own.off_screen) == (0, True, False)
    assert (other.voice_id, other.speaking, other.off_screen) == (1, False, True)
    assert own.said("fused") == "happy"
    # The voice keeps its own columns.
    assert other.said("voice") == "sad"
    # What the face itself said lasts a little; nothing of the other joins it.
    assert all(row.said("fused") != "sad" for row in result.timeline)
    for row in result.timeline[HALF + 25 :]:
        assert row.fused == pytest.approx(row.face, abs=1e-3)
    assert [(one.voice_id, one.seconds, one.person) for one in result.speakers] == [
        (0, 9.72, 0),
        (1, 10, None),
    ]
    assert result.overall.voice is not None
    assert result.overall.voice.label == "happy"
    assert not result.timeline[HALF - 5].speaking


@pytest.mark.parametrize("smooth", [None, 0.4])
def test_a_voice_lasts_until_its_last_sound_has_died_away(
    smooth: float | None, monkeypatch: pytest.MonkeyPatch
):
    last = HALF - 11
    result = joined(track(talks=FIRST_HALF), smooth=smooth)
    rows = result.timeline
    assert [row.voice_id for row in rows[last : last + 5]] == [0, 0, 0, 0, None]
    assert all(row.speaking for row in rows[last : last + 4])
    # It begins no sooner.
    assert [row.voice_id for row in rows[HALF - 1 : HALF + 1]] == [None, 1]
    monkeypatch.setattr("emoview.pipeline.evidence.until_gone", lambda speech: speech)
    # What is said hangs on the words alone.
    words = joined(track(talks=FIRST_HALF), smooth=smooth)
    assert words.timeline[last + 1].voice_id is None
    assert words.overall == result.overall
    assert [row.fused for row in words.timeline] == [row.fused for row in rows]
    assert all(
        one.voice == other.voice
        for one, other in zip(words.timeline, rows, strict=True)
        if one.voice is not None
    )


def test_what_dies_away_says_nothing_by_itself():
    heard = voice()
    answers = Answers(Models(), heard, TICKS, None)
    dying = heard.heard & ~heard.speech
    assert dying.sum() == 3
    assert answers.said_of_voice(dying) is None
    said, words = answers.said_of_voice(FIRST_HALF), answers.said_of_voice(FIRST_HALF & ~dying)
    assert said is not None
    assert words is not None
    assert all((said.whole[name] == words.whole[name]).all() for name in words.whole)


def test_another_voice_does_not_leak_into_the_words_beside_it():
    calm, sad = voice(), voice()
    assert calm.tcn is not None
    assert sad.tcn is not None
    for said in (calm.tcn, calm.clip):
        said.ticks[HALF:] = 0
    for one, other in zip(
        joined(track(talks=FIRST_HALF), heard=calm).timeline,
        joined(track(talks=FIRST_HALF), heard=sad).timeline,
        strict=True,
    ):
        assert one.fused == other.fused


def test_all_that_is_heard_counts_where_that_is_asked_for():
    rows = joined(track(talks=FIRST_HALF), voice="all").timeline
    assert rows[400].said("fused") == "sad"
    assert rows[400].off_screen


def test_one_voice_counts_where_it_is_asked_for():
    rows = joined(track(talks=FIRST_HALF), voice="1").timeline
    assert rows[50].voice is None
    assert rows[50].fused == rows[50].face
    assert rows[400].said("fused") == "sad"
    with pytest.raises(InputError, match=r"talk.mp4 has no voice 2: it has voices 0, 1"):
        joined(track(talks=FIRST_HALF), voice="2")


def test_each_of_two_people_gets_their_own_voice():
    result = joined(track(talks=FIRST_HALF), track(talks=~FIRST_HALF, x=60), face="all")
    spoken = [row for row in result.timeline if row.speaking and abs(row.tick - HALF) > 25]
    assert {(row.face_id, row.said("fused")) for row in spoken} == {(0, "happy"), (1, "sad")}
    # What is heard stands in the row of whoever says it.
    for row in result.timeline:
        assert (row.voice is not None) == row.speaking
    assert [one.person for one in result.speakers] == [0, 1]


def test_a_face_that_listens_is_warned_of():
    result = joined(track(talks=np.zeros(TICKS, bool)))
    assert result.overall.voice is None
    assert result.fusion_used == "none"
    (warning,) = result.warnings
    assert warning.startswith(
        "all of the speech was assigned to voice 0 (off screen) and voice 1 (off screen), not"
    )
    most = joined(track(talks=np.arange(TICKS) < 150), heard=voice(150)).warnings
    assert any(one.startswith("71% of the speech was assigned to voice 1") for one in most)


def test_without_faces_all_voices_count():
    result = joined()
    assert {row.said("fused") for row in result.timeline if row.voice_id is not None} == {"happy", "sad"}
    assert not any(row.off_screen or row.speaking for row in result.timeline)
    assert [one.person for one in result.speakers] == [None, None]
    assert "2 voices were told apart by sound alone: their number and turns may be wrong" in result.warnings


def test_who_speaks_is_read_back(tmp_path: Path):
    result = joined(track(talks=FIRST_HALF), voice="0")
    write_results(result, "talk", ["json", "csv"], tmp_path)
    again = read_json(tmp_path / "talk.json")
    assert again.speakers == result.speakers
    assert again.options.voice == "0"
    for name in ("voice_id", "speaking", "off_screen"):
        assert [getattr(row, name) for row in again.timeline] == [
            getattr(row, name) for row in result.timeline
        ]
    assert ",voice_id,speaking,off_screen," in (tmp_path / "talk.csv").read_text().splitlines()[0]


def test_of_all_faces_the_one_that_speaks_most_is_the_overall_result():
    result = joined(track(talks=np.zeros(TICKS, bool)), track(talks=np.ones(TICKS, bool), x=60), face="all")
    assert {one.person for one in result.speakers} == {1}
    assert result.overall.voice is not None
    assert result.warnings == ("the overall result is that of face 1 of 2, which speaks most",)


def test_where_no_face_has_the_voice_the_overall_result_is_that_of_the_largest():
    """As whoever reads the result takes it, and not of the face whose lips move with another voice."""
    near, far = track(talks=np.zeros(TICKS, bool)), track(talks=FIRST_HALF, x=200.0)
    smiles = np.roll(near.logits, HAPPY, axis=1)
    near = replace(near, boxes=2 * near.boxes, logits=smiles, gru=SequenceLogits(smiles[0], smiles))
    heard = voice()
    heard = replace(heard, tick_level_db=heard.tick_level_db - np.where(FIRST_HALF, 0, 20).astype(np.float32))
    result = joined(near, far, heard=heard, face="all", voice="1")
    assert [(one.voice_id, one.person) for one in result.speakers] == [(0, 1), (1, None)]
    assert {row.person for row in overall_rows(result)} == {0}
    assert result.overall.face is not None
    assert result.overall.face.label == "happy"
    assert "no lips clearly move with voice 1: it was assigned to face 0" in result.warnings


def test_the_speaking_face_is_the_one_that_the_voice_was_given_to():
    result = joined(track(talks=FIRST_HALF), track(talks=~FIRST_HALF, x=60), face="speaking")
    owner = {one.voice_id: one.person for one in result.speakers}
    spoken = [row for row in result.timeline if row.voice_id is not None]
    assert all(row.speaking and row.person == owner[row.voice_id] for row in spoken)
    assert "2 faces in turn of 2, whose lips move, in 2 turns: they cover 100%" in result.warnings[0]
    # What nobody says who is seen is heard all the same.
    narrated = joined(track(talks=FIRST_HALF), track(talks=np.zeros(TICKS, bool), x=60), face="speaking")
    row = narrated.timeline[400]
    assert (row.face_id, row.speaking, row.off_screen, row.said("voice")) == (0, False, True, "sad")
    assert row.fused == row.face


def test_what_is_heard_stands_in_some_row_though_the_main_face_is_lost():
    main = track(talks=FIRST_HALF)
    early = np.arange(TICKS) < 300
    main = replace(
        main, **{name: getattr(main, name)[early] for name in ("ticks", "boxes", "logits", "lips")}
    )
    assert main.gru is not None
    faces = {
        0: replace(main, ids=np.zeros(300, np.int64), gru=SequenceLogits(main.gru.whole, main.logits)),
        1: replace(track(talks=np.zeros(TICKS, bool), x=60), ids=np.ones(TICKS, np.int64)),
    }
    media = Media(Path("talk.mp4"), TICKS / 25, None, None, WHOLE)
    found = Faces(TICKS, faces, DecodeLog(), widened=1.0)
    for asked in ("face", "all"):
        result = Join(media, Options(face="all", voice=asked), found, voice(), Models()).analysis([], "cpu")
        told = {row.tick for row in result.timeline if row.voice is not None}
        assert told == {row.tick for row in result.timeline if row.voice_id is not None}


def test_lips_that_move_in_the_voice_of_another_are_told():
    result = joined(track(talks=np.ones(TICKS, bool)), track(talks=FIRST_HALF, x=60), face="all")
    (said,) = [one for one in result.warnings if "both may speak" in one]
    assert "s of voice 0, which was assigned to face 0, the lips of face 1 move as in speech, too" in said


@pytest.mark.parametrize(("seconds", "told"), [(4, True), (1, False)])
def test_lips_that_move_in_a_voice_off_screen_are_told(seconds: int, told: bool):
    heard = voice()
    assert heard.voices is not None
    same = np.tile(np.float32([[1, 0]]), (len(heard.voices.cuts), 1))
    heard = replace(heard, voices=Voices(heard.voices.cuts, same))
    result = joined(track(talks=np.arange(TICKS) < 25 * seconds), heard=heard)
    assert [one.person for one in result.speakers] == [None]
    said = [one for one in result.warnings if "two voices may have been taken for one" in one]
    assert len(said) == told
    if told:
        assert (
            "voice 0, which was assigned to nobody in the picture, the lips of face 0 move as in" in said[0]
        )


def test_whose_a_voice_is_does_not_hang_on_whose_face_is_asked_for():
    course = np.sin(np.arange(TICKS) / 10)
    heard = replace(voice(), tick_level_db=(-20 + 12 * course).astype(np.float32))

    def unsure(x: float) -> FaceTrack:
        """Give a face whose lips move a little, in step with all that is said."""
        lips = 0.03 + 0.0021 * (1 + 0.5 * course) * (-1.0) ** np.arange(TICKS)
        return replace(track(talks=FIRST_HALF, x=x), lips=lips)

    found = [
        joined(unsure(0), unsure(60), heard=heard, face=asked).speakers
        for asked in ("largest", "0", "1", "all", "speaking")
    ]
    assert found[1:] == found[:-1]
    assert found[0][0].person == 0


@pytest.mark.parametrize("asked", ["face", "all", "1"])
def test_a_face_that_is_too_poor_to_be_read_speaks_where_it_does(asked: str):
    poor = replace(track(talks=FIRST_HALF), measures=np.zeros((TICKS, WIDTH), np.float32))
    rows = joined(poor, voice=asked, min_quality=0.5).timeline
    assert all(row.face is None and row.face_id == 0 for row in rows)
    assert [(row.speaking, row.off_screen) for row in (rows[50], rows[400])] == [(True, False), (False, True)]
    assert (rows[400].fused is not None) == (asked != "face")
    assert (rows[50].fused is not None) == (asked != "1")


def test_the_label_of_the_whole_is_of_no_other_face_where_the_main_one_is_too_poor_to_be_read():
    good = np.full((TICKS, WIDTH), 0.3, np.float32)
    good[:, 0], good[:, 1:4], good[:, 22:24] = 150, 0, (0, -3)
    one = replace(track(talks=FIRST_HALF), measures=np.zeros((TICKS, WIDTH), np.float32))
    other = replace(track(talks=np.zeros(TICKS, bool), x=60), measures=good)
    result = joined(one, other, face="all", min_quality=0.5)
    assert {row.face_id for row in result.timeline if row.face is not None} == {1}
    assert any("the overall result is that of face 0" in one for one in result.warnings)
    assert result.overall.face is None
    # What that face says is all that is left of it.
    assert result.overall.fused == result.overall.voice
    assert result.overall.voice is not None
    assert result.overall.voice.label == "happy"
