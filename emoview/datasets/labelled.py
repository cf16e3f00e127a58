"""Labelled pictures of any data set, kept encoded and decoded one by one."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emoview.errors import DatasetError
from emoview.timeline.labels import FACE_LABELS

_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 2**25
_MOST_BYTES = 2**28

Source = bytes | Path | NDArray[np.uint8]
"""An encoded picture, the file of one, or its pixels: `(h, w)` grey or `(h, w, 3)` RGB."""

RATED = (*FACE_LABELS, "unknown", "no face")
"""What the raters of a picture could choose."""


@dataclass(frozen=True, eq=False)
class LabelledPictures:
    """Pictures of faces with what they show.

    Attributes:
        name: Of the data set and its part, for reports.
        encoded: One source for each picture.
        labels: `(n,)`, positions in `FACE_LABELS`; contempt, the last, only where it was asked for.
        votes: `(n, 7)`, the distribution of the raters over the labels, where the data set tells; `(n, 8)`
            where contempt was asked for.
        subjects: The person shown, or the clip that a picture is of, where the data set tells; None for
            pictures of data sets that do not tell.
        names: What the data set calls each picture, such as its path.
        hashes: The digest of each picture, where they are known already.
        counts: `(n, 10)`, how many raters chose each of `RATED`, where the data set tells.
    """

    name: str
    encoded: tuple[Source, ...]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32] | None = None
    subjects: tuple[str | None, ...] | None = None
    names: tuple[str, ...] | None = None
    hashes: tuple[str, ...] | None = None
    counts: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        for other in (self.labels, self.votes, self.subjects, self.names, self.hashes, self.counts):
            if other is not None and len(other) != len(self.encoded):
                raise ValueError(f"{len(other)} values for {len(self.encoded)} pictures")

    def __len__(self) -> int:
        return len(self.encoded)

    def select(
        self, chosen: NDArray[np.bool_] | NDArray[np.integer[Any]] | Sequence[int]
    ) -> LabelledPictures:
        """Keep some pictures.

        Args:
            chosen: `(n,)` bool, true for what is kept, or positions in the order that is wanted.
        """
        index = np.asarray(chosen)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        return LabelledPictures(
            self.name,
            tuple(self.encoded[i] for i in index),
            self.labels[index],
            None if self.votes is None else self.votes[index],
            None if self.subjects is None else tuple(self.subjects[i] for i in index),
            None if self.names is None else tuple(self.names[i] for i in index),
            None if self.hashes is None else tuple(self.hashes[i] for i in index),
            None if self.counts is None else self.counts[index],
        )

    @property
    def groups(self) -> tuple[Hashable, ...] | None:
        """What keeps a person's pictures together in a split: one whose person is not told stands alone."""
        if self.subjects is None:
            return None
        return tuple(i if subject is None else subject for i, subject in enumerate(self.subjects))

    def name_of(self, index: int) -> str:
        """Say which picture one is, for a message: its number, and its name where it has one."""
        return f"picture {index}" + (f" ({self.names[index]})" if self.names is not None else "")

    def picture(self, index: int, *, size: int, colour: bool = False) -> NDArray[np.uint8]:
        """Decode a picture, scaled to a square.

        Args:
            index: Which.
            size: Side of the result, in pixels.
            colour: Give `(size, size, 3)` RGB instead of `(size, size)` grey.

        Raises:
            DatasetError: It cannot be decoded.
        """
        import cv2

        image = self._decoded(index, colour=colour)
        if image.shape[:2] != (size, size):
            image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(image, dtype=np.uint8)

    def original(self, index: int, *, colour: bool = True) -> NDArray[np.uint8]:
        """Decode a picture as it is: `(height, width, 3)` RGB, or `(height, width)` grey.

        Raises:
            DatasetError: It cannot be decoded.
        """
        return self._decoded(index, colour=colour)

    def digest(self, index: int) -> str:
        """Give the SHA-256 of the decoded pixels, which tells exact duplicates however they are encoded.

        A grey picture and the same one stored in colour have the same digest.
        """
        image = self._decoded(index, colour=True)
        return hashlib.sha256(str(image.shape).encode() + image.tobytes()).hexdigest()

    def digests(self) -> tuple[str, ...]:
        """Give the digest of every picture."""
        return self.hashes or tuple(self.digest(i) for i in range(len(self)))

    def check(self) -> list[str]:
        """Decode every picture, and name those that cannot be decoded."""
        broken = []
        for i in range(len(self)):
            try:
                self._decoded(i, colour=False)
            except DatasetError:
                broken.append(self.name_of(i))
        return broken

    def _decoded(self, index: int, *, colour: bool) -> NDArray[np.uint8]:
        source = self.encoded[index]
        try:
            return _in_colours(source, colour) if isinstance(source, np.ndarray) else decode(source, colour)
        except (OSError, ValueError):
            raise DatasetError(
                f"{self.name}: {self.name_of(index)} cannot be decoded; "
                "fetch it again or take it out of the data set."
            ) from None


def decode(source: bytes | Path, colour: bool) -> NDArray[np.uint8]:
    """Decode a picture: `(h, w)` grey, or `(h, w, 3)` RGB with `colour`.

    Raises:
        ValueError: It is not a picture.
        OSError: The file cannot be read.
    """
    import cv2

    if isinstance(source, Path) and source.stat().st_size > _MOST_BYTES:
        raise ValueError("not a picture of a face")
    content = source if isinstance(source, bytes) else source.read_bytes()
    if content.startswith(_PNG) and not _is_honest(content):
        raise ValueError("not a picture of a face")
    data = np.frombuffer(content, np.uint8)
    try:
        image = cv2.imdecode(data, cv2.IMREAD_COLOR if colour else cv2.IMREAD_GRAYSCALE)
    except cv2.error:  # As for no data at all.
        image = None
    if image is None:
        raise ValueError("not a picture")
    return np.asarray(image[..., ::-1] if colour else image, dtype=np.uint8)


def _in_colours(pixels: NDArray[np.uint8], colour: bool) -> NDArray[np.uint8]:
    import cv2

    if colour == (pixels.ndim == 3):
        return pixels
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB if colour else cv2.COLOR_RGB2GRAY))


def _is_honest(png: bytes) -> bool:
    """Tell whether a PNG claims no more than it holds: OpenCV takes the memory before it looks."""
    if len(png) < 24:
        return False
    width, height = struct.unpack(">II", png[16:24])
    at = len(_PNG)
    while at + 8 <= len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if at + 12 + length > len(png):
            return False
        if kind == b"IEND":
            break
        at += 12 + length
    return bool(width * height <= _MOST_PIXELS)
