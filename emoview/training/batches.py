"""Batches of labelled pictures: decoded once where they fit, changed at random, in a fixed order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.training.augmentation import augmented_face, augmented_resize
from emoview.training.datasets.pictures import LabelledPictures

Augmentation = Literal["none", "flip", "resize", "face"]

_MOST_BYTES = 600_000_000


class DecodedPictures:
    """Pictures of a data set in one size, decoded when they are first asked for.

    They are kept as long as all together stay under 600 MB; larger sets are decoded anew in each epoch.

    Attributes:
        labels: `(n,)`.
        size: Side in pixels.
        colour: Three channels instead of one.
    """

    def __init__(self, pictures: LabelledPictures, *, size: int, colour: bool) -> None:
        self.labels = pictures.labels
        self.size, self.colour = size, colour
        self._pictures = pictures
        shape = (len(pictures), size, size, 3 if colour else 1)
        self._kept = np.zeros(shape, np.uint8) if np.prod(shape) <= _MOST_BYTES else None
        self._known = np.zeros(len(pictures), bool)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Give picture `index` as `(size, size, channels)`."""
        if self._kept is not None and self._known[index]:
            return np.asarray(self._kept[index])
        picture = self._pictures.picture(index, size=self.size, colour=self.colour)
        picture = picture.reshape(self.size, self.size, -1)
        if self._kept is not None:
            self._kept[index], self._known[index] = picture, True
        return picture

    def plain(self, batch: int) -> Iterator[NDArray[np.float32]]:
        """Give all pictures in order, unchanged, in [0, 1]: `(batch, size, size, channels)`."""
        for start in range(0, len(self), batch):
            chosen = range(start, min(start + batch, len(self)))
            yield np.stack([self[i] for i in chosen]).astype(np.float32) / 255


def picture_batches(
    pictures: DecodedPictures,
    chosen: NDArray[np.int64],
    *,
    batch: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Give the pictures `chosen`, shuffled and changed, as decided by seed and epoch alone.

    Yields:
        `(batch, size, size, channels)` in [0, 1], and where the pictures stand in the data set,
        `(batch,)`.  The last, smaller batch is left out.
    """
    order = np.random.default_rng((seed, epoch)).permutation(chosen)
    for number in range(len(order) // batch):
        index = order[number * batch : (number + 1) * batch]
        rng = np.random.default_rng((seed, epoch, number))
        yield np.stack([changed(pictures[i], augmentation, rng) for i in index]), index


def changed(
    picture: NDArray[np.uint8], augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Change a picture `(size, size, channels)` at random; gives it in [0, 1]."""
    size = picture.shape[0]
    result: NDArray[np.float32]
    if augmentation == "face":
        result = augmented_face(picture, size, rng)
    elif augmentation == "resize":
        result = augmented_resize(picture, rng)
    else:
        result = picture.astype(np.float32) / 255
        if augmentation == "flip" and rng.random() < 0.5:
            result = cv2.flip(result, 1)
    return result.reshape(picture.shape)
