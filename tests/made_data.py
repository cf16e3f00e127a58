"""Pieces of data sets made at test time."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview import LABELS
from emoview.datasets.pictures import LabelledPictures
from emoview.errors import DatasetError

VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
HEADING = "image,label," + ",".join(f"votes_{word}" for word in VOTES.split(","))


def picture(seed: int, size: int = 48, ending: str = ".png") -> bytes:
    image = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    return cv2.imencode(ending, image)[1].tobytes()


def write(path: Path, content: bytes | str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pack(path: Path, content: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def refused(*words: str):
    """Expect one sentence that holds all the words, in order."""
    pattern = ".*".join(re.escape(word) for word in words)
    return pytest.raises(DatasetError, match=f"(?s)^[^\n]*{pattern}[^\n]*\\.$")


def shown(pictures: LabelledPictures) -> list[str]:
    return [LABELS[i] for i in pictures.labels]
