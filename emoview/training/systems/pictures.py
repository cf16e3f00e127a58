"""Label classifiers for single pictures: any network of the catalogue, any data set of faces.

Frame networks of the frame CNN + MFCC work, the shallow and deep networks compared by BKNet's, and the
picture stage of the CNN + GRU work differ in their options alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import keras
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.common.folders import Data
from emoview.datasets.pictures import LabelledPictures, Truth
from emoview.datasets.splits import assert_taught
from emoview.errors import DatasetError, InputError
from emoview.fusion.late import softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import accuracy, measure_labels
from emoview.metrics.plot import plot_figures
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.preparation import Preparation, prepared
from emoview.networks.runs import (
    FileName,
    Fraction,
    NetworkOfRun,
    Number,
    Run,
    Whole,
)
from emoview.networks.seen import with_start
from emoview.timeline.labels import CONTEMPT, FACE_LABELS, LABELS, TaughtCount, group_of
from emoview.training.batches import Augmentation, DecodedPictures, picture_batches, pixel_statistics
from emoview.training.loop import Batch, Plan, fit_head_first, read_history
from emoview.training.losses import MulticlassHinge
from emoview.training.parts import Parts, Told, learned_from, split_pictures
from emoview.training.plots import plot_curves
from emoview.training.starts import take_start
from emoview.training.systems.events import OnEvent
from emoview.training.systems.folds import picture_folds

_PREDICTED_AT_ONCE = 64

RISING = (0.05, 0.2, 0.2, 0.3)
"""Dropout of the four stages of deep networks of small pictures (system E, section 7.1.3)."""

SMALL_SIDE, LARGEST_SMALL = 42, 100
"""What networks for large pictures get where small ones are asked for, and what counts as small."""


@dataclass(frozen=True)
class PictureOptions:
    """What decides the outcome.

    Attributes:
        network: Its name in the catalogue.
        size: Side of the pictures; None for what the network was published with, or 42 with `small`.
        colour: Whether they have colours; None for what the network was published with, or for grey ones
            with `small`.
        small: Show networks that were published for 224 pixels in colour grey pictures of 42 pixels, with the
            dropout that system E gave them there.
        activation: Of the frame CNN; None for its usual one.
        pooling: Average over the picture instead of flattening; None for what is usual in the network.
        dropout: Share of values dropped, or one for each stage of the network; None for what is usual.
        plan: How long and how fast.
        batch: Pictures a step.
        preparation: What the network does to pictures in [0, 1] first.
        augmentation: Random changes.
        loss: `cross-entropy`, or `hinge`: the L2 multi-class support vector machine.
        delta: Of `hinge`: how far the scores of wrong labels should stay below that of the right one.
        class_weights: Weigh a label by the largest label's count over its own.
        labels: Told apart in training: 7; 8, with contempt, of data sets that have it; or their grouping
            into 3 or 2, in which contempt is negative or other.
        truth: Whose labels count: the `original` ones, or those that most `votes` of FER+ are for, which
            alone tell contempt in FER2013.
        split: `given` trains on the part `train`, holds a tenth of it out for choosing the epoch, and
            measures on the part `valid` or `test`; `random` pools all parts and splits them 70/10/20.
        start: What its weights begin with: a run folder with a network of the same name, such as one trained
            on other pictures; a `.keras` or `.h5` file, of Keras Applications or VGG-Face, too; `shipped`,
            which is a face-cnn; None for random ones.  The last layer is new where the labels differ.
        head_epochs: Epochs, before those of the plan, in which only the dense layers learn.
        seed: Decides start, split, order and changes.
    """

    network: str = "frame-cnn"
    size: Number | None = None
    colour: bool | None = None
    small: bool = False
    activation: str | None = None
    pooling: bool | None = None
    dropout: Fraction | tuple[Fraction, ...] | None = None
    plan: Plan = field(default_factory=lambda: Plan(epochs=30, rate=1e-3, schedule="plateau"))
    batch: Number = 64
    preparation: Preparation = "unit"
    augmentation: Augmentation = "flip"
    loss: Literal["cross-entropy", "hinge"] = "cross-entropy"
    delta: Annotated[float, Meta(gt=0, le=1e6)] = 1.0
    class_weights: bool = False
    labels: TaughtCount = 7
    truth: Literal["original", "votes"] = "original"
    split: Literal["given", "random"] = "given"
    start: FileName | None = None
    head_epochs: Whole = 0
    seed: Whole = 1


def train(options: PictureOptions, data: Data, run: Run, on_event: OnEvent) -> None:
    """Train a network on pictures, and measure it on a part that it has not seen."""
    shape = input_shape(options)
    pictures, parts = opened(options, data)
    decoded = DecodedPictures.of(pictures, size=shape[0], colour=shape[-1] == 3)
    names = group_names(options.labels)
    groups = grouped(pictures.labels, options.labels)
    name = options.network
    assert_taught(groups, parts[0], np.concatenate(parts[1:]), names, "pictures")
    run.learns(name, with_start(learned_from(pictures, parts), options.start, name))
    model = _learn(name, decoded, groups, parts, options, run, on_event)
    held_out = predicted(model, decoded, parts[1])
    scale = fit_scale(held_out, groups[parts[1]])
    probabilities = softmax(scale * predicted(model, decoded, parts[2]))
    figures = measure_labels(probabilities, groups[parts[2]], names)
    stored = NetworkOfRun(
        name, "face", "pictures", names, shape[0], shape[-1] == 3, scale, model.count_params(), flops(model)
    )
    report(run, stored, model, figures)
    for count in (3, 2) if options.labels >= 7 else ():
        run.measured(
            f"{name}, {count} labels after training",
            regrouped(probabilities, pictures.labels[parts[2]], count),
        )
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})


def cross_validated(
    options: PictureOptions, data: Data, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of all but what is measured in the end: accuracy on each fold left out, in percent."""
    shape = input_shape(options)
    pictures, (train_part, choose, _) = opened(options, data)
    decoded = DecodedPictures.of(pictures, size=shape[0], colour=shape[-1] == 3)
    groups = grouped(pictures.labels, options.labels)
    result = []
    known = np.sort(np.concatenate([train_part, choose]))
    for number, parts in enumerate(picture_folds(pictures, known, folds, options.seed), start=1):
        assert_taught(groups, parts[0], np.concatenate(parts[1:]), group_names(options.labels), "pictures")
        part = f"{options.network}-{folds}-folds/{number}"
        model = _learn(part, decoded, groups, parts, options, run, on_event)
        result.append(accuracy(predicted(model, decoded, parts[2]), groups[parts[2]]))
        on_event({"fold": number, "accuracy": result[-1]})
    return tuple(result)


