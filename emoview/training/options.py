"""Options of systems: of what kinds they are, and how a file or the command line changes them.

Here and in what it imports is no Keras and no numpy, so that a help text can list options at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from emoview.common.stored import quoted
from emoview.errors import InputError

C = TypeVar("C")

Whole = Annotated[int, Meta(ge=0, lt=2**31)]
"""Option of a system: a whole number, such as a seed."""
Number = Annotated[int, Meta(ge=1, le=1_000_000)]
"""Option of a system: how many, at least one."""
Folds = Annotated[int, Meta(ge=2, le=1000)]
"""Option of a system: into how many parts the data are cut."""
Fraction = Annotated[float, Meta(ge=0, lt=1)]
"""Option of a system: a share of what is dropped, which leaves something."""
Side = Annotated[int, Meta(ge=1, le=4096)]
"""Option of a system: the side of a picture, in pixels."""
Layers = Annotated[int, Meta(ge=1, le=16)]
"""Option of a system: how many layers lie on each other."""
FileName = Annotated[str, Meta(max_length=4096, pattern=r"^[^\x00]+$")]
"""Option of a system: a file or folder."""

Augmentation = Literal["none", "flip", "resize", "face"]
"""Option of a system: how pictures are changed at random."""


def configured(config: C, changes: Mapping[str, Any], where: str) -> C:
    """Change options of a system, as a file or the command line names them.

    Raises:
        InputError: There is no such option, or the value is of another kind.
    """
    assert is_dataclass(config)
    kinds = get_type_hints(type(config), include_extras=True)
    values: dict[str, Any] = {}
    for name, value in changes.items():
        if name not in kinds:
            raise InputError(f"{where}: no option {quoted(name)}; there are {', '.join(kinds)}")
        before = getattr(config, name)
        if is_dataclass(before) and isinstance(value, Mapping):
            values[name] = configured(before, value, f"{where}: {name}")
        else:
            values[name] = _of_kind(value, kinds[name], f"{where}: {name}")
    return replace(config, **values)  # type: ignore[type-var]


def nested(flat: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Turn `{"plan.rate": 1}` into `{"plan": {"rate": 1}}`.

    Raises:
        InputError: An option is said to have parts and a value.
    """
    result: dict[str, Any] = {}
    for name, value in flat.items():
        *path, last = name.split(".")
        inner = result
        for step in path:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise InputError(f"{where}: {quoted(name)} is part of an option that already has a value")
        inner[last] = {**inner[last], **value} if _both_dicts(inner.get(last), value) else value
    return result


def _both_dicts(one: object, other: object) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _of_kind(value: Any, kind: Any, where: str) -> Any:
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError:
        given = value if isinstance(value, str) else json.dumps(value, default=str)
        raise InputError(f"{where}: {quoted(given)} is not {_allowed(kind)}") from None


def _allowed(kind: Any) -> str:
    """Say which values an option of a kind may have."""
    if is_dataclass(kind):
        return f"a set of options: {', '.join(get_type_hints(kind))}"
    origin, of = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return ", ".join(filter(None, (_allowed(of[0]), _bounds(of[1]))))
    if origin is Literal:
        return f"one of {', '.join(map(str, of))}"
    if origin in (Union, UnionType):
        return ", or ".join(map(_allowed, of))
    if origin is tuple:
        return f"a list of which each is {_allowed(of[0])}"
    return _KINDS[kind]


_KINDS: Final[Mapping[Any, str]] = {
    bool: "true or false", int: "a whole number", float: "a number", str: "a text", NoneType: "null",
}  # fmt: skip


def _bounds(meta: Meta) -> str:
    """Say between what a number must be."""
    bounds = (("at least", meta.ge), ("above", meta.gt), ("at most", meta.le), ("below", meta.lt))
    return " and ".join(f"{words} {int(bound):,}" for words, bound in bounds if bound is not None)
