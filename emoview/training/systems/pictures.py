"""Label classifiers for single pictures: any network of the catalogue, any data set of faces.

Frame networks of the frame CNN + MFCC work, the shallow and deep networks compared by BKNet's, and the
picture stage of the CNN + GRU work differ in their options alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.common.folders import Data
from emoview.datasets.pictures import LabelledPictures, Truth
from emoview.datasets.splits import assert_filled, assert_taught
from emoview.errors import DatasetError, InputError
from emoview.fusion.late import softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import accuracy, measure_labels
from emoview.metrics.plot import plot_figures
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.merging import add_normalisation, merge_normalisation
from emoview.networks.preparation import prepared
from emoview.networks.runs import NetworkOfRun, Run
from emoview.networks.seen import assert_unseen, with_start
from emoview.timeline.labels import CONTEMPT, FACE_LABELS
from emoview.training.batches import DecodedPictures, picture_batches, pixel_statistics, predicted
from emoview.training.kept import kept
from emoview.training.label_groups import class_weights, group_names, grouped, regrouped
from emoview.training.loop import Batch, fit_head_first, read_history
from emoview.training.losses import MulticlassHinge
from emoview.training.parts import Parts, Told, learned_from, split_pictures
from emoview.training.plots import plot_curves
from emoview.training.starts import take_start
from emoview.training.systems.events import OnEvent
from emoview.training.systems.folds import picture_folds
from emoview.training.systems.options import PictureOptions
from emoview.training.teacher import Views, assert_teaches, content_of, taught

RISING = (0.05, 0.2, 0.2, 0.3)
"""Dropout of the four stages of deep networks of small pictures (system E, section 7.1.3)."""

SMALL_SIDE, LARGEST_SMALL = 42, 100
"""What networks for large pictures get where small ones are asked for, and what counts as small."""

_MEASURED = 256
"""Pictures by which normalisations behind the layers of a trained network begin."""


def train(options: PictureOptions, data: Data, run: Run, on_event: OnEvent) -> None:
    """Train a network on pictures, and measure it on a part that it has not seen."""
    shape = input_shape(options)
    pictures, parts = opened(options, data)
    decoded = DecodedPictures.of(pictures, size=shape[0], colour=shape[-1] == 3)
    names = group_names(options.labels)
    groups = grouped(pictures.labels, options.labels)
    name = options.network
    _assert_learned(pictures, parts, options)
    _assert_unseen(pictures.select(parts[2]), options)
    seen = with_start(learned_from(pictures, parts), options.start, name)
    run.learns(name, with_start(seen, options.teacher))
    targets = targets_of(pictures, groups, parts[0], options, run.part(name))
    model = _learn(name, decoded, groups, targets, parts, options, run, on_event)
    held_out = predicted(model, decoded, parts[1])
    scale = fit_scale(held_out, groups[parts[1]])
    probabilities = softmax(scale * predicted(model, decoded, parts[2]))
    people = pictures.select(parts[2]).subjects
    figures = measure_labels(probabilities, groups[parts[2]], names, people=people)
    stored = NetworkOfRun(
        name, "face", "pictures", names, shape[0], shape[-1] == 3, scale, model.count_params(), flops(model)
    )
    report(run, stored, model, figures)
    for count in (3, 2) if options.labels >= 7 else ():
        run.measured(
            f"{name}, {count} labels after training",
            regrouped(probabilities, pictures.labels[parts[2]], count, people),
        )
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})


def check(options: PictureOptions) -> None:
    """Refuse options that go with no network, before data are read.

    Raises:
        InputError: They do not go together, or there is no such start or teacher, or it does not fit.
    """
    names, shape = group_names(options.labels), input_shape(options)
    if options.labels == 7 and FACE_LABELS.index(CONTEMPT) in _omitted(options):
        raise InputError(
            "contempt is none of the seven labels: leave it out of omit, or set labels=8, 3 or 2"
        )
    _check_teacher(options, names)
    network = _network(options, shape, names)
    if options.start is not None:
        bare = _network(replace(options, batch_norm=False), shape, names) if options.batch_norm else network
        take_start(prepared(bare, options.preparation), options.start, options.network, names)


def _check_teacher(options: PictureOptions, names: Sequence[str]) -> None:
    if options.teacher is None:
        if options.teacher_views:
            raise InputError("teacher_views needs a teacher: name one, or leave it out")
        return
    assert_teaches(options.teacher, names)


def cross_validated(
    options: PictureOptions, data: Data, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of all but what is measured in the end: accuracy on each fold left out, in percent."""
    shape = input_shape(options)
    pictures, (train_part, choose, _) = _with_omitted(options, data)
    decoded = DecodedPictures.of(pictures, size=shape[0], colour=shape[-1] == 3)
    groups = grouped(pictures.labels, options.labels)
    result = []
    known = np.sort(np.concatenate([train_part, choose]))
    _assert_unseen(pictures.select(known), options)
    # What is omitted is measured in the folds, too: else a search would prefer to omit what is hard to tell.
    drawn = picture_folds(pictures, known, folds, options.seed)
    every = [_without_omitted(pictures, parts, options) for parts in drawn]
    for parts in every:
        _assert_learned(pictures, parts, options)
    for number, parts in enumerate(every, start=1):
        part = f"{options.network}-{folds}-folds/{number}"
        targets = targets_of(pictures, groups, parts[0], options, run.part(part))
        model = _learn(part, decoded, groups, targets, parts, options, run, on_event)
        result.append(accuracy(predicted(model, decoded, parts[2]), groups[parts[2]]))
        on_event({"fold": number, "accuracy": result[-1]})
    return tuple(result)


