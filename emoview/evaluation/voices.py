"""Measuring voice networks on labelled recordings, as they are or by protocols that train anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emoview.datasets.files import digest_of
from emoview.datasets.speech import Utterance, read_speech
from emoview.datasets.splits import (
    Indices,
    assert_disjoint,
    assert_taught,
    folds_by_group,
    leave_one_group_out,
)
from emoview.errors import InputError
from emoview.evaluation.seen import Examples, SeenCheck
from emoview.fusion.late import log_softmax, softmax
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import measure_labels
from emoview.networks.runs import load_network, networks_of
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.training.speech import (
    MOST_ALIKE,
    TAUGHT,
    SpeechFeatures,
    Variant,
    describe_utterances,
    joined,
    spread,
)
from emoview.training.systems.events import OnEvent
from emoview.training.voice import (
    VoiceRecipe,
    predict_clip,
    predict_ticks,
    train_clip,
    train_ticks,
)
from emoview.training.voice_splits import RAVDESS_FOLDS

VoiceProtocol = Literal["given", "speaker-folds", "leave-one-speaker-out", "cross-corpus", "ravdess-folds"]


@dataclass(frozen=True)
class _Asked:
    """Utterances, the labels told apart, and where each utterance's label stands among them."""

    utterances: tuple[Utterance, ...]
    names: tuple[str, ...]
    labels: NDArray[np.int64]


def evaluate_voices(
    model: str,
    folder: Path,
    protocol: VoiceProtocol,
    *,
    seed: int,
    on_event: OnEvent,
    check: SeenCheck | None = None,
) -> dict[str, LabelFigures]:
    """Measure what ships, or the networks of a run, on labelled recordings.

    Args:
        model: `shipped`, or a run folder.
        folder: Recordings, by an index or by the names of a known corpus.
        protocol: `given` asks the networks as they are about every recording.  The others train both
            networks that ship anew, as they were trained for it: on folds of speakers, without each speaker,
            without each corpus (labels that several corpora have), or on RAVDESS' folds of actors with the
            other corpora in training.  What the two say is joined by the mean of their log-probabilities,
            which hangs on nobody's answers.
        seed: Of the folds.
        on_event: Told how far it is.
        check: Says what becomes of recordings that a network of a run learned from; None refuses them.

    Returns:
        Figures by network; of a protocol of both and of each network, of `cross-corpus` by corpus left out
        too.
    """
    utterances = read_speech(folder)
    if protocol == "cross-corpus":
        utterances = _shared(utterances)
    names = tuple(label for label in VOICE_LABELS if any(u.label == label for u in utterances))
    # Networks answer for all of the seven, whichever of them a folder holds.
    names = tuple(label for label in VOICE_LABELS if label in names or label in LABELS)
    asked = _Asked(utterances, names, np.array([names.index(u.label) for u in utterances]))
    if protocol != "given":
        if model != "shipped":
            raise InputError("protocols other than given train anew what ships: name shipped as the model")
        return _by_protocol(asked, protocol, seed, on_event)
    if model == "shipped":
        return {"shipped voice": _measured(asked, _shipped(asked, on_event), np.arange(len(utterances)))}
    return _by_run(Path(model), folder, utterances, check or SeenCheck(), on_event)


def _by_run(
    run: Path, folder: Path, utterances: tuple[Utterance, ...], check: SeenCheck, on_event: OnEvent
) -> dict[str, LabelFigures]:
    """Measure the networks of a run, each on the recordings whose labels it tells apart."""
    from emoview.training.systems.sound import vectors

    networks = networks_of(run)
    examples = Examples(lambda: [digest_of(u.path) for u in utterances], [u.person for u in utterances])
    check.look(run, {n.name: [n.name] for n in networks}, examples, on_event)
    result = {}
    described: dict[str, NDArray[np.float32]] = {}
    for network in networks:
        if network.task != "voice":
            raise InputError(f"{run} holds a {network.task} network: name a run of voices")
        if network.takes not in described:
            described[network.takes] = vectors(utterances, network.takes, on_event)
        values = described[network.takes]
        logits = np.asarray(load_network(run, network).predict(values, batch_size=256, verbose=0))
        known = np.array([u.label in network.labels for u in utterances])
        if not known.any():
            raise InputError(
                f"{folder} holds none of the labels of {network.name}: {', '.join(network.labels)}"
            )
        known = check.kept(network.name, known)
        if not known.any():
            on_event({"left out": f"{network.name}, which learned from all examples or their people"})
            continue
        labels = np.array([network.labels.index(utterances[i].label) for i in np.flatnonzero(known)])
        people = [utterances[i].person for i in np.flatnonzero(known)]
        probabilities = softmax(network.scale * logits[known])
        result[network.name] = measure_labels(probabilities, labels, network.labels, people=people)
    return result


