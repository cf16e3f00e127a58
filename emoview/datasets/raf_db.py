"""RAF-DB, the basic emotions (Li et al. 2017, CVPR, pp. 2584-2593)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from emoview.common.stored import is_file, quoted, read_bytes
from emoview.datasets.files import choose_part
from emoview.datasets.labelled import LabelledPictures
from emoview.datasets.names import listed
from emoview.errors import DatasetError
from emoview.timeline.labels import LABELS

_LABELS = ("surprise", "fear", "disgust", "happy", "sad", "anger", "neutral")
# Spelt like this in the data set.
_LIST = Path("EmoLabel") / "list_patition_label.txt"
_PICTURES = Path("Image") / "aligned"


def raf_db_root(folder: Path) -> Path | None:
    """Find the folder that holds the list: `folder` or `folder/basic`; None where neither does."""
    return next((root for root in (folder / "basic", folder) if (root / _LIST).is_file()), None)


def read_raf_db(folder: Path, part: str | None = None) -> LabelledPictures:
    """Read `basic/EmoLabel/list_patition_label.txt` with `basic/Image/aligned/*_aligned.jpg`.

    Args:
        folder: Holds `basic`, or is it.
        part: `train` or `test`, which the names of the pictures begin with.
    """
    folder = Path(folder)
    name, chosen = choose_part(raf_db_parts(folder), part, folder)
    files = tuple(path for path, _ in chosen)
    labels = np.array([label for _, label in chosen], np.int64)
    return LabelledPictures(f"{folder.name}/{name}", files, labels, names=tuple(p.name for p in files))


def raf_db_parts(folder: Path) -> dict[str, list[tuple[Path, int]]]:
    """Read the list: pictures and positions of their labels, by part."""
    root = raf_db_root(folder)
    if root is None:
        raise DatasetError(f"There is no file {folder / 'basic' / _LIST}; name the folder that holds basic.")
    parts: dict[str, list[tuple[Path, int]]] = {}
    content = read_bytes(root / _LIST, "fetch it again.", error=DatasetError)
    for line, text in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        if text.strip():
            prefix, picture, label = _entry(root, line, text)
            parts.setdefault(prefix, []).append((picture, label))
    if not parts:
        raise DatasetError(f"{root / _LIST} is empty; fetch it again.")
    return parts


def _entry(root: Path, line: int, text: str) -> tuple[str, Path, int]:
    where = f"{root / _LIST}, line {line}"
    fields = text.split()
    prefix = fields[0].split("_")[0]
    if len(fields) != 2 or prefix not in ("train", "test"):
        raise DatasetError(f"{where}: {quoted(text.strip())} is not like 'train_00001.jpg 5'; correct it.")
    if fields[1] not in map(str, range(1, 8)):
        meanings = listed([f"{i} {label}" for i, label in enumerate(_LABELS, 1)])
        raise DatasetError(f"{where}: the label {quoted(fields[1])} is not one of {meanings}; correct it.")
    name = Path(fields[0])
    picture = root / _PICTURES / f"{name.stem}_aligned{name.suffix}"
    if not is_file(picture):
        raise DatasetError(
            f"{where}: there is no file {quoted(str(picture), 500)}; add it or leave the line out."
        )
    return prefix, picture, LABELS.index(_LABELS[int(fields[1]) - 1])
