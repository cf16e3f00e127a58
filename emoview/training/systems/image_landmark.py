"""System A: a small picture network, a landmark network, and their fusion by decisions and by features.

The fused networks stand on the two frozen ones.  All four learn from, choose by and are measured on
the same parts of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.folders import Data
from emoview.datasets.pictures import LabelledPictures
from emoview.datasets.splits import assert_filled, assert_taught
from emoview.face.fit import DOUBTFUL, misfits
from emoview.fusion.late import softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.labels import accuracy, measure_labels
from emoview.networks.flops import flops
from emoview.networks.image_landmark import decision_fusion, feature_fusion, frozen_and_head, nn1, nn2
from emoview.networks.runs import NetworkOfRun, Run
from emoview.timeline.labels import LABELS
from emoview.training.batches import DecodedPictures
from emoview.training.kept import kept
from emoview.training.label_groups import class_weights
from emoview.training.loop import Batch, fit
from emoview.training.parts import Parts, learned_from, split_pictures
from emoview.training.plan import Plan
from emoview.training.systems.events import OnEvent
from emoview.training.systems.folds import best_network, picture_folds
from emoview.training.systems.options import ImageLandmarkOptions
from emoview.training.systems.pictures import (
    loss_of,
    report,
    validated,
)

SIZE = 48
SHARES = (0.7, 0.2, 0.1)
"""Of the pictures, for training, validation and test."""
PLANS = {"nn1": "image", "nn2": "landmark", "decision-fusion": "decisions", "feature-fusion": "features"}
"""The option that says how long and how fast each of the networks learns."""


@dataclass(frozen=True)
class Inputs:
    """Examples as the networks take them.

    Attributes:
        pictures: `(n, 48, 48, 1)` uint8.
        landmarks: `(n, 68, 2)`.
        labels: `(n,)`.
        joined: `(n, width)`, what both frozen networks say, for the layers that fuse them.
    """

    pictures: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    labels: NDArray[np.int64]
    joined: NDArray[np.float32] | None = None

    def take(self, takes: tuple[str, ...], index: NDArray[np.int64]) -> Any:
        """Give what a network takes, of the examples `index`."""
        values = [self._values(what)[index] for what in takes]
        values = [v.astype(np.float32) / 255 if v.dtype == np.uint8 else v for v in values]
        return values[0] if len(values) == 1 else tuple(values)

    def _values(self, what: str) -> NDArray[Any]:
        values: NDArray[Any] | None = getattr(self, what)
        assert values is not None
        return values


def train(options: ImageLandmarkOptions, data: Data, run: Run, on_event: OnEvent) -> None:
    """Train the four networks, and measure each on the same unseen part."""
    pictures, parts = split_pictures(data, "random", options.seed, SHARES)
    inputs, parts = _described(pictures, parts, run.folder, on_event)
    _assert_learned(inputs, parts)
    for name in PLANS:
        run.learns(name, learned_from(pictures, parts))

    for name, takes, model in _networks("", inputs, parts, options, run, on_event):
        _measure(name, takes, model, inputs, parts, run, on_event)


def cross_validated(
    options: ImageLandmarkOptions, data: Path, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train the four networks on folds of all but what is measured in the end.

    Returns:
        Accuracy on each fold left out, in percent, of the network that is best in the mean.
    """
    pictures, parts = split_pictures(data, "random", options.seed, SHARES)
    # All runs of a search share the landmarks.
    inputs, (train_part, choose, _) = _described(pictures, parts, run.folder.parent, on_event)
    known = np.sort(np.concatenate([train_part, choose]))
    found: dict[str, list[float]] = {}
    every = list(picture_folds(pictures, known, folds, options.seed))
    for fold in every:
        _assert_learned(inputs, fold)
    for number, fold in enumerate(every, start=1):
        prefix = f"{folds}-folds/{number}/"
        for name, takes, model in _networks(prefix, inputs, fold, options, run, on_event):
            said = _logits(model, inputs, takes, fold[2])
            found.setdefault(name, []).append(accuracy(said, inputs.labels[fold[2]]))
    return best_network(found, on_event)


def _assert_learned(inputs: Inputs, parts: Parts) -> None:
    # Of a part, landmarks may have been found in no picture.
    assert_filled(parts, "pictures")
    assert_taught(inputs.labels, parts[0], np.concatenate(parts[1:]), LABELS, "pictures")


