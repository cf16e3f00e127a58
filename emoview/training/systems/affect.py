"""System C: valence and arousal estimated from faces by residual and VGG networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.evaluation.metrics import RegressionFigures, ccc, measure_values
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.preparation import Preparation, prepared
from emoview.runs import FileName, Folds, NetworkOfRun, Number, Run, Whole
from emoview.training.batches import Augmentation, DecodedPictures, picture_batches
from emoview.training.datasets.affect import LabelledAffect, read_affect
from emoview.training.datasets.splits import assert_disjoint, folds_by_group
from emoview.training.loop import VALIDATION, Batch, Plan, fit, read_history
from emoview.training.plots import plot_curves
from emoview.training.systems.events import OnEvent
from emoview.training.systems.pictures import predicted

WHAT = ("valence", "arousal")


@dataclass(frozen=True)
class AffectOptions:
    """What decides the outcome.

    Attributes:
        network: Its name in the catalogue.
        size: Side of the crops, in pixels.
        plan: How long and how fast; the last epoch counts, since nothing is held out to choose by.
        batch: Frames a step.
        preparation: What the network does to pictures in [0, 1] first.
        augmentation: Random changes.
        folds: Of whole videos.
        test: Another data set to measure on, instead of the folds; its path.
        seed: Decides start, folds, order and changes.
    """

    network: str = "resnet18"
    size: Number = 224
    plan: Plan = field(default_factory=lambda: Plan(10, 1e-4, schedule="cosine", keep="last"))
    batch: Number = 32
    preparation: Preparation = "unit"
    augmentation: Augmentation = "flip"
    folds: Folds = 5
    test: FileName | None = None
    seed: Whole = 1


def train(options: AffectOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train, and measure on videos, or on a data set, that took no part."""
    affect = read_affect(data)
    estimated = np.zeros((len(affect), 2), np.float32)
    models = []
    if options.test is None:
        for number, (known, asked) in enumerate(folds_by_group(affect.videos, options.folds, options.seed)):
            assert_disjoint(known, asked, affect.videos)
            part = f"{options.network}/{number + 1}"
            model, estimated[asked] = _learn(part, affect, known, asked, options, run, on_event)
            models.append(model)
        _store(models[0], estimated, affect.values, options, run, on_event)
        return
    other = read_affect(Path(options.test))
    everything = np.arange(len(affect))
    model, _ = _learn(options.network, affect, everything, everything[:0], options, run, on_event)
    frames = decoded(other, options.size)
    _store(model, predicted(model, frames, np.arange(len(other))), other.values, options, run, on_event)


def decoded(affect: LabelledAffect, size: int) -> DecodedPictures:
    """Cut the faces out when they are needed."""
    return DecodedPictures(len(affect), partial(_crop, affect, size), size=size, channels=3)


def _crop(affect: LabelledAffect, size: int, index: int) -> NDArray[np.uint8]:
    return affect.crop(index, size)


def _learn(
    name: str,
    affect: LabelledAffect,
    known: NDArray[np.int64],
    asked: NDArray[np.int64],
    options: AffectOptions,
    run: Run,
    on_event: OnEvent,
) -> tuple[keras.Model, NDArray[np.float32]]:
    frames = decoded(affect, options.size)
    loss = keras.losses.MeanSquaredError()

    def build() -> keras.Model:
        shape = (options.size, options.size, 3)
        network = catalog.build(options.network, labels=2, input_shape=shape)
        return prepared(network, options.preparation)

    def batches(epoch: int) -> Iterator[Batch]:
        for values, index in picture_batches(
            frames, known, batch=options.batch, augmentation=options.augmentation,
            seed=options.seed, epoch=epoch,
        ):  # fmt: skip
            yield values, affect.values[index]

    def judge(model: keras.Model) -> dict[str, float]:
        # Of some training frames, which choose the epoch, and of those that are measured, which must not.
        some = known[:: max(1, len(known) // 200)]
        figures = _concordance(predicted(model, frames, some), affect.values[some])
        if len(asked):
            said, true = predicted(model, frames, asked), affect.values[asked]
            held_out = {"loss": float(loss(true, said)), **_concordance(said, true)}
            figures |= {VALIDATION + what: value for what, value in held_out.items()}
        return figures

    model = fit(
        build, batches, judge, options.plan, run.part(name), loss=loss,
        seed=options.seed, watch="valence CCC", metrics=(), name=name,
        of=len(known) // options.batch, on_event=on_event,
    )  # fmt: skip
    return model, predicted(model, frames, asked) if len(asked) else np.zeros((0, 2), np.float32)


def _concordance(said: NDArray[np.float32], true: NDArray[np.float32]) -> dict[str, float]:
    return {f"{what} CCC": ccc(said[:, i], true[:, i]) for i, what in enumerate(WHAT)}


def _store(
    model: keras.Model,
    estimated: NDArray[np.float32],
    annotated: NDArray[np.float32],
    options: AffectOptions,
    run: Run,
    on_event: OnEvent,
) -> None:
    figures = {what: measured(estimated, annotated, what) for what in WHAT}
    name = options.network
    cost = (model.count_params(), flops(model))
    network = NetworkOfRun(name, "va", "pictures", WHAT, options.size, True, 1.0, *cost)
    run.add(network, model, figures["valence"])
    for what, one in figures.items():
        run.measured(f"{name}, {what}", one)
        on_event({"what": what, "RMSE": one.rmse.value, "CCC": one.ccc.value})
    first = run.part(name) if options.test is not None else run.part(f"{name}/1")
    plot_curves(read_history(first), run.folder / f"{name}-curves.png")


def measured(estimated: NDArray[np.float32], annotated: NDArray[np.float32], what: str) -> RegressionFigures:
    """Measure valence or arousal, both `(n, 2)` and in [-1, 1]."""
    column = WHAT.index(what)
    return measure_values(estimated[:, column].astype(float), annotated[:, column].astype(float))
