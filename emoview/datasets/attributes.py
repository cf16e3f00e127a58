"""Tables of what is known of examples besides their labels, such as glasses or age."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from emoview.common.stored import quoted
from emoview.datasets.tables import Row, columns_of, read_table
from emoview.errors import DatasetError

_ID = "id"
_MOST_VALUES = 30


Attributes = dict[str, tuple[str | None, ...]]
"""By attribute, the value of each example, `(n,)`; None where it is not known."""


def read_attributes(table: Path, names: Sequence[str]) -> tuple[Attributes, tuple[str, ...]]:
    """Read the attributes of examples from a table with the column `id` and a column for each attribute.

    Args:
        table: Comma-separated. An empty field says that the value is not known.
        names: What the data set calls each example, `(n,)`. The table may leave examples out.

    Returns:
        The attributes, and the ids that are none of the examples'.

    Raises:
        DatasetError: The table has no attribute or knows none of the examples, names one twice, or an
            attribute has more than 30 values.
    """
    attributes = [column for column in columns_of(table) if column != _ID]
    rows: dict[str, Row] = {}
    for row in read_table(table, [_ID]):
        if row[_ID] in rows:
            raise row.error(f"{quoted(row[_ID])} stands here for the second time; remove one.")
        rows[row[_ID]] = row
    known = set(names)
    strangers = tuple(name for name in rows if name not in known)
    if not attributes:
        raise DatasetError(f"{table} holds no attributes: add a column for each beside {_ID}.")
    if len(strangers) == len(rows):
        raise DatasetError(f"{table} knows none of the examples: their ids are like {quoted(names[0])}.")
    result = {
        attribute: tuple(rows[name].get(attribute) if name in rows else None for name in names)
        for attribute in attributes
    }
    for attribute, values in result.items():
        count = len(set(values) - {None})
        if count > _MOST_VALUES:
            raise DatasetError(
                f"{table}: the column {quoted(attribute)} has {count} values, at most {_MOST_VALUES} are "
                "measured; join some, such as years to age bands."
            )
    return result, strangers
