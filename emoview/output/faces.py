"""Names of faces: a small file beside a result, `clip.names.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

from msgspec import Meta

from emoview.common.files import write_whole
from emoview.common.names import fitting
from emoview.common.stored import is_file, read_json
from emoview.common.text import json_of, name_of
from emoview.errors import InputError

ENDING: Final = ".names.json"

_LONGEST = 60
# What Persian, the scripts of India and emoji join or part letters with, between two of them.
_JOINERS: Final = re.compile("(?<=[^\0-\x7f\u200c\u200d])([\u200c\u200d])(?=[^\0-\x7f\u200c\u200d])")
_Name = Annotated[str, Meta(min_length=1, max_length=_LONGEST)]


def names_file(result: Path) -> Path:
    """Name the file with the names of the faces of a result."""
    return result.with_name(f"{fitting(result.stem, [ENDING])}{ENDING}")


def read_names(result: Path) -> dict[int, str]:
    """Read the names of the faces of a result; empty where nobody gave any.

    Raises:
        InputError: The file is damaged.
    """
    file = names_file(result)
    if not is_file(file):
        return {}
    stored = read_json(file, dict[str, _Name], "remove it, and name the faces again with --name")
    if not all(number.isascii() and number.isdecimal() and len(number) < 10 for number in stored):
        raise InputError(f"{name_of(file)} is damaged: remove it, and name the faces again with --name")
    return {int(number): _spelled(name) for number, name in stored.items()}


def _spelled(name: str) -> str:
    """Write a name on one line, as `name_of` does, but with the joiners that its spelling needs."""
    # What is in parentheses is given, too, between the parts.
    parts = _JOINERS.split(name)
    return "".join(part if number % 2 else name_of(part) for number, part in enumerate(parts))


def keep_names(result: Path, given: Sequence[str], faces: Sequence[int]) -> Mapping[int, str]:
    """Add names to those that are kept, and give them all.

    Args:
        result: The JSON of the result.
        given: Each `NUMBER=NAME`; without a name, the face goes by its number again.
        faces: Numbers of the faces of the result.

    Raises:
        InputError: One is written otherwise, or there is no such face.
        OutputError: The file cannot be written.
    """
    names = read_names(result)
    for text in given:
        number, equals, name = text.partition("=")
        name = " ".join(_spelled(name).split())
        if not equals or not (number.isascii() and number.isdecimal()) or len(name) > _LONGEST:
            raise InputError(
                f"--name {text}: write NUMBER=NAME, such as 3=Anna, of up to {_LONGEST} characters"
            )
        if int(number) not in faces:
            known = ", ".join(map(str, faces)) or "none"
            raise InputError(f"{name_of(result)} has no face {number}: its faces are {known}")
        names.pop(int(number), None)
        if name:
            names[int(number)] = name
    if given:
        text = json_of({str(number): name for number, name in sorted(names.items())}, indent=2)
        write_whole(names_file(result), text + "\n")
    return names