def opened(options: PictureOptions, data: Data) -> tuple[LabelledPictures, Parts]:
    """Open the pictures with the labels that the options ask for, and split them.

    Raises:
        DatasetError: Contempt is to be told, and no picture shows it.
    """
    truth: Truth = options.truth
    told = Told(truth, contempt=options.labels != 7)
    pictures, parts = split_pictures(data, options.split, options.seed, told=told)
    if options.labels == 8 and FACE_LABELS.index(CONTEMPT) not in pictures.labels:
        raise DatasetError(
            f"No picture of {pictures.name} shows contempt, the eighth label: set labels=7, or take "
            "AffectNet, CK+, folders of which one is named contempt, or FER2013 with the votes of FER+ "
            "(truth=votes)."
        )
    return pictures, parts


def _learn(
    part: str,
    decoded: DecodedPictures,
    groups: NDArray[np.int64],
    parts: Parts,
    options: PictureOptions,
    run: Run,
    on_event: OnEvent,
) -> keras.Model:
    """Train the network of the options on the first part, choosing by the second."""
    shape, names = input_shape(options), group_names(options.labels)
    loss = loss_of(options.loss, options.delta)

    def build() -> keras.Model:
        return built(options, shape, names, decoded, parts[0])

    def batches(epoch: int) -> Iterator[Batch]:
        weights = class_weights(groups[parts[0]], len(names)) if options.class_weights else None
        for values, index in picture_batches(
            decoded, parts[0], batch=options.batch, augmentation=options.augmentation,
            seed=options.seed, epoch=epoch,
        ):  # fmt: skip
            targets = np.eye(len(names), dtype=np.float32)[groups[index]]
            yield (values, targets) if weights is None else (values, targets, weights[groups[index]])

    def judge(model: keras.Model) -> dict[str, float]:
        said = predicted(model, decoded, parts[1])
        return validated(said, groups[parts[1]], loss=loss, batch=options.batch)

    return fit_head_first(
        build, only_dense_learn, options.head_epochs, batches, judge, options.plan, run.part(part),
        loss=loss, seed=options.seed, name=part, of=len(parts[0]) // options.batch, on_event=on_event,
    )  # fmt: skip


