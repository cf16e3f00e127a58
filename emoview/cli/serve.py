"""`emoview serve`: files in, JSON out, over HTTP."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.cli.options import QuietOption


def serve(
    place: Annotated[
        str, typer.Argument(metavar="[HOST:PORT]", help="Address to listen at.")
    ] = "127.0.0.1:8764",
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="EMOVIEW_TOKEN",
            help="What clients must know; needed for any address but 127.0.0.1.",
        ),
    ] = None,
    max_mb: Annotated[int, typer.Option(min=1, metavar="MB", help="Largest file.")] = 500,
    max_seconds: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="Longest analysis of one file.")
    ] = 600,
    queue: Annotated[int, typer.Option(min=0, max=1000, help="Files that may wait for their turn.")] = 8,
    quiet: QuietOption = False,
) -> None:
    """Serve analyses over HTTP: POST /analyze takes a file and answers with its JSON.

    GET /health tells whether it runs, and /docs describes it.

    Examples:
      emoview serve

      emoview serve 0.0.0.0:8764 --token "$SECRET" --max-mb 200
    """  # fmt: skip
    terminal = Terminal()
    with terminal.reporting():
        from emoview.live.jobs import Limits, serve_jobs

        say = (lambda _: None) if quiet else terminal.console.print
        # Ctrl-C is how it ends.
        with suppress(KeyboardInterrupt):
            serve_jobs(place, token, Limits(max_mb, max_seconds, queue), told=say)
