"""System C: valence and arousal estimated from faces by residual and VGG networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.affect import LabelledAffect
from emoview.datasets.splits import assert_disjoint, folds_by_group
from emoview.errors import InputError
from emoview.metrics.figures import AffectFigures
from emoview.metrics.values import ccc, measure_folds
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.preparation import prepared
from emoview.networks.runs import NetworkOfRun, Run
from emoview.networks.seen import Seen, assert_unseen, with_start
from emoview.training.affect_frames import FRAMES, open_affect
from emoview.training.batches import DecodedPictures, picture_batches, pixel_statistics, predicted
from emoview.training.loop import Batch, fit_head_first, read_history
from emoview.training.plan import VALIDATION
from emoview.training.plots import plot_curves
from emoview.training.starts import FACE_NETWORK, only_head, take_start
from emoview.training.systems.events import OnEvent
from emoview.training.systems.options import AffectOptions
from emoview.training.systems.pictures import published_shape

WHAT = ("valence", "arousal")
RANKED_BY = "mean CCC"
"""What a search ranks options by."""
_SIDE = 224
SCALE = 10.0
"""Figures are told in the unit of AFEW-VA, -10 to 10."""


def train(options: AffectOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train, and measure on videos, or on a data set, that took no part."""
    affect = cut_as(options.faces, open_affect(data, run.folder / FRAMES, on_event), on_event)
    everything = np.arange(len(affect))
    digests = affect.digests(everything)
    estimated = np.zeros((len(affect), 2), np.float32)
    models, folds = [], []
    if options.test is None:
        _assert_unseen(affect, digests, options)
        drawn = folds_by_group(affect.videos, options.folds, options.seed, duplicates=digests)
        for number, (known, asked) in enumerate(drawn):
            assert_disjoint(known, asked, affect.videos, digests)
            if number == 0:
                _note(affect, digests, known, options, run)
            part = f"{options.network}/{number + 1}"
            model, estimated[asked] = _learn(part, affect, known, asked, options, run, on_event)
            models.append(model)
            folds.append(asked)
        _store(models[0], estimated, affect, folds, options, run, on_event)
        return
    tested = open_affect(Path(options.test), run.folder / FRAMES, on_event)
    other = cut_as(options.faces, tested, on_event)
    measured_on = other.digests(np.arange(len(other)))
    _assert_unseen(other, measured_on, options)
    known = _of_others(affect, digests, other, measured_on)
    if len(known) < len(affect):
        on_event({"left out": f"{len(affect) - len(known)} frames of videos that are in {options.test}, too"})
    if not len(known):
        raise InputError(f"all videos to learn from are in {options.test}, too: name other data to test on")
    _note(affect, digests, known, options, run)
    model, _ = _learn(options.network, affect, known, everything[:0], options, run, on_event)
    frames = _frames(other, options)
    estimated = predicted(model, frames, np.arange(len(other)))
    _store(model, estimated, other, None, options, run, on_event)


def check(options: AffectOptions) -> None:
    """Refuse options that go with no network, before data are read.

    Raises:
        InputError: There is no such network, start or test, or it does not fit.
    """
    if options.test is not None and not Path(options.test).exists():
        raise InputError(f"there is no {options.test} to test on: name the folder or table of annotations")
    _built(options)


def _built(options: AffectOptions, pixels: Any = None) -> keras.Model:
    """Build the network, with the weights that it starts from; `pixels` are those of `prepared`."""
    published_shape(options.network)
    try:
        network = catalog.build(options.network, labels=len(WHAT), input_shape=_shape(options))
    except ValueError as error:
        raise InputError(str(error)) from None
    model = prepared(network, options.preparation, pixels=pixels)
    if options.start is not None:
        take_start(model, options.start, options.network, WHAT)
    if options.only_head:
        only_head(model)
    return model


def _assert_unseen(measured: LabelledAffect, digests: Sequence[str], options: AffectOptions) -> None:
    if options.start is not None:
        people = measured.people(np.arange(len(measured)))
        assert_unseen(options.start, digests, people, options.network)


def _of_others(
    affect: LabelledAffect, digests: Sequence[str], other: LabelledAffect, measured_on: Sequence[str]
) -> NDArray[np.int64]:
    """Give the positions of frames whose videos the `other` data have neither by name nor by a frame."""
    whose = other.people(np.arange(len(other)))
    asked = Seen.of(measured_on, whose).knows(digests, affect.people(np.arange(len(affect))))
    both = {video for video, known in zip(affect.videos, asked, strict=True) if known}
    return np.array([i for i, video in enumerate(affect.videos) if video not in both], np.int64)


def _note(
    affect: LabelledAffect,
    digests: Sequence[str],
    known: NDArray[np.int64],
    options: AffectOptions,
    run: Run,
) -> None:
    """Note what the network that is kept learns from."""
    seen = Seen.of([digests[i] for i in known], affect.people(known))
    run.learns(options.network, with_start(seen, options.start, options.network))


