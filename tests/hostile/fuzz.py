"""`python -m tests.hostile.fuzz --inputs 20000 --seed 7`: damaged inputs of every kind that a command reads.

Each input is decided by its kind, the seed and its number: `--repeat KIND:NUMBER` makes any of them again.
What is neither done nor refused with a sentence is kept in the folder of `--save`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from .targets import make_input
from .worker import Outcome, Worker

SHARES: Mapping[str, float] = {
    "media": 0.125, "results": 0.17, "lists": 0.125, "config": 0.125, "baselines": 0.1, "runs": 0.06,
    "datasets": 0.12, "weights": 0.025, "annotations": 0.1, "imports": 0.05,
}  # fmt: skip
"""What part of the inputs is of which kind; media, which take longest, are few."""

_SECONDS = 60.0
_GIGABYTES = 2 << 30
_OUTCOMES = ("ok", "refused", "unexpected", "crashed", "memory", "time")


@dataclass
class Tally:
    """What came of the inputs of a kind.

    Attributes:
        kind: Which.
        counts: By outcome.
        failures: By what went wrong: the numbers of the inputs.
        examples: By what went wrong: how the first of them ended.
    """

    kind: str
    counts: Counter[str] = field(default_factory=Counter)
    failures: dict[str, list[int]] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, number: int, outcome: Outcome) -> bool:
        """Count an outcome; tells whether it is a failure."""
        how = outcome.how
        if how in ("ok", "refused") and outcome.peak > _GIGABYTES:
            how = "memory"
        if how == "refused" and (not outcome.text.strip() or len(outcome.text) > 12_000):
            how = "unexpected"
        self.counts[how] += 1
        if how in ("ok", "refused"):
            return False
        what = _what(how, outcome.text)
        self.failures.setdefault(what, []).append(number)
        self.examples.setdefault(what, outcome.text)
        return True


def _what(how: str, text: str) -> str:
    """Name a failure so that those of one cause have one name: the exception, and where it came from."""
    lines = text.strip().splitlines()
    if how != "unexpected" or not lines:
        return f"{how} {lines[-1] if lines else ''}".strip()
    ours = re.findall(r'File "[^"]*/(emoview/[^"]+)", line (\d+)', text)
    place = ":".join(ours[-1]) if ours else "no place in emoview"
    last = next((line for line in reversed(lines) if re.match(r"[\w.]+(: |$)", line)), lines[-1])
    # What the invariants say names the place in the result; the value there is of no interest.
    said = re.sub(
        r"(schema: [^:]*): .*", r"\1", re.sub(r"[0-9]+", "N", last.removeprefix("tests.hostile.targets."))
    )
    return f"{re.sub(r'/tmp/[^ ]*/', '', said)[:90]} ({place})"


def shares(inputs: int, kinds: Sequence[str]) -> dict[str, int]:
    """Split inputs over kinds."""
    total = sum(SHARES[kind] for kind in kinds)
    return {kind: max(1, round(inputs * SHARES[kind] / total)) for kind in kinds}


def fuzz_kind(kind: str, count: int, seed: int, root: Path, save: Path | None, worker: Worker) -> Tally:
    """Try inputs of a kind."""
    tally = Tally(kind)
    bases, folder = root / kind, root / f"{kind}-input"
    ready = worker.call("targets:prepare", 300, kind=kind, folder=str(bases))
    if ready.how != "ok":
        raise RuntimeError(f"no good inputs of {kind}: {ready.how} {ready.text}")
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        arguments = {"seed": seed, "number": number, "bases": str(bases), "folder": str(folder)}
        outcome = worker.call("targets:try_input", _SECONDS, kind=kind, **arguments)
        known = _what(outcome.how, outcome.text) in tally.failures
        if tally.add(number, outcome) and not known and save is not None:
            _keep(kind, seed, number, bases, save, outcome)
    return tally


def _keep(kind: str, seed: int, number: int, bases: Path, save: Path, outcome: Outcome) -> None:
    """Keep the first input of each failure, with what was said."""
    target = save / f"{kind}-{seed}-{number}"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    said = make_input(kind, seed, number, str(bases), str(target))
    (target / "FAILURE").write_text(f"{said}\n{outcome.how}\n{outcome.text}\n", errors="replace")


def fuzz(
    inputs: int, seed: int, kinds: Sequence[str], *, save: Path | None = None, jobs: int = 1
) -> Iterator[Tally]:
    """Try damaged inputs of some kinds."""
    split = shares(inputs, kinds).items()
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as stack,
        ThreadPoolExecutor(jobs) as pool,
    ):
        root = Path(name)
        free = [stack.enter_context(Worker(KERAS_BACKEND="tensorflow", TMPDIR=name)) for _ in range(jobs)]

        def one(kind_and_count: tuple[str, int]) -> Tally:
            worker = free.pop()
            try:
                return fuzz_kind(*kind_and_count, seed, root, save, worker)
            finally:
                free.append(worker)

        yield from pool.map(one, split)


def table(tallies: Sequence[Tally], seed: int) -> str:
    """Lay out the counts of each kind, and each failure with how to repeat it."""
    head = f"{'kind':12}{'inputs':>8}" + "".join(f"{how:>12}" for how in _OUTCOMES)
    lines = [head]
    for tally in tallies:
        counts = "".join(f"{tally.counts[how]:>12}" for how in _OUTCOMES)
        lines.append(f"{tally.kind:12}{sum(tally.counts.values()):>8}{counts}")
    for tally in tallies:
        for what, numbers in sorted(tally.failures.items(), key=lambda one: -len(one[1])):
            lines.append(
                f"{len(numbers):5} x {tally.kind}: {what}   --seed {seed} --repeat {tally.kind}:{numbers[0]}"
            )
    return "\n".join(lines)


def repeat(what: str, seed: int) -> None:
    """Try one input again, and say how it ended."""
    kind, _, number = what.partition(":")
    with tempfile.TemporaryDirectory(prefix="fuzz-", ignore_cleanup_errors=True) as name:
        root = Path(name)
        with Worker(TMPDIR=name) as worker:
            worker.call("targets:prepare", 300, kind=kind, folder=str(root / "bases"))
            (root / "input").mkdir()
            outcome = worker.call(
                "targets:try_input", _SECONDS, kind=kind, seed=seed, number=int(number),
                bases=str(root / "bases"), folder=str(root / "input"),
            )  # fmt: skip
    print(
        outcome.how,
        f"{outcome.seconds:.1f} s, {outcome.peak >> 20} MB",
        outcome.text,
        outcome.value,
        sep="\n",
    )


def fingerprint(kind: str, count: int, seed: int, bases: Path, folder: Path) -> str:
    """Hash the first inputs of a kind: the same seed must make the same ones."""
    digest = hashlib.sha256()
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        digest.update(make_input(kind, seed, number, str(bases), str(folder)).encode("utf-8", "replace"))
        for path in sorted(folder.rglob("*")):
            digest.update(str(path.relative_to(folder)).encode("utf-8", "surrogateescape"))
            digest.update(path.read_bytes() if path.is_file() else b"-")
    return digest.hexdigest()


def main() -> int:
    """Do what the command line says; 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", default=",".join(SHARES), help="Kinds, with commas between them.")
    parser.add_argument("--save", type=Path, help="Folder for the inputs that failed.")
    parser.add_argument("--jobs", type=int, default=1, help="Kinds worked on at once.")
    parser.add_argument("--repeat", metavar="KIND:NUMBER", help="Try one input again.")
    asked = parser.parse_args()
    if asked.repeat:
        repeat(asked.repeat, asked.seed)
        return 0
    started = time.monotonic()
    tallies = []
    for tally in fuzz(asked.inputs, asked.seed, asked.only.split(","), save=asked.save, jobs=asked.jobs):
        tallies.append(tally)
        print(f"{tally.kind}: {dict(tally.counts)} after {time.monotonic() - started:.0f} s", flush=True)
    print(table(tallies, asked.seed))
    return int(any(tally.failures for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
