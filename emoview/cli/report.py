"""`emoview report`: results as pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.formats import NameOption, with_names
from emoview.common.text import name_of


def _page(value: Path | None) -> Path | None:
    if value is not None and value.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise typer.BadParameter("must end in .html or .pdf")
    return value


def report(
    result: Annotated[
        Path, typer.Argument(metavar="RESULT.json|DIR", help="What emoview analyze wrote, or a folder of it.")
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            callback=_page,
            show_default="NAME-report.html beside the result",
            help="The page to write: .html, or .pdf with Chromium or Chrome.",
        ),
    ] = None,
    video: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The video that was analysed. [default: where the result says]"),
    ] = None,
    embed: Annotated[
        bool, typer.Option("--embed", help="Put the video into the page instead of linking to it.")
    ] = False,
    names: NameOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Write an HTML report: video, timeline, highlights, and where face and voice disagree.

    Examples:
      emoview report interview.json                # interview-report.html

      emoview report interview.json -o interview.pdf

      emoview report interview.json --embed        # one file to pass on

      emoview report results                       # results/results-report.html
    """
    if names and result.is_dir():
        raise typer.BadParameter("goes with one result, not with a folder", param_hint="--name")
    if video is not None and result.is_dir():
        raise typer.BadParameter("goes with one result, not with a folder", param_hint="--video")
    if embed and output is not None and output.suffix.lower() == ".pdf":
        raise typer.BadParameter("goes with a page: a PDF plays nothing", param_hint="--embed")
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render
        from emoview.common.interrupts import interrupted_as
        from emoview.common.names import REPORT, named_after
        from emoview.errors import InputError
        from emoview.rendering.report import write_report, write_report_pdf, write_reports

        if names:
            with_names(result, names)
        output = output or named_after(result, REPORT)
        if output.suffix.lower() == ".pdf":
            if result.is_dir():
                raise InputError("a PDF is made of one result: name its JSON, or write .html")
            write_report_pdf(result, output, video=video)
        elif result.is_dir():

            def tell(page: Path, new: bool) -> None:
                if not quiet:
                    console.print(f"{'wrote' if new else 'kept '} {name_of(page)}", soft_wrap=True)

            console = terminal.console
            with (
                interrupted_as(lambda: "pages that are done stay; the same command goes on"),
                render.progress(console, quiet=quiet) as on_event,
            ):
                written = write_reports(result, output, embed=embed, on_event=on_event, on_clip=tell)
            if not quiet:
                render.warnings(terminal.console, written.failures)
        else:
            write_report(result, output, video=video, embed=embed)
        if not quiet:
            render.show_written(terminal.console, [output])
