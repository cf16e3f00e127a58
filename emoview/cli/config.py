"""The option `--config`: options of a command from a table of `emoview.toml`; the command line wins.

A file of the person, `~/.config/emoview/emoview.toml`, comes before; the one in this folder, or the one that
is named, overrules it.

[analyze]
labels = 3
max-faces = 2
format = ["csv", "eaf"]
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from emoview.cli.command import SOURCES, user_file
from emoview.errors import InputError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE = "emoview.toml"
_OWN = "config"
_MOST = 2**20
_MOST_QUOTED = 60


def _from_file(ctx: typer.Context, path: Path | None) -> Path | None:
    """Make the table of the command its defaults, before its other options are read."""
    if ctx.resilient_parsing:
        return path
    path = path or (Path(FILE) if Path(FILE).is_file() else None)
    sources = ctx.meta.setdefault(SOURCES, {})
    for file in (user_file(), path):
        if file is not None and (file is path or file.is_file()):
            found = _defaults(ctx, file, read_toml(file, typer.BadParameter))
            ctx.default_map = {**(ctx.default_map or {}), **found}
            sources.update(dict.fromkeys(found, str(file)))
    return path


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        is_eager=True,
        callback=_from_file,
        show_default=f"{FILE}, if it is here",
        help="TOML file with options; the table [COMMAND] applies.",
    ),
]
"""The type of the parameter that a command takes to have its options read from a file."""


def said_here(ctx: typer.Context, name: str) -> bool:
    """Tell whether a parameter has its value from the command line, and not from a file or by default."""
    return bool(getattr(ctx.get_parameter_source(name), "name", "") == "COMMANDLINE")


def read_toml(path: Path, error: type[Exception] = InputError) -> Mapping[str, Any]:
    """Read a TOML file with options; `error` is raised for one that cannot be read."""
    # Here, since every command would pay for it before it is asked for help.
    from emoview.common.stored import read_text

    try:
        table: Mapping[str, Any] = tomllib.loads(read_text(path, "name a file with options", most=_MOST))
        return table
    except InputError as wrong:
        raise error(str(wrong)) from None
    except RecursionError:
        raise error(f"{path} is not TOML: it is nested too deeply") from None
    except ValueError as wrong:
        raise error(f"{path} is not TOML: {wrong}") from None


def _defaults(ctx: typer.Context, path: Path, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Give the values of the command's table by the names of its parameters."""
    for name, table in tables.items():
        _check(name, _configurable(ctx), f"{path} has the table", "tables")
        if not isinstance(table, Mapping):
            raise typer.BadParameter(f"{path}: {name} is a table, write [{name}] and its options below")
    parameters = {_said(parameter): parameter for parameter in ctx.command.params}
    usable = [name for name, p in parameters.items() if p.param_type_name == "option" and p.name != _OWN]
    defaults = {}
    for name, value in tables.get(str(ctx.command.name), {}).items():
        _check(name, usable, f"{path} has the option", "options")
        parameter = parameters[name]
        defaults[str(parameter.name)] = _value(f"{path}: {name}", value, parameter)
    return defaults


def _configurable(ctx: typer.Context) -> list[str]:
    """Name the commands that read a file."""
    commands = getattr(ctx.parent.command if ctx.parent else None, "commands", {})
    return [name for name, c in commands.items() if any(p.name == _OWN for p in c.params)]


def _said(parameter: Any) -> str:
    """Name an option as the command line does, without dashes."""
    longest: str = max(parameter.opts, key=len)
    return longest.lstrip("-")


def _value(where: str, value: Any, parameter: Any) -> Any:
    """Make of a TOML value what the command line would give."""
    if getattr(parameter, "is_flag", False):
        if not isinstance(value, bool):
            raise typer.BadParameter(f"{where} is true or false, not {_quoted(value)}")
        return value
    if isinstance(value, list):
        words = [_text(where, one) for one in value]
        return words if parameter.multiple else ",".join(words)
    if isinstance(value, bool | Mapping):
        raise typer.BadParameter(f"{where} takes a text or a number, not {_quoted(value)}")
    text = _text(where, value)
    return [text] if parameter.multiple else text


def _text(where: str, value: Any) -> str:
    text = str(value)
    # Not even the check whether a file is there takes such a name.
    if "\0" in text:
        raise typer.BadParameter(f"{where} holds a character that no text has: write it again")
    return text


def _quoted(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}…")


def _check(name: str, known: Iterable[str], what: str, kind: str) -> None:
    known = list(known)
    if name in known:
        return
    near = difflib.get_close_matches(name, known, 1)
    cure = f"did you mean {near[0]!r}?" if near else f"the {kind} are {', '.join(known)}"
    raise typer.BadParameter(f"{what} {_quoted(name)}, which emoview does not know: {cure}")
