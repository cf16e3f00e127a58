"""Opening labelled pictures, whichever layout they have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from emoview.datasets.affectnet import affectnet_parts, read_affectnet
from emoview.datasets.cohn_kanade import is_cohn_kanade, read_cohn_kanade
from emoview.datasets.fer2013 import (
    Truth,
    fer2013_parts,
    fer2013_usages,
    is_kaggle,
    read_fer2013,
    read_fer2013_kaggle,
)
from emoview.datasets.folders import folder_parts, has_labels, is_labelled_folder, read_folders
from emoview.datasets.labelled import LabelledPictures, Source
from emoview.datasets.names import listed
from emoview.datasets.picture_index import index_parts, is_picture_index, read_picture_index
from emoview.datasets.raf_db import raf_db_parts, raf_db_root, read_raf_db
from emoview.errors import DatasetError

__all__ = [
    "LabelledPictures", "PictureLayout", "Source", "Truth", "open_pictures", "read_affectnet",
    "read_cohn_kanade", "read_fer2013", "read_fer2013_kaggle", "read_folders", "read_picture_index",
    "read_raf_db",
]  # fmt: skip

PictureLayout = Literal["auto", "fer2013", "folders", "affectnet", "raf-db", "ck+", "index"]

_READERS: dict[str, Callable[..., LabelledPictures]] = {
    "folders": read_folders,
    "affectnet": read_affectnet,
    "raf-db": read_raf_db,
    "ck+": read_cohn_kanade,
    "index": read_picture_index,
}
_LOOKED_FOR = {
    "fer2013": "PART.csv beside PART.zip, or fer2013.csv",
    "affectnet": "images beside annotations",
    "raf-db": "basic/EmoLabel/list_patition_label.txt",
    "ck+": "cohn-kanade-images beside Emotion",
    "index": "index.csv with the columns path and label",
    "folders": "PART.zip or folders named like labels",
}


def open_pictures(
    folder: Path,
    part: str | None = None,
    *,
    layout: PictureLayout = "auto",
    truth: Truth = "original",
    contempt: bool = False,
) -> LabelledPictures:
    """Read one part of a data set of labelled pictures.

    Args:
        folder: The data set, or one part of it.
        part: Such as `train`, `valid` or `test`; may be left out where there is only one.
        layout: `auto` recognises it.
        truth: `votes` takes what most raters of FER+ said instead of the original label; `raters` keeps
            pictures without such a majority, too, for the counts of their votes.
        contempt: Keep pictures that show it, where the data set tells; they are left out otherwise.

    Raises:
        DatasetError: The folder has no such layout or part, or something in it does not fit.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; name the one that holds the data set.")
    found = layout_of(folder, part) if layout == "auto" else layout
    if found == "fer2013":
        reader = read_fer2013_kaggle if is_kaggle(folder) else read_fer2013
        return reader(folder, part, truth=truth, contempt=contempt)
    if truth != "original":
        raise DatasetError(
            f"{folder} has the layout {found}, which has no votes; ask for the original labels."
        )
    if found not in _READERS:
        raise DatasetError(
            f"There is no layout {found!r}, only {listed(list(_LOOKED_FOR))}; name one of these."
        )
    # RAF-DB tells seven labels alone.
    return _READERS[found](folder, part, **({} if found == "raf-db" else {"contempt": contempt}))


def parts_of(folder: Path) -> tuple[str | None, ...]:
    """Name the parts of a data set of labelled pictures; None for one without parts.

    Raises:
        DatasetError: The folder has no known layout.
    """
    if not folder.is_dir():
        raise DatasetError(f"There is no folder {folder}; name the one that holds the data set.")
    layout = layout_of(folder)
    names: Mapping[str, object]
    if layout == "fer2013":
        names = fer2013_usages(folder) if is_kaggle(folder) else fer2013_parts(folder)
    elif layout == "affectnet":
        names = affectnet_parts(folder)
    elif layout == "raf-db":
        names = raf_db_parts(folder)
    elif layout == "index":
        names = index_parts(folder)
    else:
        names = {} if layout == "ck+" or has_labels(folder) else folder_parts(folder)
    return tuple(names) or (None,)


def layout_of(folder: Path, part: str | None = None) -> str:
    """Recognise the layout of a folder of labelled pictures, or of one of its parts.

    Raises:
        DatasetError: It has none of the known ones.
    """
    tables = fer2013_parts(folder)
    # Archives with and without a table may lie side by side: then the part decides.
    if is_kaggle(folder) or part in tables or (tables and not (folder / f"{part}.zip").is_file()):
        return "fer2013"
    if affectnet_parts(folder):
        return "affectnet"
    if raf_db_root(folder):
        return "raf-db"
    if is_cohn_kanade(folder):
        return "ck+"
    if is_picture_index(folder):
        return "index"
    if is_labelled_folder(folder):
        return "folders"
    looked = "; ".join(f"{where} ({layout})" for layout, where in _LOOKED_FOR.items())
    raise DatasetError(f"{folder} has none of the known layouts; looked for {looked}.")
