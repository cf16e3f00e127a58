"""Voice networks over one vector an utterance: the 1D CNN over MFCC means, the dense one over functionals.

Two protocols, side by side: the random split of publications, in which each speaker stands on both
sides, and folds of speakers, which tell what becomes of a stranger's voice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.folders import Data, folders_of
from emoview.datasets.files import digest_of
from emoview.datasets.speech import Utterance, read_speech
from emoview.datasets.splits import assert_disjoint, assert_taught, folds_by_group, stratified_split
from emoview.errors import DatasetError, InputError
from emoview.fusion.late import softmax
from emoview.metrics.calibration import calibrated_by_others, fit_scale
from emoview.metrics.labels import accuracy, measure_labels
from emoview.networks import catalog
from emoview.networks.flops import flops
from emoview.networks.runs import FEATURE_WIDTHS, NetworkOfRun, Run
from emoview.networks.seen import Seen
from emoview.networks.temporal import set_normalisation
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.kept import kept
from emoview.training.loop import Batch, fit
from emoview.training.processes import each
from emoview.training.speech import load_samples
from emoview.training.systems.events import OnEvent
from emoview.training.systems.options import SoundFeatures, SoundOptions
from emoview.training.systems.pictures import loss_of, report, validated
from emoview.voice.descriptors import functionals, mfcc_means
from emoview.voice.smile import FunctionalSet


def train(options: SoundOptions, data: Data, run: Run, on_event: OnEvent) -> None:
    """Train under both protocols; the network of the first fold, which can be trusted, is the outcome."""
    utterances = _utterances(options, data, on_event)
    names, labels = _labels_of(utterances)
    _built(options, len(names), FEATURE_WIDTHS[options.features])
    digests = [digest_of(u.path) for u in utterances]
    people = [u.person for u in utterances]
    train_part, test = _random_split(labels, digests, options)
    folds = folds_by_group(people, options.folds, options.seed, duplicates=digests)
    for known, asked in folds:
        assert_disjoint(known, asked, people, digests)
    for known, asked in ((train_part, test), *folds):
        assert_taught(labels, known, asked, names, "recordings")
    name, by_speaker = (f"{options.network}-{protocol}" for protocol in ("random-split", "speaker-folds"))
    run.learns(name, _seen(utterances, digests, train_part))
    # What the folds say of all recordings calibrates the network that is kept.
    run.learns(by_speaker, _seen(utterances, digests, np.arange(len(utterances))))
    values = describe(utterances, digests, options.features, run.folder, on_event)
    model, logits = _learn(name, values, labels, (train_part, test), len(names), options, run, on_event)
    figures = measure_labels(softmax(logits), labels[test], names, people=[people[i] for i in test])
    report(run, _network(name, options, names, 1.0, model), model, figures)
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})

    name = by_speaker
    said, models = np.zeros((len(labels), len(names)), np.float32), []
    for number, (train_part, test) in enumerate(folds):
        part = f"{name}/{number + 1}"
        model, said[test] = _learn(
            part, values, labels, (train_part, test), len(names), options, run, on_event
        )
        models.append(model)
    scale = fit_scale(said, labels)
    probabilities = calibrated_by_others(said, labels, [test for _, test in folds])
    figures = measure_labels(probabilities, labels, names, people=people)
    report(run, _network(name, options, names, scale, models[0]), models[0], figures)
    on_event({"network": name, "accuracy": str(figures.accuracy), "uar": str(figures.uar)})


def check(options: SoundOptions) -> None:
    """Refuse options that go with no network of sound, before recordings are read."""
    _built(options, len(VOICE_LABELS), FEATURE_WIDTHS[options.features])


def cross_validated(
    options: SoundOptions, data: Data, run: Run, folds: int, on_event: OnEvent
) -> tuple[float, ...]:
    """Train on the folds of what the random split trains on: accuracy on each fold left out, in percent.

    The folds are drawn at random, each with the same mix of labels.
    """
    utterances = _utterances(options, data, on_event)
    names, labels = _labels_of(utterances)
    _built(options, len(names), FEATURE_WIDTHS[options.features])
    digests = [digest_of(u.path) for u in utterances]
    # All runs of a search share them.
    values = describe(utterances, digests, options.features, run.folder.parent, on_event)
    known, _ = _random_split(labels, digests, options)
    parts = stratified_split(
        labels[known], (1 / folds,) * folds, options.seed, duplicates=[digests[i] for i in known]
    )
    result = []
    every = [(np.setdiff1d(known, known[part]), known[part]) for part in parts]
    for rest, left_out in every:
        assert_taught(labels, rest, left_out, names, "recordings")
    for number, (rest, left_out) in enumerate(every, start=1):
        name = f"{options.network}-{folds}-folds/{number}"
        _, logits = _learn(name, values, labels, (rest, left_out), len(names), options, run, on_event)
        result.append(accuracy(logits, labels[left_out]))
        on_event({"fold": number, "accuracy": result[-1]})
    return tuple(result)


def _utterances(options: SoundOptions, data: Data, on_event: OnEvent) -> tuple[Utterance, ...]:
    every = [u for folder in folders_of(data) for u in read_speech(folder, songs=options.songs)]
    utterances = tuple(u for u in every if not options.corpora or u.corpus in options.corpora)
    if not utterances:
        where, wanted = " and ".join(map(str, folders_of(data))), ", ".join(options.corpora)
        raise DatasetError(f"{where} holds nothing of {wanted}: set corpora to what it holds")
    missing = sorted({*options.corpora} - {u.corpus for u in utterances})
    if missing:
        on_event({"note": f"nothing is there of {', '.join(missing)}"})
    return utterances


def _labels_of(utterances: tuple[Utterance, ...]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Give the labels that there are, and each utterance's position in them."""
    names = tuple(label for label in VOICE_LABELS if any(u.label == label for u in utterances))
    return names, np.array([names.index(u.label) for u in utterances])


