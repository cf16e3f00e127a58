"""Text from outside, such as names and what libraries say, made safe to show and to store."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
"""How an address such as `rtsp://camera/1` begins, and no name of a file; the first group is its scheme."""
_HIDDEN = re.compile(r"[^\n -~]")


def shown(path: object) -> str:
    """Write a path, or an address, as text, whatever bytes its name is made of."""
    return str(path).encode(errors="backslashreplace").decode()


def name_of(path: object) -> str:
    r"""Write a path, or any other text, on one line, and nothing in it that works unseen.

    Line breaks, terminal sequences and marks that turn the direction of writing become escapes, such as `\n`
    and `\u202e`.
    """
    text = str(path)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def counted(number: int, thing: str) -> str:
    """Say how many of a thing there are.

    >>> counted(1, "tick"), counted(2400, "tick")
    ('1 tick', '2,400 ticks')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def numbered(thing: str, numbers: Iterable[int]) -> str:
    """Name things by their numbers.

    >>> numbered("face", [0]), numbered("face", [0, 2]), numbered("face", [])
    ('face 0', 'faces 0, 2', 'no face')
    """
    names = list(map(str, numbers))
    return f"{thing}{'' if len(names) == 1 else 's'} {', '.join(names)}" if names else f"no {thing}"


def percent(share: float) -> str:
    """Write a share; what is next to nothing, or next to all, is not called so.

    >>> percent(0.724), percent(0.004), percent(0.996), percent(1)
    ('72%', 'under 1%', 'over 99%', '100%')
    """
    if 0 < share < 0.005:
        return "under 1%"
    return "over 99%" if 0.995 <= share < 1 else f"{share:.0%}"


def json_of(value: Any, *, indent: int | None = None) -> str:
    """Write JSON in which letters stay letters, and what cannot be seen is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False)
    return _HIDDEN.sub(lambda found: _escaped(found[0]), text)


def without_nan(value: Any) -> Any:
    """Put None for NaN, for which JSON has no word, in dictionaries, lists and tuples.

    >>> without_nan({"value": float("nan"), "rows": (1.5, 2)})
    {'value': None, 'rows': [1.5, 2]}
    """
    if isinstance(value, dict):
        return {key: without_nan(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    return None if isinstance(value, float) and value != value else value


def _escaped(character: str) -> str:
    if "\ud800" <= character <= "\udfff":
        # Half a character, which no JSON may hold: it becomes the text that `shown` makes of it.
        return f"\\\\u{ord(character):04x}"
    return character if character.isprintable() else json.dumps(character)[1:-1]
