"""Clips to measure on, made from the sample."""

from __future__ import annotations

import math
import subprocess
from dataclasses import dataclass
from pathlib import Path

from emoview.media.tool import ffmpeg_path

SAMPLE = Path(__file__).parent.parent / "samples" / "portrait.mp4"
_LOOP_S = 8
# The face and little around it, in the shape of the picture: four of them are large enough to be found.
_HEAD = "crop=426:240:0:30"


@dataclass(frozen=True)
class ClipKind:
    """What a clip is like.

    Attributes:
        name: Of its file, and in the table.
        height: Pixels; the picture is 16:9.
        seconds: Length.
        rate: Pictures a second; None makes them vary between 12 and 30.
        faces: 1, or several side by side in rows.
    """

    name: str
    height: int
    seconds: float
    rate: int | None = 25
    faces: int = 1

    @property
    def width(self) -> int:
        """Pixels."""
        return self.height * 16 // 9


SHORT = ClipKind("360p, 3 s", 360, 3)
SPEED = (
    ClipKind("360p", 360, 20),
    ClipKind("720p", 720, 20),
    ClipKind("720p, 30 Hz", 720, 20, 30),
    ClipKind("720p, 60 Hz", 720, 20, 60),
    ClipKind("720p, variable rate", 720, 20, None),
    ClipKind("1080p", 1080, 20),
    ClipKind("1080p, 4 faces", 1080, 20, faces=4),
    ClipKind("4K", 2160, 10),
)
MINUTES = (ClipKind("360p, 1 min", 360, 60), ClipKind("360p, 2 min", 360, 120))
HOUR = ClipKind("360p, 60 min", 360, 3600)


def make(kind: ClipKind, folder: Path) -> Path:
    """Encode the sample once as the kind wants it, and repeat that without encoding it again."""
    shape = f"{kind.height}-{kind.rate or 'variable'}-{kind.faces}"
    loop, path = folder / f"loop-{shape}.mp4", folder / f"{shape}-{kind.seconds:g}s.mp4"
    if not loop.exists():
        _ffmpeg("-i", SAMPLE, "-t", _LOOP_S, "-vf", _filters(kind), *_rate(kind), loop)
    if not path.exists():
        repeats = int(-(-kind.seconds // _LOOP_S)) - 1
        _ffmpeg("-stream_loop", repeats, "-i", loop, "-t", kind.seconds, "-c", "copy", path)
    return path


def _filters(kind: ClipKind) -> str:
    width, height = kind.width, kind.height
    if kind.faces == 1:
        shape = f"scale=-2:{height},pad={width}:{height}:(ow-iw)/2:0"
    else:
        columns = math.ceil(math.sqrt(kind.faces))
        rows = math.ceil(kind.faces / columns)
        wide, high = width / columns // 2 * 2, height / rows // 2 * 2
        heads = "".join(f"[{i}]" for i in range(kind.faces))
        places = "|".join(f"{i % columns * wide:g}_{i // columns * high:g}" for i in range(kind.faces))
        shape = (
            f"{_HEAD},scale={wide:g}:-2,split={kind.faces}{heads};"
            f"{heads}xstack=inputs={kind.faces}:layout={places}:fill=gray,"
            f"scale={width}:{height},setsar=1"
        )
    # Every fifth second runs at 12 Hz, the others at 30.
    varied = "fps=60,select='if(lt(mod(t,5),1),not(mod(n,5)),not(mod(n,2)))'," if kind.rate is None else ""
    return varied + shape


def _rate(kind: ClipKind) -> tuple[str, ...]:
    return ("-fps_mode", "vfr") if kind.rate is None else ("-r", str(kind.rate))


def _ffmpeg(*arguments: object) -> None:
    subprocess.run([ffmpeg_path(), "-v", "error", "-nostdin", "-y", *map(str, arguments)], check=True)
