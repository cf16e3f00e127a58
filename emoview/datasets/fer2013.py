"""FER2013 (Goodfellow et al. 2013, arXiv:1307.0414), with the votes of FER+ (Barsoum et al. 2016,
arXiv:1608.01041), in the layout of Kaggle and in that of archives beside tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import quoted
from emoview.datasets.files import choose_part, names_in, read_members
from emoview.datasets.labelled import LabelledPictures, Source
from emoview.datasets.names import listed
from emoview.datasets.tables import Row, columns_of, read_table
from emoview.errors import DatasetError
from emoview.timeline.labels import LABELS

Truth = Literal["original", "votes", "raters"]
"""Whose labels count: the `original` ones, or what most `votes` are for; `raters` keeps pictures without a
majority, too, as long as there are two votes to be held against each other.
"""

# The raters of FER+ used other words for the same labels.
_VOTES = {
    "neutral": "neutral",
    "anger": "anger",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happiness",
    "sad": "sadness",
    "surprise": "surprise",
}
# Unknown and "not a face" are no labels, but can have the majority; so can contempt, where seven are told.
_OTHER_VOTES = ("contempt", "unknown", "NF")
_KAGGLE_LABELS = ("anger", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_SIDE = 48
_MOST_VOTES = 1e6


@dataclass(frozen=True)
class _Vote:
    """Votes of one picture.

    Attributes:
        counts: For each of `RATED`.
        told: How many of these are labels: 7, or 8 with contempt.
    """

    counts: NDArray[np.float64]
    told: int

    @property
    def majority(self) -> int | None:
        """The label with more votes than anything else; None where there is none."""
        best = int(self.counts[: self.told].argmax())
        return best if self.counts[best] > np.delete(self.counts, best).max() else None

    def label(self, truth: Truth) -> int | None:
        """The majority; for `raters` any label with the most votes, where there are two of them."""
        if truth == "votes":
            return self.majority
        return int(self.counts[: self.told].argmax()) if self.counts.sum() >= 2 else None

    def shares(self, label: int) -> NDArray[np.float64]:
        """Distribution over the labels; all on `label` where none of them got a vote."""
        some = self.counts[: self.told]
        share: NDArray[np.float64] = some / some.sum() if some.any() else np.eye(self.told)[label]
        return share


def fer2013_parts(folder: Path) -> dict[str, Path]:
    """Find the tables that have an archive of the same name beside them, by name."""
    tables = sorted(folder.glob("[!.]*.csv"))
    return {path.stem: path for path in tables if path.with_suffix(".zip").is_file()}


def fer2013_usages(folder: Path) -> dict[str, str]:
    """Find the parts that the column Usage of `fer2013.csv` names."""
    rows = read_table(folder / "fer2013.csv", ["emotion", "pixels", "Usage"])
    return {row["Usage"]: row["Usage"] for row in rows}


def is_kaggle(folder: Path) -> bool:
    """Tell whether `fer2013.csv` is there and holds pixels."""
    table = folder / "fer2013.csv"
    return table.is_file() and "pixels" in columns_of(table)


def read_fer2013(
    folder: Path, part: str | None = None, *, truth: Truth = "original", contempt: bool = False
) -> LabelledPictures:
    """Read `PART.zip` and `PART.csv` with the columns image, label and, optionally, votes_*.

    Args:
        folder: Where both files lie.
        part: Their name without the ending; may be left out where there is only one.
        truth: Take the original label, leaving pictures without one out; or the label with the most
            votes, leaving out pictures where that is none of the labels, or not a single one.
        contempt: Count it among the labels that can have the most votes; the original ones lack it.
    """
    folder = Path(folder)
    name, table = choose_part(fer2013_parts(folder), part, folder)
    prefix = _votes_prefix(table, "votes_")
    needed = ["image", "label"] if truth == "original" else ["image"]
    if truth != "original" and prefix is None:
        raise DatasetError(f"{table}, line 1: there are no columns votes_*; ask for the original labels.")
    votes = [] if prefix is None else [prefix + word for word in _VOTES.values()]
    archive = table.with_suffix(".zip")
    there = set(names_in(archive))
    names, labels, given = [], [], []
    for row in read_table(table, [*needed, *votes]):
        if row["image"] not in there:
            raise row.error(f"{archive} has no file {quoted(row['image'])}; add it or leave the line out.")
        vote = None if prefix is None else _vote(row, prefix, contempt)
        label = _label(row, vote, truth)
        if label is not None:
            names.append(row["image"])
            labels.append(label)
            given += [] if vote is None else [vote]
    return _pictures(f"{folder.name}/{name}", read_members(archive, names), labels, given, names, table)


def read_fer2013_kaggle(
    folder: Path, part: str | None = None, *, truth: Truth = "original", contempt: bool = False
) -> LabelledPictures:
    """Read `fer2013.csv` (emotion, pixels, Usage), with the votes of `fer2013new.csv` where it is there.

    Args:
        folder: Where the tables lie.
        part: `train`, `valid` or `test`, or the word of the column Usage.
        truth: As in `read_fer2013`.
        contempt: Likewise.
    """
    folder = Path(folder)
    table, plus = folder / "fer2013.csv", folder / "fer2013new.csv"
    if truth != "original" and not plus.is_file():
        raise DatasetError(
            f"There is no file {plus}, which holds the votes; add it, or ask for the original."
        )
    name, usage = choose_part(fer2013_usages(folder), part, table)
    images, labels, given, names = [], [], [], []
    for row, vote in _with_votes(table, plus, contempt):
        if row["Usage"] != usage:
            continue
        label = _kaggle_label(row) if truth == "original" else vote.label(truth) if vote else None
        if label is not None:
            images.append(_pixels(row))
            labels.append(label)
            given += [] if vote is None else [vote]
            names.append(f"line {row.line}")
    return _pictures(f"fer2013/{name}", tuple(images), labels, given, names, table)


def _pictures(
    name: str,
    encoded: tuple[Source, ...],
    labels: list[int],
    given: list[_Vote],
    names: list[str],
    table: Path,
) -> LabelledPictures:
    if not labels:
        raise DatasetError(f"{table} has no picture with a label; choose another part or truth.")
    shares = [vote.shares(label) for vote, label in zip(given, labels, strict=False)]
    votes = np.array(shares, np.float32) if given else None
    counts = np.stack([vote.counts for vote in given]) if given else None
    return LabelledPictures(
        name, encoded, np.array(labels, np.int64), votes, names=tuple(names), counts=counts
    )


def _votes_prefix(table: Path, prefix: str) -> str | None:
    return prefix if any(column.startswith(prefix) for column in columns_of(table)) else None


def _vote(row: Row, prefix: str, contempt: bool) -> _Vote:
    def count(word: str) -> float:
        return row.number(prefix + word, 0, _MOST_VOTES)

    labels = [count(word) for word in _VOTES.values()]
    others = [count(word) if prefix + word in row.values else 0.0 for word in _OTHER_VOTES]
    return _Vote(np.array(labels + others), len(labels) + contempt)


def _label(row: Row, vote: _Vote | None, truth: Truth) -> int | None:
    if truth != "original":
        return None if vote is None else vote.label(truth)
    return LABELS.index(row.label()) if row["label"] else None


def _with_votes(table: Path, plus: Path, contempt: bool) -> Iterator[tuple[Row, _Vote | None]]:
    """Go through both tables together: line n of one is about the picture of line n of the other."""
    rows = read_table(table, ["emotion", "pixels", "Usage"])
    if not plus.is_file():
        yield from ((row, None) for row in rows)
        return
    for row, voted in zip_longest(rows, read_table(plus, ["Usage", *_VOTES.values()])):
        if row is None or voted is None or row["Usage"] != voted["Usage"]:
            line = (row or voted).line
            raise DatasetError(
                f"{plus}, line {line}: this does not go with that line of {table.name}; fetch both again."
            )
        yield row, _vote(voted, "", contempt)


def _kaggle_label(row: Row) -> int:
    if row["emotion"] not in map(str, range(len(_KAGGLE_LABELS))):
        meanings = listed([f"{i} {label}" for i, label in enumerate(_KAGGLE_LABELS)])
        raise row.error(f"the emotion {quoted(row['emotion'])} is not one of {meanings}; correct it.")
    return LABELS.index(_KAGGLE_LABELS[int(row["emotion"])])


def _pixels(row: Row) -> NDArray[np.uint8]:
    try:
        values = np.array([int(value) for value in row["pixels"].split()])
    except ValueError:
        values = np.zeros(0, np.int64)
    if values.size != _SIDE * _SIDE or values.min() < 0 or values.max() > 255:
        raise row.error(
            f"pixels are not {_SIDE * _SIDE} whole numbers between 0 and 255; fetch the table again."
        )
    return values.astype(np.uint8).reshape(_SIDE, _SIDE)
