"""Time `analyze` on clips made from the sample.

    python benchmarks/speed.py [--runs 3]

Prints ticks a second in a warm process on 20 s at 720p, the stages behind, the floor (decoding and the mesh
alone, in one thread each), and seconds from command to result for 3 s at 360p.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from emoview import analyze
from emoview.media.decode import DecodeLog
from emoview.media.probe import probe
from emoview.media.tool import ffmpeg_path
from emoview.pipeline.stages import find_faces
from emoview.pipeline.timings import Timings

SAMPLE = Path(__file__).parent.parent / "samples" / "portrait.mp4"


def make(path: Path, *, seconds: float, width: int, height: int) -> Path:
    """Repeat the sample, padded to the size."""
    scale = f"scale=-2:{height},pad={width}:{height}:(ow-iw)/2:0"
    subprocess.run(
        [ffmpeg_path(), "-v", "error", "-y", "-stream_loop", "9", "-i", str(SAMPLE), "-t", str(seconds),
         "-vf", scale, str(path)],
        check=True,
    )  # fmt: skip
    return path


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        large = make(Path(folder) / "large.mp4", seconds=20, width=1280, height=720)
        analyze(large)
        speeds, floors, last = [], [], None
        for _ in range(runs):
            last = analyze(large)
            speeds.append(last.media.ticks / last.timings["total"])
            start = time.perf_counter()
            ticks = sum(1 for _ in find_faces(probe(large), max_faces=4, timings=Timings(), log=DecodeLog()))
            floors.append(ticks / (time.perf_counter() - start))
        speed, floor = statistics.median(speeds), statistics.median(floors)
        print(f"warm, 720p, both modalities: {speed:.0f} ticks a second ({speed / 25:.1f} times real time)")
        print(f"decoding, face mesh and alignment alone: {floor:.0f}; share {speed / floor:.2f}")
        assert last is not None
        print("stages, s:", {name: round(value, 2) for name, value in last.timings.items()})
        small = make(Path(folder) / "small.mp4", seconds=3, width=640, height=360)
        cold = []
        for _ in range(runs):
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "emoview", "analyze", str(small), "-o", folder, "-q"], check=True
            )
            cold.append(time.perf_counter() - start)
        print(f"from command to result, 3 s at 360p: {statistics.median(cold):.1f} s")


if __name__ == "__main__":
    main()
