"""What goes over the wire to viewers and comes from them."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from emoview.errors import InputError
from emoview.live.blur import blurred
from emoview.live.session import Update
from emoview.timeline.clock import time_of

MOST_BYTES: Final = 1_000_000
"""Of one message."""
_MOST_PIXELS: Final = 1920 * 1088
_QUALITY: Final = 72
_HEAD: Final = struct.Struct("<Bd")
PICTURE, SOUND = 1, 2
"""First byte of a message from a browser's camera; the capture time follows, in seconds."""


class Asked(Struct, forbid_unknown_fields=True):
    """What a viewer says.

    Attributes:
        ack: Number of the update that was drawn, so that the next may be sent.
        set: Settings to change.
        calibrate: Seconds to take as the person's zero.
        quiet: Whether pictures are not wanted.
    """

    ack: int | None = None
    set: dict[str, Any] | None = None
    calibrate: float | None = None
    quiet: bool | None = None


def asked_in(text: str | bytes) -> Asked:
    """Read what a viewer says.

    Raises:
        InputError: It is nothing that viewers say.
    """
    try:
        asked = msgspec.json.decode(text, type=Asked)
    except msgspec.DecodeError as error:
        raise InputError(f"this message means nothing: {error}") from None
    if asked.calibrate is not None and not 1 <= asked.calibrate <= 600:
        raise InputError("calibrate takes 1 to 600 seconds")
    return asked


def told(update: Update) -> dict[str, Any]:
    """Give an update as viewers get it."""
    moment, shot, pace, naming = update.moment, update.shot, update.pace, update.settings.naming
    picture, scale = shot.picture, shot.scale
    size = None if picture is None else [round(v * scale) for v in (picture.shape[1], picture.shape[0])]
    return {
        "n": update.number,
        "tick": moment.tick,
        "time": time_of(moment.tick),
        "stamp": shot.stamp,
        "size": size,
        "faces": [
            {
                "id": face.face_id,
                "box": [round(v, 1) for v in (face.box.x, face.box.y, face.box.width, face.box.height)],
                "points": np.rint(face.outline).astype(int).ravel().tolist(),
                "label": update.labels.get(face.face_id),
                "said": [naming.decide(face.face)[0], naming.decide(face.fused)[0]],
                "face": _thousandths(face.face),
                "fused": _thousandths(face.fused),
                "va": [round(face.valence, 3), round(face.arousal, 3)],
                "main": face.face_id == moment.main,
                "speaks": face.speaks,
            }
            for face in moment.faces
        ],
        "voice": None if moment.voice is None else _thousandths(moment.voice),
        "voiceSaid": None if moment.voice is None else naming.decide(moment.voice)[0],
        "voiceVa": moment.affect,
        "speech": moment.speech,
        "level": moment.level_db,
        "pace": [pace.rate_hz, pace.delay_ms, pace.delay_p95_ms, pace.dropped],
        "state": update.source.state,
        "message": update.source.message,
        "zero": [update.zero_left_s, update.zero, update.zero_failed],
    }


def _thousandths(values: tuple[float, ...]) -> list[int]:
    return [round(1000 * value) for value in values]


def jpeg_of(update: Update, *, blur: bool) -> bytes:
    """Give the picture of an update as JPEG; nothing where it has none."""
    picture = update.shot.picture
    if picture is None:
        return b""
    import cv2

    if blur:
        picture = blurred(picture, update.boxes, update.shot.scale)
    ok, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return content.tobytes() if ok else b""


def packed(head: dict[str, Any], picture: bytes) -> bytes:
    """Put JSON and a picture into one message: length of the JSON, it, and the picture."""
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    return struct.pack("<I", len(text)) + text + picture


@dataclass(frozen=True)
class Sent:
    """What a browser's camera or microphone sent.

    Attributes:
        stamp: Second at which it was captured, on the browser's clock.
        picture: `(height, width, 3)` RGB, or None.
        samples: `(n,)` at 16 kHz in [-1, 1], or None.
    """

    stamp: float
    picture: NDArray[np.uint8] | None = None
    samples: NDArray[np.float32] | None = None


def sent_in(message: bytes) -> Sent:
    """Read a picture or sound from a browser.

    Raises:
        InputError: It is neither, or too large.
    """
    if len(message) > MOST_BYTES:
        raise InputError("the message is too large")
    if len(message) <= _HEAD.size:
        raise InputError("the message is too short")
    kind, stamp = _HEAD.unpack_from(message)
    if not math.isfinite(stamp) or not 0 <= stamp < 1e10:
        raise InputError("the message has no time")
    body = message[_HEAD.size :]
    if kind == PICTURE:
        return Sent(stamp, picture=_picture(body))
    if kind == SOUND and len(body) % 2 == 0 and len(body) <= 64_000:
        return Sent(stamp, samples=np.frombuffer(body, "<i2").astype(np.float32) / 32768)
    raise InputError("the message is neither a picture nor sound")


def _picture(body: bytes) -> NDArray[np.uint8]:
    import cv2

    width, height = jpeg_size(body)
    if not (width >= 16 and height >= 16 and width * height <= _MOST_PIXELS):
        raise InputError("the picture has a size that is not taken")
    decoded = cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise InputError("the picture is no JPEG")
    return np.ascontiguousarray(decoded[..., ::-1], np.uint8)


def jpeg_size(body: bytes) -> tuple[int, int]:
    """Read width and height from the head of a JPEG, before anything is unpacked.

    Raises:
        InputError: It is no JPEG.
    """
    if not body.startswith(b"\xff\xd8\xff"):
        raise InputError("the picture is no JPEG")
    place = 2
    while place + 9 < len(body) and body[place] == 0xFF:
        marker, length = body[place + 1], int.from_bytes(body[place + 2 : place + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            high, wide = struct.unpack_from(">HH", body, place + 5)
            return wide, high
        place += 2 + max(2, length)
    raise InputError("the picture is no JPEG")
