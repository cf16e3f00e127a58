"""`emoview study`: from a plan of clips to tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.command import ShowConfigOption
from emoview.cli.config import ConfigOption
from emoview.cli.console import INTERRUPTED, SOME_FAILED, Terminal
from emoview.cli.options import QuietOption, with_options


@with_options
def study(
    plan: Annotated[
        Path,
        typer.Argument(
            metavar="PLAN",
            help="Table (CSV, Excel) with path, participant, condition and, if wanted, events and others.",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Output folder.")],
    options: Any = None,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Clips at once.", show_default="by cores")
    ] = None,
    reports: Annotated[
        bool, typer.Option("--reports/--no-reports", help="Write a report of each clip, too.")
    ] = True,
    quiet: QuietOption = False,
    config: ConfigOption = None,  # noqa: ARG001
    show_config: ShowConfigOption = False,  # noqa: ARG001
) -> None:
    """Analyse the clips of a study, and write its tables, effects, figures and a page.

    Clips that are done already are not analysed again. The exit code is 3 if some clips failed.
    PLAN may name results, such as those of import, in place of clips.

    Examples:
      emoview study plan.csv -o study

      emoview study plan.csv -o study --workers 4 --face largest --min-quality 0.8
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.batch.run import default_workers
        from emoview.cli import render, render_batch
        from emoview.common.interrupts import interrupted_as
        from emoview.common.text import name_of
        from emoview.pipeline.check import check
        from emoview.study.plan import read_plan
        from emoview.study.run import analyse_plan, conclude, refuse_foreign

        check(options)
        notes: list[str] = []
        rows = read_plan(plan, notes)
        if not quiet:
            render.warnings(terminal.console, notes)
        refuse_foreign(plan, output)
        with render_batch.progress(terminal.console, quiet=quiet, log=None) as on_event:
            report = analyse_plan(
                rows, output, options, workers=workers or default_workers(), on_event=on_event
            )
        if report.interrupted:
            raise typer.Exit(INTERRUPTED)
        with (
            interrupted_as(lambda: f"{name_of(output)} keeps what is done; the same command goes on"),
            render.progress(terminal.console, quiet=quiet) as on_report,
        ):
            done = conclude(rows, output, report, reports=reports, on_event=on_report)
        if not quiet:
            render.show_written(terminal.console, list(done.written))
        if report.failed:
            render_batch.report(terminal.console, report, quiet=quiet)
            raise typer.Exit(SOME_FAILED)