def cross_validated(
    options: AffectOptions, data: Path, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of whole videos: mean of the CCC of valence and arousal on each fold left out."""
    # All runs of a search share them.
    affect = cut_as(options.faces, open_affect(data, run.folder.parent / FRAMES, on_event), on_event)
    digests = affect.digests(np.arange(len(affect)))
    _assert_unseen(affect, digests, options)
    result = []
    drawn = folds_by_group(affect.videos, folds, options.seed, duplicates=digests)
    for number, (known, asked) in enumerate(drawn, start=1):
        part = f"{options.network}-{folds}-folds/{number}"
        _, estimated = _learn(part, affect, known, asked, options, run, on_event)
        result.append(fmean(_concordance(estimated, affect.values[asked]).values()))
        on_event({"fold": number, RANKED_BY: result[-1]})
    return tuple(result)


def cut_as(faces: str, affect: LabelledAffect, on_event: OnEvent) -> LabelledAffect:
    """Let faces be cut out as `AffectOptions.faces` says.

    Raises:
        InputError: No face was found in any frame.
    """
    if faces == "given":
        return affect
    from emoview.face.ibug import ibug_landmarks
    from emoview.face.still import StillFaces

    landmarks = []
    with StillFaces() as stills:
        for index in range(len(affect)):
            mesh = stills.mesh(affect.picture(index))
            landmarks.append(np.full((68, 2), np.nan, np.float32) if mesh is None else ibug_landmarks(mesh))
            on_event({"step": index + 1, "of": len(affect)})
    points = np.stack(landmarks)
    kept = np.flatnonzero(np.isfinite(points[:, 0, 0]))
    on_event({"faces found": f"{len(kept)} of {len(affect)} frames; the others are left out"})
    if not len(kept):
        raise InputError("no face was found in the frames: set faces=given where they show faces alone")
    return affect.part(kept, points[kept])


def decoded(affect: LabelledAffect, size: int, *, colour: bool = True) -> DecodedPictures:
    """Cut the faces out when they are needed."""
    crop = partial(_crop, affect, size, colour)
    return DecodedPictures(len(affect), crop, size=size, channels=3 if colour else 1)


def _crop(affect: LabelledAffect, size: int, colour: bool, index: int) -> NDArray[np.uint8]:
    face = affect.crop(index, size)
    return face if colour else np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)


def _frames(affect: LabelledAffect, options: AffectOptions) -> DecodedPictures:
    side, _, channels = _shape(options)
    return decoded(affect, side, colour=channels == len("RGB"))


def _shape(options: AffectOptions) -> tuple[int, int, int]:
    """Give height, width and channels of what the network takes."""
    if options.network == FACE_NETWORK:
        side, _, channels = published_shape(options.network)
    else:
        side, channels = _SIDE, 3
    return options.size or side, options.size or side, channels


def _learn(
    name: str,
    affect: LabelledAffect,
    known: NDArray[np.int64],
    asked: NDArray[np.int64],
    options: AffectOptions,
    run: Run,
    on_event: OnEvent,
) -> tuple[keras.Model, NDArray[np.float32]]:
    frames = _frames(affect, options)
    loss = keras.losses.MeanSquaredError()
    pixels = None
    if options.preparation in ("pixel", "both"):
        pixels = pixel_statistics(frames, known, normalised=options.preparation == "both")

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

    model = fit_head_first(
        partial(_built, options, pixels), only_head, options.head_epochs, batches, judge, options.plan,
        run.part(name), name=name, loss=loss, seed=options.seed, watch="valence CCC", metrics=(),
        of=len(known) // options.batch, on_event=on_event,
    )  # fmt: skip
    return model, predicted(model, frames, asked) if len(asked) else np.zeros((0, 2), np.float32)


def _concordance(said: NDArray[np.float32], true: NDArray[np.float32]) -> dict[str, float]:
    return {f"{what} CCC": ccc(said[:, i], true[:, i]) for i, what in enumerate(WHAT)}


def _store(
    model: keras.Model,
    estimated: NDArray[np.float32],
    affect: LabelledAffect,
    folds: list[NDArray[np.int64]] | None,
    options: AffectOptions,
    run: Run,
    on_event: OnEvent,
) -> None:
    figures = {what: measured(estimated, affect.values, affect.videos, what, folds) for what in WHAT}
    name = options.network
    cost = (model.count_params(), flops(model))
    side, _, channels = _shape(options)
    network = NetworkOfRun(name, "va", "pictures", WHAT, side, channels == len("RGB"), 1.0, *cost)
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
    videos: Sequence[str],
    what: str,
    folds: list[NDArray[np.int64]] | None,
) -> AffectFigures:
    """Measure valence or arousal, both `(n, 2)` and in [-1, 1], in the unit of AFEW-VA.

    The figures are means over the folds, positions of each; None for all as one.  Intervals come of drawing
    whole videos, of which `videos` `(n,)` names that of each frame.
    """
    column = WHAT.index(what)
    one, other = (SCALE * side[:, column].astype(float) for side in (estimated, annotated))
    return measure_folds(one, other, folds or [np.arange(len(other))], videos, scale=SCALE)
