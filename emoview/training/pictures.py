"""Labelled face pictures: reading the data sets, and augmenting in batches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.stored import read_arrays
from emoview.datasets import pictures as datasets
from emoview.face.align import network_input
from emoview.face.still import StillFaces
from emoview.fusion.late import softmax
from emoview.networks.sizes import LARGE_FACE_SIZE, LARGEST_FACE_SIZE
from emoview.timeline.labels import LABELS
from emoview.training.augmentation import augmented_face
from emoview.training.covers import covered_face

_AGAIN = "remove it, and it is made again"


@dataclass(frozen=True)
class Pictures:
    """Grey faces with what they show.

    Attributes:
        images: `(side, side)` uint8, grey, of any side each.
        targets: `(n, 7)` float32, what a network should answer: a distribution over the labels.
        labels: `(n,)` int, the label that accuracy is measured against.
        votes: `(n, 7)` float32, the distribution of the raters over the labels; zeros where there
            were none.
        cut_out: Faces of some of the images, by their positions, as they are cut out of a video.
    """

    images: list[NDArray[np.uint8]]
    targets: NDArray[np.float32]
    labels: NDArray[np.int64]
    votes: NDArray[np.float32]
    cut_out: Mapping[int, NDArray[np.uint8]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    def __add__(self, other: Pictures) -> Pictures:
        return Pictures(
            self.images + other.images,
            np.concatenate([self.targets, other.targets]),
            np.concatenate([self.labels, other.labels]),
            np.concatenate([self.votes, other.votes]),
            {**self.cut_out, **{len(self) + i: face for i, face in other.cut_out.items()}},
        )

    def as_in_video(self) -> Pictures:
        """Show the faces that are cut out instead of their pictures."""
        return replace(self, images=[self.cut_out.get(i, image) for i, image in enumerate(self.images)])

    def smoothed(self, share: float) -> Pictures:
        """Spread a share of each target over all labels (Szegedy et al. 2016, arXiv:1512.00567)."""
        return replace(self, targets=(1 - share) * self.targets + np.float32(share / len(LABELS)))


def read_fer2013(
    folder: Path, part: str, *, size: int | None = None, truth: datasets.Truth = "original"
) -> Pictures:
    """Read `PART.zip` and `PART.csv` of a FER2013 folder, with the votes of FER+.

    Votes: Barsoum et al. 2016, arXiv:1608.01041.

    Args:
        folder: Where both files lie.
        part: Their name without the ending, such as `train`.
        size: Side that the pictures are scaled to, in pixels; as they are by default.
        truth: Whose labels count: the `original` ones, or what most `votes` were for.

    Pictures without such a label are left out.
    """
    labelled = datasets.read_fer2013(folder, part, truth=truth)
    original = _one_hot(labelled.labels).astype(np.float32)
    votes = np.zeros_like(original) if labelled.votes is None else labelled.votes.astype(np.float32)
    return Pictures(_grey(labelled, size), original, labelled.labels, votes)


def read_faces7(folder: Path, part: str, *, size: int | None = None) -> Pictures:
    """Read `PART.zip` of a folder whose archives hold `LABEL/NAME`.

    Args:
        folder: Where the archive lies.
        part: Its name without the ending, such as `train`.
        size: As in `read_fer2013`.
    """
    labelled = datasets.read_folders(folder, part)
    targets = _one_hot(labelled.labels).astype(np.float32)
    return Pictures(_grey(labelled, size), targets, labelled.labels, np.zeros_like(targets))


def with_cut_out(pictures: Pictures, file: Path, *, size: int = LARGEST_FACE_SIZE) -> Pictures:
    """Cut the faces out of pictures as out of a video, see `StillFaces`, where the mesh finds them.

    Args:
        pictures: As they come.
        file: Keeps the faces, which take some 5 ms each to find: an `.npz` for these pictures alone.
        size: Side of the faces.
    """
    if not file.exists():
        with StillFaces() as stills:
            found = {
                i: network_input(face, size)[..., 0]
                for i, image in enumerate(pictures.images)
                if (face := stills.cut(np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)))
                is not None
            }
        partial = file.with_name(f"partial-{file.name}")
        faces = np.stack(list(found.values())) if found else np.zeros((0, size, size))
        np.savez_compressed(
            partial, places=np.array(list(found), np.int64), faces=np.round(255 * faces).astype(np.uint8)
        )
        partial.replace(file)
    kept = read_arrays(file, _AGAIN)
    places = kept.need("places", "i", (None,))
    faces = kept.need("faces", "u", (len(places), size, size))
    cut_out = dict(zip(places.tolist(), faces, strict=True))
    return replace(pictures, cut_out=cut_out)


def _one_hot(labels: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.eye(len(LABELS))[labels]


def _grey(labelled: datasets.LabelledPictures, size: int | None) -> list[NDArray[np.uint8]]:
    every = range(len(labelled))
    if size is None:
        return [labelled.original(i, colour=False) for i in every]
    return [labelled.picture(i, size=size) for i in every]


class AugmentedBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Shuffled batches of pictures, each turned, shifted, scaled, mirrored, relit and part hidden.

    One batch has the first of some `sides`, in pixels, the next one the second, and so on by turns.  Where
    there is a `teacher`, a `share` of the target is what it answers to the same pictures, changed alike, in
    the size in which it is best, each as it is and mirrored.  A share `cut_out` of the pictures whose faces
    are known as a video's are shown so, and over a share `covered` something is drawn; the teacher, who may
    not know such faces, sees them as they come.

    The order and the changes depend on the seed and the epoch alone, so that an interrupted
    training goes on as if nothing had happened.
    """

    def __init__(
        self,
        pictures: Pictures,
        *,
        batch: int,
        sides: tuple[int, ...],
        seed: int,
        epoch: int,
        teacher: keras.Model | None = None,
        share: float = 0.0,
        cut_out: float = 0.0,
        covered: float = 0.0,
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers, use_multiprocessing=False, max_queue_size=8)
        self._teacher, self._share = teacher, share
        self._cut_out, self._covered = cut_out, covered
        self._pictures = pictures
        self._batch = batch
        self._sides = sides
        self._seed = (seed, epoch)
        self._order = np.random.default_rng(self._seed).permutation(len(pictures))

    def __len__(self) -> int:
        return len(self._pictures) // self._batch

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], tuple[NDArray[np.float32], ...]]:
        """Give a batch: pictures `(batch, side, side, 1)`, and their targets and votes."""
        chosen = self._order[index * self._batch : (index + 1) * self._batch]
        side = self._sides[index % len(self._sides)]
        images = self._changed(index, self._some_covered(index, self._some_cut_out(index, chosen)), side)
        targets = self._pictures.targets[chosen]
        if self._teacher is not None:
            alike = side == LARGE_FACE_SIZE and not (self._cut_out or self._covered)
            whole = [self._pictures.images[i] for i in chosen]
            seen = images if alike else self._changed(index, whole, LARGE_FACE_SIZE)
            answers = [softmax(self._teacher.predict_on_batch(view)) for view in (seen, seen[:, :, ::-1])]
            mean = np.mean(answers, axis=0)
            targets = (self._share * mean + (1 - self._share) * targets).astype(np.float32)
        return images, (targets, self._pictures.votes[chosen])

    def _some_cut_out(self, index: int, chosen: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
        """Give the pictures of the batch `index`, a share of those that can be as a video's faces."""
        # Of its own generator: it leaves alone what else a batch draws.
        drawn = np.random.default_rng((*self._seed, index, self._batch)).random(len(chosen)) < self._cut_out
        known, whole = self._pictures.cut_out, self._pictures.images
        return [known.get(i, whole[i]) if cut else whole[i] for i, cut in zip(chosen, drawn, strict=True)]

    def _some_covered(self, index: int, pictures: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """Draw something over a share of the pictures of the batch `index`."""
        rng = np.random.default_rng((*self._seed, index, self._batch, 1))
        drawn = rng.random(len(pictures)) < self._covered
        return [covered_face(p, rng) if cover else p for p, cover in zip(pictures, drawn, strict=True)]

    def _changed(self, index: int, pictures: list[NDArray[np.uint8]], side: int) -> NDArray[np.float32]:
        """Give pictures of the batch `index`, changed in a way that hangs on no side."""
        # One generator a picture: how much each draws may hang on the side.
        changed = [
            augmented_face(picture, side, np.random.default_rng((*self._seed, index, row)))
            for row, picture in enumerate(pictures)
        ]
        return np.stack(changed)[..., None]
