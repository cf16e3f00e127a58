"""The formats that a result can be written in."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoview.common.files import Content, write_whole
from emoview.common.names import fitting
from emoview.errors import InputError
from emoview.timeline.results import Analysis


@dataclass(frozen=True)
class Writer:
    """A format.

    Attributes:
        what: What it is for.
        suffix: Of the file name.
        function: `module:function` under `emoview.output`, which takes the result and the path of the
            file to be, and gives its content; named only, so that no format is imported before it is
            needed.
    """

    what: str
    suffix: str
    function: str

    def content(self, analysis: Analysis, path: Path) -> Content:
        """Make the content of the file that is to be at `path`."""
        module, name = self.function.split(":")
        function = getattr(importlib.import_module(f"emoview.output.{module}"), name)
        content: Content = function(analysis, path)
        return content


WRITERS: Final[Mapping[str, Writer]] = {
    "csv": Writer("the rows as a table", ".csv", "csv:csv_file"),
    "csv-excel": Writer(
        "the rows as a table with semicolons and decimal commas", "-excel.csv", "csv:excel_file"
    ),
    "json": Writer("the whole result", ".json", "json:json_file"),
    "parquet": Writer("the rows as a typed table", ".parquet", "parquet:parquet_file"),
    "eaf": Writer("the segments for ELAN", ".eaf", "elan:eaf_file"),
    "textgrid": Writer("the segments for Praat", ".TextGrid", "praat:textgrid_file"),
    "vtt": Writer("the segments as WebVTT subtitles", ".vtt", "subtitles:vtt_file"),
    "srt": Writer("the segments as SubRip subtitles", ".srt", "subtitles:srt_file"),
}
"""By the name that `--format` takes."""

_MADE_BY: Final = {
    ".html": "report", ".pdf": "report", ".mp4": "overlay", ".png": "plot", ".svg": "plot",
}  # fmt: skip


def stem_of(path: Path, formats: Sequence[str], *others: str) -> str:
    """Name the results of a file, without ending.

    Args:
        path: The file.
        formats: Keys of `WRITERS`, of what is going to be written.
        others: Endings of further files that are going to share the name.
    """
    return fitting(path.stem, [*(WRITERS[name].suffix for name in formats), *others])


def write_results(analysis: Analysis, stem: str, formats: Sequence[str], output: Path | None) -> list[Path]:
    """Write a result in one or more formats, each file whole or not at all.

    Args:
        analysis: What to write.
        stem: Name of the files, without suffix.
        formats: Keys of `WRITERS`.
        output: Folder; None for the current one.  A name that ends in the suffix of the only format is
            that of the file.

    Returns:
        What was written.

    Raises:
        OutputError: A file cannot be written.
    """
    written = []
    for name in formats:
        path = _target(stem, WRITERS[name], output or Path(), only=len(formats) == 1)
        write_whole(path, WRITERS[name].content(analysis, path))
        written.append(path)
    return written


def format_of(path: Path | None) -> str:
    """Name the format that a file name asks for.

    Raises:
        InputError: None has this suffix, or there is no name.
    """
    known = f"one or more of {', '.join(WRITERS)}"
    if path is None:
        raise InputError(f"no format was named: add --format, {known}")
    for name, writer in WRITERS.items():
        if path.suffix.lower() == writer.suffix.lower():
            return name
    raise InputError(f"{path} says no format: add --format, {known}")


def formats_for(output: Path | None, named: str | None, usual: str = "csv,json") -> list[str]:
    """Choose the formats of a result that goes to `output`, a folder or a file.

    Args:
        output: Where to; None for this folder.
        named: What was asked for, with commas between; None for what the ending of a file says, or the usual.
        usual: Formats for a folder.

    Raises:
        InputError: The ending is that of another file, or says something else than what was asked for.
    """
    ending = "" if output is None or output.is_dir() else output.suffix.lower()
    meant = [name for name, writer in WRITERS.items() if writer.suffix.lower() == ending]
    asked = (named or usual).split(",")
    if ending in _MADE_BY:
        raise InputError(
            f"analyze does not write {output}: analyze first, then use emoview {_MADE_BY[ending]}"
        )
    if not meant or (named is not None and asked == meant):
        return asked
    if named is not None:
        raise InputError(
            f"{output} is one file of the format {meant[0]}: name a folder, or leave out --format"
        )
    return meant


def _target(stem: str, writer: Writer, output: Path, *, only: bool) -> Path:
    ending = f".{writer.suffix.rpartition('.')[2]}".lower()
    if only and output.suffix.lower() == ending and not output.is_dir():
        return output
    return output / f"{stem}{writer.suffix}"
