"""The formats that a result can be written in."""

from __future__ import annotations

import importlib
import itertools
import mimetypes
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from emoview.common.additions import Package, WithAdditions, said
from emoview.common.files import Content, write_whole
from emoview.common.interrupts import interrupted_as
from emoview.common.names import fitting
from emoview.common.tables import WORKBOOKS
from emoview.common.text import name_of
from emoview.errors import EmoviewError, InputError, OutputError
from emoview.timeline.results import Analysis

if TYPE_CHECKING:
    from emoview.output.read import OfWhat


@dataclass(frozen=True)
class Writer:
    r"""A format that results can be written in.

    Examples:
        >>> def lines_file(analysis, path):
        ...     return "".join(f"{s.start_s:.2f} {s.end_s:.2f} {s.label}\n" for s in analysis.segments)
        >>> lines = Writer("the segments, one a line", ".txt", lines_file)
        >>> lines.content(result, Path("clip.txt"))
        '0.00 2.00 happy\n'

    Attributes:
        what: What it is for.
        suffix: Of the file name, such as `.txt` or `-short.csv`.
        function: Takes the result and the path of the file to be, and gives its content: text, an iterable of
            pieces of text, or bytes. Or its name, `module:function` under `emoview.output`, so that no format
            of emoview's is imported before it is needed.
    """

    what: str
    suffix: str
    function: str | Callable[[Analysis, Path], Content]

    def content(self, analysis: Analysis, path: Path) -> Content:
        """Make the content of the file that is to be at `path`."""
        if not isinstance(self.function, str):
            return self.function(analysis, path)
        module, name = self.function.split(":")
        function = getattr(importlib.import_module(f"emoview.output.{module}"), name)
        content: Content = function(analysis, path)
        return content


