"""Folders of data sets."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

Data: TypeAlias = "Path | tuple[Path, ...]"
"""The folder of a data set, or those of several that are taken together."""


def folders_of(data: Data) -> tuple[Path, ...]:
    """List the folders of one data set or several."""
    return (data,) if isinstance(data, Path) else data
