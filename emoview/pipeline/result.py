"""What `analyze` and `read` give: an analysis with what to do with it."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, overload

from emoview.common.text import shown
from emoview.errors import InputError
from emoview.timeline.results import Analysis

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Result(Analysis):
    """The emotions of one clip, and what to do with them; see `Analysis` for what it holds.

    Examples:
        >>> result
        <Result of clip.mp4: happy, 50 rows>
    """

    @classmethod
    def of(cls, analysis: Analysis) -> Result:
        """Give an analysis these methods."""
        return cls(**{field.name: getattr(analysis, field.name) for field in fields(analysis)})

    def to_json(self) -> str:
        """Give the JSON that `emoview analyze` writes.

        Examples:
            >>> size = Path("clip.json").write_text(result.to_json())
        """
        from emoview.output.json import to_json

        return to_json(self)

    def to_csv(self) -> str:
        """Give the CSV that `emoview analyze` writes.

        Examples:
            >>> result.to_csv().partition(",")[0]
            'tick'
        """
        from emoview.output.csv import to_csv

        return to_csv(self)

    def to_parquet(self) -> bytes:
        """Give the content of a Parquet file, with the provenance in its metadata.

        Examples:
            >>> size = Path("clip.parquet").write_bytes(result.to_parquet())
        """
        from emoview.output.parquet import parquet_file

        return parquet_file(self, Path())

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a file, whole or not at all; its ending is the format, as for `emoview export`.

        Examples:
            >>> result.save("clip.eaf").name  # for ELAN
            'clip.eaf'

        Raises:
            InputError: The ending is that of no format.
            OutputError: The file cannot be written.
        """
        from emoview.output.writers import WRITERS, format_of, write_results

        file = Path(path)
        try:
            name = format_of(file)
        except InputError:
            endings = ", ".join(writer.suffix for writer in WRITERS.values())
            raise InputError(f"{file} says no format: end its name in one of {endings}") from None
        (written,) = write_results(self, file.stem, [name], file)
        return written

    @overload
    def plot(self) -> Figure: ...

    @overload
    def plot(self, path: str | os.PathLike[str]) -> Path: ...

    def plot(self, path: str | os.PathLike[str] | None = None) -> Path | Figure:
        """Draw the timeline.

        Args:
            path: PNG, SVG or PDF to write; None for a figure of matplotlib, which a notebook shows.

        Returns:
            The file that was written, or the figure.

        Examples:
            >>> result.plot("clip.svg").name
            'clip.svg'
            >>> figure = result.plot()
            >>> figure.axes[-1].get_xlabel()
            'time, s'

        Raises:
            OutputError: The ending is none of these, or the file cannot be written.
        """
        from emoview.common.files import write_whole
        from emoview.output.plot import figure_of, plot_file

        if path is None:
            return figure_of(self)
        write_whole(Path(path), plot_file([self], Path(path)))
        return Path(path)

    def __repr__(self) -> str:
        """Say in a line what it is: the rows are many."""
        said = "nothing to say" if self.overall.fused is None else self.overall.label
        return f"<Result of {shown(self.media.path)}: {said}, {len(self.timeline)} rows>"

    def _repr_html_(self) -> str:
        from emoview.output.overview import to_notebook

        return to_notebook(self)
