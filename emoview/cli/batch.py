"""`emoview batch`: many clips, with a summary."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.command import ShowConfigOption
from emoview.cli.config import ConfigOption
from emoview.cli.console import INTERRUPTED, SOME_FAILED, Terminal
from emoview.cli.options import (
    CausalOption,
    ContactSheetOption,
    FormatsOption,
    QuietOption,
    with_options,
)
from emoview.common.text import name_of


def _some_there(inputs: list[str]) -> list[str]:
    from emoview.batch.inputs import is_missing

    if inputs and all(is_missing(text) for text in inputs):
        raise typer.BadParameter(f"{name_of(inputs[0])} does not exist: check the name and the folder")
    return inputs


@with_options
def batch(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            callback=_some_there,
            help="Files, folders, globs, or lists: .txt with a path a line, .csv or .xlsx with "
            "path,start_s,end_s and any further columns; or their addresses, such as s3://bucket/clips.",
        ),
    ],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="DIR", help="Folder for the results, or its address.")
    ],
    options: Any = None,
    formats: FormatsOption = "csv,json",
    challenge: Annotated[
        bool, typer.Option("--challenge", help="Write NAME.txt too: the overall label and nothing else.")
    ] = False,
    contact_sheet: ContactSheetOption = False,
    causal: CausalOption = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Number of clips to analyse at once. Default: one per core, up to eight."
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Address or file of a Dask scheduler. Its workers analyse the clips; --workers is ignored.",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(help="Skip clips that are already done with the same content, options and weights."),
    ] = True,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first clip that fails.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, then stop.")] = False,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", dir_okay=False, help="Add a line for each clip to this file, with the time."
        ),
    ] = None,
    quiet: QuietOption = False,
    config: ConfigOption = None,  # noqa: ARG001
    show_config: ShowConfigOption = False,  # noqa: ARG001
) -> None:
    """Analyse many clips: one set of files per clip, plus summary.csv and summary.json.

    The exit code is 3 if some clips failed, and 1 if the batch could not run.

    Examples:
      emoview batch interviews -o results

      emoview batch "day*/**/*.mp4" extra.mov -o results --workers 4 --labels 3

      emoview batch stretches.csv -o results --dry-run

      emoview batch night -o results -q --log night.log

      emoview batch s3://bucket/clips -o s3://bucket/results --cluster tcp://head:8786
    """
    terminal = Terminal()
    with terminal.reporting():
        from collections import Counter

        from emoview.batch.inputs import clips_of
        from emoview.batch.record import Wanted, refuse_lists
        from emoview.batch.run import Workers, default_workers, plan, run_batch
        from emoview.batch.storage import place_of
        from emoview.cli import render_batch as render
        from emoview.cli.render import warnings
        from emoview.pipeline.check import check

        options = replace(options, causal=causal)
        check(options)
        wanted = Wanted(options, tuple(formats.split(",")), challenge, contact_sheet)
        passed_over: Counter[str] = Counter()
        notes: list[str] = []
        clips = clips_of(inputs, wanted.endings, passed_over=passed_over, notes=notes)
        folder = place_of(output)
        refuse_lists(inputs, clips, folder, wanted)
        if passed_over and not quiet:
            render.passed_over(terminal.console, passed_over)
        if not quiet:
            warnings(terminal.console, notes)
        if dry_run:
            render.steps(terminal.out, plan(clips, folder, wanted, resume=resume), folder)
            return
        pool: int | Workers = workers or default_workers()
        if cluster is not None:
            from emoview.batch.cluster import ClusterPool

            pool = ClusterPool(cluster, folder, wanted)
        with render.progress(terminal.console, quiet=quiet, log=log) as on_event:
            report = run_batch(
                clips, folder, wanted, workers=pool, resume=resume, fail_fast=fail_fast, on_event=on_event
            )
        render.report(terminal.console, report, quiet=quiet)
        if report.interrupted:
            raise typer.Exit(INTERRUPTED)
        if report.failed:
            raise typer.Exit(SOME_FAILED)
