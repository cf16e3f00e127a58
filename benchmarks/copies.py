"""Find pictures of one part of a data set that are in another part, too, cut or coloured otherwise.

    python -m benchmarks.copies DATA --part valid --of train --table copies.csv

The table has a line `id,copy` for each picture of the part; `emoview evaluate face … --groups` reads it.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.pictures import open_pictures

# By eye, 30 of 30 pairs above are copies in faces7, 17 of 25 just below it (0.9 to 0.93).
ALIKE = 0.93
_SIDE, _MARGIN, _BLACK = 32, 4, 6


def looks_of(pictures: LabelledPictures) -> NDArray[np.float32]:
    """Describe pictures so that the product of two rows is the correlation of their grey values: `(n, d)`.

    The black around a face and the margin do not count.
    """
    rows = []
    for i in range(len(pictures)):
        grey = pictures.picture(i, size=_SIDE).astype(np.float32)
        face = grey > _BLACK
        grey = np.where(face, grey - (grey[face].mean() if face.any() else 0), 0)
        row = grey[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].ravel()
        rows.append(row / (np.linalg.norm(row) + 1e-6))
    return np.asarray(rows, np.float32)


def copies_in(part: LabelledPictures, other: LabelledPictures) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell which pictures of a part, `(n,)`, are in the other, and which there is the most alike, `(n,)`."""
    alike = looks_of(part) @ looks_of(other).T
    return alike.max(axis=1) > ALIKE, alike.argmax(axis=1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how many there are and how often both have the same label; write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", default="valid")
    parser.add_argument("--of", default="train")
    parser.add_argument("--table", type=Path)
    chosen = parser.parse_args(arguments)
    part, other = (open_pictures(chosen.data, name) for name in (chosen.part, chosen.of))
    copied, nearest = copies_in(part, other)
    same = part.labels == other.labels[nearest]
    print(f"{copied.sum()} of {len(part)} pictures of {part.name} ({copied.mean():.1%}) are in {other.name}")
    if copied.any():
        print(f"{same[copied].mean():.1%} of them with the same label")
    if chosen.table:
        names = part.names or tuple(map(str, range(len(part))))
        with chosen.table.open("w", newline="") as file:
            lines = csv.writer(file, lineterminator="\n")
            lines.writerow(("id", "copy"))
            lines.writerows(zip(names, np.where(copied, "yes", "no"), strict=True))


if __name__ == "__main__":
    main()