_OWN: Final = {
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

_MADE_BY: Final = {
    ".html": "report", ".pdf": "report", ".mp4": "overlay", ".png": "plot", ".svg": "plot",
}  # fmt: skip


_SUFFIX: Final = re.compile(r"(-[a-z0-9-]{1,40})?\.[a-z0-9]{1,20}", re.ASCII | re.IGNORECASE)


def _take(name: str, given: object, package: Package) -> Writer:
    """Check the writer of a package, and let it fail in a sentence."""
    if not isinstance(given, Writer) or not callable(given.function) or not isinstance(given.what, str):
        raise ValueError("it is no emoview.Writer with a function")
    taken = {*(writer.suffix.lower() for writer in _OWN.values()), *_MADE_BY}
    if (
        not isinstance(given.suffix, str)
        or not _SUFFIX.fullmatch(given.suffix)
        or given.suffix.lower() in taken
    ):
        raise ValueError(f"its suffix must be one of its own, such as -{name}.txt, not {given.suffix!r}")
    function = given.function

    def content(analysis: Analysis, path: Path) -> Content:
        with _failing(name, package):
            made = function(analysis, path)
        if isinstance(made, str | bytes):
            return made
        return pieces(made)

    def pieces(made: Iterable[str]) -> Iterator[str]:
        with _failing(name, package):
            for piece in made:
                if not isinstance(piece, str):
                    raise TypeError(f"it gives a piece of {type(piece).__name__}, not of text")
                yield piece

    return Writer(given.what, given.suffix, content)


@contextmanager
def _failing(name: str, package: Package) -> Iterator[None]:
    """Turn whatever the code of others raises into a sentence."""
    try:
        yield
    except EmoviewError:
        raise
    except Exception as error:
        raise OutputError(
            f"the format {name} failed ({said(error)}): report it to the authors of the package {package}"
        ) from error


WRITERS: Final = WithAdditions(_OWN, "emoview.writers", "format", _take)
"""By the name that `--format` takes; those of other packages come last."""


def stem_of(path: Path, formats: Sequence[str], *others: str) -> str:
    """Name the results of a file, without ending.

    Args:
        path: The file.
        formats: Keys of `WRITERS`, of what is going to be written.
        others: Endings of further files that are going to share the name.
    """
    return fitting(path.stem, [*(WRITERS[name].suffix for name in formats), *others])


def stem_beside(
    analysis: Analysis, stem: str, formats: Sequence[str], folder: Path, *others: str
) -> tuple[str, str | None]:
    """Name results so that none replaces that of another file, and tell in a sentence where it would have.

    Where `NAME.json` in the folder is the result of another file, or of what another program found, these
    become `NAME~2`, as in a batch.

    Args:
        analysis: What is going to be written.
        stem: Name of the files, without suffix.
        formats: Keys of `WRITERS`, of what is going to be written.
        folder: Where to.
        others: Endings of further files that are going to share the name.
    """
    from emoview.output.read import of_what

    if not (formats or others):
        return stem, None
    first = None
    for number in itertools.count(1):
        name = stem if number == 1 else stem_of(Path(f"{stem}~{number}.x"), formats, *others)
        other = of_what(folder / f"{name}.json")
        if other is None or _is_of(analysis, other, folder):
            break
        first = first or other
    if first is None:
        return stem, None
    whose, mine = first.path, analysis.media.path
    if first.source != analysis.source:
        whose = f"{first.source or 'emoview'} about {whose}"
        mine = f"{analysis.source or 'emoview'} about {mine}"
    elif whose == mine:
        whose = f"another {whose}, or of what it held before"
    return name, f"{folder / stem} is the result of {whose}: that of {mine} is called {name}"


def _is_of(analysis: Analysis, other: OfWhat, folder: Path) -> bool:
    """Tell whether a result in a folder is of the same file, and found by the same program."""
    media = analysis.media
    if analysis.source != other.source:
        return False
    if not (media.sha256 and other.sha256):
        return media.path == other.path
    # A name that counts from some folder, or is none of a file, may be that of another.
    here = Path(other.path).is_absolute() or folder.resolve() == Path.cwd()
    return media.sha256 == other.sha256 or (media.path == other.path and here and Path(other.path).exists())


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
        KeyboardInterrupt: Somebody stopped it; it says what was written before.
        OutputError: A file cannot be written.
    """
    goals = goals_of(stem, formats, output)
    done: list[Path] = []

    def told() -> str:
        names = ", ".join(name_of(path) for path in done)
        return f"{names} was written, and the rest was not" if done else "nothing was written"

    with interrupted_as(told):
        for name, path in zip(formats, goals, strict=True):
            write_whole(path, WRITERS[name].content(analysis, path))
            done.append(path)
    return goals


def goals_of(stem: str, formats: Sequence[str], output: Path | None) -> list[Path]:
    """Name the files that `write_results` writes."""
    return [target(stem, name, output, only=len(formats) == 1) for name in formats]


def format_of(path: Path | None) -> str:
    """Name the format that a file name asks for.

    Raises:
        InputError: None has this suffix, or there is no name.
    """
    known = f"one or more of {', '.join(WRITERS)}"
    if path is None:
        raise InputError(f"no format was named: add --format, {known}")
    _refuse_made(path)
    meant = _meant(path)
    if meant is None:
        raise InputError(f"{path} says no format: add --format, {known}")
    return meant


def _refuse_made(path: Path) -> None:
    """Refuse a name that is one of what other commands make of a result."""
    maker = _MADE_BY.get(path.suffix.lower())
    if maker is not None:
        raise InputError(f"{path} is no file of a format: emoview {maker} makes it of a result")


def _meant(path: Path) -> str | None:
    """Name the format by which a file name ends; of several the one with the longest suffix."""
    name = path.name.lower()
    ends = [one for one, writer in WRITERS.items() if name.endswith(writer.suffix.lower())]
    return max(ends, key=lambda one: len(WRITERS[one].suffix), default=None) if path.suffix else None


def formats_for(output: Path | None, named: str | None, usual: str = "csv,json") -> list[str]:
    """Choose the formats of a result that goes to `output`, a folder or a file.

    Args:
        output: Where to; None for this folder.
        named: What was asked for, with commas between; None for what the ending of a file says, or the usual.
        usual: Formats for a folder.

    Raises:
        InputError: The ending is that of another file, or says something else than what was asked for.
    """
    asked = (named or usual).split(",")
    # Other packages are not looked at where no ending is to be understood.
    if output is None or output.is_dir() or not output.suffix:
        return asked
    _refuse_made(output)
    meant = _meant(output)
    if meant is None:
        if output.suffix.lower() in WORKBOOKS or mimetypes.MimeTypes().guess_type(output.name)[0]:
            raise InputError(
                f"{output} is no file of a format: name a folder, or one of {', '.join(WRITERS)}"
            )
        return asked
    if named is None:
        return [meant]
    if len(asked) == 1 and _is_file_of(asked[0], output):
        return asked
    raise InputError(f"{output} is one file of the format {meant}: name a folder, or leave out --format")


def _is_file_of(name: str, output: Path) -> bool:
    """Tell whether a file of a format may be called so: it ends as others do, whatever stands before that."""
    return output.suffix.lower() == f".{WRITERS[name].suffix.rpartition('.')[2]}".lower()


def target(stem: str, name: str, output: Path | None, *, only: bool) -> Path:
    """Give the file that a format of a result goes to; the arguments are those of `write_results`."""
    output = output or Path()
    if only and _is_file_of(name, output) and not output.is_dir():
        return output
    return output / f"{stem}{WRITERS[name].suffix}"
