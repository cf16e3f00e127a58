"""The measures of a tick, beside its label: their names, units and meanings, in the order of their columns.

Those of the face are named by what they are.  Some approximate an action unit of the Facial Action Coding
System (Ekman and Friesen 1978); none is a coding by it, which trained people do by other rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

Values = tuple[float | None, ...]
"""The measures of a row, in the order of `MEASURES`; what is missing is None."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of each row.

    Attributes:
        name: Of the column.
        unit: Such as `degrees`; `0 or 1` for yes or no.
        meaning: What it is.
        like: The action unit that it approximates, with `(-)` where a lower value means more of it.
        decimals: Digits behind the point that are kept; None for whole numbers.
    """

    name: str
    unit: str
    meaning: str
    like: str | None = None
    decimals: int | None = 3


_EYES: Final = "eye distances"
_FLAG: Final = "0 or 1"

HEAD: Final = (
    Measure("head_yaw", "degrees", "Head turned to the picture's right (+) or left (-)", None, 1),
    Measure("head_pitch", "degrees", "Head turned up (+) or down (-)", None, 1),
    Measure("head_roll", "degrees", "Head tilted clockwise (+) or counter-clockwise (-)", None, 1),
    Measure(
        "head_distance", "face widths",
        "Distance from the camera, if the longer side of its picture spans 53 degrees", None, 2,
    ),
)  # fmt: skip
EXPRESSION: Final = (
    Measure("eye_left", "ratio", "Opening of the eye at the picture's left over its width", "AU43 (-)"),
    Measure("eye_right", "ratio", "Opening of the eye at the picture's right over its width", "AU43 (-)"),
    Measure("brow_inner", _EYES, "Height of the inner brows above the eyes", "AU1"),
    Measure("brow_outer", _EYES, "Height of the outer brows above the eyes", "AU2"),
    Measure("brow_gap", _EYES, "Distance between the inner brows", "AU4 (-)"),
    Measure("nose_eye", _EYES, "Distance from the nostrils to the inner corners of the eyes", "AU9 (-)"),
    Measure("cheek_lift", _EYES, "Height of the cheeks above the base of the nose", "AU6"),
    Measure("upper_lip", _EYES, "Distance from the base of the nose to the upper lip", "AU10 (-)"),
    Measure("lip_corners", _EYES, "Height of the mouth's corners above its middle", "AU12, AU15 (-)"),
    Measure("mouth_width", _EYES, "Distance between the corners of the mouth", "AU12, AU20, AU18 (-)"),
    Measure("mouth_open", _EYES, "Distance between the inner lips", "AU25"),
    Measure("lip_height", _EYES, "Height of the red of both lips", "AU24 (-), AU28 (-)"),
    Measure("lip_forward", _EYES, "How far the lips stand before the base of the nose", "AU18, AU22"),
    Measure("jaw_drop", _EYES, "Distance from the base of the nose to the chin", "AU26"),
    Measure(
        "mouth_skew", _EYES, "Height of the mouth's corner at the picture's left above the other", "AU14"
    ),
)
BLINK: Final = Measure("blink", _FLAG, "Whether the eyes are closed in a blink", "AU45", None)
PICTURE: Final = (
    Measure("face_px", "pixels", "Width of the face", None, 1),
    Measure("sharpness", "ratio", "Strength of edges of one pixel over the contrast, of the aligned face"),
    Measure("brightness", "ratio", "Mean grey value of the face, from 0 to 1"),
    Measure("contrast", "ratio", "Standard deviation of the face's grey values"),
    Measure("outside", "ratio", "Share of the outline that lies outside the picture"),
    Measure("covered", _FLAG, "Whether something covers the lower face", None, None),
    Measure("quality", "ratio", "Accuracy expected of such a picture, as a share of that of a good one"),
    Measure("usable", _FLAG, "Whether the quality is 0.8 or more", None, None),
)
SOUND: Final = (
    Measure("sound_db", "dBFS", "Level of the sound", None, 1),
    Measure("pitch_hz", "Hz", "Pitch of the voice; missing where it is unvoiced", None, 1),
    Measure("loudness", "arbitrary", "Loudness: sum of the auditory spectrum"),
    Measure("jitter", "ratio", "Change of the period from one to the next", None, 4),
    Measure("shimmer", "ratio", "Change of the amplitude from one period to the next", None, 4),
    Measure("hnr_db", "dB", "Power of the harmonics over that of the noise", None, 1),
)
FACE: Final = (*HEAD, *EXPRESSION, BLINK, *PICTURE)
"""Those of a row with a face."""
MEASURES: Final = (*FACE, *SOUND)
MEASURE_COLUMNS: Final = tuple(measure.name for measure in MEASURES)
"""Columns of the measures, in their order."""
NO_FACE: Final[Values] = (None,) * len(FACE)
NO_SOUND: Final[Values] = (None,) * len(SOUND)

ACTION_UNIT: Final = re.compile(r"au\d\d", re.ASCII)
"""Names of columns that only imported results have: action units as another program gave them."""

_DECIMALS: Final = tuple(measure.decimals for measure in MEASURES)


def kept(values: Sequence[float | None]) -> Values:
    """Round measures, in the order of `MEASURES`, to the digits that are kept; no number becomes None."""
    return tuple(
        None if value is None or value - value != 0 else round(value, digits) if digits else round(value)
        for value, digits in zip(values, _DECIMALS, strict=True)
    )
