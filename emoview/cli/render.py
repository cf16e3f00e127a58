"""What a person sees: progress while it runs, and the result at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, ProgressColumn, SpinnerColumn, Task, TextColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from emoview.common.text import counted, name_of
from emoview.fusion.baseline import ENOUGH, Baseline
from emoview.output.words import length_of, why_nothing
from emoview.pipeline.events import EventHook, Progress, ignore
from emoview.timeline.clock import TICK_HZ
from emoview.timeline.labels import COLOURS, LETTERS, MIXED
from emoview.timeline.moments import faces_by_presence
from emoview.timeline.presence import presence_of
from emoview.timeline.results import Analysis, Row, Verdict, main_rows
from emoview.timeline.shares import Shares, is_long, shares_of

_MOST_SEGMENTS = 10
_MOST_STRIPS = 8
_LONGEST_NAME = 14


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        if task.fields["unit"] != "ticks" or not task.speed:
            return Text("")
        return Text(f"{task.speed / TICK_HZ:.1f}x real time", style="dim")


class _Percent(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text("" if not task.total else f"{task.percentage:3.0f} %")


class _Left(ProgressColumn):
    """Time that is left, once it can be told."""

    def render(self, task: Task) -> Text:
        left = task.time_remaining
        if not left or task.finished:
            return Text("")
        minutes, seconds = divmod(round(left), 60)
        return Text(f"{minutes} min {seconds:02} s left" if minutes else f"{seconds} s left", style="dim")


@contextmanager
def progress(console: Console, *, quiet: bool) -> Iterator[EventHook]:
    """Show a bar for each stage; gives the hook that moves them."""
    if quiet or not console.is_terminal:
        yield ignore
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description:7}"), BarColumn(), _Percent(), _Speed(), _Left(),
    )  # fmt: skip
    with Bars(*columns, console=console, transient=True) as bars:
        tasks = {}
        shown = 0.0

        def on_event(event: Progress) -> None:
            nonlocal shown
            if event.stage not in tasks:
                unit = "ticks" if event.stage == "face" else "steps"
                tasks[event.stage] = bars.add_task(event.stage, total=event.total, unit=unit)
            now = time.monotonic()
            if now - shown > 0.1 or event.done == event.total:
                shown = now
                bars.update(tasks[event.stage], completed=event.done, total=event.total)

        yield on_event


def summary(console: Console, result: Analysis, written: Sequence[Path]) -> None:
    """Print the overall label, the timeline, the segments, the warnings and where the files are."""
    console.print(_overall(result))
    if any(row.fused for row in result.timeline):
        console.print(_timeline(result, console.width))
        console.print(_segments(result))
        _explanations(console, result)
    warnings(console, result.warnings)
    media = result.media
    shares = "".join(f", {what} in {share:.0%}" for what, share in presence_of(result).items())
    facts = (
        f"{media.duration_s:.2f} s, {counted(media.ticks, 'tick')}{shares}; "
        f"fusion {result.fusion_used}{_person(result)}{_runs(result)}, on {result.device_used}, "
        f"{result.timings['total']:.1f} s"
    )
    console.print(Text(facts, style="dim"), soft_wrap=True)
    show_written(console, written)


def _explanations(console: Console, result: Analysis) -> None:
    """Print a line for each segment that is listed: where its label came from."""
    for segment in result.segments[:_MOST_SEGMENTS]:
        why = segment.explanation
        if why is None:
            continue
        line = Text(f"{segment.start_s:.2f} ", style="dim")
        line.append(segment.label, style=COLOURS[segment.label])
        line.append(f"  on the face {why.face.sentence}" if why.face else "")
        line.append(f"  {why.voice.sentence}" if why.voice else "")
        console.print(line, soft_wrap=True)


def warnings(console: Console, sentences: Sequence[str]) -> None:
    """Print a line for each warning."""
    for sentence in sentences:
        console.print(Text.assemble(("warning: ", "bold yellow"), name_of(sentence)), soft_wrap=True)


def show_baseline(console: Console, made: Baseline, said: Sequence[str], path: Path) -> None:
    """Say what the baseline of a person is made from, what was left out, and where it is."""
    kinds = {name.split("_")[0]: count for name, count in made.recordings.items()}
    counts = " and ".join(f"{kind} from {count}" for kind, count in kinds.items())
    console.print(f"baseline: {counts} {'recording' if max(kinds.values()) == 1 else 'recordings'}")
    few = min(kinds.values()) < ENOUGH
    warnings(
        console, [*said, *([f"few recordings: use {ENOUGH} or more for a better baseline"] if few else [])]
    )
    show_written(console, [path])


def show_written(console: Console, paths: Sequence[Path], replaced: Collection[Path] = ()) -> None:
    """Say where the files are, and which of them took the place of others."""
    for path in paths:
        done = "replaced " if path in replaced else "wrote "
        console.print(Text.assemble(done, (name_of(path), "bold")), soft_wrap=True)


def _runs(result: Analysis) -> str:
    """Name the networks of runs that took part."""
    names = [name_of(used.name) for used in result.weights if used.name.endswith(".keras")]
    return f", networks {', '.join(names)}" if names else ""


def _person(result: Analysis) -> str:
    if result.own_baselines:
        return ", the recording its own baseline"
    baseline = result.options.baseline
    return "" if baseline is None else f", relative to baseline {name_of(Path(baseline))}"


def _overall(result: Analysis) -> Panel:
    overall = result.overall
    lines = Text()
    if overall.fused is None:
        lines.append(f"{why_nothing(result)}: no result", style="bold")
    else:
        colour = COLOURS[overall.fused.label]
        lines.append(f" {overall.fused.label} ", style=f"bold black on {colour}")
        lasts = is_long(result)
        if overall.fused.label != MIXED:
            share = f"  {overall.fused.confidence:.0%}{' of the time' if lasts else ''}"
            lines.append(share, style="bold")
        parts = [
            f"{name} {_said(verdict)}"
            for name, verdict in (("face", overall.face), ("voice", overall.voice))
            if verdict
        ]
        lines.append("   " + ", ".join(parts), style="dim")
        if lasts:
            lines.append(_lasting(shares_of(result)))
            lines.append("\n\nprobabilities of the whole", style="dim")
        lines.append("\n")
        lines.append(_ranking(result, overall.fused))
    title = Text(name_of(Path(Path(result.media.path).name)))
    return Panel(lines, title=title, title_align="left", box=box.ROUNDED, expand=False)


def _said(verdict: Verdict) -> str:
    return MIXED if verdict.label == MIXED else f"{verdict.label} {verdict.confidence:.0%}"


def _lasting(shares: Shares) -> Text:
    """For how long which label lasts, a line each."""
    lines = Text()
    for one in shares.labels:
        what = "segment" if one.segments == 1 else "segments"
        mean = "" if one.mean_s is None else f"{one.segments:4} {what} of {one.mean_s:.1f} s"
        lines.append(f"\n{one.label:9} {one.share:4.0%}  {length_of(one.seconds):>12}  {mean}".rstrip())
    return lines


def _ranking(result: Analysis, verdict: Verdict) -> Text:
    naming = result.naming
    pairs = list(zip(naming.groups, naming.sums(verdict.probabilities), strict=True))
    pairs.sort(key=lambda pair: -pair[1])
    return Text("  ".join(f"{label} {p:.0%}" for label, p in pairs), style="dim")


def _timeline(result: Analysis, width: int) -> Table:
    grid = Table.grid(padding=(0, 1))
    names = [
        name for name in ("fused", "face", "voice") if any(getattr(row, name) for row in result.timeline)
    ]
    strips = _strips(result, names)
    columns = max(10, min(width - 3 - max(5, *(len(name) for name, *_ in strips)), result.media.ticks))
    for name, rows, modality in strips:
        grid.add_row(name, _strip(rows, modality, columns, result.media.ticks))
    end = length_of(result.media.duration_s)
    grid.add_row("", Text("0 s" + end.rjust(columns - 3), style="dim"))
    legend = Text()
    present = {row.said(name) for row in result.timeline for name in names}
    for label in result.naming.labels:
        if label in present:
            legend.append(f" {LETTERS[label]} ", style=f"black on {COLOURS[label]}")
            legend.append(f" {label}  ")
    grid.add_row("", legend)
    return grid


def _strips(result: Analysis, modalities: Sequence[str]) -> list[tuple[str, Sequence[Row], str]]:
    """Choose what is shown over time: one face by all modalities, or several by what they show together."""
    faces = faces_by_presence(result.timeline)
    if len(faces) < 2:
        main = main_rows(result)
        return [(name, main, name) for name in modalities]
    strips: list[tuple[str, Sequence[Row], str]] = []
    for face in faces[:_MOST_STRIPS]:
        rows = [row for row in result.timeline if row.person == face]
        strips.append((name_of(result.who(face))[:_LONGEST_NAME], rows, "fused"))
    if "voice" in modalities:
        strips.append(("voice", result.timeline, "voice"))
    return strips


def _strip(rows: Sequence[Row], modality: str, columns: int, ticks: int) -> Text:
    """One cell for each stretch of time, showing the label that leads in most of its ticks."""
    cells: list[Counter[str]] = [Counter() for _ in range(columns)]
    for row in rows:
        label = row.said(modality)
        if label is not None:
            cells[row.tick * columns // ticks][label] += 1
    strip = Text()
    for cell in cells:
        if cell:
            most = cell.most_common(1)[0][0]
            strip.append(LETTERS[most], style=f"black on {COLOURS[most]}")
        else:
            strip.append("·", style="dim")
    return strip


def _segments(result: Analysis) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in ("start", "end"):
        table.add_column(name, justify="right")
    for name in ("face", "label", "confidence"):
        table.add_column(name)
    for segment in result.segments[:_MOST_SEGMENTS]:
        table.add_row(
            f"{segment.start_s:.2f}", f"{segment.end_s:.2f}",
            name_of(result.who(segment.person)),
            Text(segment.label, style=COLOURS[segment.label]),
            f"{segment.confidence:.0%}",
        )  # fmt: skip
    more = len(result.segments) - _MOST_SEGMENTS
    if more > 0:
        table.add_row("…", "", "", f"{more} more in the JSON", "")
    return table
