"""What a person sees of trainings: progress, epochs, and the outcome."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from pathlib import Path
from statistics import fmean
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from emoview.cli.console import Terminal
from emoview.common.text import name_of
from emoview.evaluation.comparison import Compared
from emoview.evaluation.timelines import NEAR_S, TimelineFigures
from emoview.metrics.figures import (
    AffectFigures,
    Figure,
    GainFigures,
    GroupedFigures,
    LabelFigures,
    RaterFigures,
)
from emoview.training.systems.events import OnEvent


@contextmanager
def live(console: Console) -> Iterator[OnEvent]:
    """Show steps as a bar that moves, and everything else as lines; gives the hook that does."""
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("", total=None, visible=False)
        shown = 0.0

        def on_event(event: Mapping[str, Any]) -> None:
            nonlocal shown
            if "step" not in event:
                bars.update(task, visible=False)
                console.print(name_of(_line(event)), soft_wrap=True)
                return
            now = time.monotonic()
            if now - shown > 0.1:
                shown = now
                loss = f"loss {event['loss']:.3f}" if "loss" in event else ""
                bars.update(task, visible=True, completed=event["step"], total=event["of"], description=loss)

        yield on_event


def _line(event: Mapping[str, Any]) -> str:
    return "  ".join(f"{k} {v:.4g}" if isinstance(v, float) else f"{k} {v}" for k, v in event.items())


def outcome(console: Console, folder: Path) -> None:
    """Print what a run came to, and where it is."""
    from emoview.networks.runs import network_behind, read_metrics, read_run

    networks = {network.name: network for network in read_run(folder)["networks"]}
    metrics = read_metrics(folder)
    for kind, measured_so in _by_kind(metrics.items(), itemgetter(1)):
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("network", no_wrap=True)
        for column in kind:
            # Where there is little room, intervals stand below.
            table.add_column(column, justify="right", overflow="fold")
        for column in ("parameters", "operations"):
            table.add_column(column, justify="right", no_wrap=True)
        for name, measured in measured_so:
            network = network_behind(name, networks)
            size = (
                ("", "") if network is None else (f"{network.parameters:,}", f"{network.flops / 1e6:,.1f} M")
            )
            table.add_row(name, *main_figures(measured), *size)
        console.print(table)
    _print_f1(console, metrics)
    console.print(
        f"The run is in {name_of(folder)}: metrics.json, curves, confusion matrices and the networks."
    )


def _print_f1(console: Console, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the F1 of each label, a table for the networks that tell the same labels apart."""
    kinds: dict[tuple[str, ...], dict[str, Mapping[str, Any]]] = {}
    for name, measured in metrics.items():
        if "weighted_f1" in measured and measured.get("classes"):
            kinds.setdefault(tuple(measured["classes"]), {})[name] = measured
    for labels, some in kinds.items():
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        table.add_column("F1, %")
        for label in (*labels, "weighted"):
            table.add_column(label, justify="right", no_wrap=True)
        for name, measured in some.items():
            every = [measured["classes"][label]["f1"]["value"] for label in labels]
            table.add_row(name, *(f"{v:.1f}" for v in (*every, measured["weighted_f1"]["value"])))
        console.print(table)


_ON_GROUPS = (
    "beyond its labels: accuracy less what all examples' recalls give for the group's labels; sure: mean "
    "confidence, %. Under 20 examples, intervals are too narrow; of 20 groups, one differs by chance."
)
_OF_LABELS = ("accuracy, %", "UAR, %")
_OF_VALUES = ("RMSE (-10 to 10)", "PCC", "ICC", "CCC")

M = TypeVar("M")


def _by_kind(
    rows: Iterable[M], measured: Callable[[M], Mapping[str, Any]]
) -> Iterator[tuple[tuple[str, ...], list[M]]]:
    """Part rows whose figures are of labels from those of values; gives the headings of each, too."""
    parted: dict[tuple[str, ...], list[M]] = {_OF_LABELS: [], _OF_VALUES: []}
    for row in rows:
        parted[_OF_LABELS if "accuracy" in measured(row) else _OF_VALUES].append(row)
    return ((kind, some) for kind, some in parted.items() if some)


