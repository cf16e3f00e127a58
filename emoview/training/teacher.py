"""What another network says of the pictures to learn from (Hinton et al. 2015, arXiv:1503.02531)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.labelled import LabelledPictures
from emoview.errors import InputError
from emoview.fusion.late import softmax
from emoview.networks.runs import load_network, networks_of
from emoview.timeline.labels import LABELS
from emoview.training.batches import DecodedPictures, predicted
from emoview.training.starts import SHIPPED


def taught(teacher: str, pictures: LabelledPictures, labels: Sequence[str]) -> NDArray[np.float32]:
    """Give the probabilities `(n, labels)` that a network gives pictures, as they are.

    Args:
        teacher: `shipped`, the face network that ships; or a run folder with one network of pictures.
        pictures: All of them.
        labels: What the network that learns is to tell.

    Raises:
        InputError: There is no such teacher, or it tells other labels.
    """
    if teacher == SHIPPED:
        known, logits = LABELS, _by_shipped(pictures) if tuple(labels) == LABELS else None
    else:
        known, logits = _by_run(Path(teacher), pictures, tuple(labels))
    if logits is None:
        raise InputError(
            f"the teacher {teacher} tells {', '.join(known)}, not {', '.join(labels)}: "
            "name one that tells the same labels"
        )
    return softmax(logits).astype(np.float32)


def _by_shipped(pictures: LabelledPictures) -> NDArray[np.float32]:
    from emoview.face.still import StillFaces
    from emoview.pipeline.inference import stills_in_parts
    from emoview.pipeline.models import Models

    with StillFaces() as stills:
        answers = stills_in_parts(
            Models().face_cnn, len(pictures), lambda i: stills.face(pictures.original(i))
        )
        return np.concatenate([logits for _, logits in answers])


def _by_run(
    run: Path, pictures: LabelledPictures, labels: tuple[str, ...]
) -> tuple[tuple[str, ...], NDArray[np.float32] | None]:
    """Give the labels that the network of a run tells, and calibrated logits if they are those asked for."""
    networks = [network for network in networks_of(run) if network.takes == "pictures" and network.size]
    if len(networks) != 1:
        raise InputError(f"{run} has {len(networks)} networks of pictures: a teacher has one")
    (network,) = networks
    if network.labels != labels:
        return network.labels, None
    decoded = DecodedPictures.of(pictures, size=network.size or 0, colour=network.colour)
    logits = predicted(load_network(run, network), decoded, np.arange(len(pictures)))
    return labels, np.float32(network.scale) * logits
