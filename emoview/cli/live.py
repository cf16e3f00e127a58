"""`emoview live`: a camera, a stream or a file at its own rate, analysed as it comes."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.config import ConfigOption
from emoview.cli.console import Terminal
from emoview.cli.optional_value import WithOptionalValue
from emoview.cli.options import QuietOption, with_options

WEB = "127.0.0.1:8765"
SourceArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SOURCE",
        help="Number of a camera, an address (rtsp://, http://, ...), a file with --realtime, or - for the "
        "standard input. None with --web: only the browsers' own cameras.",
    ),
]


class LiveCommand(WithOptionalValue):
    """`--web` without an address means `WEB`."""

    optional = ("--web", WEB, r"(\[[0-9a-fA-F:]+\]|[\w.-]+)?:\d+")


@with_options
def live(
    source: SourceArgument = None,
    realtime: Annotated[bool, typer.Option("--realtime", help="Play a file at its own rate.")] = False,
    loop: Annotated[bool, typer.Option("--loop", help="Play the file again and again.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Go on trying a source that never answered.")
    ] = False,
    microphone: Annotated[
        str | None,
        typer.Option(metavar="SYSTEM:DEVICE", help="Take the sound from here: pulse:default, alsa:hw:1."),
    ] = None,
    sound: Annotated[bool, typer.Option(help="Listen to the sound of the source.")] = True,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the CSV and JSON of analyze here. Else nothing is stored."),
    ] = None,
    video: Annotated[bool, typer.Option("--video", help="Record the pictures, too (without sound).")] = False,
    blur: Annotated[bool, typer.Option("--blur", help="Blur faces wherever pictures are shown.")] = False,
    calibrate: Annotated[
        float | None,
        typer.Option(min=1, max=600, metavar="SECONDS", help="Take the first seconds as the person's zero."),
    ] = None,
    smooth: Annotated[
        float,
        typer.Option("--smoothing", min=0, max=5, metavar="SECONDS", help="Smooth answers over so long."),
    ] = 0.6,
    web: Annotated[
        str | None, typer.Option(metavar="[HOST:PORT]", help=f"Show a page in the browser, at {WEB}.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            envvar="EMOVIEW_TOKEN",
            help="What viewers must know; needed for any address but 127.0.0.1.",
        ),
    ] = None,
    options: Any = None,
    quiet: QuietOption = False,
    config: ConfigOption = None,  # noqa: ARG001
) -> None:
    """Analyse a camera, a stream, or a file at its own rate, and show what is found as it comes.

    Nothing is stored without --record, and nothing leaves this machine unless another address is named.

    Examples:
      emoview live 0

      emoview live rtsp://camera.local/1 --record recordings

      emoview live clip.mp4 --realtime --web

      emoview live --web
    """
    terminal = Terminal()
    with terminal.reporting():
        from emoview.cli import render, render_live
        from emoview.errors import InputError
        from emoview.live.gate import listen
        from emoview.live.program import Plan, Program
        from emoview.live.server import serve_live
        from emoview.live.settings import EMOVIEW

        if source is None and web is None:
            raise InputError(
                "name a source, such as 0 for the first camera, or add --web for the browser's own"
            )
        settings = EMOVIEW.changed({
            "smoothing_s": smooth, "spectra": options.labels,
            "prediction_sense": round(100 * (options.least_confidence or 0)),
        })  # fmt: skip
        plan = Plan(
            source, options, settings, realtime, loop, retry, microphone, sound, record, video, blur,
            calibrate,
        )  # fmt: skip
        # Before anything is started or written.
        door = None if web is None else listen(web, token)
        program = Program(plan)
        # Ctrl-C is how it ends.
        with suppress(KeyboardInterrupt):
            if door is not None:
                say = (lambda _: None) if quiet else terminal.console.print
                serve_live(program, *door, told=say)
            elif program.session is not None:
                render_live.watch(terminal.console, program.session, quiet=quiet)
        # Whoever presses it twice still gets the recording.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        result, written = program.finish()
        if result is not None and not quiet:
            render.summary(terminal.console, result, [*program.recovered, *written])
        elif program.session is not None and not quiet:
            render.warnings(terminal.console, program.warnings())
