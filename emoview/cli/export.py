"""`emoview export`: a result in other formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.complete import formats_like
from emoview.cli.console import Terminal
from emoview.cli.formats import NameOption, chosen_formats, with_names
from emoview.cli.options import QuietOption


def export(
    result: Annotated[Path, typer.Argument(metavar="RESULT.json", help="What emoview analyze wrote.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="DIR|FILE", help="Folder or file.", show_default="beside the result"
        ),
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            metavar="csv,eaf,...",
            callback=chosen_formats,
            autocompletion=formats_like,
            show_default="as FILE ends",
            help="csv, json, parquet, eaf (ELAN), textgrid (Praat), vtt, srt.",
        ),
    ] = None,
    names: NameOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write an existing RESULT.json in other formats.

    Examples:
      emoview export interview.json -o interview.eaf

      emoview export interview.json -o interview.eaf --name 0=Anna --name 1=Ben

      emoview export interview.json -o results --format parquet,textgrid,vtt
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.output.read import with_media_found
        from emoview.output.writers import format_of, formats_for, stem_of, write_results

        chosen = formats_for(output, formats) if formats else [format_of(output)]
        analysis = with_media_found(with_names(result, names), result)
        written = write_results(analysis, stem_of(result, chosen), chosen, output or result.parent)
        if not quiet:
            render.show_written(terminal.console, written)
