"""Measure how cost grows with length, faces, workers and clips; writes `scale.md`, `.json` and `.png`.

    python -m benchmarks.scale [-o DIR] [--only length,faces,workers,clips] [--hours 1]

Cost is in seconds of processor, of all processes, which other work on the machine changes less than it
changes seconds on the clock.  Without `--hours` it takes some ten minutes on two cores.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib.pyplot as plt

from benchmarks.__main__ import machine
from benchmarks.clips import SHORT, ClipKind, make
from benchmarks.processes import run
from benchmarks.table import table

LENGTHS_S = (1, 3, 10, 30, 100, 300)
FACES = (1, 2, 4, 6, 9, 12)
WORKERS = (1, 2, 4, 8)
CLIPS = (1, 10, 100, 1_000, 10_000, 100_000)
_BATCH = 24
_FACES_S = 12


@dataclass(frozen=True)
class Point:
    """One run.

    Attributes:
        size: Of what grows.
        processor_s: Seconds of processor, of all processes of the command.
        seconds: On the clock.
        memory_mb: Most memory that they held at once.
    """

    size: float
    processor_s: float
    seconds: float
    memory_mb: float


@dataclass(frozen=True)
class Growth:
    """Runs that differ in one size.

    Attributes:
        name: What grows.
        unit: Of its size.
        points: In the order of their sizes.
        priced: Whether one more has a price: a worker more does the same work.
    """

    name: str
    unit: str
    points: tuple[Point, ...]
    priced: bool = True

    def between(self) -> list[float]:
        """Give the cost of one more, from each run to the next, in seconds of processor."""
        pairs = zip(self.points, self.points[1:], strict=False)
        return [(more.processor_s - few.processor_s) / (more.size - few.size) for few, more in pairs]


def main() -> None:
    """Measure what is asked for, and print and write the tables."""
    parts: dict[str, Callable[[Path, Sequence[float]], Growth]] = {
        "length": measure_length, "faces": measure_faces, "workers": measure_workers, "clips": measure_clips,
    }  # fmt: skip
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--only", default=",".join(parts))
    parser.add_argument("--hours", type=float, action="append", default=[], help="Longer clips, too.")
    arguments = parser.parse_args()
    unknown = {*arguments.only.split(",")} - {*parts}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    sizes = {"length": [*LENGTHS_S, *(3600 * hours for hours in arguments.hours)],
             "faces": FACES, "workers": WORKERS, "clips": CLIPS}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        found = [parts[name](Path(folder), sizes[name]) for name in arguments.only.split(",")]
    arguments.output.mkdir(parents=True, exist_ok=True)
    (arguments.output / "scale.json").write_text(
        json.dumps({"machine": machine(), "growth": [asdict(one) for one in found]}, indent=1) + "\n"
    )
    text = "\n".join(
        [", ".join(f"{name} {value}" for name, value in machine().items()), *map(markdown, found)]
    )
    (arguments.output / "scale.md").write_text(text)
    draw(found, arguments.output / "scale.png")
    print(text)


def measure_length(folder: Path, seconds: Sequence[float]) -> Growth:
    """Analyse clips of 360p of different lengths."""

    def point(length: float) -> Point:
        clip = make(ClipKind(f"{length:g} s", 360, length), folder)
        return measured(length, "analyze", clip, "-o", folder / "out")

    return Growth("length", "s", tuple(map(point, seconds)))


def measure_faces(folder: Path, counts: Sequence[float]) -> Growth:
    """Analyse 1080p with different numbers of faces in the picture."""

    def point(count: float) -> Point:
        clip = make(ClipKind(f"{count:g} faces", 1080, _FACES_S, faces=int(count)), folder)
        return measured(
            count, "analyze", clip, "-o", folder / "out", "--face", "all", "--max-faces", int(count)
        )

    return Growth("faces", "", tuple(map(point, counts)))


def measure_workers(folder: Path, counts: Sequence[float]) -> Growth:
    """Analyse clips of 3 s with different numbers of workers."""
    clips = folder / "clips"
    clips.mkdir()
    for number in range(_BATCH):
        shutil.copy(make(SHORT, folder), clips / f"{number:02}.mp4")

    def point(count: float) -> Point:
        return measured(count, "batch", clips, "-o", folder / f"{count:g}", "--workers", int(count))

    return Growth("workers", "", tuple(map(point, counts)), priced=False)


def measure_clips(folder: Path, counts: Sequence[float]) -> Growth:
    """Plan batches of stretches of one clip, without analysing them: what a list costs by itself."""
    clip = make(ClipKind("list", 360, 100), folder)

    def point(count: float) -> Point:
        stretches = folder / "stretches.csv"
        rows = (f"{clip},{number * 9e-4:.4f},{number * 9e-4 + 5:.4f}\n" for number in range(int(count)))
        stretches.write_text("path,start_s,end_s\n" + "".join(rows))
        return measured(count, "batch", stretches, "-o", folder / "none", "--dry-run")

    return Growth("clips in a list", "", tuple(map(point, counts)))


def measured(size: float, *command: object) -> Point:
    """Run a command of emoview and take its cost."""
    print(f"{command[0]}: {size:g}", file=sys.stderr, flush=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = run([sys.executable, "-m", "emoview", *command, "-q"])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Point(size, spent, ran.seconds, ran.memory_mb)


def markdown(growth: Growth) -> str:
    """Write the table of one growth."""
    price = ["one more costs, ms of processor"] if growth.priced else []
    more = ["", *(f"{1000 * value:.3g}" for value in growth.between())]
    rows = [
        [f"{point.size:g} {growth.unit}".strip(), f"{point.processor_s:.3g}", f"{point.seconds:.3g}",
         *([cost] if growth.priced else []), f"{point.memory_mb:.0f}"]
        for point, cost in zip(growth.points, more, strict=True)
    ]  # fmt: skip
    head = [growth.name, "processor, s", "clock, s", *price, "peak MB"]
    return "\n".join(["", *table(head, rows), ""])


def draw(found: Sequence[Growth], file: Path) -> None:
    """Draw cost and memory against each size."""
    figure, axes = plt.subplots(2, len(found), figsize=(4 * len(found), 6), squeeze=False)
    for column, growth in enumerate(found):
        sizes = [point.size for point in growth.points]
        for row, (name, values) in enumerate((
            ("processor, s", [point.processor_s for point in growth.points]),
            ("peak MB", [point.memory_mb for point in growth.points]),
        )):  # fmt: skip
            axis = axes[row][column]
            axis.plot(sizes, values, "o-")
            axis.set(xlabel=f"{growth.name} {growth.unit}".strip(), ylabel=name)
            wide = max(sizes) > 50 * min(sizes)
            if wide:
                axis.set_xscale("log")
            if wide and row == 0:
                axis.set_yscale("log")
            else:
                axis.set_ylim(0, None)
    figure.tight_layout()
    figure.savefig(file, dpi=100)


if __name__ == "__main__":
    main()
