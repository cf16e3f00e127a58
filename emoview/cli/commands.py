"""All commands by name, and the program with some of them: what is not asked for is not imported."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import typer
from typer.core import TyperGroup

from emoview.cli.command import Command, InWords, TrainCommand
from emoview.common.text import name_of

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Analyse": ("analyze", "batch", "study", "baseline", "live", "serve"),
    "Use results": ("report", "export", "plot", "overlay", "events", "agree", "methods", "import"),
    "Train and measure": ("train", "evaluate", "compare", "search", "fuse", "data", "prepare"),
    "This installation": ("weights", "doctor"),
}
"""Names of the commands, by what they are for."""
EVERY: Final = tuple(name for names in COMMANDS.values() for name in names)
"""Names of all commands."""

# `import` is a word of Python, which no module or function can have as its name.
_PLACES: Final = {"import": ("imports", "import_")}


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


def _version(wanted: bool) -> None:
    if wanted:
        from emoview import __version__

        typer.echo(f"emoview {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Turn videos into emotion timelines."""


def app_with(names: Iterable[str] = EVERY) -> typer.Typer:
    """Make the program with the commands of these names."""
    app = typer.Typer(
        name="emoview",
        cls=Commands,
        help="Turn videos into emotion timelines: what the face shows, what the voice carries, and both.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    panels = {name: panel for panel, some in COMMANDS.items() for name in some}
    for name in names:
        place, function = _PLACES.get(name, (name, name))
        module = importlib.import_module(f"emoview.cli.{place}")
        app.command(name, rich_help_panel=panels[name], cls=_class_of(name, module))(
            getattr(module, function)
        )
    return app


def _class_of(name: str, module: Any) -> type[Command]:
    """Give the class of a command."""
    if name == "train":
        return TrainCommand
    kind: type[Command] = module.LiveCommand if name == "live" else Command
    return kind
