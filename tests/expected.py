"""What is known of the clips that tests look at: one value a clip, which all tests ask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Facts:
    """A clip: how it is made, and what must be found in it.

    Attributes:
        name: Of its file.
        options: Of ffmpeg.
        seconds: Of the sample, from its start, that it is made from.
        ticks: Ticks of the pictures, or of the sound where there are none.
        padding: Ticks by which the sound's last coded frame may go beyond the pictures.
        size: Width and height of the pictures as shown, in pixels; None without pictures.
        rate: Pictures a second.
        faces: How many there are.
        seam: Between two faces beside each other, in pixels from the left.
        speech: Ticks from the first in which somebody speaks to the last; empty without speech.
        quiet: Ticks in which surely nobody speaks.
        smile: Ticks over which the face smiles most.
        surprise: Ticks over which mouth and eyes are wide open.
    """

    name: str
    options: tuple[str, ...] = ()
    seconds: float = 2.0
    ticks: int = 50
    padding: int = 3
    size: tuple[int, int] | None = (480, 480)
    rate: float = 25.0
    faces: int = 1
    seam: int | None = None
    speech: range = range(15, 50)
    quiet: range = range(12)
    smile: range = range(0)
    surprise: range = range(0)


SAMPLE = Facts(
    "portrait.mp4", seconds=8.0, ticks=200, padding=0, speech=range(15, 166),
    smile=range(95, 125), surprise=range(160, 195),
)  # fmt: skip
"""`samples/portrait.mp4`; samples/make_samples.py says what happens when."""

PLAIN = Facts("plain.mp4")
SILENT = Facts("silent.mp4", ("-an",), padding=0, speech=range(0), quiet=range(50))
SOUND = Facts("sound.wav", ("-vn",), padding=0, size=None, faces=0)
ONE_PICTURE = Facts("one.mp4", ("-frames:v", "1", "-an"), ticks=1, padding=0, speech=range(0), quiet=range(1))
THREE_PICTURES = Facts(
    "three.mp4", ("-frames:v", "3", "-an"), ticks=3, padding=0, speech=range(0), quiet=range(3)
)
FALLS_SILENT = Facts(
    "falls-silent.mp4", ("-af", "volume=0:enable='gt(t,3)'"), seconds=6.0, ticks=150, speech=range(15, 80),
    quiet=range(80, 150),
)  # fmt: skip
TWO_FACES = Facts(
    "two.mp4",
    ("-filter_complex", "[0:v]split[a][b];[b]hflip,scale=360:-2,pad=480:480[c];[a][c]hstack"),
    size=(960, 480), faces=2, seam=480,
)  # fmt: skip
"""The sample beside itself, smaller and mirrored."""
FAR = Facts(
    "far.mp4", ("-vf", "scale=120:120,pad=640:360:200:60:gray"), seconds=1.0, ticks=25, size=(640, 360)
)
"""The face is a sixteenth of the width."""
SQUEEZED = Facts(
    "squeezed.mp4", ("-vf", "scale=360:480,setsar=1", "-an"), seconds=1.0, ticks=25, padding=0,
    size=(360, 480), speech=range(0), quiet=range(25),
)  # fmt: skip
"""As 16:9 that was stored as 4:3."""

CLIPS = (
    PLAIN, SILENT, SOUND, ONE_PICTURE, THREE_PICTURES, FALLS_SILENT, TWO_FACES, FAR, SQUEEZED,
)  # fmt: skip
"""All that are made from the sample."""