def main_figures(measured: Mapping[str, Any]) -> tuple[str, ...]:
    """Say the main figures of a measurement, as stored: two of labels, or four of valence or arousal."""

    def said(name: str, form: str, times: float = 1.0) -> str:
        value, low, high = (times * measured[name][end] for end in ("value", "low", "high"))
        return f"{value:{form}} ({low:{form}}{' to ' if low < 0 else '-'}{high:{form}})"

    if "accuracy" in measured:
        return said("accuracy", ".1f"), said("uar", ".1f")
    # Runs that name no scale were measured in -1 to 1.
    rmse = said("rmse", ".3f", 10 / measured.get("scale", 1.0))
    return rmse, *(said(name, ".3f") for name in ("pcc", "icc", "ccc"))


def figures(terminal: Terminal, name: str, measured: Any, seen: tuple[int, int] | None = None) -> None:
    """Print everything that was measured of a network, on standard output.

    Args:
        terminal: Where.
        name: What was measured.
        measured: The figures.
        seen: How many examples of how many the network learned from; None where that is not known.
    """
    console = terminal.printer()
    table = Table(title=f"{name}: {measured.examples} examples", box=box.SIMPLE, show_header=False)
    if seen is not None:
        table.add_row("seen in training", f"{seen[0]} of {seen[1]}")
    for what, value in _lines(measured):
        table.add_row(what, value)
    console.print(table)
    if isinstance(measured, LabelFigures):
        said = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        said.add_column("true \\ said", no_wrap=True)
        for label in measured.labels:
            said.add_column(label[:4], justify="right", no_wrap=True)
        for label, row in zip(measured.labels, measured.confusion, strict=True):
            said.add_row(label, *map(str, row))
        console.print(said)
        console.print(_classes(measured))
    if isinstance(measured, GroupedFigures):
        console.print(_groups(measured))


def _lines(measured: Any) -> Iterator[tuple[str, str]]:
    """Give each figure and its name."""
    if isinstance(measured, TimelineFigures):
        yield "ticks right, %", str(measured.right)
        yield "calibration error of ticks", f"{measured.calibration_error:.3f}"
        yield "flickering ticks, %", str(measured.flicker)
        yield "changes of label a video (right: 1)", str(measured.changes)
        yield f"joints found within {NEAR_S} s, %", str(measured.found)
        yield "by as many random changes, %", str(measured.found_by_chance)
        yield "boundary error, median, s", _with_interval(measured.boundary_error, 2)
    elif isinstance(measured, GainFigures):
        yield "unweighted average recall, points over", measured.over
        yield "drawn example by example", str(measured.uar)
        yield f"drawn person by person, of {measured.people}", str(measured.uar_by_people)
    elif isinstance(measured, RaterFigures):
        yield "pairs of raters who agree, %", str(measured.agreement)
        yield "Fleiss' kappa", _with_interval(measured.kappa, 3)
        yield "raters who chose what most did, %", str(measured.majority)
        yield "one rater against the majority of the others, %", str(measured.rater)
        yield "the network against the same majorities, %", str(measured.network)
        yield "network over rater, points", str(measured.gain)
    elif isinstance(measured, LabelFigures):
        yield "accuracy, %", str(measured.accuracy)
        yield "unweighted average recall, %", str(measured.uar)
        if (people := measured.by_people) is not None:
            yield f"accuracy, drawn person by person, of {people.people}", str(people.accuracy)
            yield "average recall, likewise", str(people.uar)
        yield "macro F1, %", str(measured.macro_f1)
        yield "F1 weighted by examples, %", str(measured.weighted_f1)
        yield "calibration error", _with_interval(measured.calibration_error, 3)
        yield "of it, by chance alone", f"{measured.calibration_floor:.3f}"
    else:
        for what in ("rmse", "pcc", "icc", "ccc"):
            scaled = what == "rmse" and isinstance(measured, AffectFigures)
            unit = f" (-{measured.scale:g} to {measured.scale:g})" if scaled else ""
            yield what.upper() + unit, _with_interval(getattr(measured, what), 3)


