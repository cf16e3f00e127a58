"""`emoview doctor`: whether everything is there that an analysis needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from emoview.cli.console import Terminal
from emoview.common.text import json_of


def doctor(
    json: Annotated[
        str | None,
        typer.Option(metavar="-|FILE", help="Write what was found as JSON, to standard output or a file."),
    ] = None,
    self_test: Annotated[
        bool, typer.Option("--self-test/--no-self-test", help="Analyze a small clip.")
    ] = True,
) -> None:
    """Check libraries, ffmpeg, devices and weights, and analyse a small clip.

    Each thing that is broken comes with its cure; the exit code is then 1.
    """
    terminal = Terminal()
    with terminal.reporting():
        from dataclasses import asdict

        from emoview.cli import render_health
        from emoview.common.files import write_whole
        from emoview.doctor.checks import examine

        found = examine(self_test=self_test)
        checks = list(found) if json == "-" else render_health.checks(terminal, found)
        healthy = all(check.right for check in checks)
        text = json_of({"healthy": healthy, "checks": [asdict(check) for check in checks]}, indent=2)
        if json == "-":
            terminal.out.write(text + "\n")
        elif json is not None:
            write_whole(Path(json), text + "\n")
        terminal.out.flush()
        if not healthy:
            raise typer.Exit(1)
