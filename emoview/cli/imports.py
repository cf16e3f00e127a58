"""`emoview import`: findings of other programs as results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.complete import formats_like
from emoview.cli.console import Terminal
from emoview.cli.formats import chosen_formats
from emoview.cli.options import QuietOption


def import_(
    table: Annotated[
        Path,
        typer.Argument(metavar="FILE.csv", help="What OpenFace (FeatureExtraction) or py-feat wrote."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR|FILE", help="Folder or file.", show_default="this folder"
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv,json,...",
            callback=chosen_formats,
            autocompletion=formats_like,
            show_default="json, or as FILE ends",
            help="csv, json, parquet, eaf (ELAN), textgrid (Praat), vtt, srt.",
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="HZ", help="Frames a second, for py-feat.", show_default="those of the video"),
    ] = None,
    video: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The recording that was analysed.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Make a result of what OpenFace or py-feat found.

    plot, report, events, agree and study take it as one of analyze. What the
    program does not give stays empty.

    Examples:
      emoview import openface/talk.csv --video talk.mp4 -o talk-openface.json

      emoview import feat.csv --rate 25 -o feat.json
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.files import refuse_input
        from emoview.imports.result import imported
        from emoview.output.writers import formats_for, goals_of, stem_beside, stem_of, write_results

        chosen = formats_for(output, formats, usual="json")
        analysis = imported(table, rate=rate, video=video)
        stem, beside = stem_beside(analysis, stem_of(table, chosen), chosen, output or Path())
        goals = goals_of(stem, chosen, output)
        for goal in goals:
            refuse_input(goal, table, video)
        replaced = [path for path in goals if path.exists()]
        written = write_results(analysis, stem, chosen, output)
        if not quiet:
            render.warnings(terminal.console, analysis.warnings)
            render.show_written(terminal.console, written, replaced)
        # Always, as analyze does.
        render.warnings(terminal.console, [beside] if beside else [])
