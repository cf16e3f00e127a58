"""Some hundred odd media files, each made when it is asked for."""

from __future__ import annotations

from . import codecs, containers, damage, names, references, shapes, signals, streams, times
from .case import Case, Expect, Studio

__all__ = ["CASES", "Case", "Expect", "Studio"]

_FAMILIES = (containers, codecs, shapes, times, signals, damage, names, references, streams)

CASES: tuple[Case, ...] = tuple(case for family in _FAMILIES for case in family.cases())
"""All of them, in a fixed order; no two have one id."""

assert len({case.id for case in CASES}) == len(CASES)