def _shared(utterances: tuple[Utterance, ...]) -> tuple[Utterance, ...]:
    """Leave out the labels of one corpus alone: without it nobody could know them."""
    corpora: dict[str, set[str]] = {}
    for u in utterances:
        corpora.setdefault(u.label, set()).add(u.corpus)
    return tuple(u for u in utterances if len(corpora[u.label]) > 1)


def _shipped(asked: _Asked, on_event: OnEvent) -> NDArray[np.float64]:
    """Give logits `(n, names)` of the late rule over both voice networks."""
    from emoview.pipeline.inference import run_sequence, seven_labels, with_extras
    from emoview.pipeline.models import Models

    models = Models()
    described = _described(asked.utterances, on_event)
    rule = models.late_fusion("voice")
    rows = []
    for ticks, summary in zip(described.ticks, described.functionals, strict=True):
        says = {
            "voice_tcn": run_sequence(models.voice_tcn, ticks).whole,
            "voice_clip": np.asarray(models.voice_clip.predict_on_batch(summary[None]))[0],
        }
        seven = rule({name: seven_labels(logits) for name, logits in says.items()})
        rows.append(with_extras(seven, says, asked.names))
    return np.stack(rows)


def _by_protocol(
    asked: _Asked, protocol: VoiceProtocol, seed: int, on_event: OnEvent
) -> dict[str, LabelFigures]:
    folds = _folds(asked.utterances, protocol, seed)
    people = [u.person for u in asked.utterances]
    digests = [digest_of(u.path) for u in asked.utterances]
    # Before the describing, which can take minutes.
    for train, test in folds:
        assert_disjoint(train, test, people, digests)
        assert_taught(asked.labels, train, test, asked.names, "recordings")
    speech = _described(asked.utterances, on_event)
    lessons, lesson_of = _lessons(speech, on_event)
    columns = [VOICE_LABELS.index(name) for name in asked.names]
    says = {name: np.zeros((len(people), len(columns))) for name in ("voice_clip", "voice_tcn")}
    told = np.zeros(len(people), bool)
    result = {}
    for number, (train, test) in enumerate(folds):
        taught = lessons.select(np.isin(lesson_of, train))
        tested = speech.select(np.isin(np.arange(len(people)), test))
        logits = {
            "voice_clip": predict_clip(train_clip(taught, VoiceRecipe()), tested),
            "voice_tcn": predict_ticks(train_ticks(taught, VoiceRecipe()), tested),
        }
        for name, values in logits.items():
            says[name][test] = log_softmax(values[:, columns])
        told[test] = True
        fold = _measured(asked, np.mean([values[test] for values in says.values()], axis=0), test)
        on_event({"fold": f"{number + 1}/{len(folds)}", "accuracy": str(fold.accuracy), "uar": str(fold.uar)})
        if protocol == "cross-corpus":
            result[f"without {asked.utterances[test[0]].corpus}"] = fold
    every = np.flatnonzero(told)
    both = np.mean([values[every] for values in says.values()], axis=0)
    alone = {f"{protocol}, {name} alone": _measured(asked, says[name][every], every) for name in says}
    return {protocol: _measured(asked, both, every), **alone, **result}


def _measured(asked: _Asked, logits: NDArray[np.float64], which: Indices) -> LabelFigures:
    people = [asked.utterances[i].person for i in which]
    return measure_labels(softmax(logits), asked.labels[which], asked.names, people=people)


def _lessons(speech: SpeechFeatures, on_event: OnEvent) -> tuple[SpeechFeatures, Indices]:
    """Give what networks learn from, altered copies too, and of which of the utterances each one is."""
    chosen = np.array(spread(speech.utterances, MOST_ALIKE))
    own = speech.select(np.isin(np.arange(len(speech.utterances)), chosen))
    altered = [
        describe_utterances(own.utterances, variant=variant, on_file=_steps(on_event))
        for variant in TAUGHT
        if variant != Variant.AS_RECORDED
    ]
    return joined([own, *altered]), np.tile(chosen, len(TAUGHT))


def _folds(
    utterances: tuple[Utterance, ...], protocol: VoiceProtocol, seed: int
) -> tuple[tuple[Indices, Indices], ...]:
    people = [u.person for u in utterances]
    if protocol == "speaker-folds":
        return folds_by_group(people, 5, seed)
    if protocol == "leave-one-speaker-out":
        return leave_one_group_out(people)
    if protocol == "cross-corpus":
        return leave_one_group_out([u.corpus for u in utterances])
    folds = []
    for actors in RAVDESS_FOLDS:
        test = np.isin(people, [f"ravdess/{actor}" for actor in actors])
        if test.any():
            folds.append((np.flatnonzero(~test), np.flatnonzero(test)))
    if not folds:
        raise InputError("ravdess-folds needs recordings of the corpus ravdess")
    return tuple(folds)


def _described(utterances: tuple[Utterance, ...], on_event: OnEvent) -> SpeechFeatures:
    return describe_utterances(utterances, on_file=_steps(on_event))


def _steps(on_event: OnEvent) -> Callable[[int, int], None]:
    return lambda done, of: on_event({"step": done, "of": of})
