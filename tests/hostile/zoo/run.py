"""Running cases of the zoo, and judging what comes of them."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..common import EMOVIEW, NotMadeError
from ..judge import broken_rules, read_strictly, table_rules_broken
from ..watch import watched
from ..worker import Worker
from .case import Case, Studio

_MEGABYTE = 1 << 20
_LONGEST_SENTENCE = 700
_LONGEST_NAME = 255
# Of the other families all files are as long as they say.
_MAY_BE_CUT_OFF = frozenset({"truncated", "altered", "boxes"})
_HOW_CODES = {"ok": 0, "refused": 1}


@dataclass(frozen=True)
class Ran:
    """What came of a case.

    Attributes:
        code: Exit code; None where something ended it.
        sentence: Of a refusal.
        ended: How it ended otherwise: `crashed`, `memory`, `time`, `unexpected …`.
        peak: Most bytes of memory.
        seconds: Of wall time.
    """

    code: int | None
    sentence: str
    ended: str | None
    peak: int
    seconds: float


@dataclass
class Verdict:
    """Whether a case is as it must be.

    Attributes:
        case: The case.
        made: Whether this ffmpeg and this system could make it; if not, why not.
        faults: What is wrong; empty where nothing is.
        ran: How it ran; None where it was not made.
        outcome: In a word or two.
    """

    case: Case
    made: str | None = None
    faults: list[str] = field(default_factory=list)
    ran: Ran | None = None
    outcome: str = "not made"


def run_case(case: Case, studio: Studio, worker: Worker | None) -> Verdict:
    """Make a case, run it, and judge it; without a worker, or where that will not do, as a command."""
    with tempfile.TemporaryDirectory(dir=studio.root, ignore_cleanup_errors=True) as name:
        folder, out = Path(name, "in"), Path(name, "out")
        folder.mkdir()
        out.mkdir()
        try:
            path = case.make(studio, folder)
        except NotMadeError as error:
            return Verdict(case, made=str(error))
        by_command = case.alone or worker is None
        ran = _command(case, path, folder, out) if by_command else _job(case, path, out, worker)
        verdict = Verdict(case, ran=ran)
        _judge(verdict, path, out)
        return verdict


def _job(case: Case, path: Path, out: Path, worker: Worker | None) -> Ran:
    assert worker is not None
    done = worker.call("jobs:analyse", 2 * case.expect.seconds, path=str(path), out=str(out))
    code = _HOW_CODES.get(done.how)
    ended = None if code is not None else f"{done.how} {done.text[-400:]}".strip()
    return Ran(code, done.text if code == 1 else "", ended, done.peak, done.seconds)


def _command(case: Case, path: Path, folder: Path, out: Path) -> Ran:
    arguments = ["analyze", "-q", "-o", out, *case.arguments, "--", os.fsencode(path.relative_to(folder))]
    done = watched([*EMOVIEW, *arguments], seconds=2 * case.expect.seconds, cwd=folder)
    ended = done.stopped
    if "Traceback" in done.err or "unexpected" in done.err:
        ended = f"unexpected {done.err[-400:]}"
    elif ended is None and done.code not in (0, 1):
        ended = f"exit code {done.code}: {done.err[-200:]}"
    sentence = done.err.strip().removeprefix("error: ")
    return Ran(None if ended else done.code, sentence, ended, done.peak, done.seconds)


def _judge(verdict: Verdict, path: Path, out: Path) -> None:
    case, ran = verdict.case, verdict.ran
    assert ran is not None
    expect, faults = case.expect, verdict.faults
    left = sorted(file.relative_to(out) for file in out.rglob("*"))
    if ran.ended:
        faults.append(ran.ended)
        verdict.outcome = ran.ended.split()[0]
    elif ran.code == 1:
        verdict.outcome = "refused"
        faults += _of_refusal(case, ran, left)
    else:
        verdict.outcome = "result"
        faults += _of_result(case, path, out, left)
    if ran.peak > expect.megabytes * _MEGABYTE:
        faults.append(f"memory: {ran.peak // _MEGABYTE} MB")
    if ran.seconds > expect.seconds and not ran.ended:
        faults.append(f"time: {ran.seconds:.0f} s")


def _of_refusal(case: Case, ran: Ran, left: Sequence[Path]) -> list[str]:
    faults = []
    if case.expect.code == 0:
        faults.append(f"refused: {ran.sentence[:200]}")
    if not ran.sentence.strip() or len(ran.sentence) > _LONGEST_SENTENCE + 255:
        faults.append(f"no sentence: {ran.sentence[:80]!r}")
    if not ran.sentence.isprintable():
        faults.append(f"letters that are not to be printed: {ran.sentence[:120]!r}")
    if case.expect.error and not re.search(case.expect.error, ran.sentence):
        faults.append(f"another sentence: {ran.sentence[:160]}")
    if left:
        faults.append(f"left behind: {', '.join(map(str, left))}"[:200])
    return faults


def _of_result(case: Case, path: Path, out: Path, left: Sequence[Path]) -> list[str]:
    faults = []
    if case.expect.code == 1:
        faults.append("accepted")
    stem = _stem_of(path, left)
    table, whole = out / f"{stem}.csv", out / f"{stem}.json"
    if left != sorted([Path(table.name), Path(whole.name)]):
        return [*faults, f"other files: {', '.join(map(repr, map(str, left)))}"[:200]]
    text = whole.read_text("utf-8")
    broken = broken_rules(text)
    if broken:
        return [*faults, *broken]
    document = read_strictly(text)
    faults += table_rules_broken(table.read_text("utf-8"), document)
    return faults + _of_document(case, document)


def _stem_of(path: Path, left: Sequence[Path]) -> str:
    """Give what results must be called; a name too long for a file is cut, and a hash put behind it."""
    if len(os.fsencode(f"{path.stem}.json")) <= _LONGEST_NAME:
        return path.stem
    stem = left[0].stem if left else ""
    found = re.fullmatch(r"(.*)~[0-9a-f]{8}", stem)
    return stem if found and path.stem.startswith(found[1]) else path.stem


def _of_document(case: Case, document: dict[str, Any]) -> list[str]:
    expect, media, faults = case.expect, document["media"], []
    for what, found, limits in (
        ("ticks", media["ticks"], expect.ticks),
        ("faces", media["faces"], expect.faces),
    ):
        if limits and not limits[0] <= found <= limits[1]:
            faults.append(f"{found} {what}, not {limits[0]} to {limits[1]}")
    said = document["warnings"]
    if case.family not in _MAY_BE_CUT_OFF and any("cut off" in warning for warning in said):
        faults.append("a whole file is said to be cut off")
    faults += [
        f"no warning like {pattern!r}; there are {said}"[:250]
        for pattern in expect.warnings
        if not any(re.search(pattern, warning) for warning in said)
    ]
    return faults + [
        f"a warning that is not to be printed: {warning[:80]!r}"
        for warning in said
        if not warning.isprintable()
    ]


def run_cases(
    cases: Sequence[Case], root: Path, *, jobs: int = 1, commands: bool = False
) -> Iterator[Verdict]:
    """Run cases, and give each verdict as it comes, in order.

    Args:
        cases: Which.
        root: Folder for what is made.
        jobs: How many at once.
        commands: Run each as a command of its own instead of in a worker.
    """
    studio = Studio(root)
    workers = [Worker() for _ in range(jobs)]
    free = list(workers)

    def one(case: Case) -> Verdict:
        worker = free.pop()
        try:
            return run_case(case, studio, None if commands else worker)
        finally:
            free.append(worker)

    try:
        # What many cases start from must not be made twice at once.
        for which in (studio.talk, studio.raw, studio.silent, studio.sound, studio.picture):
            which()
        with ThreadPoolExecutor(jobs) as pool:
            yield from pool.map(one, cases)
    finally:
        for worker in workers:
            worker.end()


def table(verdicts: Sequence[Verdict]) -> str:
    """Write down what is wrong, a line a fault, and how many were right."""
    made = [verdict for verdict in verdicts if verdict.made is None]
    wrong = [verdict for verdict in made if verdict.faults]
    lines = [f"{verdict.case.id}\t{fault}" for verdict in wrong for fault in verdict.faults]
    peak = max((verdict.ran.peak for verdict in made if verdict.ran), default=0) // _MEGABYTE
    counts = {how: sum(v.outcome == how for v in made) for how in sorted({v.outcome for v in made})}
    said = ", ".join(f"{count} {how}" for how, count in counts.items())
    slowest = max((verdict for verdict in made if verdict.ran), key=_seconds, default=None)
    lines.append(
        f"{len(made)} cases ({said}), {len(wrong)} not as they must be; {len(verdicts) - len(made)} could "
        f"not be made here; at most {peak} MB"
        + (f"; the slowest took {_seconds(slowest):.0f} s: {slowest.case.id}" if slowest else "")
    )
    return "\n".join(lines)


def _seconds(verdict: Verdict) -> float:
    return verdict.ran.seconds if verdict.ran else 0.0


def kept(case: Case, folder: Path) -> Path:
    """Make a case in a folder that stays, to look at it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return case.make(Studio(folder.parent), folder)
