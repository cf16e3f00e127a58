"""Options of what reads results: `--format`, names of formats with commas between, and `--name`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from emoview.errors import InputError
from emoview.output.writers import WRITERS

if TYPE_CHECKING:
    from emoview.timeline.results import Analysis

NameOption = Annotated[
    list[str] | None,
    typer.Option(
        "--name",
        metavar="NUMBER=NAME",
        help="Name a face, such as 3=Anna; kept in NAME.names.json beside the result. Repeat for several.",
    ),
]


def with_names(result: Path, given: list[str] | None) -> Analysis:
    """Read a result, keep the names that are given to its faces, and use them."""
    from dataclasses import replace

    from emoview.output.faces import keep_names
    from emoview.output.read import read_json
    from emoview.timeline.moments import faces_by_presence

    analysis = read_json(result)
    faces = sorted(faces_by_presence(analysis.timeline))
    return replace(analysis, names=keep_names(result, given, faces)) if given else analysis


def chosen_formats(value: str | None) -> str | None:
    """Check the names of formats, and give them without spaces or repetitions."""
    if value is None:
        return None
    names = [name.strip().lower() for name in value.split(",")]
    for name in names:
        try:
            WRITERS.need(name)
        except InputError as error:
            raise typer.BadParameter(str(error)) from None
    return ",".join(dict.fromkeys(names))
