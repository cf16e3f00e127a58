"""System C: valence and arousal estimated from faces by residual and VGG networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.affect import LabelledAffect, read_affect
from emoview.datasets.splits import assert_disjoint, folds_by_group
from emoview.errors import InputError
from emoview.metrics.figures import AffectFigures
from emoview.metrics.values import ccc, measure_folds
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.preparation import Preparation, prepared
from emoview.networks.runs import FileName, Folds, NetworkOfRun, Number, Run, Whole, load_network, networks_of
from emoview.networks.saved import load_saved
from emoview.networks.seen import Seen, handed_on
from emoview.training.batches import Augmentation, DecodedPictures, picture_batches
from emoview.training.loop import VALIDATION, Batch, Plan, fit, read_history
from emoview.training.plots import plot_curves
from emoview.training.systems.events import OnEvent
from emoview.training.systems.pictures import predicted

WHAT = ("valence", "arousal")
RANKED_BY = "mean CCC"
"""What a search ranks options by."""
SCALE = 10.0
"""Figures are told in the unit of AFEW-VA, -10 to 10."""


@dataclass(frozen=True)
class AffectOptions:
    """What decides the outcome; `vgg11-bn` was published with 190 epochs and a batch of 20.

    Attributes:
        network: Its name in the catalogue.
        size: Side of the crops, in pixels.
        plan: How long and how fast; the last epoch counts, since nothing is held out to choose by.
        batch: Frames a step.
        preparation: What the network does to pictures in [0, 1] first.
        augmentation: Random changes.
        folds: Of whole videos.
        test: Another data set to measure on, instead of the folds; its path.
        start: Run folder, or `.keras` file, of the same network, whose weights are the start; the last layer
            may be of other labels, and then begins at random.
        seed: Decides start, folds, order and changes.
    """

    network: str = "resnet152"
    size: Number = 224
    plan: Plan = field(default_factory=lambda: Plan(100, 1e-3, "sgd", keep="last", momentum=0.9))
    batch: Number = 50
    preparation: Preparation = "unit"
    augmentation: Augmentation = "flip"
    folds: Folds = 5
    test: FileName | None = None
    start: FileName | None = None
    seed: Whole = 1


def train(options: AffectOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train, and measure on videos, or on a data set, that took no part."""
    affect = read_affect(data)
    estimated = np.zeros((len(affect), 2), np.float32)
    models, folds = [], []
    if options.test is None:
        for number, (known, asked) in enumerate(folds_by_group(affect.videos, options.folds, options.seed)):
            assert_disjoint(known, asked, affect.videos)
            if number == 0:
                _note(affect, known, options, run)
            part = f"{options.network}/{number + 1}"
            model, estimated[asked] = _learn(part, affect, known, asked, options, run, on_event)
            models.append(model)
            folds.append(asked)
        _store(models[0], estimated, affect.values, folds, options, run, on_event)
        return
    other = read_affect(Path(options.test))
    everything = np.arange(len(affect))
    _note(affect, everything, options, run)
    model, _ = _learn(options.network, affect, everything, everything[:0], options, run, on_event)
    frames = decoded(other, options.size)
    estimated = predicted(model, frames, np.arange(len(other)))
    _store(model, estimated, other.values, None, options, run, on_event)


def _note(affect: LabelledAffect, known: NDArray[np.int64], options: AffectOptions, run: Run) -> None:
    """Note what the network that is kept learns from."""
    seen = Seen.of(affect.digests(known), affect.people(known))
    before = None if options.start is None else handed_on(Path(options.start), options.network)
    run.learns(options.network, seen if before is None else seen | before)


def cross_validated(
    options: AffectOptions, data: Path, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of whole videos: mean of the CCC of valence and arousal on each fold left out."""
    affect = read_affect(data)
    result = []
    for number, (known, asked) in enumerate(folds_by_group(affect.videos, folds, options.seed), start=1):
        part = f"{options.network}-{folds}-folds/{number}"
        _, estimated = _learn(part, affect, known, asked, options, run, on_event)
        result.append(fmean(_concordance(estimated, affect.values[asked]).values()))
        on_event({"fold": number, RANKED_BY: result[-1]})
    return tuple(result)


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
        model = prepared(network, options.preparation)
        if options.start is not None:
            _take_start(model, Path(options.start), options.network)
        return model

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
    folds: list[NDArray[np.int64]] | None,
    options: AffectOptions,
    run: Run,
    on_event: OnEvent,
) -> None:
    figures = {what: measured(estimated, annotated, what, folds) for what in WHAT}
    name = options.network
    cost = (model.count_params(), flops(model))
    network = NetworkOfRun(name, "va", "pictures", WHAT, options.size, True, 1.0, *cost)
    run.add(network, model, None)
    for what, one in figures.items():
        run.measured(f"{name}, {what}", one)
        on_event(
            {"what": what, "RMSE (-10 to 10)": one.rmse.value, "PCC": one.pcc.value, "ICC": one.icc.value}
        )
    first = run.part(name) if options.test is not None else run.part(f"{name}/1")
    plot_curves(read_history(first, "valence CCC"), run.folder / f"{name}-curves.png")


def measured(
    estimated: NDArray[np.float32],
    annotated: NDArray[np.float32],
    what: str,
    folds: list[NDArray[np.int64]] | None,
) -> AffectFigures:
    """Measure valence or arousal, both `(n, 2)` and in [-1, 1], in the unit of AFEW-VA.

    The figures are means over the folds, positions of each; None for all as one.
    """
    column = WHAT.index(what)
    one, other = (SCALE * side[:, column].astype(float) for side in (estimated, annotated))
    return measure_folds(one, other, folds or [np.arange(len(other))], scale=SCALE)


def _take_start(model: keras.Model, start: Path, name: str) -> None:
    """Take the weights of a run or a file; those of the last layer where they fit."""
    if start.is_dir():
        stored = [network for network in networks_of(start) if network.name == name]
        if not stored:
            raise InputError(f"{start} has no network {name}: start from a run of the same network")
        other = load_network(start, stored[0])
    elif start.suffix == ".keras":
        other = load_saved(start, "name another file")
    else:
        raise InputError(f"{start} is neither a run folder nor a .keras file: start from one of these")
    own, given = model.get_weights(), other.get_weights()
    # Kernel and bias of the last layer stand at the end.
    if [w.shape for w in own[:-2]] != [w.shape for w in given[:-2]]:
        raise InputError(f"{start} holds another network than {name}, or one for pictures of another size")
    fits = [w.shape for w in own] == [w.shape for w in given]
    model.set_weights(given if fits else [*given[:-2], *own[-2:]])
