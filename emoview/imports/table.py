"""The columns of a table that another program wrote."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import quoted, read_bytes
from emoview.common.tables import decoded, has_decimal_commas, recoded, separator_of, without_thousands
from emoview.common.text import name_of
from emoview.errors import InputError

if TYPE_CHECKING:
    import pandas

Floats = NDArray[np.float64]

CURE: Final = "name the CSV of OpenFace (FeatureExtraction) or of py-feat"
_MOST_BYTES: Final = 2**30
_LARGEST: Final = 1e6
# As programs write what is no number on Windows.
_NO_NUMBER: Final = r"[-+]?nan\([^)]*\)"


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        path: The file.
        cells: Its cells as they are; what is missing is NaN.
        separator: What stands between its columns.
    """

    path: Path
    cells: pandas.DataFrame
    separator: str = ","

    def has(self, *names: str) -> bool:
        """Tell whether all these columns are there."""
        return all(name in self.cells for name in names)

    def numbers(self, name: str, least: float = -_LARGEST, most: float = _LARGEST) -> Floats:
        """Give a column as numbers `(rows,)`; NaN where nothing is said, or the column is missing.

        Raises:
            InputError: A cell is no number, or beyond the limits.
        """
        import pandas

        if name not in self.cells:
            return np.full(len(self.cells), np.nan)
        cells = self.cells[name]
        found: Floats = pandas.to_numeric(cells, errors="coerce").to_numpy(np.float64)
        if np.isnan(found).any():
            # Spreadsheets write decimal commas in some countries.
            text = cells.astype("string")
            cells = cells.mask(text.str.fullmatch(_NO_NUMBER).fillna(False).astype(bool))
            plain = self._without_commas(name, cells.astype("string"))
            found = pandas.to_numeric(plain, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.flatnonzero(
            (np.isnan(found) & cells.notna().to_numpy()) | (found < least) | (found > most)
        )
        if len(wrong):
            limits = "" if least == -_LARGEST else f" from {least:g} to {most:g}"
            cell = quoted(str(cells.iloc[wrong[0]]))
            raise InputError(
                f"{name_of(self.path)}, row {wrong[0] + 1}: {cell} in the column {name} is no number{limits}"
            )
        return found

    def _without_commas(self, name: str, cells: pandas.Series[str]) -> pandas.Series[str]:
        said = cells.dropna().tolist()
        if not any("," in cell for cell in said):
            return cells
        decimal = has_decimal_commas(said)
        if decimal is None and self.separator != ",":
            # A comma that cannot stand between columns is there for decimals.
            decimal = True
        for cell in said:
            if without_thousands(cell, decimal=decimal) is None:
                raise InputError(
                    f"{name_of(self.path)}: {quoted(cell)} in the column {name} may be "
                    f"{cell.replace(',', '')} or {cell.replace(',', '.')}, and no other number there tells "
                    "which: write it without the comma, or with a decimal point"
                )
        return cells.map(
            lambda cell: (without_thousands(cell, decimal=decimal) or cell).replace(",", "."),
            na_action="ignore",
        )

    def text(self, name: str) -> list[str]:
        """Give a column as text; empty where nothing is said."""
        return [one if isinstance(one, str) else "" for one in self.cells[name]]


def read_table(path: Path) -> Table:
    """Read a table with commas, semicolons or tabs; blanks around the names of columns do not count.

    Raises:
        InputError: It cannot be read, is no table, or has no rows.
    """
    import pandas

    text = decoded(read_bytes(path, CURE, most=_MOST_BYTES))
    if text is None or "\0" in text:
        raise InputError(f"{name_of(path)} is not text: {CURE}")
    separator, first = separator_of(text.split("\n", 2)[:2])
    _refuse_wide(path, text, separator, first)
    try:
        cells = pandas.read_csv(
            io.StringIO(recoded(text)),
            dtype=str,
            skipinitialspace=True,
            index_col=False,
            engine="c",
            sep=separator,
            skiprows=first,
        )
    except ValueError as error:
        reason = str(error).removeprefix("Error tokenizing data. ").strip()
        raise InputError(f"{name_of(path)} cannot be read as a table ({reason}): {CURE}") from None
    cells.columns = [name.strip() for name in cells.columns]
    if len(set(cells.columns)) < len(cells.columns):
        raise InputError(f"{name_of(path)} has columns of the same name: {CURE}")
    if cells.empty:
        raise InputError(f"{name_of(path)} has no rows: {CURE}")
    return Table(path, cells, separator)


def _refuse_wide(path: Path, text: str, separator: str, first: int) -> None:
    """Refuse a row with more cells than the first: pandas would shift or drop some without a word."""
    lines = text.split("\n")
    most = lines[first].count(separator) if first < len(lines) else 0
    for number, line in enumerate(lines[first:], first + 1):
        # What is in quotes may hold separators; empty cells at the end are no harm.
        if line.count(separator) <= most or '"' in line:
            continue
        cells = line.rstrip("\r \t" + separator).count(separator) + 1
        if cells > most + 1:
            raise InputError(
                f"{name_of(path)}, line {number}: there are {cells} cells but {most + 1} columns: "
                "write numbers with decimal points, or semicolons between the columns"
            )


def numbered(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number texts from 0 by their first appearance; -1 where nothing is said."""
    known: dict[str, int] = {}
    return np.array([known.setdefault(one, len(known)) if one else -1 for one in texts], np.int64)
