"""Making the shipped weights from labelled data, one step a command, each resumable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.datasets.clips import read_clip_index
from emoview.datasets.splits import assert_taught, assert_taught_by_others
from emoview.errors import InputError
from emoview.face.align import CROP_SIZE
from emoview.fusion.lasting import Lasting
from emoview.fusion.late import LateFusion, softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import GainFigures, LabelFigures, MeanFigures, TickFigures
from emoview.metrics.labels import measure_labels
from emoview.networks.face_cnn import MAPS_LAYER, exported_model
from emoview.networks.half import round_to_half, save_weights
from emoview.networks.saved import load_weights
from emoview.networks.shipped import build_voice_clip, build_voice_tcn
from emoview.networks.weights import write_manifest
from emoview.pipeline.engines import FACE_OUTPUTS, Network, OnnxNetwork
from emoview.pipeline.inference import run_stills
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.training import fusion, fusion_rules, joined, voice
from emoview.training.activity import train_activity
from emoview.training.clips import Clip, read_clips
from emoview.training.face import CUT_OUT_VALID, labels_of, train_face, votes_of
from emoview.training.personal import PersonalFaces, stored_layer
from emoview.training.persons import train_persons
from emoview.training.pictures import read_faces7, read_fer2013, with_cut_out
from emoview.training.recipes import ANEW
from emoview.training.speakers import SpeakerRecipe, train_speakers
from emoview.training.speech import (
    SpeechFeatures,
    Variant,
)
from emoview.training.systems.events import OnEvent
from emoview.training.voice_folds import VoiceAnswers
from emoview.training.voice_runs import (
    asked,
    described_speech,
    every,
    keep_recipe,
    keep_recordings,
    networks_of,
    of_fold,
    recipe_of,
)
from emoview.training.voice_splits import corpora_left_out, folds_of_all_corpora
from emoview.voice.features import VoiceFeatures
from emoview.voice.silero import LAYER_FILE

# The corpus whose speakers act in the clips, under the same names.
_CORPUS_OF_CLIPS = "javanese"
# How the voices of those left out are heard besides.
_HEARD_OTHERWISE = {"in_room": Variant.IN_ROOM, "on_telephone": Variant.ON_TELEPHONE}
_ANSWERS_FILE = "voice_answers.npz"
_STILLS = 3000


def ship_face(data: Path, run: Path, ship: Path, *, on_event: OnEvent, refine: bool = False) -> None:
    """Train the face network, calibrate and measure it on the given validation parts, and ship it.

    With `refine`, what is in `ship` learns the last round alone.
    """
    both = train_face(data, run / "face", start=ship if refine else None, on_epoch=on_event)
    model, votes = labels_of(both), votes_of(both)
    # What is measured is what ships.
    round_to_half(model)
    network = _measured_by(model, run / "face" / "trained.onnx")
    parts = {
        "fer2013": read_fer2013(data / "fer2013", "valid"),
        "ferplus": read_fer2013(data / "fer2013", "valid", truth="votes"),
        "faces7": read_faces7(data / "faces7", "valid"),
    }
    parts["fer2013_cut_out"] = with_cut_out(
        parts["fer2013"], run / "face" / CUT_OUT_VALID, size=CROP_SIZE
    ).as_in_video()
    logits = {}
    for name, part in parts.items():
        embeddings, logits[name] = run_stills(network, part.images)
        if name == "ferplus":
            logits[name] = np.asarray(votes.predict(embeddings, batch_size=256, verbose=0))
    # One number for each answer: two data sets share the labels' one, and neither alone decides it.
    answers = (
        (model.get_layer("logits"), ("fer2013", "faces7"), ("fer2013", "faces7", "fer2013_cut_out")),
        (votes.get_layer("votes"), ("ferplus",), ("ferplus",)),
    )
    for last, names, scaled in answers:
        scale = fit_scale(
            np.concatenate([logits[name] for name in names]),
            np.concatenate([parts[name].labels for name in names]),
        )
        last.set_weights([np.float32(scale) * np.asarray(weight) for weight in last.get_weights()])
        logits |= {name: np.float32(scale) * logits[name] for name in scaled}
    figures = {name: measure_labels(softmax(logits[name]), parts[name].labels, LABELS) for name in parts}
    for name, figure in figures.items():
        on_event({"part": name, "accuracy": str(figure.accuracy), "uar": str(figure.uar)})
    _write_figures(run / "face_metrics.json", figures, drawn=figures)
    _ship(model, "face_cnn", ship)
    _ship(votes, "face_votes", ship)
    write_manifest(ship)


def _measured_by(model: keras.Model, file: Path) -> OnnxNetwork:
    """Give the face network as it will run, which is faster on a processor, too."""
    from emoview.networks.onnx_export import export_onnx

    file.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(exported_model(model), file)
    return OnnxNetwork(file, FACE_OUTPUTS)


def ship_voice(
    data: Path,
    run: Path,
    ship: Path,
    *,
    on_event: OnEvent,
    features: VoiceFeatures = VoiceFeatures.OPENSMILE,
    unheard: bool = False,
) -> None:
    """Train the voice networks, measure them on speakers left out, and ship them.

    With `unheard`, networks are trained without each corpus, too, and measured on it.
    """
    recipe = recipe_of(features)
    keep_recipe(run, recipe, features)
    speech = described_speech(data, run, on_event, features)
    otherwise = {
        name: described_speech(data, run, on_event, features, (variant,))
        for name, variant in _HEARD_OTHERWISE.items()
    }
    # Few speakers fill few folds.
    folds = [(train, test) for train, test in folds_of_all_corpora(speech) if test.any()]
    left_out = {name: fold for name, fold in corpora_left_out(speech).items() if unheard and fold[1].any()}
    for train, test in (*folds, *left_out.values()):
        assert_taught(speech.labels, train, test, VOICE_LABELS, "recordings")
    if len(folds) < 2 or (unheard and len(left_out) < 2):
        raise InputError("what is asked about each voice is learned from others: add recordings of others")
    keep_recordings(run, speech)
    answers: dict[str, list[VoiceAnswers]] = {"": [], **{name: [] for name in otherwise}}
    for number, (train, test) in enumerate(folds):
        networks = networks_of(run, f"_fold_{number}", speech.select(train), recipe, features)
        answers[""].append(asked(networks, speech.select(test), number))
        for name, heard in otherwise.items():
            # The same utterances: those as recorded come first.
            answers[name].append(asked(networks, heard.select(test[: len(heard.labels)]), number))
        on_event({"trained": "voice networks", "fold": number + 1})
    told = VoiceAnswers.joined(answers.pop(""))
    told.save(run / _ANSWERS_FILE)
    for name, model in networks_of(run, "", speech, recipe, features).items():
        _ship(model, name + features.suffix, ship)
        on_event({"trained": name})
    write_manifest(ship)
    figures = told.figures()
    for how, heard_so in answers.items():
        figures |= {f"{name}_{how}": one for name, one in VoiceAnswers.joined(heard_so).figures(told).items()}
    if left_out:
        figures |= _unheard(speech, left_out, run, recipe, features, on_event).unheard(told)
    drawn = [name for name in ("speakers", "ravdess") if name in figures]
    _write_figures(run / "voice_metrics.json", figures, drawn=drawn)
    for name, figure in figures.items():
        on_event({"part": name, **_in_short(figure)})


def _unheard(
    speech: SpeechFeatures,
    left_out: Mapping[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]],
    run: Path,
    recipe: voice.VoiceRecipe,
    features: VoiceFeatures,
    on_event: OnEvent,
) -> VoiceAnswers:
    """Ask about each corpus networks that were trained without it."""
    answers = []
    for number, (corpus, (train, test)) in enumerate(left_out.items()):
        networks = networks_of(run, f"_without_{corpus}", speech.select(train), recipe, features)
        answers.append(asked(networks, speech.select(test), number))
        on_event({"trained": "voice networks", "without": corpus})
    return VoiceAnswers.joined(answers)


def _in_short(figure: LabelFigures | GainFigures | MeanFigures) -> dict[str, str]:
    if isinstance(figure, MeanFigures):
        error = figure.mean_calibration_error
        return {"mean_uar": str(figure.mean_uar), "mean_calibration_error": f"{error.value:.3f}"}
    result = {"uar": str(figure.uar)}
    if isinstance(figure, LabelFigures):
        result |= {
            "accuracy": str(figure.accuracy),
            "calibration_error": f"{figure.calibration_error.value:.3f}",
        }
    return result


def ship_fusion(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Train the temporal face network and both fusions on clips, measure all of them, and ship them."""
    if not (run / _ANSWERS_FILE).exists():
        raise InputError(f"{run} has no {_ANSWERS_FILE}: train the voice there first")
    told = VoiceAnswers.read(run / _ANSWERS_FILE)
    network = OnnxNetwork(ship / "face_cnn.onnx", FACE_OUTPUTS)
    clips = read_clips(data / "clips", run / "features", on_file=every(50, "clips described", on_event))
    labels, actors = [clip.label for clip in clips], [clip.actor for clip in clips]
    assert_taught_by_others(labels, actors, LABELS, "clips")
    described = _described(clips, network, run, told)
    stills = _stills(data, network)
    recipe = fusion.FusionRecipe()
    answers = fusion.leave_one_actor_out(described, stills, recipe, on_event=on_event)
    spoken = fusion_rules.spoken(told, corpus=_CORPUS_OF_CLIPS)
    faces = fusion.personal_faces(answers, described)
    measured = fusion_rules.measure(answers, faces, spoken)
    figures = measured.models
    ticks = joined.measure_ticks(answers)
    named = measured.named if ticks is None else {**measured.named, "ticks": ticks}
    _write_figures(
        run / "fusion_metrics.json",
        {**named, **{f"{name}_people": one for name, one in measured.people.items()}},
        drawn=("late_face", "late_voice", "late_both", "early"),
    )
    for name, figure in figures.items():
        on_event({"model": name, "uar": str(figure.uar), "calibration_error": figure.calibration_error.value})
    for name, gain in measured.gains.items():
        on_event(
            {"model": name, "gains": str(gain.uar), "by_actors": str(gain.uar_by_people), "over": gain.over}
        )
    if ticks is not None:
        error = ticks.calibration_error
        on_event({"ticks right": str(ticks.right), "changes": str(ticks.changes), "calibration_error": error})
    _ship(fusion.train_face_gru(described, stills, recipe), "face_gru", ship)
    _ship(fusion.train_early(described, stills, recipe), "early_fusion", ship)
    better = "late" if figures["late_both"].uar.value >= figures["early"].uar.value else "early"
    _write(
        ship / "fusion.json",
        {
            **_rules(answers, faces, told),
            "early_scale": round(fusion_rules.early_scale(answers), 4),
            "auto": better,
        },
    )
    write_manifest(ship)


