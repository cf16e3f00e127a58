"""Learning to tell whose a face is, from the maps of the face network, and how well strangers are told apart.

Within a video the same person smiles, talks and is lit in other ways.  The directions in which the maps of
one person differ are made short (within-class covariance normalisation, Hatch et al. 2006), so that what is
left between two faces is mostly who they are.  Few people act in the clips, so the directions themselves are
the principal ones of thousands of pictures of others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.clips import ClipFile
from emoview.errors import DatasetError
from emoview.face.align import CROP_SIZE
from emoview.face.views import seen
from emoview.metrics.roc import roc_areas
from emoview.networks.shipped import build_face_identity
from emoview.networks.sizes import FACE_MAPS, IDENTITY
from emoview.pipeline.engines import Network
from emoview.pipeline.inference import FACE_BATCH, PLAIN
from emoview.training.clips import faces_of
from emoview.training.systems.events import OnEvent

Floats = NDArray[np.float64]
_CELLS = 3
_LOOKS = 8
_FEWEST = 6
_DRAWS = 20
_OF_ALL_DIRECTIONS = 0.1


@dataclass(frozen=True)
class Looks:
    """Faces of halves of clips, as they were and as another camera might have seen them.

    Attributes:
        people: `(n,)`, whose each is.
        clips: `(n,)`, which clip it is from.
        maps: `(n, 1152)`, mean maps of some pictures, in 3x3 places.
    """

    people: NDArray[np.str_]
    clips: NDArray[np.int64]
    maps: Floats


def looks_of(clips: Iterable[ClipFile], maps: Network, *, seed: int = 0) -> Looks:
    """Look at both halves of each clip; halves of fewer than eight faces are passed over."""
    rng = np.random.default_rng(seed)
    found = [
        (clip.actor or clip.path.stem, number, _mean_maps(maps, faces))
        for number, clip in enumerate(clips)
        for half in np.array_split(_grey_faces(clip), 2)
        if len(half) >= _LOOKS
        for faces in _twice(half[np.linspace(0, len(half) - 1, _LOOKS).astype(int)], rng)
    ]
    people, of, values = zip(*found, strict=True) if found else ((), (), ())
    return Looks(np.array(people, str), np.array(of, np.int64), np.array(values, np.float64))


def principal_directions(images: Sequence[NDArray[np.uint8]], maps: Network) -> Floats:
    """Give the directions `(1152, 128)` in which the maps of faces of many people differ most."""
    parts = [
        pooled_maps(maps.predict_on_batch(np.stack([seen(one, PLAIN) for one in images[i : i + FACE_BATCH]])))
        for i in range(0, len(images), FACE_BATCH)
    ]
    values = np.concatenate(parts)
    _, vectors = np.linalg.eigh(np.cov(values.T))
    return np.asarray(vectors[:, ::-1][:, :IDENTITY], np.float64)


def fit_identity(looks: Looks, directions: Floats) -> tuple[Floats, Floats]:
    """Find the linear layer under which looks of one person lie as close together in every direction.

    Args:
        looks: Of several people.
        directions: In which to look.

    Returns:
        Its kernel `(1152, 128)` and bias `(128,)`; the mean over people lies at zero.
    """
    people = np.unique(looks.people)
    means = np.stack([looks.maps[looks.people == person].mean(axis=0) for person in people])
    along = (looks.maps - means[np.searchsorted(people, looks.people)]) @ directions
    within = np.mean([np.cov(along[looks.people == person].T) for person in people], axis=0)
    level = np.trace(within) / len(within)
    within = (1 - _OF_ALL_DIRECTIONS) * within + _OF_ALL_DIRECTIONS * level * np.eye(len(within))
    kernel = directions @ np.linalg.cholesky(np.linalg.inv(within))
    return kernel, -means.mean(axis=0) @ kernel


def area_for_strangers(looks: Looks, directions: Floats, *, seed: int = 0) -> tuple[float, float]:
    """Measure how well people are told apart from whom nothing was learned.

    Of all pairs of looks of two clips, one of the same person should be the more alike.

    Returns:
        The area under the ROC curve: the mean over draws of a third of the people, and the least.
    """
    rng = np.random.default_rng(seed)
    people = np.unique(looks.people)
    areas = []
    for _ in range(_DRAWS):
        held_out = np.isin(looks.people, rng.choice(people, max(2, len(people) // 3), replace=False))
        kernel, bias = fit_identity(_chosen(looks, ~held_out), directions)
        others = _chosen(looks, held_out)
        values = others.maps @ kernel + bias
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        one, other = np.triu_indices(len(values), 1)
        apart = others.clips[one] != others.clips[other]
        alike = (values @ values.T)[one, other][apart]
        same = (others.people[one] == others.people[other])[apart]
        areas.append(float(roc_areas(alike, same, np.empty((0, len(alike)), np.int64))[0]))
    return float(np.mean(areas)), min(areas)


def train_persons(
    clips: Iterable[ClipFile], pictures: Sequence[NDArray[np.uint8]], maps: Network, *, on_event: OnEvent
) -> tuple[keras.Model, dict[str, float]]:
    """Fit the layer that tells whose a face is, and measure it on people left out.

    Args:
        clips: Of at least six people.
        pictures: Grey faces of many.
        maps: The face network's.
        on_event: Told of every step.

    Returns:
        The network, from maps to who it is, and the area under the ROC curve for strangers, mean and least.

    Raises:
        DatasetError: There are too few people to leave some out.
    """
    looks = looks_of(clips, maps)
    count = len(np.unique(looks.people))
    if count < _FEWEST:
        raise DatasetError(
            f"{count} people act in the clips: {_FEWEST} are needed, to leave a third of them out"
        )
    on_event({"looks": len(looks.people), "people": count})
    directions = principal_directions(pictures, maps)
    mean, least = area_for_strangers(looks, directions)
    kernel, bias = fit_identity(looks, directions)
    network = build_face_identity()
    shape = (_CELLS, _CELLS, FACE_MAPS[-1], IDENTITY)
    network.get_layer("whitened").set_weights([kernel.reshape(shape), bias])
    return network, {"area": mean, "least_area": least}


def _grey_faces(clip: ClipFile) -> NDArray[np.uint8]:
    """Cut the largest face of each tick out of a clip: `(faces, 112, 112)`."""
    faces = [cv2.cvtColor(found.face, cv2.COLOR_RGB2GRAY) for found in faces_of(clip.path)]
    return np.array(faces, np.uint8).reshape(-1, CROP_SIZE, CROP_SIZE)


def _chosen(looks: Looks, mask: NDArray[np.bool_]) -> Looks:
    return Looks(looks.people[mask], looks.clips[mask], looks.maps[mask])


def _mean_maps(maps: Network, faces: Sequence[NDArray[np.uint8]]) -> Floats:
    batch = np.stack([seen(face, PLAIN) for face in faces])
    return np.asarray(pooled_maps(maps.predict_on_batch(batch)).mean(axis=0))


def pooled_maps(maps: NDArray[np.float32]) -> Floats:
    """Average maps `(n, 6, 6, 128)` over 3x3 places: `(n, 1152)`."""
    cells = np.asarray(maps, np.float64).reshape(len(maps), _CELLS, 2, _CELLS, 2, -1)
    return np.asarray(cells.mean(axis=(2, 4)).reshape(len(maps), -1))


def _twice(faces: NDArray[np.uint8], rng: np.random.Generator) -> Iterator[list[NDArray[np.uint8]]]:
    """Give faces as they are, and as another camera might have seen them: lit, focused and cut otherwise."""
    yield list(faces)
    side = faces.shape[-1]
    gain, gamma, blur = rng.uniform(0.65, 1.3), rng.uniform(0.75, 1.35), rng.uniform(0.01, 1.2)
    light = 1 + rng.uniform(-0.35, 0.35) * np.linspace(-1, 1, side)
    move = np.eye(2, 3) + rng.normal(0, ((0.02, 0, 1.5), (0, 0.02, 1.5)))
    lit = np.clip((faces / 255 * light) ** gamma * gain, 0, 1)
    yield [
        cv2.warpAffine((255 * cv2.GaussianBlur(one, (0, 0), blur)).astype(np.uint8), move, (side, side))
        for one in lit
    ]
