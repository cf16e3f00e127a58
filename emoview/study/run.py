"""A study: the batch of its plan, and what is made of its results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emoview.batch.events import BatchHook, ignore
from emoview.batch.record import Wanted
from emoview.batch.run import Report, run_batch
from emoview.common.files import write_whole
from emoview.common.text import name_of, shown
from emoview.errors import InputError
from emoview.output.json import to_json
from emoview.output.read import read_json, with_media_found
from emoview.pipeline.events import EventHook
from emoview.pipeline.events import ignore as ignore_progress
from emoview.study.plan import PlanRow
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis

if TYPE_CHECKING:
    import pandas

RESULTS: Final = "results"
"""Folder of the clips' results below the study's."""
PAGE: Final = "study.html"
_CLIPS_PAGE: Final = "clips.html"
_SCRIPTS: Final = ("analysis.py", "analysis.R")


_TABLES: Final = ("clips", "events", "effects")
_FIGURES: Final = ("curves", "rainclouds", "grid", "events", "synchrony")
_FIRST: Final = "ticks.parquet"
_MADE: Final = (
    _FIRST, *(f"{name}{ending}" for name in _TABLES for ending in (".csv", ".dta")), "codebook.csv",
    *(f"{name}{ending}" for name in _FIGURES for ending in (".png", ".svg")), *_SCRIPTS, _CLIPS_PAGE, PAGE,
)  # fmt: skip


def refuse_foreign(plan: Path, folder: Path) -> None:
    """Refuse a folder in which a study would overwrite files that are not of one.

    Raises:
        InputError: The plan, or another file, has the name of one that is going to be written.
    """
    there = [name for name in _MADE if (folder / name).exists()]
    if any((folder / name).samefile(plan) for name in there):
        raise InputError(f"the plan {name_of(plan)} would be overwritten: name another folder with -o")
    if there and _FIRST not in there:
        raise InputError(
            f"{name_of(folder)} holds {name_of(there[0])}, which is of no study and would be overwritten: "
            "name another folder with -o"
        )


@dataclass(frozen=True)
class Study:
    """What a study wrote.

    Attributes:
        written: The files.
        left_out: Clips without a result.
    """

    written: tuple[Path, ...]
    left_out: tuple[str, ...]


def analyse_plan(
    rows: Sequence[PlanRow], folder: Path, options: Options, *, workers: int = 1, on_event: BatchHook = ignore
) -> Report:
    """Analyse the clips of a plan that are not analysed yet, and take over the results that it names.

    Args:
        rows: The plan.
        folder: Of the study; the clips' results come into a folder of their own below.
        options: How each clip is analysed.
        workers: Clips at once.
        on_event: Told of every step.

    Raises:
        InputError: A result that the plan names cannot be read, or an option excludes another.
    """
    results = folder / RESULTS
    for row in rows:
        if row.result is not None:
            _take_over(row.result, results / f"{row.clip.name}.json")
    clips = [row.clip for row in rows if row.result is None]
    if not clips:
        return Report((), 0, interrupted=False, written=())
    wanted = Wanted(options, ("json",))
    return run_batch(clips, results, wanted, workers=workers, on_event=on_event)


def conclude(
    rows: Sequence[PlanRow],
    folder: Path,
    report: Report,
    *,
    reports: bool = True,
    on_event: EventHook = ignore_progress,
) -> Study:
    """Write tables, figures and a page of what `analyse_plan` analysed.

    Args:
        rows: The plan.
        folder: Of the study.
        report: How the analyses ended.
        reports: Whether each clip gets a report, too.
        on_event: Told how many reports are written; its stage is `report`.

    Raises:
        InputError: No clip could be analysed.
    """
    results = folder / RESULTS
    failed = {row["name"]: row["error"] for row in report.failed}
    there = [row for row in rows if row.clip.name not in failed]
    if not there:
        raise InputError(f"no clip of the plan could be analysed: see {name_of(results / 'summary.csv')}")
    links = _reports(folder, there, on_event) if reports else {}
    done = [read_json(results / f"{row.clip.name}.json") for row in there]
    written = write_tables(
        there, done, folder, links=links, failures=list(failed.values()),
        order=list(dict.fromkeys(row.condition for row in rows)),
    )  # fmt: skip
    return Study(written, tuple(failed))


def _take_over(result: Path, path: Path) -> None:
    """Put a result that is there already beside the others; what has not changed stays, and its report."""
    text = to_json(with_media_found(read_json(result), result))
    if not path.is_file() or path.read_bytes() != text.encode():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)


def _reports(folder: Path, rows: Sequence[PlanRow], on_event: EventHook) -> dict[str, str]:
    """Write the reports of all clips that have none yet, and give their addresses by clip."""
    from emoview.rendering.report import write_reports
    from emoview.study.page import link_of

    page = folder / _CLIPS_PAGE
    pages = set(write_reports(folder / RESULTS, page, on_event=on_event).pages)
    named = {row.clip.name: folder / f"{page.stem}_files" / f"{row.clip.name}.html" for row in rows}
    return {shown(name): link_of(report, folder) for name, report in named.items() if report in pages}


def write_tables(
    rows: Sequence[PlanRow],
    results: Sequence[Analysis],
    folder: Path,
    *,
    links: Mapping[str, str] | None = None,
    failures: Sequence[str] = (),
    order: Sequence[str] = (),
) -> tuple[Path, ...]:
    """Write tables, figures, scripts and the page of clips that are analysed.

    Args:
        rows: The plan.
        results: Of each row.
        folder: Where to.
        links: Relative addresses of the clips' reports, by clip.
        failures: Sentences about clips of the plan without a result.
        order: Of the conditions in the plan, whose first clips may have failed.
    """
    from emoview.study.codebook import codebook
    from emoview.study.limits import left_out
    from emoview.study.models import effects_table
    from emoview.study.page import study_page
    from emoview.study.stata import stata_file
    from emoview.study.tables import clips_table, events_table, ticks_table

    folder.mkdir(parents=True, exist_ok=True)
    ticks = ticks_table(rows, results)
    clips = clips_table(rows, ticks, results)
    effects = effects_table(clips, order)
    events = events_table(rows, ticks)
    tables = {"clips.csv": clips, "events.csv": events, "effects.csv": effects}
    tables = {name: table for name, table in tables.items() if len(table)}
    tables["codebook.csv"] = codebook({"ticks.parquet": ticks, **tables})
    written = [folder / _FIRST]
    write_whole(written[0], ticks.to_parquet(index=False, compression="zstd"))
    for name, table in tables.items():
        text = _safe(table).to_csv(index=False, float_format="%.6g", lineterminator="\n")
        written.append(_put(folder / name, text))
        if name != "codebook.csv":
            written.append(_put((folder / name).with_suffix(".dta"), stata_file(name, table)))
    pictures = dict(_figures(rows, ticks, clips))
    for name, forms in pictures.items():
        written += [_put(folder / f"{name}{ending}", content) for ending, content in forms.items()]
    for name in _SCRIPTS:
        script = resources.files("emoview.study").joinpath("scripts").joinpath(name).read_text("utf-8")
        written.append(_put(folder / name, script))
    page = study_page(
        title=name_of(f"Study {folder.resolve().name}"), clips=clips, effects=effects, events=events,
        figures=pictures, files=[path.name for path in written], links=links or {}, failures=failures,
        limits=[*_limits(rows, results, ticks), *left_out(rows, results, clips, effects)],
    )  # fmt: skip
    written.append(_put(folder / PAGE, page))
    # What an earlier run made of another plan would be taken for this one's.
    for name in _MADE:
        if folder / name not in written:
            (folder / name).unlink(missing_ok=True)
    return tuple(written)


def _put(path: Path, content: str | bytes) -> Path:
    write_whole(path, content)
    return path


def _figures(
    rows: Sequence[PlanRow], ticks: pandas.DataFrame, clips: pandas.DataFrame
) -> Iterator[tuple[str, dict[str, bytes]]]:
    """Give the figures, each by its name and in its forms."""
    from emoview.study.around import events_figure
    from emoview.study.figures import both_forms, conditions_of, curves_figure
    from emoview.study.spread import grid_figure, raincloud_figure
    from emoview.study.synchrony import comparable, synchrony_figure
    from emoview.study.tables import FOLLOWED, followed_in

    conditions, columns = conditions_of(rows), followed_in(ticks)
    found = comparable(rows, ticks)
    figures: dict[str, Callable[[], Any]] = {
        "curves": lambda: curves_figure(rows, ticks),
        "rainclouds": lambda: raincloud_figure(clips, conditions, columns),
    }
    if columns == FOLLOWED:
        figures["grid"] = lambda: grid_figure(ticks, conditions)
    if any(row.events for row in rows):
        figures["events"] = lambda: events_figure(rows, ticks)
    if found:
        figures["synchrony"] = lambda: synchrony_figure(rows, found, columns)
    yield from ((name, both_forms(make)) for name, make in figures.items())


def _limits(rows: Sequence[PlanRow], results: Sequence[Analysis], ticks: pandas.DataFrame) -> list[str]:
    """Say what the figures and results leave out."""
    from emoview.study.figures import MOST_CONDITIONS
    from emoview.study.spread import MOST_PEOPLE
    from emoview.study.tables import FOLLOWED, followed_in

    found = []
    if (count := len({row.condition for row in rows})) > MOST_CONDITIONS:
        found.append(f"Figures show the first {MOST_CONDITIONS} of {count} conditions.")
    if (count := len({row.participant for row in rows})) > MOST_PEOPLE:
        found.append(f"The grid shows the first {MOST_PEOPLE} of {count} participants.")
    for source in dict.fromkeys(one.source for one in results if one.source is not None):
        of = sum(one.source == source for one in results)
        found.append(f"{of} of {len(results)} results were imported from {name_of(source)}.")
    if (columns := followed_in(ticks)) != FOLLOWED:
        found.append(f"There are no labels: figures and events are of action units {', '.join(columns)}.")
    least = {q for one in results if (q := one.options.min_quality) is not None}
    found += [f"Ticks of a quality below {quality:g} have no label of the face." for quality in sorted(least)]
    return found


def _safe(table: pandas.DataFrame) -> pandas.DataFrame:
    """Write text of a table so that no spreadsheet runs it."""
    from emoview.output.cells import cell_of

    return table.map(lambda value: cell_of(value) if isinstance(value, str) else value)
