"""What comes from viewers and their cameras is checked before anything is made of it."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from live_parts import face_now, moment_of

from emoview.errors import InputError
from emoview.live.blur import blurred
from emoview.live.inbox import Shot
from emoview.live.session import Pace, Update
from emoview.live.settings import EMOVIEW
from emoview.live.sources import SourceState
from emoview.live.wire import MOST_BYTES, asked_in, jpeg_size, sent_in, told


def jpeg(width: int = 64, height: int = 48, ending: str = ".jpg") -> bytes:
    picture = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return cv2.imencode(ending, picture)[1].tobytes()


def message(kind: int, body: bytes, stamp: float = 1.5) -> bytes:
    return struct.pack("<Bd", kind, stamp) + body


def test_pictures_and_sound_come_through():
    sent = sent_in(message(1, jpeg()))
    assert sent.stamp == 1.5
    assert sent.picture.shape == (48, 64, 3)
    samples = sent_in(message(2, struct.pack("<3h", -32768, 0, 16384))).samples
    assert samples.tolist() == [-1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\x01", message(1, b""), message(1, jpeg(ending=".png")),
        message(1, b"\xff\xd8\xff" + b"\x00" * 50), message(1, jpeg()[:60]),
        message(3, jpeg()), message(2, b"odd"), message(2, bytes(64_002)),
        message(1, jpeg(), float("nan")), message(1, jpeg(), -1.0), message(1, jpeg(8, 8)),
        message(1, bytes(MOST_BYTES)),
    ],
)  # fmt: skip
def test_other_messages_are_refused(content):
    with pytest.raises(InputError):
        sent_in(content)


def test_a_jpeg_that_unpacks_to_far_more_is_refused_unopened():
    small = bytearray(jpeg())
    place = small.index(b"\xff\xc0") + 5
    small[place : place + 4] = struct.pack(">HH", 65_000, 65_000)
    assert jpeg_size(bytes(small)) == (65_000, 65_000)
    with pytest.raises(InputError, match="size"):
        sent_in(message(1, bytes(small)))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"set": 3}', '{"run": "rm"}', '{"calibrate": 1e9}', '{"ack": "x"}']
)
def test_what_viewers_never_say_is_refused(text):
    with pytest.raises(InputError):
        asked_in(text)


def test_blurred_faces_are_no_faces_and_the_rest_is_left():
    picture = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    before = picture.copy()
    face = moment_of(0, face_now(0, "happy")).faces[0]
    hidden = blurred(picture, [face.box], scale=1.0)
    inside = hidden[50:130, 100:180].astype(float)
    assert inside.std() < 0.3 * picture.std()
    assert np.array_equal(hidden[:, :60], picture[:, :60])
    assert np.array_equal(picture, before)


def test_viewers_are_told_the_labels_that_the_settings_allow():
    moment = moment_of(0, face_now(0, "happy", share=0.4), voice="sad")
    for sense, face, voice in ((0, "happy", "sad"), (45, "uncertain", "sad"), (60, "uncertain", "uncertain")):
        settings = EMOVIEW.changed({"prediction_sense": sense})
        update = Update(
            1, moment, {0: face}, Shot(0, None, 1.0, 0.0), Pace(), SourceState(), settings, None, zero=False
        )
        said = told(update)
        assert said["faces"][0]["said"] == [face, face]
        assert said["voiceSaid"] == voice
