"""What a person sees of a batch."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from emoview.batch.events import BatchHook, Event, Finished, Planned, Working, ignore
from emoview.batch.inputs import kinds_of
from emoview.batch.run import Report, Step
from emoview.batch.storage import Place
from emoview.batch.summary import FAILED
from emoview.cli.console import Screen
from emoview.cli.render import warnings
from emoview.common.text import name_of
from emoview.errors import OutputError
from emoview.timeline.labels import MIXED

_NAME_WIDTH = 40
_LOG_WIDTH = 10_000


@contextmanager
def progress(console: Console, *, quiet: bool, log: Path | None = None) -> Iterator[BatchHook]:
    """Show a bar for each worker and one for all, or a line for each clip where nobody watches.

    Args:
        console: Where to.
        quiet: Show nothing.
        log: File to which lines are added, whatever is shown.

    Raises:
        OutputError: The file cannot be opened.
    """
    with contextlib.ExitStack() as stack:
        shown = stack.enter_context(_shown(console, quiet=quiet))
        hooks = [shown]
        if log is not None:
            try:
                log.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(log.open("a", encoding="utf-8", errors="backslashreplace"))
            except OSError as error:
                raise OutputError(f"{log} cannot be written ({error.strerror}): name another file") from error
            hooks.append(_Lines(Screen(file, width=_LOG_WIDTH)))

        def tell(event: Event) -> None:
            for hook in hooks:
                hook(event)

        yield tell


@contextmanager
def _shown(console: Console, *, quiet: bool) -> Iterator[BatchHook]:
    if quiet:
        yield ignore
    elif console.is_terminal:
        columns = (
            SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
            MofNCompleteColumn(), TextColumn("{task.fields[unit]}"), TimeRemainingColumn(),
        )  # fmt: skip
        with Progress(*columns, console=console, transient=True) as bars:
            yield _Bars(bars)
    else:
        yield _Lines(console)


def passed_over(console: Console, counts: Counter[str]) -> None:
    """Say how many files of what kind were not taken for media."""
    count = sum(counts.values())
    what = "1 file was" if count == 1 else f"{count} files were"
    console.print(
        Text(f"{what} passed over, by the endings no media: {kinds_of(counts)}", style="yellow"),
        soft_wrap=True,
    )


class _Bars:
    """The total, and below it a row for each worker that is at work."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._workers: dict[int, TaskID] = {}
        self._total = bars.add_task("checking which clips are done", total=None, unit="clips")

    def __call__(self, event: Event) -> None:
        bars = self._bars
        if isinstance(event, Planned):
            bars.reset(self._total, total=event.clips, completed=event.done, description="all")
            _replaced(bars.console, event)
        elif isinstance(event, Finished):
            bars.advance(self._total)
            bars.console.print(_line(event), soft_wrap=True)
            if event.worker is not None:
                bars.remove_task(self._workers.pop(event.worker))
        else:
            self._move(event)

    def _move(self, event: Working) -> None:
        name = name_of(event.clip.path)[-_NAME_WIDTH:]
        if event.worker not in self._workers:
            self._workers[event.worker] = self._bars.add_task(name, total=event.total, unit="ticks")
        self._bars.update(self._workers[event.worker], completed=event.done, total=event.total)


class _Lines:
    """A line for each clip with the time, as a log wants it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._done = self._clips = 0

    def __call__(self, event: Event) -> None:
        if isinstance(event, Planned):
            self._done, self._clips = event.done, event.clips
            if event.done:
                line = f"{_now()} {event.done} of {event.clips} were done already"
                self._console.print(line, soft_wrap=True)
            _replaced(self._console, event)
        elif isinstance(event, Finished):
            self._done += 1
            number = Text(f"{_now()} [{self._done}/{self._clips}] ")
            self._console.print(number + _line(event), soft_wrap=True)
            self._console.file.flush()


def _replaced(console: Console, event: Planned) -> None:
    """Say whose results make room."""
    warnings(console, [
        f"the earlier result {name}, of {path}, is replaced: choose another folder to keep both"
        for name, path in event.replaced
    ])  # fmt: skip


def _line(event: Finished) -> Text:
    row = event.row
    if row["status"] == FAILED:
        return Text.assemble(("failed ", "bold red"), _error(row))
    label = row["label"] or "nothing to say"
    if label not in ("nothing to say", MIXED):
        label += f" {row['confidence']:.0%}"
    return Text.assemble(("done ", "green"), name_of(event.clip.path), _stretch(event), "  ", label)


def _stretch(event: Finished) -> str:
    """Say which part of the file it is; nothing of a whole one."""
    start_s, end_s = event.clip.stretch.start_s, event.clip.stretch.end_s
    if not start_s and end_s is None:
        return ""
    return f" {start_s:g}-{'' if end_s is None else f'{end_s:g}'} s"


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _error(row: Mapping[str, Any]) -> str:
    """Give an error on one line, with the file that it is about."""
    error, name = name_of(" ".join(str(row["error"]).split())), name_of(Path(row["path"]).name)
    return error if name in error else f"{name_of(row['path'])}: {error}"


def report(console: Console, report: Report, *, quiet: bool) -> None:
    """Say how it ended, and which clips failed."""
    failed = report.failed
    done = len(report.rows) - len(failed)
    if failed:
        console.print(Text(f"{len(failed)} of {report.clips} clips failed:", style="bold red"))
        for row in failed:
            console.print(Text(f"  {_error(row)}"), soft_wrap=True)
    if report.interrupted:
        message = (
            f"interrupted: {done} of {report.clips} clips are done; run the same command again to continue"
        )
        console.print(Text(message, style="bold yellow"), soft_wrap=True)
    if not quiet:
        console.print(Text(f"{done} of {report.clips} clips done", style="bold"))
        for path in report.written:
            console.print(Text.assemble("wrote ", (name_of(path), "bold")), soft_wrap=True)


def steps(out: IO[str], steps: Sequence[Step], folder: Place) -> None:
    """List what would be done: whether, the file, the stretch, the name of its results, and what is bad."""
    for step in steps:
        stretch = step.clip.stretch
        end = "" if stretch.end_s is None else f"{stretch.end_s:g}"
        fault = step.clip.fault
        fields = [
            "bad" if fault else "do" if step.row is None else "done",
            name_of(step.clip.path),
            f"{stretch.start_s:g}",
            end,
            name_of(folder / step.clip.name),
            *([name_of(step.clip.said(fault))] if fault else []),
        ]
        out.write("\t".join(fields) + "\n")