def _with_interval(figure: Figure, digits: int) -> str:
    to = " to " if figure.low < 0 else "-"
    return f"{figure.value:.{digits}f} ({figure.low:.{digits}f}{to}{figure.high:.{digits}f})"


def _classes(measured: LabelFigures) -> Table:
    """Lay the labels that have examples below each other, each against all others."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("label", no_wrap=True)
    for column in ("n", "recall, %", "precision", "F1", "specificity", "ROC area"):
        table.add_column(column, justify="right", no_wrap=column in ("n", "recall, %"))
    for name, one in measured.classes.items():
        rest = (f"{part.value:.1f}" for part in (one.precision, one.f1, one.specificity))
        area = "" if one.area is None else f"{one.area.value:.3f}"
        table.add_row(name, str(one.support), str(one.recall), *rest, area)
    return table


def _groups(measured: GroupedFigures) -> Table:
    """Lay the groups below each other, those of one attribute together."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=_ON_GROUPS, caption_justify="left")
    table.add_column("group")
    for column in ("n", "accuracy, %", "beyond its labels", "UAR", "sure", "ECE"):
        table.add_column(column, justify="right", no_wrap=True)
    for attribute, groups in measured.groups.items():
        table.add_row(Text(name_of(attribute)))
        for value, one in groups.items():
            numbers = (f"{part.value:.0f}" for part in (one.uar, one.confidence))
            table.add_row(
                Text(f"  {name_of(value)}"), str(one.examples), str(one.accuracy), str(one.beyond),
                *numbers, f"{one.calibration_error.value:.3f}",
            )  # fmt: skip
        table.add_section()
    return table


def comparison(terminal: Terminal, rows: Sequence[Compared]) -> None:
    """Print networks of several runs beside each other, on standard output."""
    for kind, some in _by_kind(rows, lambda row: row.figures):
        table = Table(box=box.SIMPLE_HEAD)
        for column in ("run", "network"):
            table.add_column(column)
        for column in (*kind, "parameters", "operations", "MB", "ms", "run, s"):
            table.add_column(column, justify="right", no_wrap=True)
        for row in some:
            table.add_row(
                row.run, row.name, *main_figures(row.figures),
                *("" if v is None else form.format(v) for v, form in (
                    (row.parameters, "{:,}"), (row.flops and row.flops / 1e6, "{:,.1f} M"),
                    (row.megabytes, "{:.1f}"), (row.milliseconds, "{:.2f}"), (row.seconds, "{:,.0f}"),
                )),
            )  # fmt: skip
        terminal.printer(None if terminal.console.is_terminal else 180).print(table)


def ranking(terminal: Terminal, rows: Sequence[Mapping[str, Any]], what: str) -> None:
    """Print the outcome of a search, ranked by the figure `what`, on standard output.

    What failed has no figure.
    """
    table = Table(box=box.SIMPLE_HEAD)
    spread = any("deviation" in row for row in rows)
    table.add_column("options")
    for column in (f"validation, {what}", *(["deviation"] if spread else [])):
        table.add_column(column, justify="right")
    table.add_column("run")
    form = ".2f" if "%" in what else ".3f"
    for row in rows:
        options = "  ".join(f"{name} {value}" for name, value in row["options"].items())
        deviation = [f"{row['deviation']:{form}}" if "deviation" in row else ""] if spread else []
        figure = "failed" if row["figure"] is None else f"{row['figure']:{form}}"
        table.add_row(options, figure, *deviation, row["run"])
    terminal.printer().print(table)


def rules(terminal: Terminal, models: Mapping[str, LabelFigures], fused: Mapping[str, LabelFigures]) -> None:
    """Print models alone, their mean, and what the rules of late fusion came to, on standard output."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("network, rule of late fusion")
    for column in ("accuracy, %", "UAR, %"):
        table.add_column(column, justify="right", no_wrap=True)
    for name, one in models.items():
        table.add_row(name, str(one.accuracy), str(one.uar))
    means = (fmean(getattr(one, what).value for one in models.values()) for what in ("accuracy", "uar"))
    table.add_row("mean of the networks", *(f"{mean:.1f}" for mean in means), end_section=True)
    for name, one in fused.items():
        table.add_row(name, str(one.accuracy), str(one.uar))
    terminal.printer().print(table)
