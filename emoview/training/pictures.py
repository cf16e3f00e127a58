"""Labelled face pictures: reading the data sets, and augmenting in batches."""

from __future__ import annotations

import csv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from emoview.timeline.labels import LABELS
from emoview.training.augmentation import augmented_face

# The raters of FER+ used other words for the same labels; contempt, unknown and "not a face" have
# no place among the seven.
_VOTES = {
    "neutral": "votes_neutral",
    "anger": "votes_anger",
    "disgust": "votes_disgust",
    "fear": "votes_fear",
    "happy": "votes_happiness",
    "sad": "votes_sadness",
    "surprise": "votes_surprise",
}


@dataclass(frozen=True)
class Pictures:
    """Grey faces with what they show.

    Attributes:
        images: `(n, size, size)` uint8.
        targets: `(n, 7)` float32, what a network should answer: a distribution over the labels.
        labels: `(n,)` int, the label that accuracy is measured against.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)

    def __add__(self, other: Pictures) -> Pictures:
        return Pictures(
            np.concatenate([self.images, other.images]),
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.labels, other.labels]),
        )


def read_fer2013(folder: Path, part: str, *, size: int, votes: float = 0.0) -> Pictures:
    """Read `PART.zip` and `PART.csv` of a FER2013 folder.

    Args:
        folder: Where both files lie.
        part: Their name without the ending, such as `train`.
        size: Side of the pictures, in pixels.
        votes: Share of the target that follows the ten votes of FER+ (Barsoum et al. 2016,
            arXiv:1608.01041) instead of the original label.

    Pictures without an original label are left out.
    """
    with (folder / f"{part}.csv").open(newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["label"]]
    labels = np.array([LABELS.index(row["label"]) for row in rows])
    counts = np.array([[float(row[_VOTES[label]]) for label in LABELS] for row in rows])
    original = np.eye(len(LABELS))[labels]
    total = counts.sum(axis=1, keepdims=True)
    voted = np.where(total > 0, counts / np.maximum(total, 1), original)
    targets = (1 - votes) * original + votes * voted
    with zipfile.ZipFile(folder / f"{part}.zip") as archive:
        images = np.stack([_grey(archive.read(row["image"]), size) for row in rows])
    return Pictures(images, targets.astype(np.float32), labels)


def read_faces7(folder: Path, part: str, *, size: int, smoothing: float = 0.0) -> Pictures:
    """Read `PART.zip` of a folder whose archives hold `LABEL/NAME.webp`.

    Args:
        folder: Where the archive lies.
        part: Its name without the ending, such as `train`.
        size: Side of the pictures, in pixels.
        smoothing: Share of the target that is spread over all labels (Szegedy et al. 2016,
            arXiv:1512.00567).
    """
    with zipfile.ZipFile(folder / f"{part}.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".webp"))
        images = np.stack([_grey(archive.read(name), size) for name in names])
    labels = np.array([LABELS.index(name.split("/")[0]) for name in names])
    targets = (1 - smoothing) * np.eye(len(LABELS))[labels] + smoothing / len(LABELS)
    return Pictures(images, targets.astype(np.float32), labels)


def _grey(data: bytes, size: int) -> NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise ValueError("not a picture")
    if image.shape != (size, size):
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(image, dtype=np.uint8)


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled batches of pictures, each turned, shifted, scaled, mirrored, relit and part hidden.

    The order and the changes depend on the seed and the epoch alone, so that an interrupted
    training goes on as if nothing had happened.
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        batch: int,
        size: int,
        seed: int,
        epoch: int,
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=8)
        self._pictures = pictures
        self._batch = batch
        self._size = size
        self._seed = (seed, epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(pictures))

    def __len__(self) -> int:
        return len(self._pictures) // self._batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        chosen = self._order[index * self._batch : (index + 1) * self._batch]
        rng = np.random.default_rng((*self._seed, index))
        images = np.stack([augmented_face(self._pictures.images[i], self._size, rng) for i in chosen])
        return images[..., None], self._pictures.targets[chosen]
