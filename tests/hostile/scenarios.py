"""Commands that are disturbed, and what they leave when they are not."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .common import EMOVIEW, talk
from .faults import Disturbed, How, content, disturbed, lost, temporary
from .seeds import tones

OUT = "out"


@dataclass
class Scenario:
    """A command in a folder of its own.

    Attributes:
        name: Of the command.
        arguments: What follows `emoview`; results go below `OUT`.
        folder: Where it runs; inputs lie there.
        code: Its exit code.
        calls: How many operations it made when nothing disturbed it.
        wanted: What it then left.
    """

    name: str
    arguments: tuple[str, ...]
    folder: Path
    code: int = 0
    calls: int = 0
    wanted: dict[str, bytes] = field(default_factory=dict)

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.folder / OUT

    def run(self, how: How = "count", at: int = 0) -> Disturbed:
        """Run the command, disturbed or not."""
        return disturbed([*EMOVIEW, *self.arguments], self.out, how=how, at=at, cwd=self.folder)

    def learn(self) -> Scenario:
        """Find out what the command leaves when nothing disturbs it."""
        done = self.run()
        assert done.code == self.code, (done.code, done.err)
        self.calls, self.wanted = len(done.operations), content(self.out)
        assert self.wanted
        return self

    def clear(self) -> None:
        """Remove the results."""
        shutil.rmtree(self.out, ignore_errors=True)


def analysis(folder: Path) -> Scenario:
    """An analysis with faces and features."""
    _clip(folder)
    arguments = ("analyze", "clip.mp4", "-o", OUT, "-q", "--format", "csv,json,vtt,parquet",
                 "--contact-sheet", "--save-faces", f"{OUT}/faces",
                 "--save-features", f"{OUT}/f.npz")  # fmt: skip
    return Scenario("analyze", arguments, folder)


def batch(folder: Path) -> Scenario:
    """A batch of three clips, one of which fails."""
    clips = folder / "clips"
    clips.mkdir(parents=True)
    small = _clip(folder).read_bytes()
    for name in ("a.mp4", "b.mp4"):
        (clips / name).write_bytes(small)
    (clips / "c.mp4").write_bytes(small[:2000])
    arguments = ("batch", "clips", "-o", OUT, "-q", "--workers", "1", "--challenge")
    return Scenario("batch", arguments, folder, code=1)


def report(folder: Path) -> Scenario:
    """A page for a result."""
    _clip(folder)
    made = disturbed([*EMOVIEW, "analyze", "clip.mp4", "-o", ".", "-q"], folder / OUT, cwd=folder)
    assert made.code == 0, made.err
    return Scenario("report", ("report", "clip.json", "-o", f"{OUT}/page.html", "-q"), folder)


def training(folder: Path) -> Scenario:
    """A training of two epochs on tones."""
    tones(folder / "speech")
    arguments = (
        "train",
        "mfcc-cnn",
        "--data",
        "speech",
        "-o",
        f"{OUT}/run",
        "--set",
        "plan.epochs=2",
        "--set",
        "batch=4",
    )
    return Scenario("train", arguments, folder)


def _clip(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "clip.mp4"
    shutil.copyfile(talk(folder / "base", seconds=0.4, size=120), path)
    return path


SCENARIOS: dict[str, Callable[[Path], Scenario]] = {
    "analyze": analysis, "batch": batch, "report": report, "train": training,
}  # fmt: skip


def moments(calls: int, count: int, seed: int) -> list[int]:
    """Choose operations to disturb a command at: all of them where that is not too many."""
    every = list(range(1, calls + 1))
    return every if count >= calls else sorted(random.Random(seed).sample(every, count))


def disturb(scenario: Scenario, how: How, count: int, seed: int) -> Iterator[str]:
    """Disturb a command at some moments, over nothing and over earlier results, and name what goes wrong."""
    for turn, at in enumerate(moments(scenario.calls, count, seed)):
        over = turn % 2 == 1
        if not over:
            scenario.clear()
        where = f"{scenario.name}, {how} at {at}{' over earlier results' if over else ''}"
        before = content(scenario.out) if over else {}
        done = scenario.run(how, at)
        for fault in lost(scenario.out, scenario.wanted, before):
            yield f"{where}: {fault}"
        if how == "full":
            yield from (f"{where}: {fault}" for fault in _of_a_full_disk(scenario, done))
        again = scenario.run()
        if again.code != scenario.code:
            yield f"{where}: the next run gives {again.code}: {again.err[-300:]}"
        yield from (f"{where}: afterwards {fault}" for fault in differences(scenario))
        if temporary(scenario.out):
            # Not to be found again by the cases that follow.
            scenario.clear()
            scenario.run()


def _of_a_full_disk(scenario: Scenario, done: Disturbed) -> Iterator[str]:
    if "Traceback" in done.err or "unexpected" in done.err or done.code < 0 or done.code > 1:
        yield f"exit code {done.code}: {done.err[-300:]}"
    elif done.code == scenario.code == 0:
        yield "the disk was full, and nobody said so"
    left = temporary(scenario.out)
    if left:
        yield f"left at once: {', '.join(left)}"


def differences(scenario: Scenario) -> Iterator[str]:
    """Name what is other than after a run that nothing disturbed."""
    now = content(scenario.out)
    left = temporary(scenario.out)
    if left:
        yield f"still there: {', '.join(left[:3])}"
    for name in sorted(set(now) | set(scenario.wanted)):
        if any(name == one or name.startswith(f"{one}/") for one in left):
            continue
        if name not in now:
            yield f"{name} is missing"
        elif name not in scenario.wanted:
            yield f"{name} is not to be there"
        elif now[name] != scenario.wanted[name]:
            yield f"{name} is another"
