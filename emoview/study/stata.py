"""Tables of a study as data with labels: in the format of Stata, which SPSS and R read, too."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from emoview.study.codebook import OF_PLAN, column_of

if TYPE_CHECKING:
    import pandas

_LONGEST_NAME, _LONGEST_LABEL = 32, 80
# Characters of a value label that SPSS shows, and of text that no program needs a format of its own for.
_LONGEST_FACTOR, _LONGEST_TEXT = 120, 500
_LARGEST: Final = 1e15
# Of Stata 14, the first in UTF-8.
_FORMAT: Final = 118
# Stata keeps these words for itself, SPSS those.
_KEPT: Final = frozenset(
    (
        "byte", "int", "long", "float", "double", "str", "strl", "if", "in", "using", "with", "_all", "_b",
        "_coef", "_cons", "_n", "_pi", "_pred", "_rc", "_skip", "all", "and", "by", "eq", "ge", "gt", "le",
        "lt", "ne", "not", "or", "to",
    )
)  # fmt: skip
# Without it, the same table would give other bytes at another time.
_STAMP: Final = datetime(1970, 1, 1)


def stata_file(table: str, frame: pandas.DataFrame) -> bytes:
    """Give a table as a `.dta` file.

    Each variable has a label from the codebook.  Text is numbers with value labels, in the order in which it
    comes, so that programs take it for factors and the first condition comes first; names of clips and long
    texts stay text.  What the plan says in numbers is numbers.

    Args:
        table: Its name, such as `clips.csv`.
        frame: The table.
    """
    import pandas

    told, columns = {}, {}
    for name, column in zip(names_for(list(frame.columns)), frame.columns, strict=True):
        about, values = column_of(table, column), frame[column]
        # Nothing is known of a column of the plan but its name there.
        of_plan = about.meaning == OF_PLAN
        said = (column,) if of_plan else (about.meaning, about.unit or about.values)
        told[name] = ", ".join(filter(None, said))[:_LONGEST_LABEL]
        columns[name] = _stored(values, text=column == "clip", of_plan=of_plan)
    file = io.BytesIO()
    pandas.DataFrame(columns).to_stata(
        file, write_index=False, version=_FORMAT, variable_labels=told, time_stamp=_STAMP
    )
    return file.getvalue()


def names_for(columns: Sequence[str]) -> list[str]:
    """Give each column a name that Stata and SPSS take: letters, digits, underscores, no word of theirs.

    >>> names_for(["age (years)", "2nd", "with", "Age_years"])
    ['age_years', 'v_2nd', 'v_with', 'Age_years_2']
    """
    found: list[str] = []
    for column in columns:
        name = re.sub(r"[^A-Za-z0-9_]+", "_", column).strip("_") or "v"
        if not name[0].isalpha() or name.lower() in _KEPT or re.fullmatch(r"str\d+", name):
            name = f"v_{name}"
        plain = name = name[:_LONGEST_NAME]
        # SPSS tells names apart regardless of case.
        taken, number = {one.lower() for one in found}, 1
        while name.lower() in taken:
            number += 1
            end = f"_{number}"
            name = plain[: _LONGEST_NAME - len(end)] + end
        found.append(name)
    return found


def _stored(values: pandas.Series, *, text: bool, of_plan: bool) -> pandas.Series:
    """Turn text into a factor, or into numbers where a column of the plan holds nothing else."""
    import pandas

    if values.dtype != object:
        return values
    said = values.where(values.notna() & (values != ""), None)
    if of_plan:
        numbers = pandas.to_numeric(said, errors="coerce").astype(float)
        if numbers.notna().equals(said.notna()) and numbers.abs().max() < _LARGEST:
            return numbers
    if text or said.dropna().str.len().max() > _LONGEST_FACTOR:
        return said.fillna("").str.slice(0, _LONGEST_TEXT)
    return said.astype("category").cat.set_categories(list(dict.fromkeys(said.dropna())))