def _networks(
    prefix: str, inputs: Inputs, parts: Parts, options: ImageLandmarkOptions, run: Run, on_event: OnEvent
) -> Iterator[tuple[str, tuple[str, ...], keras.Model]]:
    """Train the four networks: of each its name, what it takes, and the network."""

    def learn(
        name: str, takes: tuple[str, ...], build: Callable[[], keras.Model], given: Inputs
    ) -> keras.Model:
        plan = getattr(options, PLANS[name])
        return _learn(prefix + name, plan, takes, build, given, parts, options, run, on_event)

    one = learn("nn1", ("pictures",), nn1, inputs)
    yield "nn1", ("pictures",), one
    other = learn("nn2", ("landmarks",), nn2, inputs)
    yield "nn2", ("landmarks",), other
    both = ("pictures", "landmarks")
    everything = np.arange(len(inputs.labels))
    known = replace(inputs, landmarks=np.nan_to_num(inputs.landmarks))
    for name, fusion in (("decision-fusion", decision_fusion), ("feature-fusion", feature_fusion)):
        whole = fusion(one, other)
        frozen, head = frozen_and_head(whole)
        # What is frozen says the same in every epoch, so it is asked once.
        joined = replace(inputs, joined=_logits(frozen, known, both, everything))
        learned = learn(name, ("joined",), partial(_head, fusion, one, other), joined)
        head.set_weights(learned.get_weights())
        yield name, both, whole


def _head(
    fusion: Callable[[keras.Model, keras.Model], keras.Model], one: keras.Model, other: keras.Model
) -> keras.Model:
    return frozen_and_head(fusion(one, other))[1]


def _learn(
    name: str,
    plan: Plan,
    takes: tuple[str, ...],
    build: Callable[[], keras.Model],
    inputs: Inputs,
    parts: Parts,
    options: ImageLandmarkOptions,
    run: Run,
    on_event: OnEvent,
) -> keras.Model:
    train_part, choose, _ = parts
    weights = class_weights(inputs.labels[train_part], len(LABELS))
    loss = loss_of("cross-entropy")

    def batches(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng((options.seed, epoch)).permutation(train_part)
        for start in range(0, len(order) - options.batch + 1, options.batch):
            index = order[start : start + options.batch]
            targets = np.eye(len(LABELS), dtype=np.float32)[inputs.labels[index]]
            values = inputs.take(takes, index)
            yield (
                (values, targets, weights[inputs.labels[index]])
                if options.class_weights
                else (values, targets)
            )

    def judge(model: keras.Model) -> dict[str, float]:
        said = _logits(model, inputs, takes, choose)
        return validated(said, inputs.labels[choose], loss=loss, batch=options.batch)

    return fit(
        build, batches, judge, plan, run.part(name), loss=loss, seed=options.seed,
        name=name, of=len(train_part) // options.batch, on_event=on_event,
    )  # fmt: skip


def _measure(
    name: str,
    takes: tuple[str, ...],
    model: keras.Model,
    inputs: Inputs,
    parts: Parts,
    run: Run,
    on_event: OnEvent,
) -> None:
    _, choose, test = parts
    scale = fit_scale(_logits(model, inputs, takes, choose), inputs.labels[choose])
    said = softmax(scale * _logits(model, inputs, takes, test))
    figures = measure_labels(said, inputs.labels[test], LABELS)
    stored = NetworkOfRun(
        name, "face", "+".join(takes), LABELS, SIZE, False, scale, model.count_params(), flops(model)
    )
    report(run, stored, model, figures)
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})


def _logits(
    model: keras.Model, inputs: Inputs, takes: tuple[str, ...], index: NDArray[np.int64]
) -> NDArray[np.float32]:
    return np.asarray(model.predict(inputs.take(takes, index), batch_size=256, verbose=0))


def _described(
    pictures: LabelledPictures, parts: Parts, folder: Path, on_event: OnEvent
) -> tuple[Inputs, Parts]:
    """Find the landmarks; pictures in which the mesh finds no face are left out, for all networks alike."""
    decoded = DecodedPictures.of(pictures, size=SIZE, colour=False)
    images = np.stack([decoded[i] for i in range(len(decoded))])
    shape = (len(images), 68, 2)
    # Where no face was found they are no numbers.
    landmarks = kept(folder / "landmarks.npz", images.tobytes(), shape, lambda: _landmarks(images, on_event))
    found = np.isfinite(landmarks[:, 0, 0])
    on_event({"faces found": f"{found.sum()} of {len(found)} pictures; the others are left out"})
    doubtful = int((misfits(landmarks) > DOUBTFUL).sum())
    on_event({"doubtful landmarks": f"{doubtful}; emoview data DATA --landmarks FILE.png shows such"})
    with_face = [part[found[part]] for part in parts]
    return Inputs(images, landmarks, pictures.labels), (with_face[0], with_face[1], with_face[2])


def _landmarks(images: NDArray[np.uint8], on_event: OnEvent) -> NDArray[np.float32]:
    from emoview.face.find import FaceFinder
    from emoview.face.ibug import landmarks_of_crop

    landmarks = np.full((len(images), 68, 2), np.nan, np.float32)
    with FaceFinder(max_faces=1, stills=True) as finder:
        for i, image in enumerate(images):
            points = landmarks_of_crop(finder, image[..., 0])
            if points is not None:
                landmarks[i] = points
            on_event({"step": i + 1, "of": len(images)})
    return landmarks