def _rules(
    answers: Sequence[fusion_rules.ClipLogits], faces: PersonalFaces, told: VoiceAnswers
) -> dict[str, Any]:
    """Fit the late rules, without a baseline, with one, and with one of the face alone."""
    usual = fusion_rules.usual(answers)
    without = {
        name: told.rule() if name == "voice" else fusion_rules.fit_rule(answers, models)
        for name, models in fusion_rules.RULES.items()
    }
    of_both = fusion_rules.relative(answers, usual, faces)
    of_face = fusion_rules.relative(answers, usual, faces, voice=False)
    rules = fusion_rules.RULES_WITH_BASELINE
    lasting = joined.lasting_of(answers)
    return {
        "without_baseline": {name: _plain(rule) for name, rule in without.items()},
        "with_baseline": {
            name: _plain(fusion_rules.fit_rule(of_both, models)) for name, models in rules.items()
        },
        "with_face_baseline": {"both": _plain(fusion_rules.fit_rule(of_face, rules["both"]))},
        "usual": {name: [round(float(v), 5) for v in values] for name, values in usual.items()},
        "personal_face": stored_layer(faces.without()),
        **({} if lasting is None else {"lasting": _significant(lasting)}),
    }


def ship_speakers(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Train the network that tells voices apart, measure it on strangers, and ship it."""
    network, figures = train_speakers(data, run, SpeakerRecipe(), on_event=on_event)
    _ship(network, "speaker", ship)
    write_manifest(ship)
    _write(run / "speakers_metrics.json", figures)
    on_event({"equal error": f"{figures['test']:.1f} %"})


def ship_activity(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Fit the layer that tells speech from other sounds, measure it on strangers, and ship it."""
    layer, figures = train_activity(data, on_event=on_event)
    ship.mkdir(parents=True, exist_ok=True)
    _write(ship / LAYER_FILE, asdict(layer))
    write_manifest(ship)
    run.mkdir(parents=True, exist_ok=True)
    _write(run / "activity_metrics.json", figures)
    on_event({f"{name}, %": f"{value:.1f}" for name, value in figures.items()})


def ship_persons(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Fit what tells whose a face is on top of the shipped face network, measure it, and ship it."""
    maps = OnnxNetwork(ship / "face_cnn.onnx", [MAPS_LAYER])
    pictures = read_faces7(data / "faces7", "valid").images
    network, figures = train_persons(read_clip_index(data / "clips"), pictures, maps, on_event=on_event)
    _ship(network, "face_identity", ship)
    write_manifest(ship)
    _write(run / "persons_metrics.json", figures)
    on_event({name: f"{value:.3f}" for name, value in figures.items()})


def _ship(model: keras.Model, name: str, folder: Path) -> None:
    """Write a network for both engines, in half precision."""
    from emoview.networks.onnx_export import export_onnx

    folder.mkdir(parents=True, exist_ok=True)
    round_to_half(model)
    save_weights(model, folder / f"{name}.weights.h5")
    export_onnx(exported_model(model) if name == "face_cnn" else model, folder / f"{name}.onnx")


def _described(
    clips: Sequence[Clip], network: Network, run: Path, told: VoiceAnswers
) -> list[fusion.Described]:
    """Describe clips; what is said of a voice is said by networks that have not heard it.

    Raises:
        InputError: An actor is none of the speakers of whom the voice networks were asked.
    """
    fold_of = dict(zip(told.people, told.folds, strict=True))
    for clip in clips:
        if f"{_CORPUS_OF_CLIPS}/{clip.actor}" not in fold_of:
            raise InputError(f"no fold of voice networks leaves out actor {clip.actor} of {clip.file.path}")
    result: list[fusion.Described] = []
    for fold in np.unique(told.folds):
        clip_network, tcn = build_voice_clip(), build_voice_tcn()
        load_weights(clip_network, of_fold(run, "voice_clip", fold), ANEW)
        load_weights(tcn, of_fold(run, "voice_tcn", fold), ANEW)
        result += [
            fusion.describe(clip, network, clip_network, tcn)
            for clip in clips
            if fold_of[f"{_CORPUS_OF_CLIPS}/{clip.actor}"] == fold
        ]
    return result


def _stills(data: Path, network: Network) -> fusion.Stills:
    """Embed faces that the face network was not trained on: those of its training set look too easy."""
    part = read_faces7(data / "faces7", "valid")
    chosen = np.random.default_rng(0).permutation(len(part))[:_STILLS]
    embeddings, _ = run_stills(network, [part.images[i] for i in chosen])
    return fusion.Stills(embeddings, part.labels[chosen])


def _significant(lasting: Lasting) -> dict[str, float]:
    return {name: float(f"{value:.4g}") for name, value in asdict(lasting).items()}


def _plain(rule: LateFusion) -> dict[str, Any]:
    def rounded(values: NDArray[np.float64]) -> list[float]:
        return [round(float(v), 5) for v in values]

    return {
        "weights": {name: rounded(values) for name, values in rule.weights.items()},
        "bias": rounded(rule.bias),
    }


def _write_figures(
    path: Path,
    figures: Mapping[str, LabelFigures | GainFigures | MeanFigures | TickFigures],
    *,
    drawn: Iterable[str],
) -> None:
    """Write all figures to `path`, and draw some of them beside it."""
    from emoview.metrics.plot import plot_figures

    _write(path, {name: asdict(figure) for name, figure in figures.items()})
    picture = path.with_suffix(".png")
    write_whole(picture, plot_figures({name: figures[name] for name in drawn}, picture))


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(value, indent=2) + "\n")