def opened(options: PictureOptions, data: Data) -> tuple[LabelledPictures, Parts]:
    """Open the pictures with the labels that the options ask for, and split them.

    Those with labels that are omitted are in the part alone that is measured.

    Raises:
        DatasetError: Contempt is to be told, and no picture shows it.
    """
    pictures, parts = _with_omitted(options, data)
    return pictures, _without_omitted(pictures, parts, options)


def _with_omitted(options: PictureOptions, data: Data) -> tuple[LabelledPictures, Parts]:
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


def _without_omitted(pictures: LabelledPictures, parts: Parts, options: PictureOptions) -> Parts:
    omitted = _omitted(options)
    train_part, choose = (part[~np.isin(pictures.labels[part], omitted)] for part in parts[:2])
    return train_part, choose, parts[2]


def _omitted(options: PictureOptions) -> list[int]:
    """Give the positions in `FACE_LABELS` of the labels that are not learned."""
    names = (options.omit,) if isinstance(options.omit, str) else options.omit
    return [FACE_LABELS.index(name) for name in names]


def _assert_learned(pictures: LabelledPictures, parts: Parts, options: PictureOptions) -> None:
    """Make sure that every label that is asked about is learned, but for those that are omitted.

    Raises:
        DatasetError: One is not, or nothing is left to choose by.
    """
    assert_filled(parts, "pictures")
    asked = np.concatenate(parts[1:])
    asked = asked[~np.isin(pictures.labels[asked], _omitted(options))]
    groups = grouped(pictures.labels, options.labels)
    assert_taught(groups, parts[0], asked, group_names(options.labels), "pictures")


def _assert_unseen(measured: LabelledPictures, options: PictureOptions) -> None:
    for begun, network in ((options.start, options.network), (options.teacher, None)):
        if begun is not None:
            assert_unseen(begun, measured.digests(), measured.subjects, network)


def targets_of(
    pictures: LabelledPictures,
    groups: NDArray[np.int64],
    known: NDArray[np.int64],
    options: PictureOptions,
    folder: Path,
) -> NDArray[np.float32]:
    """Give what the network should say: the labels, and what a teacher says of those `known`.

    What the teacher says is kept in `folder`.

    Returns:
        `(views, n, labels)`: of each view of the pictures, or one for all.

    Raises:
        InputError: There is no teacher for the views, or see `taught`.
    """
    names = group_names(options.labels)
    _check_teacher(options, names)
    targets = np.eye(len(names), dtype=np.float32)[groups][None]
    teacher = options.teacher
    if teacher is None:
        return targets
    share = np.float32(options.teacher_share)
    views = Views(options.teacher_views, options.augmentation, options.seed)
    of = "\n".join((content_of(teacher), *views.key(known), *pictures.select(known).digests())).encode()
    shape = (max(views.count, 1), len(known), len(names))
    folder.mkdir(parents=True, exist_ok=True)
    said = kept(
        folder / "taught.npz", of, shape, lambda: taught(teacher, pictures, known, names, views), finite=True
    )
    targets = np.repeat(targets, len(said), axis=0)
    targets[:, known] = (1 - share) * targets[:, known] + share * said
    return targets


def _learn(
    part: str,
    decoded: DecodedPictures,
    groups: NDArray[np.int64],
    targets: NDArray[np.float32],
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
            seed=options.seed, epoch=epoch, views=options.teacher_views,
        ):  # fmt: skip
            wanted = targets[epoch % len(targets), index]
            yield (values, wanted) if weights is None else (values, wanted, weights[groups[index]])

    def judge(model: keras.Model) -> dict[str, float]:
        said = predicted(model, decoded, parts[1])
        return validated(said, groups[parts[1]], loss=loss, batch=options.batch)

    model = fit_head_first(
        build, only_dense_learn, options.head_epochs, batches, judge, options.plan, run.part(part),
        loss=loss, seed=options.seed, name=part, of=len(parts[0]) // options.batch, on_event=on_event,
    )  # fmt: skip
    if not options.batch_norm:
        return model
    published = built(replace(options, batch_norm=False), shape, names, decoded, parts[0])
    merge_normalisation(model, published)
    return published


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
    network = _network(options, shape, names)
    pixels = None
    if options.preparation in ("pixel", "both"):
        pixels = pixel_statistics(pictures, known, normalised=options.preparation == "both")
    model = prepared(network, options.preparation, pixels=pixels)
    if options.start is None:
        return model
    if options.batch_norm:
        bare = built(replace(options, batch_norm=False), shape, names, pictures, known)
        some = [pictures[int(index)] for index in known[:_MEASURED]]
        add_normalisation(bare, model, np.stack(some).astype(np.float32) / 255)
    else:
        take_start(model, options.start, options.network, names)
    return model


def _network(options: PictureOptions, shape: tuple[int, int, int], names: Sequence[str]) -> keras.Model:
    """Build a network of pictures, with random weights.

    Raises:
        InputError: It has no such option, or cannot take such pictures.
    """
    own: dict[str, Any] = {} if options.activation is None else {"activation": options.activation}
    if options.batch_norm:
        own["batch_norm"] = True
    try:
        return catalog.build(
            options.network, labels=len(names), input_shape=shape,
            pooling=options.pooling, dropout=dropout_of(options), **own,
        )  # fmt: skip
    except ValueError as error:
        raise InputError(str(error)) from None


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
