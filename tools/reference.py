"""Generate the reference pages of the documentation from the code: `PAGES` by file name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import Enum
from typing import Any, Final, get_args, get_type_hints

from typer.main import get_command

import emoview
from emoview.cli.main import app
from emoview.output.json import schema
from emoview.output.writers import WRITERS
from emoview.timeline.explanation import Explanation, FaceReasons, VoiceEffect, VoiceReasons
from emoview.timeline.measures import MEASURES
from emoview.timeline.options import Options
from emoview.timeline.results import (
    COLUMNS,
    MODALITIES,
    Analysis,
    FaceBox,
    FaceFound,
    MediaFacts,
    Overall,
    OwnBaseline,
    Row,
    Segment,
    Speaker,
    Verdict,
    WeightUsed,
    group_columns,
)
from emoview.timeline.shares import Shares
from emoview.timeline.sums import PersonSum, VoiceSum
from emoview.timeline.turns import Turn

_CLASSES: Final[Mapping[str, tuple[type, ...]]] = {
    "": (Analysis,),
    "timeline[]": (Row,),
    "own_baselines[]": (OwnBaseline,),
    "speakers[]": (Speaker,),
    "turns[]": (Turn,),
    "overall": (Verdict, Overall),
    "overall.face": (Verdict,),
    "overall.voice": (Verdict,),
    "segments[]": (Segment,),
    "segments[].explanation": (Explanation,),
    "segments[].explanation.face": (FaceReasons,),
    "segments[].explanation.voice": (VoiceReasons,),
    "segments[].explanation.voice.effects[]": (VoiceEffect,),
    "media": (MediaFacts,),
    "faces[]": (FaceFound,),
    "options": (Options,),
    "weights[]": (WeightUsed,),
    "summary": (Shares,),
    "summary.persons[]": (Shares,),
    "summary.measures.persons[]": (PersonSum,),
    "summary.measures.voice": (VoiceSum,),
}
"""Where each object of the JSON is documented."""

_ONLY_IN_JSON: Final = {
    "schema_version": "Version of this format. Its first number changes when existing readers would break.",
    "summary": "For how long which label lasts.",
    "turns": "Who speaks from when to when; a pause of up to half a second does not end a turn.",
    "measures": "Names of the measures of each row, in their order.",
    "labels": "The seven labels, in the order of all probabilities.",
    "valence_arousal": "`derived` from the label probabilities, or `estimated` by a trained regressor.",
}


def described(kind: type) -> dict[str, str]:
    """Read the `Attributes:` of a class and the docstrings of its properties."""
    text = inspect.getdoc(kind) or ""
    _, _, listed = text.partition("Attributes:\n")
    found = {
        name: " ".join(what.split())
        for name, what in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", listed, re.MULTILINE)
    }
    for name, value in vars(kind).items():
        if isinstance(value, property) and value.__doc__:
            found[name] = " ".join(inspect.cleandoc(value.__doc__).split())
    return found


def commands() -> str:
    """Give every command with its arguments and options."""
    parts = ["# Command options\n\nThe same texts as `emoview COMMAND --help`.\n"]
    group: Any = get_command(app)
    functions = {one.name: one.callback for one in app.registered_commands if one.callback}
    for name, command in group.commands.items():
        about, _, examples = inspect.cleandoc(command.help or "").partition("Examples:")
        parts.append(f"\n## emoview {name}\n\n{about.strip()}\n")
        lines = [line.strip() for line in examples.splitlines() if line.strip()]
        if lines:
            parts.append("\n```sh\n" + "\n".join(lines) + "\n```\n")
        kinds = get_type_hints(functions[name])
        rows = [_parameter(one, kinds[one.name], name) for one in command.params if one.name in kinds]
        parts.append("\n" + _table(("option", "value", "default", "what it does"), rows))
    return "".join(parts)


def choices_of(kind: Any) -> tuple[str, ...]:
    """Give the values of an option whose type, without `| None`, is an enumeration; none of another."""
    kinds = [one for one in get_args(kind) if one is not type(None)] or [kind]
    if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], Enum):
        return tuple(str(one.value) for one in kinds[0])
    return ()


def _parameter(one: Any, kind: Any, command: str) -> tuple[str, ...]:
    option = one.param_type_name == "option"
    metavar = one.metavar or "|".join(choices_of(kind)) or one.name.upper()
    names = ", ".join(f"`{name}`" for name in [*one.opts, *one.secondary_opts])
    flag = kind is bool
    if one.required:
        default = "required"
    elif isinstance(one.show_default, str):
        default = one.show_default
    elif one.default in (None, False, (), []):
        default = ""
    else:
        default = f"`{one.opts[0] if flag else getattr(one.default, 'value', one.default)}`"
    said = one.help or _ARGUMENTS[command, one.name]
    return names if option else f"`{metavar}`", f"`{metavar}`" if option and not flag else "", default, said


_ARGUMENTS: Final = {
    ("compare", "runs"): "Run folders of `emoview train`.",
    ("fuse", "runs"): "Run folders of `emoview train`.",
}
"""Arguments without a help text of their own."""


def files() -> str:
    """Give the formats, the columns of the CSV and the fields of the JSON."""
    formats = [(f"`{name}`", f"`NAME{one.suffix}`", one.what) for name, one in WRITERS.items()]
    return (
        "# Result files\n\n## Formats\n\n"
        + _table(("`--format`", "file", "content"), formats)
        + "\n## CSV columns\n\nCSV and Parquet have the same columns: one row per face and tick of 40 ms. "
        "A missing value is an empty cell in CSV and null in Parquet.\n\n"
        + _table(("column", "meaning"), _columns())
        + "\n## JSON fields\n\n`[]` marks the items of a list; `?` marks a value that can be null. "
        "The formal schema ships as `emoview/output/analysis.schema.json`.\n\n"
        + "".join(f"- **{name}**: {_members(schema()['$defs'][name])}\n" for name in _NAMED)
        + "\n"
        + _table(("field", "type", "meaning"), list(_fields(schema(), "", schema()["$defs"])))
    )


_NAMED: Final = ("label", "probabilities", "groups")
"""Types that the table of fields names instead of spelling them out."""


def _members(node: Mapping[str, Any]) -> str:
    names = ", ".join(f"`{name}`" for name in node.get("enum") or node["properties"])
    return (
        f"one of {names}."
        if "enum" in node
        else f"numbers by name: {names}. {node.get('description', '')}".strip()
    )


def _columns() -> list[tuple[str, str]]:
    about, rows = described(Row), []
    for name in (*COLUMNS[:2], "clock", *COLUMNS[2:]):
        modality, _, rest = name.partition("_")
        if name == "clock":
            rows.append(
                ("`clock`", "Only with `--clock`: time of day at the start of the tick, in ISO 8601.")
            )
        elif name in about:
            rows.append((f"`{name}`", about[name]))
        elif modality == "box":
            rows.append((f"`{name}`", described(FaceBox)[rest]))
        elif modality in MODALITIES:
            rows.append((f"`{name}`", f"Probability of {rest}. {about[modality]}"))
        else:
            raise KeyError(f"no description of the column {name}")
    for count in (3, 2):
        for name in group_columns(count):
            group = name.partition("_")[2].replace("_", " and ")
            rows.append((f"`{name}`", f"Only with `--labels {count}`: probability of the group {group}."))
    for measure in MEASURES:
        like = "" if measure.like is None else f" Like {measure.like}."
        unit = (
            ""
            if measure.unit == "arbitrary"
            else f", in {measure.unit}"
            if measure.decimals
            else f": {measure.unit}"
        )
        rows.append((f"`{measure.name}`", f"{measure.meaning}{unit}.{like}"))
    return rows


def _fields(node: Mapping[str, Any], path: str, shared: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Walk the properties of an object of the schema."""
    for name, given in node["properties"].items():
        place = f"{path}.{name}" if path else name
        child, null = _resolved(given, shared)
        kind, deeper = _kind(child, shared)
        said = _said(path, name) or given.get("description") or child.get("description", "")
        if not said:
            raise KeyError(f"no description of the field {place}")
        yield f"`{place}`", kind + ("?" if null else ""), said
        if deeper is not None:
            yield from _fields(deeper, place + ("[]" if kind.startswith("list") else ""), shared)