def _seen(utterances: tuple[Utterance, ...], digests: list[str], which: NDArray[np.int64]) -> Seen:
    return Seen.of([digests[i] for i in which], [utterances[i].person for i in which])


def _random_split(
    labels: NDArray[np.int64], digests: list[str], options: SoundOptions
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    shares = (1 - options.test, options.test)
    train_part, test = stratified_split(labels, shares, options.seed, duplicates=digests)
    return train_part, test


def _learn(
    name: str,
    values: NDArray[np.float32],
    labels: NDArray[np.int64],
    parts: tuple[NDArray[np.int64], NDArray[np.int64]],
    count: int,
    options: SoundOptions,
    run: Run,
    on_event: OnEvent,
) -> tuple[keras.Model, NDArray[np.float32]]:
    train_part, test = parts
    loss = loss_of("cross-entropy")

    def build() -> keras.Model:
        model = _built(options, count, values.shape[1])
        known = values[train_part]
        set_normalisation(model, known.mean(axis=0), known.var(axis=0) + 1e-6)
        return model

    def batches(epoch: int) -> Iterator[Batch]:
        order = np.random.default_rng((options.seed, epoch)).permutation(train_part)
        for start in range(0, len(order) - options.batch + 1, options.batch):
            index = order[start : start + options.batch]
            yield values[index], np.eye(count, dtype=np.float32)[labels[index]]

    def judge(model: keras.Model) -> dict[str, float]:
        return validated(_logits(model, values[test]), labels[test], loss=loss, batch=options.batch)

    # By the accuracy in training: what is measured must not choose.
    model = fit(
        build, batches, judge, options.plan, run.part(name), loss=loss,
        seed=options.seed, watch="accuracy", name=name, of=len(train_part) // options.batch,
        on_event=on_event,
    )  # fmt: skip
    return model, _logits(model, values[test])


def _built(options: SoundOptions, labels: int, width: int) -> keras.Model:
    """Build the network over vectors of a width.

    Raises:
        InputError: There is no such network, or it has no such option.
    """
    ours = [name for name, network in catalog.NETWORKS.items() if len(network.input_shape) == 1]
    if options.network not in (*ours, *catalog.NETWORKS.faults):
        raise InputError(f"there is no network of sound {options.network!r}; choose one of {', '.join(ours)}")
    own: dict[str, Any] = {"units": options.units, "batch_norm": options.batch_norm}
    try:
        return catalog.build(
            options.network, labels=labels, input_shape=(width,), dropout=options.dropout, **own
        )
    except ValueError as error:
        raise InputError(str(error)) from None


def _logits(model: keras.Model, values: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(model.predict(values, batch_size=256, verbose=0))


def _network(
    name: str, options: SoundOptions, labels: tuple[str, ...], scale: float, model: keras.Model
) -> NetworkOfRun:
    return NetworkOfRun(
        name, "voice", options.features, labels, None, False, scale, model.count_params(), flops(model)
    )


def describe(
    utterances: tuple[Utterance, ...],
    digests: Sequence[str],
    features: SoundFeatures,
    folder: Path,
    on_event: OnEvent,
) -> NDArray[np.float32]:
    """Compute, or read back, one vector for each utterance, of which the digests are given: `(n, width)`."""
    of = "\n".join((features, *digests)).encode()
    shape = (len(utterances), None)
    return kept(folder / f"{features}.npz", of, shape, lambda: vectors(utterances, features, on_event))


def vectors(utterances: tuple[Utterance, ...], features: str, on_event: OnEvent) -> NDArray[np.float32]:
    """Compute one vector for each utterance: `(n, width)`."""
    rows: list[NDArray[np.float32]] = []
    for row in each(_FUNCTIONS[features], [u.path for u in utterances]):
        rows.append(row)
        on_event({"step": len(rows), "of": len(utterances)})
    return np.stack(rows)


def _mfcc_means_of(path: Path) -> NDArray[np.float32]:
    return mfcc_means(load_samples(path))


def _functionals_of(which: FunctionalSet, path: Path) -> NDArray[np.float32]:
    return functionals(load_samples(path), which)


_FUNCTIONS: Mapping[str, Callable[[Path], NDArray[np.float32]]] = {
    "mfcc-means": _mfcc_means_of,
    "functionals": partial(_functionals_of, FunctionalSet.COMPARE_2016),
    "emobase": partial(_functionals_of, FunctionalSet.EMOBASE),
    "is10": partial(_functionals_of, FunctionalSet.IS10),
}
