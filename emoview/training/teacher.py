"""What another network says of the pictures to learn from (Hinton et al. 2015, arXiv:1503.02531)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import sha256_of
from emoview.datasets.labelled import LabelledPictures
from emoview.errors import InputError
from emoview.face.still import StillFaces
from emoview.fusion.late import softmax
from emoview.networks.runs import NetworkOfRun, load_network, networks_of
from emoview.networks.sizes import LARGE_FACE_SIZE
from emoview.pipeline.inference import FACE_BATCH, stills_in_parts
from emoview.pipeline.models import Models
from emoview.timeline.labels import LABELS
from emoview.training.batches import DecodedPictures, predicted, view_of
from emoview.training.options import Augmentation
from emoview.training.starts import SHIPPED


@dataclass(frozen=True)
class Views:
    """Changed copies of pictures that a teacher is asked about (Beyer et al. 2022, arXiv:2106.05237).

    Attributes:
        count: How many of each; 0 for the picture as it is.
        augmentation: How they are changed.
        seed: Decides, with the number of the view and of the picture.
    """

    count: int
    augmentation: Augmentation
    seed: int

    def key(self, known: NDArray[np.int64]) -> tuple[str, ...]:
        """Name what the answers about the pictures at these positions depend on, beside the pictures."""
        if not self.count:
            return ()
        return (str(self.count), self.augmentation, str(self.seed), known.tobytes().hex())


def taught(
    teacher: str, pictures: LabelledPictures, known: NDArray[np.int64], labels: Sequence[str], views: Views
) -> NDArray[np.float32]:
    """Give the probabilities `(views, n, labels)` that a network gives pictures, or `(1, n, labels)`.

    Args:
        teacher: `shipped`, the face network that ships; or a run folder with one network of pictures.
        pictures: All there are.
        known: Positions of those that it is asked about, `(n,)`.
        labels: What the network that learns is to tell.
        views: How they are changed.

    Raises:
        InputError: There is no such teacher, or it tells other labels.
    """
    assert_teaches(teacher, labels)
    if teacher == SHIPPED:
        logits = _by_shipped(pictures, known, views)
    else:
        run, network = Path(teacher), _network_of(Path(teacher))
        logits = np.float32(network.scale) * _by_run(run, network, pictures, known, views)
    return softmax(logits).astype(np.float32)


def assert_teaches(teacher: str, labels: Sequence[str]) -> None:
    """Refuse a teacher that is not there, or tells other labels, before it is asked about pictures.

    Raises:
        InputError: It does not do.
    """
    known = LABELS if teacher == SHIPPED else _network_of(Path(teacher)).labels
    if tuple(known) != tuple(labels):
        raise InputError(
            f"the teacher {teacher} tells {', '.join(known)}, not {', '.join(labels)}: "
            "name one that tells the same labels"
        )


def content_of(teacher: str) -> str:
    """Name what a teacher answers with, wherever it lies: another network in its place is another teacher.

    Raises:
        InputError: There is no such teacher.
    """
    if teacher == SHIPPED:
        return Models().weight("face_cnn").sha256
    network = _network_of(Path(teacher))
    return f"{sha256_of(Path(teacher) / f'{network.name}.keras')} {network.scale}"


def _by_shipped(pictures: LabelledPictures, known: NDArray[np.int64], views: Views) -> NDArray[np.float32]:
    model = Models().face_cnn
    with StillFaces() as stills:

        def face(index: int) -> NDArray[np.uint8]:
            return stills.face(pictures.original(index))

        if not views.count:
            answers = stills_in_parts(model, len(known), lambda i: face(int(known[i])))
            return np.concatenate([logits for _, logits in answers])[None]

        def read(index: int) -> NDArray[np.uint8]:
            grey = cv2.cvtColor(face(index), cv2.COLOR_RGB2GRAY)
            side = (LARGE_FACE_SIZE, LARGE_FACE_SIZE)
            return np.asarray(cv2.resize(grey, side, interpolation=cv2.INTER_LINEAR), np.uint8)

        faces = DecodedPictures(len(pictures), read, size=LARGE_FACE_SIZE, channels=1)
        return _of_views(lambda batch: np.asarray(model.predict_on_batch(batch)[1]), faces, known, views)


def _network_of(run: Path) -> NetworkOfRun:
    networks = [network for network in networks_of(run) if network.takes == "pictures" and network.size]
    if len(networks) != 1:
        raise InputError(f"{run} has {len(networks)} networks of pictures: a teacher has one")
    return networks[0]


def _by_run(
    run: Path, network: NetworkOfRun, pictures: LabelledPictures, known: NDArray[np.int64], views: Views
) -> NDArray[np.float32]:
    decoded = DecodedPictures.of(pictures, size=network.size or 0, colour=network.colour)
    model = load_network(run, network)
    if not views.count:
        return predicted(model, decoded, known)[None]
    return _of_views(lambda batch: np.asarray(model.predict_on_batch(batch)), decoded, known, views)


def _of_views(
    answer: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    pictures: DecodedPictures,
    known: NDArray[np.int64],
    views: Views,
) -> NDArray[np.float32]:
    """Give logits `(views, n, labels)`, on all cores."""

    def answers(view: int, start: int) -> NDArray[np.float32]:
        some = known[start : start + FACE_BATCH]
        # One shape for all calls, so that nothing is compiled twice.
        batch = np.zeros((FACE_BATCH, pictures.size, pictures.size, pictures.channels), np.float32)
        batch[: len(some)] = [view_of(pictures, int(i), views.augmentation, views.seed, view) for i in some]
        return answer(batch)[: len(some)]

    starts = range(0, len(known), FACE_BATCH)
    asked = [(view, start) for view in range(views.count) for start in starts]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        logits = np.concatenate(list(pool.map(lambda one: answers(*one), asked)))
    return logits.reshape(views.count, len(known), -1)
