"""Batches of labelled pictures: decoded once where they fit, changed at random, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.pictures import LabelledPictures
from emoview.networks.preparation import PictureNormalization
from emoview.training.augmentation import augmented_face, augmented_resize
from emoview.training.options import Augmentation

_MOST_BYTES = 600_000_000
_AT_ONCE = 64
_PREDICTED_AT_ONCE = 64


class DecodedPictures:
    """Pictures in one size, decoded when they are first asked for.

    They are kept as long as all together stay under 600 MB; larger sets are decoded anew in each epoch.

    Attributes:
        size: Side in pixels.
        channels: 3 for colour, 1 for grey.
    """

    def __init__(
        self, count: int, read: Callable[[int], NDArray[np.uint8]], *, size: int, channels: int
    ) -> None:
        """Take `count` pictures that `read` decodes, each `(size, size[, channels])`."""
        self.size, self.channels = size, channels
        self._read = read
        shape = (count, size, size, channels)
        self._kept = np.zeros(shape, np.uint8) if np.prod(shape) <= _MOST_BYTES else None
        self._known = np.zeros(count, bool)

    @classmethod
    def of(cls, pictures: LabelledPictures, *, size: int, colour: bool) -> DecodedPictures:
        """Take the pictures of a labelled data set."""

        def read(index: int) -> NDArray[np.uint8]:
            return pictures.picture(index, size=size, colour=colour)

        return cls(len(pictures), read, size=size, channels=3 if colour else 1)

    def __len__(self) -> int:
        return len(self._known)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Give picture `index` as `(size, size, channels)`."""
        if self._kept is not None and self._known[index]:
            return np.asarray(self._kept[index])
        picture = self._read(index).reshape(self.size, self.size, self.channels)
        if self._kept is not None:
            self._kept[index], self._known[index] = picture, True
        return picture


def picture_batches(
    pictures: DecodedPictures,
    chosen: NDArray[np.int64],
    *,
    batch: int,
    augmentation: Augmentation,
    seed: int,
    epoch: int,
    views: int = 0,
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Give the pictures `chosen`, shuffled and changed, as decided by seed and epoch alone.

    With `views` the changes come again after so many epochs: a picture is seen in its `view_of` that number.

    Yields:
        `(batch, size, size, channels)` in [0, 1], and where the pictures stand in the data set,
        `(batch,)`.  The last, smaller batch is left out.
    """
    order = np.random.default_rng((seed, epoch)).permutation(chosen)
    for number in range(len(order) // batch):
        index = order[number * batch : (number + 1) * batch]
        if views:
            some = [view_of(pictures, int(i), augmentation, seed, epoch % views) for i in index]
        else:
            rng = np.random.default_rng((seed, epoch, number))
            some = [changed(pictures[i], augmentation, rng) for i in index]
        yield np.stack(some), index


def view_of(
    pictures: DecodedPictures, index: int, augmentation: Augmentation, seed: int, view: int
) -> NDArray[np.float32]:
    """Change a picture in the way that belongs to it, a seed and the number of a view.

    The same picture in another size is changed alike.
    """
    # A generator for each picture: how often it draws may hang on the size.
    return changed(pictures[index], augmentation, np.random.default_rng((seed, view, index)))


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


def pixel_statistics(
    pictures: DecodedPictures, chosen: NDArray[np.int64], *, normalised: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and spread of each pixel over pictures, of which each is normalised before or is not."""
    normal = PictureNormalization() if normalised else None
    total: Any = 0.0
    squares: Any = 0.0
    for start in range(0, len(chosen), _AT_ONCE):
        some = np.stack([pictures[int(i)] for i in chosen[start : start + _AT_ONCE]])
        values = some.astype(np.float32) / 255
        if normal is not None:
            values = keras.ops.convert_to_numpy(normal(values))
        total = total + values.sum(axis=0, dtype=float)
        squares = squares + (values.astype(float) ** 2).sum(axis=0)
    mean = total / len(chosen)
    return mean, np.sqrt(np.maximum(squares / len(chosen) - mean**2, 0))


def predicted(
    model: keras.Model, pictures: DecodedPictures, chosen: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Give `(n, labels)` logits of the pictures `chosen`."""
    answers = []
    for start in range(0, len(chosen), _PREDICTED_AT_ONCE):
        part = chosen[start : start + _PREDICTED_AT_ONCE]
        values = np.zeros((_PREDICTED_AT_ONCE, *pictures[int(part[0])].shape), np.float32)
        for row, i in enumerate(part):
            values[row] = pictures[int(i)] / np.float32(255)
        # One shape for all calls, so that nothing is compiled twice.
        answers.append(np.asarray(model.predict_on_batch(values))[: len(part)])
    return np.concatenate(answers)
