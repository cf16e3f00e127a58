"""System D on clips: GRUs over face embeddings and voice, four early fusions and the late ones.

Everything is measured leave-one-actor-out: each network is trained anew without the actor whose clips it
is asked about, and so is every late rule.  Early fusions and single networks take the same sequences.  The
GRUs within an early fusion start from those that were trained alone, on the same clips (section 4.4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.datasets.clips import ClipFile
from emoview.datasets.files import digest_of
from emoview.datasets.splits import (
    Indices,
    assert_disjoint,
    assert_taught,
    folds_by_group,
)
from emoview.metrics.calibration import calibrated_by_others, fit_scale
from emoview.metrics.labels import accuracy, measure_labels
from emoview.networks.catalog import build
from emoview.networks.choices import EARLY_VARIANTS
from emoview.networks.early_fusion import (
    FACE,
    SIDES,
    VOICE,
    early_network,
    one_sided_network,
    start_side,
)
from emoview.networks.flops import flops
from emoview.networks.runs import NetworkOfRun, Run
from emoview.networks.seen import Seen, handed_on, with_start
from emoview.networks.sizes import DESCRIPTORS, FUNCTIONALS
from emoview.networks.temporal import set_normalisation
from emoview.timeline.labels import LABELS
from emoview.training.clips import Clip, read_clips
from emoview.training.late_fusion import Predictions, late_fusions
from emoview.training.loop import Batch, fit
from emoview.training.systems.clip_sequences import (
    Sequences,
    face_network_of,
    input_variance,
    inputs_of,
    sequences_of,
)
from emoview.training.systems.events import OnEvent
from emoview.training.systems.folds import best_network
from emoview.training.systems.options import SINGLE, ClipFusionOptions
from emoview.training.systems.pictures import loss_of, report, validated

_ALONE = {FACE: "visual-gru", VOICE: "sound-gru"}
_SIDES = {f"early-{variant}": sides for variant, sides in SIDES.items()}


def train(options: ClipFusionOptions, data: Path, run: Run, on_event: OnEvent) -> None:
    """Train and measure all single networks and all fusions on the same clips."""
    wanted = _in_order(options.networks)
    described = read_clips(data, run.folder / "features", on_file=lambda i, n: on_event({"step": i, "of": n}))
    clips = sequences_of(described, options.faces, on_event)
    builders = _builders(options, clips.width)
    seen = _seen(described, clips, data, options.faces)
    splits = clips.splits()
    every = np.sort(np.concatenate([asked for _, asked in splits]))
    if options.faces is not None:
        _tell_of_faces(options.faces, [described[i].file for i in every], data, on_event)
    said: dict[str, NDArray[np.float32]] = {}
    trained: dict[str, list[keras.Model]] = {}
    for name in wanted:
        run.learns(name, seen)
        start = partial(_start, name, trained)
        places = [f"{name}/without-{clips.actors[asked[0]]}" for _, asked in splits]
        logits, models = _said_of_unseen(places, builders[name], start, splits, clips, options, run, on_event)
        said[name], trained[name], model = logits[every], models, models[0]
        labels = clips.labels[every]
        scale = fit_scale(said[name], labels)
        folds = [np.searchsorted(every, asked) for _, asked in splits]
        probabilities = calibrated_by_others(said[name], labels, folds)
        figures = measure_labels(probabilities, labels, LABELS, people=[clips.actors[i] for i in every])
        takes = "functionals" if name == "functionals-dnn" else "embeddings+descriptors"
        cost = (model.count_params(), _flops(model, clips.width))
        report(run, NetworkOfRun(name, "clips", takes, LABELS, None, False, scale, *cost), model, figures)
        on_event({"network": name, "uar": str(figures.uar)})
    predictions = Predictions(
        tuple(str(clip.file.path.relative_to(data)) for clip in described), clips.labels, clips.actors, said
    ).select(every)
    predictions.save(run.folder)
    single = [name for name in SINGLE if name in said]
    if len(single) > 1:
        _fuse(predictions, single, run, on_event)


def _fuse(predictions: Predictions, single: Sequence[str], run: Run, on_event: OnEvent) -> None:
    if len(set(predictions.actors)) < 2:
        on_event({"note": "one actor is measured, so that rules of late fusion have nobody to learn from"})
        return
    for name, figures in late_fusions(predictions, single).items():
        run.measured(f"late: {name}", figures)
        on_event({"late fusion": name, "uar": str(figures.uar)})


def check(options: ClipFusionOptions) -> None:
    """Refuse a run that cannot embed faces, before clips are read."""
    if options.faces is not None:
        face_network_of(options.faces)


def _seen(described: list[Clip], clips: Sequences, data: Path, faces: str | None) -> Seen:
    """Give what is learned from and calibrated by, and what the network of faces learned from.

    Raises:
        DatasetError: A label cannot be learned from the clips of others.
    """
    for known, asked in clips.splits():
        assert_taught(clips.labels, known, asked, LABELS, "clips")
    part_of_it = np.unique(np.concatenate([i for split in clips.splits() for i in split]))
    files = [described[i].file for i in part_of_it]
    seen = Seen.of([digest_of(file.path) for file in files], [file.person(data) for file in files])
    return with_start(seen, faces)


def _tell_of_faces(faces: str, measured: Sequence[ClipFile], data: Path, on_event: OnEvent) -> None:
    """Say where the network of faces knows what is measured: it was trained once, with every actor."""
    people = [file.person(data) for file in measured]
    known = sum(handed_on(Path(faces)).knows([digest_of(file.path) for file in measured], people))
    if known:
        on_event({
            "note": f"{faces} learned from {known} of these {len(people)} clips, or from who acts in them: "
            "figures of all that sees faces flatter"
        })  # fmt: skip


def cross_validated(
    options: ClipFusionOptions, data: Path, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on folds of whole actors of the training part, or of all clips where there are no parts.

    Returns:
        Accuracy on each fold left out, in percent, of the network that is best in the mean.
    """
    # All runs of a search share them.
    features = run.folder.parent / "features"
    described = read_clips(data, features, on_file=lambda i, n: on_event({"step": i, "of": n}))
    clips = sequences_of(described, options.faces, on_event)
    builders = _builders(options, clips.width)
    parts = np.array([part or "" for part in clips.parts])
    known = np.flatnonzero(parts == "train") if "train" in parts else np.arange(len(parts))
    copies = None if clips.digests is None else [clips.digests[i] for i in known]
    if options.faces is not None:
        _tell_of_faces(options.faces, [described[i].file for i in known], data, on_event)
    drawn = folds_by_group([clips.actors[i] for i in known], folds, options.seed, duplicates=copies)
    splits = [(known[rest], known[left_out]) for rest, left_out in drawn]
    for rest, left_out in splits:
        assert_taught(clips.labels, rest, left_out, LABELS, "clips")
    trained: dict[str, list[keras.Model]] = {}
    found: dict[str, list[float]] = {}
    for name in _in_order(options.networks):
        places = [f"{name}-{folds}-folds/{number}" for number in range(1, folds + 1)]
        start = partial(_start, name, trained)
        said, trained[name] = _said_of_unseen(
            places, builders[name], start, splits, clips, options, run, on_event
        )
        if name in options.networks:
            found[name] = [accuracy(said[asked], clips.labels[asked]) for _, asked in splits]
    return best_network(found, on_event)


