"""A study: the batch of its plan, and what is made of its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from emoview.batch.events import BatchHook, ignore
from emoview.batch.record import Wanted
from emoview.batch.run import Report, run_batch
from emoview.common.files import write_whole
from emoview.common.text import name_of
from emoview.errors import InputError
from emoview.output.read import read_json
from emoview.study.plan import PlanRow
from emoview.timeline.options import Options
from emoview.timeline.results import Analysis

if TYPE_CHECKING:
    import pandas

RESULTS = "results"
"""Folder of the clips' results below the study's."""


@dataclass(frozen=True)
class Study:
    """What a study wrote.

    Attributes:
        report: How the batch ended.
        written: The files.
        left_out: Clips without a result.
    """

    report: Report
    written: tuple[Path, ...]
    left_out: tuple[str, ...]


def run_study(
    rows: Sequence[PlanRow],
    folder: Path,
    options: Options,
    *,
    workers: int = 1,
    on_event: BatchHook = ignore,
) -> Study:
    """Analyse the clips of a plan that are not analysed yet, and write the tables.

    Args:
        rows: The plan.
        folder: Where to; the clips' results come into a folder of their own below.
        options: How each clip is analysed.
        workers: Clips at once.
        on_event: Told of every step.

    Raises:
        InputError: No clip could be analysed, or an option excludes another.
    """
    results = folder / RESULTS
    report = run_batch(
        [row.clip for row in rows], results, Wanted(options, ("json",)), workers=workers, on_event=on_event
    )
    if report.interrupted:
        return Study(report, (), ())
    there = [(row, results / f"{row.clip.name}.json") for row in rows]
    failed = {row["name"] for row in report.failed}
    done = [(row, read_json(path)) for row, path in there if row.clip.name not in failed]
    if not done:
        raise InputError(f"no clip of the plan could be analysed: see {name_of(results / 'summary.csv')}")
    left_out = tuple(row.clip.name for row, _ in there if row.clip.name in failed)
    return Study(report, write_tables([row for row, _ in done], [one for _, one in done], folder), left_out)


def write_tables(rows: Sequence[PlanRow], results: Sequence[Analysis], folder: Path) -> tuple[Path, ...]:
    """Write the tables of clips that are analysed, and that of effects where conditions are compared."""
    from emoview.study.figures import curves_file
    from emoview.study.models import effects_table
    from emoview.study.tables import clips_table, events_table, ticks_table

    folder.mkdir(parents=True, exist_ok=True)
    ticks = ticks_table(rows, results)
    clips = clips_table(rows, ticks, results)
    tables = {
        "clips.csv": clips,
        "events.csv": events_table(rows, ticks),
        "effects.csv": effects_table(clips),
    }
    parquet = folder / "ticks.parquet"
    write_whole(parquet, ticks.to_parquet(index=False, compression="zstd"))
    written = [parquet]
    for name, table in tables.items():
        if len(table):
            write_whole(
                folder / name, _safe(table).to_csv(index=False, float_format="%.6g", lineterminator="\n")
            )
            written.append(folder / name)
    figures = {"curves": False, **({"events": True} if any(row.events for row in rows) else {})}
    for name, around_events in figures.items():
        for ending in (".png", ".svg"):
            path = folder / f"{name}{ending}"
            write_whole(path, curves_file(rows, ticks, path, around_events=around_events))
            written.append(path)
    return tuple(written)


def _safe(table: pandas.DataFrame) -> pandas.DataFrame:
    """Write text of a table so that no spreadsheet runs it."""
    from emoview.output.cells import cell_of

    return table.map(lambda value: cell_of(value) if isinstance(value, str) else value)
