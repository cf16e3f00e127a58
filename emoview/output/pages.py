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


def page(template: str, **values: Any) -> str:
    """Fill a template; every value is escaped."""
    return _environment().get_template(template).render(**values)
