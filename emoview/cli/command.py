"""What all commands share: help in plain words, and `--show-config`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from copy import copy
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand

# Also as a path shortens it; one letter is a drive.
_ADDRESS: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]+:/")
_PATHS: Final = ("path", "file", "directory")
SOURCES: Final = "emoview.sources"
"""Where the context keeps the file that each option came from."""

_ARGUMENTS: Final = "emoview.arguments"
_SHOW: Final = "--show-config"
# What typer calls the values of an option, and what people do.
_WORDS: Final = {
    "path": "FILE", "file": "FILE", "directory": "DIR", "str": "TEXT", "int": "N", "float": "X",
    "boolean": "",
}  # fmt: skip

ShowConfigOption = Annotated[
    bool, typer.Option(_SHOW, help="Print the options with where each came from, as TOML, and stop.")
]


class InWords:
    """Help that names values as people do; comes before the class of the command."""

    def get_params(self, ctx: Any) -> Any:
        """Give the parameters, with names of values that people use."""
        parameters = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            _in_words(parameter)
        return parameters


class Command(InWords, TyperCommand):
    """A command that can show where its options came from."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Read the command line; what is to be shown only needs no input."""
        ctx.meta[_ARGUMENTS] = list(args)
        if _SHOW in args:
            for parameter in self.params:
                parameter.required = False
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command, or show its options."""
        if ctx.params.get("show_config"):
            typer.echo(_options(self, ctx))
            raise typer.Exit
        for parameter in self.params:
            _refuse_addresses(ctx, parameter)
        return super().invoke(ctx)


class TrainCommand(Command):
    """`emoview train`: the help of a system lists the system's options, too."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help, and the options of the system that is named on the command line."""
        super().format_help(ctx, formatter)
        from emoview.training.systems.catalog import SYSTEMS

        named = next((word for word in ctx.meta.get(_ARGUMENTS, ()) if word in SYSTEMS), None)
        if named is None:
            typer.echo(" emoview train SYSTEM --help lists the options of a system.\n")
            return
        system = SYSTEMS[named]
        typer.echo(
            f" {system.name}: {system.what}. Data: {system.data}.\n\n Options, for --set NAME=VALUE:\n"
        )
        pairs = list(_flat(_plain(system.options({}))))
        width = max(len(name) for name, _ in pairs)
        for name, value in pairs:
            typer.echo(f"   {name:{width}}  {value}")
        typer.echo("")


def user_file() -> Path:
    """Name the file with the options of the person at this machine."""
    import os

    folder = os.environ.get("XDG_CONFIG_HOME")
    base = Path(folder) if folder and Path(folder).is_absolute() else Path.home() / ".config"
    return base / "emoview" / "emoview.toml"


def _refuse_addresses(ctx: Any, parameter: Any) -> None:
    """Refuse an address where a file is meant: the path made of it would be that of a folder `s3:`."""
    if getattr(parameter.type, "name", None) not in _PATHS:
        return
    value = ctx.params.get(parameter.name)
    for one in value if isinstance(value, (list, tuple)) else (value,):
        if one and _ADDRESS.match(str(one)) and not Path(Path(one).parts[0]).exists():
            raise typer.BadParameter(
                "must be a file or folder of this machine, not an address", ctx=ctx, param=parameter
            )


def _in_words(parameter: Any) -> None:
    """Let the help of a parameter speak of values as people do, once."""
    kind = getattr(parameter, "type", None)
    if kind is None or "get_metavar" in vars(kind):
        return
    # Parameters share their types.
    kind = parameter.type = copy(kind)
    said, argument = kind.get_metavar, parameter.param_type_name == "argument"

    def get_metavar(param: Any, ctx: Any) -> str:
        # The name of an argument says what it is.
        return "" if argument else _word(str(said(param=param, ctx=ctx) or kind.name))

    kind.get_metavar = get_metavar
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is not None or high is not None:
        kind._describe_range = lambda: _range(low, high)


def _word(kind: str) -> str:
    name = kind.strip("<>")
    inner = name.removeprefix("list[").removesuffix("]").removesuffix(" range").lower()
    return _WORDS.get(inner, name)


def _range(low: float | None, high: float | None) -> str:
    if high is None:
        return f"from {low:g}"
    return f"up to {high:g}" if low is None else f"{low:g} to {high:g}"


def _options(command: Any, ctx: Any) -> str:
    lines = [f"[{command.name}]"]
    files = ctx.meta.get(SOURCES, {})
    for parameter in command.params:
        name = str(parameter.name)
        if parameter.param_type_name != "option" or name in ("show_config", "config"):
            continue
        value = ctx.params.get(name)
        said = max(parameter.opts, key=len).lstrip("-")
        source = getattr(ctx.get_parameter_source(name), "name", "DEFAULT").lower()
        origin = (
            files.get(name, "a file") if source == "default_map" else source.replace("commandline", "here")
        )
        text = "# none" if value is None or value == [] or value == () else _toml(value)
        lines.append(f"# {said} is not set" if text == "# none" else f"{said} = {text}  # {origin}")
    return "\n".join(lines)


def _toml(value: Any) -> str:
    value = getattr(value, "value", value)
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(str(value), ensure_ascii=True)


def _plain(options: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(options)


def _flat(values: dict[str, Any], before: str = "") -> Sequence[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, dict):
            pairs += _flat(value, f"{before}{name}.")
        else:
            shown = "not set" if value is None else "none" if value == () else json.dumps(value, default=str)
            pairs.append((before + name, shown))
    return pairs