def built(
    options: PictureOptions,
    shape: tuple[int, int, int],
    names: Sequence[str],
    pictures: DecodedPictures,
    known: NDArray[np.int64],
) -> keras.Model:
    """Build a network of pictures, with the weights that it starts from.

    Args:
        options: Which network, and how it is prepared.
        shape: Height, width and channels of a picture.
        names: Of the labels.
        pictures: All there are.
        known: Those that it may know: the preparation may depend on them.
    """
    own = {} if options.activation is None else {"activation": options.activation}
    try:
        network = catalog.build(
            options.network, labels=len(names), input_shape=shape,
            pooling=options.pooling, dropout=dropout_of(options), **own,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(str(error)) from None
    pixels = None
    if options.preparation in ("pixel", "both"):
        pixels = pixel_statistics(pictures, known, normalised=options.preparation == "both")
    model = prepared(network, options.preparation, pixels=pixels)
    if options.start is not None:
        take_start(model, options.start, options.network, names)
    return model


def only_dense_learn(model: keras.Model) -> None:
    """Freeze everything but dense layers."""
    inner = model.layers[-1] if isinstance(model.layers[-1], keras.Model) else model
    for layer in inner.layers:
        layer.trainable = isinstance(layer, keras.layers.Dense)


def input_shape(options: PictureOptions) -> tuple[int, int, int]:
    """Give height, width and channels of the pictures that a network is shown.

    Raises:
        InputError: There is no such network of pictures.
    """
    side, _, channels = published_shape(options.network)
    if options.small and side > LARGEST_SMALL:
        side, channels = SMALL_SIDE, 1
    if options.colour is not None:
        channels = 3 if options.colour else 1
    side = options.size or side
    return side, side, channels


def dropout_of(options: PictureOptions) -> float | tuple[float, ...] | None:
    """Give the dropout asked for, or what system E gave its deep networks of small pictures."""
    deep = catalog.NETWORKS[options.network].family in ("resnet", "densenet")
    if options.dropout is not None or not (options.small and deep):
        return options.dropout
    blocks = 3 if options.network.endswith(("-reduced", "-small")) else 4
    return RISING[:blocks]


def published_shape(network: str) -> tuple[int, ...]:
    """Give height, width and channels of the pictures that a network was published with.

    Raises:
        InputError: There is no such network of pictures.
    """
    shapes = {name: n.input_shape for name, n in catalog.NETWORKS.items() if len(n.input_shape) == 3}
    if network in catalog.NETWORKS.faults:
        raise InputError(catalog.NETWORKS.faults[network])
    if network not in shapes:
        raise InputError(f"there is no picture network {network!r}; choose one of {', '.join(shapes)}")
    return shapes[network]


def report(run: Run, network: NetworkOfRun, model: keras.Model, figures: LabelFigures) -> None:
    """Store a network with its figures and curves."""
    run.add(network, model, figures)
    drawn = run.folder / f"{network.name}-figures.png"
    write_whole(drawn, plot_figures({network.name: figures}, drawn))
    history = read_history(run.part(network.name))
    if history:
        plot_curves(history, run.folder / f"{network.name}-curves.png")


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


def loss_of(name: str, delta: float = 1.0) -> Any:
    """Give the loss on logits; `delta` is the margin of `hinge`."""
    if name == "hinge":
        return MulticlassHinge(delta)
    return keras.losses.CategoricalCrossentropy(from_logits=True)


def validated(
    logits: NDArray[np.float32], labels: NDArray[np.int64], *, loss: Any, batch: int
) -> dict[str, float]:
    """Judge what a network says, `(n, labels)`, of examples held out; the loss is that of batches."""
    targets = np.eye(logits.shape[1], dtype=np.float32)[labels]
    parts = [slice(start, start + batch) for start in range(0, len(labels), batch)]
    losses = [float(loss(targets[part], logits[part])) for part in parts]
    sizes = [len(labels[part]) for part in parts]
    return {
        "validation_loss": float(np.average(losses, weights=sizes)),
        "validation_accuracy": accuracy(logits, labels),
    }


def class_weights(labels: NDArray[np.int64], count: int) -> NDArray[np.float32]:
    """Give the largest label's count over each label's own, `(count,)`."""
    counts = np.bincount(labels, minlength=count)
    return np.asarray(counts.max() / np.maximum(counts, 1), np.float32)


def group_names(count: TaughtCount) -> tuple[str, ...]:
    """Name the labels of a grouping, in the order in which they first appear."""
    return tuple(dict.fromkeys(group_of(label, count) for label in _grouped_into(count)))


def grouped(labels: NDArray[np.int64], count: TaughtCount) -> NDArray[np.int64]:
    """Turn positions in `FACE_LABELS`, of seven in `LABELS`, into positions in `group_names(count)`."""
    names = group_names(count)
    return np.array([names.index(group_of(label, count)) for label in _grouped_into(count)])[labels]


def _grouped_into(count: TaughtCount) -> tuple[str, ...]:
    return LABELS if count == 7 else FACE_LABELS


def regrouped(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], count: TaughtCount
) -> LabelFigures:
    """Measure predictions of 7 or 8 labels by group, whose probability is the sum over its labels."""
    names = group_names(count)
    members = np.eye(len(names))[grouped(np.arange(probabilities.shape[1]), count)]
    values = probabilities @ members
    return measure_labels(values, grouped(labels, count), names)
