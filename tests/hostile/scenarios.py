"""Commands that are disturbed, and what they leave when they are not."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .common import EMOVIEW, talk
from .faults import TAKES_SPACE, Disturbed, How, content, disturbed, lost, temporary
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
        operations: What it did when nothing disturbed it.
        wanted: What it then left.
    """

    name: str
    arguments: tuple[str, ...]
    folder: Path
    code: int = 0
    operations: list[str] = field(default_factory=list)
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
        self.operations, self.wanted = done.operations, content(self.out)
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
    return Scenario("batch", arguments, folder, code=3)


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


@dataclass
class Tally:
    """What came of disturbing a command.

    Attributes:
        done: How often it was disturbed indeed; it may end before it comes to an operation.
        faults: What was lost.
    """

    done: int = 0
    faults: list[str] = field(default_factory=list)


def moments(scenario: Scenario, how: How, count: int, seed: int) -> list[int]:
    """Choose operations to disturb a command at: each once before any comes twice."""
    names = (name.split()[0] for name in scenario.operations)
    every = [at for at, name in enumerate(names, 1) if how == "kill" or name in TAKES_SPACE]
    random.Random(seed).shuffle(every)
    return [every[turn % len(every)] for turn in range(count)]


def disturb(scenario: Scenario, how: How, count: int, seed: int, *, chain: int = 5) -> Tally:
    """Disturb a command at some moments, over nothing and over earlier results, and note what goes wrong.

    Args:
        scenario: The command.
        how: How to disturb it.
        count: How often.
        seed: Decides about the moments.
        chain: How often in a row, before a run that nothing disturbs must make it whole.
    """
    tally = Tally()
    faults = tally.faults
    chosen = moments(scenario, how, count, seed)
    # How many operations it needs where its results are there already.
    fewer = max(1, len(scenario.run().operations)) if count > chain else 0
    for turn, first in enumerate(range(0, count, chain)):
        over = turn % 2 == 1
        if not over:
            scenario.clear()
        links = chosen[first : first + chain]
        where = f"{scenario.name}, {how} at {links}{' over earlier results' if over else ''}"
        for number, at in enumerate(links):
            at = 1 + (at - 1) % fewer if over and number == 0 else at
            here = f"{where}, the one at {at}"
            passing = temporary(scenario.out)
            before = {
                name: what
                for name, what in content(scenario.out).items()
                if not any(f"{name}/".startswith(f"{one}/") for one in passing)
            }
            done = scenario.run(how, at)
            tally.done += len(done.operations) >= at
            faults += [f"{here}: {fault}" for fault in lost(scenario.out, scenario.wanted, before)]
            if how == "full" and len(done.operations) >= at:
                faults += [f"{here}: {fault}" for fault in _of_a_full_disk(scenario, done)]
        undisturbed = scenario.run()
        if undisturbed.code != scenario.code:
            faults.append(f"{where}: the next run gives {undisturbed.code}: {undisturbed.err[-300:]}")
        faults += [f"{where}: afterwards {fault}" for fault in differences(scenario)]
        if temporary(scenario.out):
            # Not to be found again by the cases that follow.
            scenario.clear()
            scenario.run()
    return tally


def _of_a_full_disk(scenario: Scenario, done: Disturbed) -> Iterator[str]:
    if "Traceback" in done.err or "unexpected" in done.err or done.code not in (0, 1, scenario.code):
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
