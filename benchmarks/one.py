"""One measurement in a process of its own; its last line is the answer in JSON.

python -m benchmarks.one warm|floor|voice|progress CLIP
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.clips import SAMPLE
from emoview import analyze
from emoview.face.find import FaceFinder
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.pipeline.events import Progress
from emoview.pipeline.finding import LONGEST_SIDE
from emoview.pipeline.profile import profile_of
from emoview.pipeline.stage import Stage
from emoview.timeline.results import Row

_MAX_FACES = 4


def warm(clip: str) -> dict[str, Any]:
    """Analyse after the networks and libraries have been loaded by another clip."""
    analyze(SAMPLE)
    start = time.perf_counter()
    result = analyze(clip)
    seconds = time.perf_counter() - start
    stages = {stage.name: round(stage.busy_s, 3) for stage in profile_of(result).stages}
    return {"seconds": seconds, "ticks": result.media.ticks, "faces": result.media.faces, "stages": stages}


def floor(clip: str) -> dict[str, Any]:
    """Decode to 25 Hz and run the face mesh, side by side, and nothing else."""

    def pictures(path: str) -> int:
        count = 0
        decoder = PictureDecoder(probe(path), longest_side=LONGEST_SIDE)
        with decoder, FaceFinder(max_faces=_MAX_FACES) as finder:
            for _, picture in Stage(iter(decoder)):
                finder.find(picture)
                count += 1
        return count

    pictures(str(SAMPLE))
    start = time.perf_counter()
    ticks = pictures(clip)
    return {"seconds": time.perf_counter() - start, "ticks": ticks}


def voice(clip: str) -> dict[str, Any]:
    """Analyse the sound alone, warm."""
    analyze(SAMPLE, modality="voice")
    start = time.perf_counter()
    result = analyze(clip, modality="voice")
    return {"seconds": time.perf_counter() - start, "duration_s": result.media.duration_s}


def progress(clip: str) -> dict[str, Any]:
    """Tell the seconds at which each minute of the pictures was through."""
    minutes: list[float] = []
    start = time.perf_counter()

    def on_event(event: Progress) -> None:
        if event.stage == "face" and event.done // 1500 > len(minutes):
            minutes.append(time.perf_counter() - start)

    result = analyze(clip, on_event=on_event)
    seconds = time.perf_counter() - start
    rows = sum(map(_size, result.timeline)) / 1e6
    return {"seconds": seconds, "ticks": result.media.ticks, "minutes": minutes, "rows_mb": rows}


def _size(row: Row) -> int:
    """Bytes of a row and of what it alone holds."""
    parts: dict[int, object] = {}
    for part in (row, row.box, row.face, row.voice, row.fused, row.valence, row.arousal):
        inner = part if isinstance(part, tuple) else ()
        parts |= {id(one): one for one in (part, *inner) if one is not None}
    if row.box is not None:
        parts |= {id(side): side for side in (row.box.x, row.box.y, row.box.width, row.box.height)}
    return sum(map(sys.getsizeof, parts.values()))


KINDS: dict[str, Callable[[str], dict[str, Any]]] = {
    "warm": warm, "floor": floor, "voice": voice, "progress": progress,
}  # fmt: skip

if __name__ == "__main__":
    print("\n" + json.dumps(KINDS[sys.argv[1]](sys.argv[2])))