def _resolved(node: Mapping[str, Any], shared: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """Look through `anyOf` and `$ref`; say whether the value can be null."""
    null = False
    if "anyOf" in node:
        null = any(one.get("type") == "null" for one in node["anyOf"])
        node = next(one for one in node["anyOf"] if one.get("type") != "null")
    if "$ref" in node:
        name = node["$ref"].rsplit("/", 1)[1]
        node = {**shared[name], "title": name}
    return node, null


def _kind(node: Mapping[str, Any], shared: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    """Name the type of a node, and give the object whose fields are worth listing."""
    if node.get("title") in _NAMED:
        return f"[{node['title']}](#json-fields)", None
    if "enum" in node:
        return ", ".join(f"`{one}`" for one in node["enum"]), None
    if "const" in node:
        return f"constant `{node['const']}`" if isinstance(node["const"], str) else "constant", None
    kind = node["type"]
    if isinstance(kind, list):
        return f"{next(one for one in kind if one != 'null')}?", None
    if kind == "array":
        item = _resolved(node["items"], shared)[0]
        return f"list of {item.get('type', 'value')}s", item if item.get("properties") else None
    if kind != "object" or "properties" not in node:
        return kind, None
    plain = all(_resolved(one, shared)[0].get("type") == "number" for one in node["properties"].values())
    return (f"numbers by name: {', '.join(node['properties'])}", None) if plain else ("object", node)


def _said(path: str, name: str) -> str | None:
    for kind in _CLASSES.get(path, ()):
        if name in (about := described(kind)):
            return about[name]
    return None if path else _ONLY_IN_JSON.get(name)


def training_options() -> str:
    """Give the options of every published system, with their defaults."""
    from emoview.training.plan import Plan
    from emoview.training.systems.catalog import SYSTEMS

    parts = [
        "# Training options\n\nSet one with `--set NAME=VALUE`, several with `--config FILE` (TOML or JSON)."
        "\n\n## Training plan\n\nOptions under `plan`, such as `--set plan.epochs=5`.\n\n",
        _table(("option", "default", "meaning"), [_plan(one) for one in fields(Plan)]),
    ]
    for system in SYSTEMS.values():
        parts.append(f"\n## {system.name}\n\n{system.what}. Data: {system.data}.\n\n")
        parts.append(_table(("option", "default", "meaning"), list(_options(system.options({})))))
    return "".join(parts)


def _plan(one: Field[Any]) -> tuple[str, str, str]:
    from emoview.training.plan import Plan

    default = "depends on the system" if one.default is MISSING else f"`{one.default}`"
    return f"`plan.{one.name}`", "" if one.default is None else default, described(Plan)[one.name]


def _options(value: Any) -> Iterator[tuple[str, str, str]]:
    about = {name: what for kind in reversed(type(value).__mro__) for name, what in described(kind).items()}
    for one in fields(value):
        given = getattr(value, one.name)
        if is_dataclass(given):
            changed = (f.name for f in fields(given) if getattr(given, f.name) != f.default)
            shown = ", ".join(f"`{name}={getattr(given, name)}`" for name in changed)
        else:
            shown = "" if given is None or given == () else f"`{given}`"
        yield f"`{one.name}`", shown, about[one.name]


def python() -> str:
    """Give everything that `import emoview` offers, with its signature, docstring and example."""
    said, _, example = inspect.cleandoc(emoview.__doc__ or "").partition(">>> ")
    parts = [
        f"# Python\n\n{said}The examples on this page run in order; `clip.mp4` shows two seconds of a smile. "
        f"[For developers](../developers.md#from-python) shows more.\n\n{_shown(f'>>> {example}')}"
    ]
    for name, value in public():
        if callable(value):
            level = "###" if "." in name else "##"
            parts.append(f"\n{level} {name}\n\n{_text_of(value, name.rpartition('.')[2])}")
        else:
            parts.append(f"\n## {name}\n\n`{value!r}`\n")
    return "".join(parts)


def public() -> Iterator[tuple[str, Any]]:
    """Give everything that `emoview` exports by name, each class with its methods."""
    for name in emoview.__all__:
        value = getattr(emoview, name)
        yield name, value
        for method, own in vars(value).items() if inspect.isclass(value) else ():
            if not method.startswith("_") and (inspect.isfunction(own) or isinstance(own, classmethod)):
                yield f"{name}.{method}", getattr(value, method)


def _text_of(value: Any, name: str) -> str:
    about = inspect.cleandoc(value.__doc__ or "")
    example = _EXAMPLES.search(about)
    if example:
        about = about.replace(example[0], "").strip()
    shown = f"\n{_shown(inspect.cleandoc(example[1]))}" if example else ""
    if inspect.isclass(value) and issubclass(value, Exception):
        return f"{about}\n{shown}"
    return f"```text\n{name}{_signature(value)}\n\n{about}\n```\n{shown}"


def _shown(example: str) -> str:
    return f"```pycon\n{example}\n```\n"


_EXAMPLES: Final = re.compile(r"^Examples:\n((?: {4}.*(?:\n|$))+)\n?", re.MULTILINE)


def _signature(value: Any) -> str:
    found = inspect.signature(value)
    parts = [_OBJECT.sub("...", str(one)).replace("'", "") for one in found.parameters.values()]
    if any(one.kind is one.KEYWORD_ONLY for one in found.parameters.values()):
        parts.insert(
            [one.kind for one in found.parameters.values()].index(inspect.Parameter.KEYWORD_ONLY), "*"
        )
    text = f"({', '.join(parts)})"
    return text if len(text) < _WIDEST else "(\n" + "".join(f"    {part},\n" for part in parts) + ")"


_OBJECT: Final = re.compile(r"<(?:object|function)[^>]*>|<factory>")
_WIDEST: Final = 90

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "commands.md": commands,
    "files.md": files,
    "training-options.md": training_options,
    "python.md": python,
}
"""What gives each page as Markdown."""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(_cell(cell) for cell in line) + " |\n" for line in lines)


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|") if text != "---" else text
