"""The templates of the pages."""

from __future__ import annotations

import functools
from typing import Any

import jinja2

from emoview import __version__
from emoview.output.palette import ink
from emoview.timeline.labels import COLOURS, LABELS, LETTERS


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("emoview.output", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        labels=LABELS,
        colours=COLOURS,
        letters=LETTERS,
        inks={label: ink(label) for label in COLOURS},
        version=__version__,
    )
    return environment


def made_by(made_with: str = "") -> str:
    """Say what made a page, and with which options: what made it again would be the same."""
    return f"emoview {__version__}{made_with and f', {made_with}'}"


def says(head: str, made_with: str) -> bool:
    """Tell whether the beginning of a page says that this version made it with these options."""
    return f'content="{_environment().filters["e"](made_by(made_with))}"' in head


def page(template: str, *, made_with: str = "", **values: Any) -> str:
    """Fill a template; every value is escaped; `made_with` is told as by `made_by`."""
    return _environment().get_template(template).render(made_by=made_by(made_with), **values)
