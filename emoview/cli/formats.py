"""The option `--format`: names of formats, with commas between them."""

from __future__ import annotations

import typer

from emoview.output.writers import WRITERS


def chosen_formats(value: str | None) -> str | None:
    """Check the names of formats, and give them without spaces or repetitions."""
    if value is None:
        return None
    names = [name.strip().lower() for name in value.split(",")]
    wrong = [name for name in names if name not in WRITERS]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} is not one of {', '.join(WRITERS)}")
    return ",".join(dict.fromkeys(names))