def _builders(options: ClipFusionOptions, width: int) -> Mapping[str, Callable[[], keras.Model]]:
    embedding = width - DESCRIPTORS
    shared = {"bidirectional": options.bidirectional}
    early = {
        f"early-{variant}": partial(
            early_network, variant, embedding=embedding, descriptors=DESCRIPTORS, units=options.units,
            sound_units=options.sound_units, depth=options.depth, sound_depth=options.sound_depth, **shared,
        )
        for variant in EARLY_VARIANTS
    }  # fmt: skip
    alone: dict[str, Any] = {"width": width, "attention": options.attention, **shared}
    return {
        "visual-gru": partial(
            one_sided_network, 0, embedding, units=options.units, depth=options.depth, **alone
        ),
        "sound-gru": partial(
            one_sided_network, embedding, width, units=options.sound_units, depth=options.sound_depth, **alone
        ),
        "functionals-dnn": partial(build, "functionals-dnn", labels=len(LABELS), input_shape=(FUNCTIONALS,)),
        **early,
    }


def _in_order(networks: tuple[str, ...]) -> tuple[str, ...]:
    """Put before each early fusion the networks that it starts from."""
    stages = {name: [_ALONE[side] for side in _SIDES.get(name, ())] for name in networks}
    return tuple(dict.fromkeys(one for name in networks for one in (*stages[name], name)))


