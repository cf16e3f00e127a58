"""Options of systems: of what kinds they are, and how a file or the command line changes them.

Here and in what it imports is no Keras and no numpy, so that a help text can list options at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import is_dataclass, replace
from typing import Annotated, Any, Literal, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

from emoview.common.stored import quoted, said_of
from emoview.errors import InputError

C = TypeVar("C")

Whole = Annotated[int, Meta(ge=0, lt=2**31)]
"""Option of a system: a whole number, such as a seed."""
Number = Annotated[int, Meta(ge=1, le=1_000_000)]
"""Option of a system: how many, at least one."""
Folds = Annotated[int, Meta(ge=2, le=1000)]
"""Option of a system: into how many parts the data are cut."""
Fraction = Annotated[float, Meta(ge=0, le=1)]
"""Option of a system: a share."""
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
    except msgspec.ValidationError as error:
        said = said_of(str(error))
        raise InputError(f"{where}: {quoted(str(value))} is not of the kind ({said})") from None
