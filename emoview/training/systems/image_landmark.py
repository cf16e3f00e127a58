"""System A: a small picture network, a landmark network, and their fusion by decisions and by features.

The fused networks stand on the two frozen ones.  All four learn from, choose by and are measured on
the same parts of the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.evaluation.calibration import fit_scale
from emoview.evaluation.metrics import accuracy, measure_labels
from emoview.fusion.late import softmax
from emoview.networks.flops import flops
from emoview.networks.image_landmark import decision_fusion, feature_fusion, nn1, nn2
from emoview.runs import NetworkOfRun, Run
from emoview.timeline.labels import LABELS
from emoview.training.batches import DecodedPictures
from emoview.training.datasets.pictures import LabelledPictures
from emoview.training.loop import Batch, Plan, fit
from emoview.training.systems.events import OnEvent
from emoview.training.systems.pictures import Parts, class_weights, loss_of, report, split_pictures

SIZE = 48


@dataclass(frozen=True)
class ImageLandmarkOptions:
    """What decides the outcome; the published settings, but for the number of epochs of the last three.

    Attributes:
        image: Of the picture network: the rate falls to a fifth at epoch 10.
        landmark: Of the landmark network: to a fifth whenever 5 epochs bring nothing.
        decisions: Of the fusion of decisions.
        features: Of the fusion of features.
        batch: Examples a step.
        class_weights: Weigh a label by the largest label's count over its own.
        seed: Decides split, start and order.
    """

    image: Plan = field(default_factory=lambda: Plan(16, 1e-4, schedule="step", step_at=10))
    landmark: Plan = field(default_factory=lambda: Plan(40, 1e-3, schedule="plateau"))
    decisions: Plan = field(default_factory=lambda: Plan(20, 5e-4))
    features: Plan = field(default_factory=lambda: Plan(40, 5e-5))
    batch: int = 32
    class_weights: bool = True
    seed: int = 1


@dataclass(frozen=True)
class Inputs:
    """Pictures `(n, 48, 48, 1)` uint8 with their landmarks `(n, 68, 2)` and labels `(n,)`."""

    pictures: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    labels: NDArray[np.int64]

    def take(self, takes: tuple[str, ...], index: NDArray[np.int64]) -> list[NDArray[np.float32]]:
        """Give what a network takes, of the examples `index`."""
        return [
            self.landmarks[index] if what == "landmarks" else self.pictures[index].astype(np.float32) / 255
            for what in takes
        ]


def train(options: ImageLandmarkOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train the four networks, and measure each on the same unseen part."""
    pictures, parts = split_pictures(data, "random", options.seed)
    inputs, parts = _described(pictures, parts, run.folder, on_event)

    def learn(name: str, plan: Plan, takes: tuple[str, ...], build: Callable[[], keras.Model]) -> keras.Model:
        return _learn(name, plan, takes, build, inputs, parts, options, run, on_event)

    one = learn("nn1", options.image, ("pictures",), nn1)
    other = learn("nn2", options.landmark, ("landmarks",), nn2)
    both = ("pictures", "landmarks")
    learn("decision-fusion", options.decisions, both, lambda: decision_fusion(one, other))
    learn("feature-fusion", options.features, both, lambda: feature_fusion(one, other))


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
    train_part, choose, test = parts
    weights = class_weights(inputs.labels[train_part], len(LABELS))

    def batches(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng((options.seed, epoch)).permutation(train_part)
        for start in range(0, len(order) - options.batch + 1, options.batch):
            index = order[start : start + options.batch]
            targets = np.eye(len(LABELS), dtype=np.float32)[inputs.labels[index]]
            values = _single(inputs.take(takes, index))
            yield (
                (values, targets, weights[inputs.labels[index]])
                if options.class_weights
                else (values, targets)
            )

    def logits(model: keras.Model, index: NDArray[np.int64]) -> NDArray[np.float32]:
        return np.asarray(model.predict(_single(inputs.take(takes, index)), batch_size=256, verbose=0))

    def judge(model: keras.Model) -> dict[str, float]:
        return {"accuracy": accuracy(logits(model, choose), inputs.labels[choose])}

    model = fit(
        build, batches, judge, plan, run.part(name), loss=loss_of("cross-entropy"), seed=options.seed,
        name=name, of=len(train_part) // options.batch, on_event=on_event,
    )  # fmt: skip
    scale = fit_scale(logits(model, choose), inputs.labels[choose])
    figures = measure_labels(softmax(scale * logits(model, test)), inputs.labels[test], LABELS)
    stored = NetworkOfRun(
        name, "face", "+".join(takes), LABELS, SIZE, False, scale, model.count_params(), flops(model)
    )
    report(run, stored, model, figures)
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})
    return model


def _single(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else tuple(values)


def _described(
    pictures: LabelledPictures, parts: Parts, folder: Path, on_event: OnEvent
) -> tuple[Inputs, Parts]:
    """Find the landmarks; pictures in which the mesh finds no face are left out, for all networks alike."""
    decoded = DecodedPictures.of(pictures, size=SIZE, colour=False)
    images = np.stack([decoded[i] for i in range(len(decoded))])
    file = folder / "landmarks.npz"
    key = hashlib.sha256(images.tobytes()).hexdigest()
    if file.exists() and str(np.load(file)["key"]) == key:
        landmarks = np.load(file)["landmarks"]
    else:
        landmarks = _landmarks(images, on_event)
        partial = folder / "partial-landmarks.npz"
        np.savez(partial, landmarks=landmarks, key=key)
        partial.replace(file)
    found = np.isfinite(landmarks[:, 0, 0])
    on_event({"faces found": f"{found.sum()} of {len(found)} pictures; the others are left out"})
    kept = tuple(part[found[part]] for part in parts)
    return Inputs(images, landmarks, pictures.labels), (kept[0], kept[1], kept[2])


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
