"""The command `emoview`."""

from __future__ import annotations

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 12):
    sys.exit(
        "emoview runs on Python 3.10 to 3.12, this is Python "
        f"{sys.version_info[0]}.{sys.version_info[1]}: make an environment with another Python"
    )

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import typer
from typer.core import TyperGroup

from emoview.cli.agree import agree
from emoview.cli.analyze import analyze
from emoview.cli.baseline import baseline
from emoview.cli.batch import batch
from emoview.cli.command import Command, InWords, TrainCommand
from emoview.cli.compare import compare
from emoview.cli.data import data
from emoview.cli.doctor import doctor
from emoview.cli.evaluate import evaluate
from emoview.cli.events import events
from emoview.cli.export import export
from emoview.cli.fuse import fuse
from emoview.cli.imports import import_
from emoview.cli.live import LiveCommand, live
from emoview.cli.methods import methods
from emoview.cli.overlay import overlay
from emoview.cli.plot import plot
from emoview.cli.prepare import prepare
from emoview.cli.report import report
from emoview.cli.search import search
from emoview.cli.serve import serve
from emoview.cli.study import study
from emoview.cli.train import train
from emoview.cli.weights import weights
from emoview.common.text import name_of


class Commands(InWords, TyperGroup):
    """The commands; what they quote of the command line does nothing on the terminal."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        """Read the command line up to the command."""
        with _escaping():
            return super().make_context(info_name, args, parent, **extra)

    def invoke(self, ctx: Any) -> Any:
        """Read the options of the command, and run it."""
        with _escaping():
            return super().invoke(ctx)


@contextmanager
def _escaping() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Of click's errors, which typer has from one place or another depending on its version.
        if isinstance(message := getattr(error, "message", None), str):
            vars(error)["message"] = name_of(message)
        raise


app = typer.Typer(
    name="emoview",
    cls=Commands,
    help="Turn videos into emotion timelines: what the face shows, what the voice carries, and both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from emoview import __version__

        typer.echo(f"emoview {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Turn videos into emotion timelines."""


_KINDS: Final[dict[Any, type[Command]]] = {train: TrainCommand, live: LiveCommand}

for group, commands in {
    "Analyse": (analyze, batch, study, baseline, live, serve),
    "Use results": (report, export, plot, overlay, events, agree, methods, import_),
    "Train and measure": (train, evaluate, compare, search, fuse, data, prepare),
    "This installation": (weights, doctor),
}.items():
    for command in commands:
        # `import` is a word of Python, which no function can have as its name.
        name = command.__name__.strip("_")
        app.command(name, rich_help_panel=group, cls=_KINDS.get(command, Command))(command)


if __name__ == "__main__":
    app()
