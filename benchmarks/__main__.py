"""Measure emoview; writes `speed.md` and `speed.json`.

    python -m benchmarks [-o DIR] [--rounds 3] [--only speed,start,memory,batch,hour] [--peer fer=PYTHON]
    python -m benchmarks --quick

On an idle machine of two cores everything but `hour` takes some ten minutes; `hour` some ten more.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from benchmarks.clips import HOUR, MINUTES, SHORT, SPEED, ClipKind, make
from benchmarks.processes import Ran, run
from benchmarks.table import Fact, Speed, document, markdown
from emoview import __version__

PARTS = ("speed", "start", "memory", "batch")
_PEERS = Path(__file__).parent / "peers"
_BATCH = 48


def main() -> None:
    """Measure what is asked for, and print and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("benchmark-results"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument(
        "--quick", action="store_true", help="One round on a short clip, to see that it runs."
    )
    arguments = parser.parse_args()
    peers = dict(peer.split("=", 1) for peer in arguments.peer)
    parts = ["speed", "start"] if arguments.quick else arguments.only.split(",")
    unknown = {*parts} - {*PARTS, "hour"} | {f"peer {name}" for name in peers if not _script(name).exists()}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    rounds = 1 if arguments.quick else arguments.rounds
    speeds: list[Speed] = []
    facts: list[Fact] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if "speed" in parts:
            speeds = measure_speed((SHORT,) if arguments.quick else SPEED, folder, rounds, peers)
        if "start" in parts:
            facts += measure_start(folder, rounds)
        if "memory" in parts:
            facts += measure_memory(folder)
        if "batch" in parts:
            facts += measure_batch(folder)
        if "hour" in parts:
            facts += measure_hour(folder)
    arguments.output.mkdir(parents=True, exist_ok=True)
    found = document(machine(), speeds, facts)
    (arguments.output / "speed.json").write_text(json.dumps(found, indent=2) + "\n")
    text = markdown(machine(), speeds, facts)
    (arguments.output / "speed.md").write_text(text)
    print(text)


def machine() -> dict[str, str]:
    """Say what the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    return {
        "processor": model, "cores": str(len(os.sched_getaffinity(0))),
        "python": platform.python_version(), "emoview": __version__,
    }  # fmt: skip


def measure_speed(
    kinds: tuple[ClipKind, ...], folder: Path, rounds: int, peers: dict[str, str]
) -> list[Speed]:
    """Run emoview, the floor and the peers on each clip in turn, each warm, so many times."""
    speeds = []
    for kind in kinds:
        clip = make(kind, folder)
        commands: dict[str, list[object]] = {
            "emoview": _one("warm", clip), "floor": _one("floor", clip),
            **{name: [python, _script(name), clip] for name, python in peers.items()},
        }  # fmt: skip
        found = {tool: Speed(kind.name, tool) for tool in commands}
        for number in range(rounds):
            for tool, command in commands.items():
                _say(f"{kind.name}: {tool}, round {number + 1}")
                ran = run(command)
                speed, answer = found[tool], ran.answer
                speed.ticks_per_s.append(answer["ticks"] / answer["seconds"])
                speed.memory_mb.append(round(ran.memory_mb, 1))
                speed.faces = answer.get("faces")
                speed.stages = answer.get("stages", {})
        speeds += found.values()
    return speeds


def measure_start(folder: Path, rounds: int) -> list[Fact]:
    """Time the command on a clip of 3 s, the same in a warm process, and the help."""
    clip = make(SHORT, folder)
    seconds: dict[str, list[float]] = {"help": [], "cold": [], "warm": []}
    for number in range(rounds):
        _say(f"start-up, round {number + 1}")
        seconds["help"].append(run(_emoview("--help")).seconds)
        seconds["cold"].append(run(_emoview("analyze", clip, "-o", folder / "cold", "-q")).seconds)
        seconds["warm"].append(run(_one("warm", clip)).answer["seconds"])
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return [
        Fact("`emoview --help`", median["help"], "s"),
        Fact("3 s at 360p, from command to result", median["cold"], "s"),
        Fact("the same in a warm process", median["warm"], "s"),
    ]


def measure_memory(folder: Path) -> list[Fact]:
    """Take the peak memory of the command on longer clips, and the share of the voice."""
    facts = []
    for kind in MINUTES:
        clip = make(kind, folder)
        _say(f"{kind.name}: memory")
        ran = run(_emoview("analyze", clip, "-o", folder / "minutes", "-q"))
        facts.append(Fact(f"peak memory, {kind.name}", ran.memory_mb, "MB"))
    answer = run(_one("voice", make(MINUTES[0], folder))).answer
    return [*facts, Fact("voice alone, share of the duration", answer["seconds"] / answer["duration_s"], "")]


def measure_batch(folder: Path) -> list[Fact]:
    """Time 48 short clips: with one worker, with two, with one on a single core, and a command each."""
    clips = folder / "clips"
    clips.mkdir()
    for number in range(_BATCH):
        shutil.copy(make(SHORT, folder), clips / f"{number:02}.mp4")
    first = min(os.sched_getaffinity(0))

    def batch(name: str, workers: int, *before: str) -> Ran:
        _say(f"batch: {name}")
        command = _emoview("batch", clips, "-o", folder / name, "--workers", workers, "-q")
        return run([*before, *command])

    one, two = batch("one worker", 1), batch("two workers", 2)
    alone = batch("one worker on one core", 1, "taskset", "-c", str(first))
    _say("batch: a command each")
    singles = [
        run(_emoview("analyze", clip, "-o", folder / "singles", "-q")) for clip in sorted(clips.iterdir())
    ]
    each = sum(ran.seconds for ran in singles)
    return [
        Fact(f"{_BATCH} clips of 3 s, a command each", each, "s"),
        Fact("batch, 1 worker", one.seconds, "s"),
        Fact("batch, 2 workers", two.seconds, "s"),
        Fact("batch, 1 worker kept to one core", alone.seconds, "s"),
        Fact("2 workers against 1 worker", one.seconds / two.seconds, "times"),
        Fact("2 workers on two cores against 1 on one", alone.seconds / two.seconds, "times"),
        Fact("2 workers against a command each", each / two.seconds, "times"),
        Fact("peak memory, 2 workers", two.memory_mb, "MB"),
    ]


def measure_hour(folder: Path) -> list[Fact]:
    """Analyse an hour: its peak memory beside that of 2 minutes, and minute 50 against minutes 1 and 2."""
    short = run(_one("progress", make(MINUTES[-1], folder)))
    clip = make(HOUR, folder)
    _say(HOUR.name)
    ran = run(_one("progress", clip))
    minutes = ran.answer["minutes"]
    lasted = [after - before for before, after in zip([0.0, *minutes], minutes, strict=False)]
    without_rows = [one.memory_mb - one.answer["rows_mb"] for one in (ran, short)]
    return [
        Fact(f"peak memory, {HOUR.name}", ran.memory_mb, "MB"),
        Fact("of which the rows of the result", ran.answer["rows_mb"], "MB"),
        Fact("the rest against that of 2 min", without_rows[0] / without_rows[1], "times"),
        Fact(HOUR.name, ran.answer["ticks"] / ran.answer["seconds"], "ticks/s"),
        Fact("a tick of minute 50 against one of minute 1", lasted[49] / lasted[0], "times"),
        Fact("a tick of minute 50 against one of minute 2", lasted[49] / lasted[1], "times"),
    ]


def _one(kind: str, clip: Path) -> list[object]:
    return [sys.executable, "-m", "benchmarks.one", kind, clip]


def _emoview(*arguments: object) -> list[object]:
    return [sys.executable, "-m", "emoview", *arguments]


def _script(peer: str) -> Path:
    return _PEERS / f"{peer.partition('-')[0]}_peer.py"


def _say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
