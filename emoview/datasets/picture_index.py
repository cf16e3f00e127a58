"""Pictures named by an index with the clip or the person that each shows, as `emoview prepare` writes it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from emoview.datasets.files import choose_part, is_picture, part_named
from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.people import person_or_clip
from emoview.datasets.tables import Row, columns_of, read_table
from emoview.errors import DatasetError
from emoview.timeline.labels import CONTEMPT, FACE_LABELS

INDEX_FILE = "index.csv"


def is_picture_index(folder: Path) -> bool:
    """Tell whether `folder` holds an index of files with labels."""
    table = folder / INDEX_FILE
    return table.is_file() and {"path", "label"} <= set(columns_of(table))


def index_parts(folder: Path) -> dict[str, int]:
    """Count the lines of each part that the index names; none where it has no such column."""
    parts = (row.get("part") for row in read_table(folder / INDEX_FILE, ["path", "label"]))
    return dict(Counter(part_named(part) for part in parts if part is not None))


def read_picture_index(folder: Path, part: str | None = None, *, contempt: bool = False) -> LabelledPictures:
    """Read `index.csv`: path, label, actor or clip or both and, optionally, corpus and part.

    Args:
        folder: Holds the index and, at any depth, the pictures.
        part: A word of the column part; may be left out where there is only one.
        contempt: Keep the lines with this label, which are left out otherwise.

    Raises:
        DatasetError: Something does not fit, or nobody says whom the pictures show; the message names the
            line.
    """
    folder = Path(folder)
    table = folder / INDEX_FILE
    if not {"actor", "clip"} & set(columns_of(table)):
        raise DatasetError(
            f"{table} has neither the column actor nor clip, without which frames of one clip would stand on "
            "both sides of a split; add one, or take the index away."
        )
    parts: dict[str, list[Row]] = {}
    for row in read_table(table, ["path", "label"]):
        parts.setdefault(part_named(row.get("part") or ""), []).append(row)
    if not parts:
        raise DatasetError(f"{table} names no pictures; add some.")
    if "" in parts and len(parts) > 1:
        raise parts[""][0].error("the part is empty; fill it in, or leave the column out.")
    name, rows = choose_part(parts, part, folder) if part or "" not in parts else ("", parts[""])
    told = [row.label(labels=FACE_LABELS) for row in rows]
    kept = [i for i, label in enumerate(told) if contempt or label != CONTEMPT]
    if not kept:
        raise DatasetError(f"{table} names no pictures with one of the labels; add some.")
    rows = [rows[i] for i in kept]
    files = tuple(_picture(row) for row in rows)
    labels = np.array([FACE_LABELS.index(told[i]) for i in kept], np.int64)
    return LabelledPictures(
        f"{folder.name}/{name}" if name else folder.name, files, labels,
        subjects=tuple(_person(row) for row in rows), names=tuple(row["path"] for row in rows),
    )  # fmt: skip


def _picture(row: Row) -> Path:
    path = row.file_inside()
    if not is_picture(path.name):
        raise row.error(f"{path.name} does not end like a picture; leave the line out.")
    return path


def _person(row: Row) -> str:
    actor, clip = row.get("actor"), row.get("clip")
    if actor is None and clip is None:
        raise row.error("the actor and the clip are empty; name one, for none may stand on both sides.")
    return person_or_clip(actor, clip or "", row.get("corpus"))