def _start(name: str, trained: Mapping[str, list[keras.Model]], split: int, model: keras.Model) -> None:
    """Begin a network with those that were trained on the same split, where it has such parts."""
    for side in _SIDES.get(name, ()):
        start_side(model, side, trained[_ALONE[side]][split])


def _said_of_unseen(
    places: Sequence[str],
    builder: Callable[[], keras.Model],
    start: Callable[[int, keras.Model], None],
    splits: Sequence[tuple[Indices, Indices]],
    clips: Sequences,
    options: ClipFusionOptions,
    run: Run,
    on_event: OnEvent,
) -> tuple[NDArray[np.float32], list[keras.Model]]:
    """Train once a split: logits `(n, 7)` of what was not in training, and the networks.

    Each is trained in one of `places` of the run.  `start` is called with the number of the split and the
    network before it learns.
    """
    said = np.zeros((len(clips.labels), len(LABELS)), np.float32)
    models = []
    for number, (known, asked) in enumerate(splits):
        assert_disjoint(known, asked, clips.actors)

        def started(number: int = number) -> keras.Model:
            model = builder()
            start(number, model)
            return model

        model = _learn(places[number], started, clips, (known, asked), options, run, on_event)
        said[asked] = _logits(model, clips, asked, options)
        models.append(model)
    return said, models


def _learn(
    name: str,
    builder: Callable[[], keras.Model],
    clips: Sequences,
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    options: ClipFusionOptions,
    run: Run,
    on_event: OnEvent,
) -> keras.Model:
    known, asked = parts
    loss = loss_of("cross-entropy")

    def whole() -> keras.Model:
        model = builder()
        if isinstance(model.output, list):
            every = np.concatenate([clips.values[i] for i in known])
            model_to_train = keras.Model(model.input, model.output[0], name=model.name)
        else:
            every, model_to_train = clips.functionals[known], model
        variance = input_variance(every, clips.width - DESCRIPTORS if len(model.inputs) > 1 else 0)
        set_normalisation(model, every.mean(axis=0), variance)
        return model_to_train

    def batches(epoch: int) -> Iterator[Batch]:
        rng = np.random.default_rng((options.seed, epoch))
        order = rng.permutation(known)
        for start in range(0, len(order) - options.batch + 1, options.batch):
            index = order[start : start + options.batch]
            targets = np.eye(len(LABELS), dtype=np.float32)[clips.labels[index]]
            yield inputs_of(clips, index, options.length, name.startswith("functionals"), rng), targets

    def judge(model: keras.Model) -> dict[str, float]:
        said = _logits(model, clips, asked, options)
        return validated(said, clips.labels[asked], loss=loss, batch=options.batch)

    # By the accuracy in training: what is measured must not choose.
    return fit(
        whole, batches, judge, options.plan, run.part(name), loss=loss, seed=options.seed,
        watch="accuracy", name=name, of=len(known) // options.batch, on_event=on_event,
    )  # fmt: skip


def _logits(
    model: keras.Model, clips: Sequences, index: NDArray[np.int64], options: ClipFusionOptions
) -> NDArray[np.float32]:
    if len(model.inputs) == 1:
        return np.asarray(model.predict_on_batch(clips.functionals[index]))
    inputs = inputs_of(clips, index, options.length, False, None)
    if options.aggregate == "mean":
        return np.asarray(model.predict_on_batch(inputs))
    ticks = keras.Model(model.input, model.get_layer("tick_logits").output).predict_on_batch(inputs)
    return np.stack([np.median(t[m], axis=0) for t, m in zip(ticks, inputs[1], strict=True)])


def _flops(model: keras.Model, width: int) -> int:
    """Count the operations of one tick, or of one vector of functionals."""
    return flops(model, input_shape=[(1, width), (1,)]) if len(model.inputs) > 1 else flops(model)
