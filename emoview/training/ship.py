"""Making the shipped weights from labelled data, one step a command, each resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emoview.common.files import write_whole
from emoview.common.stored import read_numbers
from emoview.datasets.splits import assert_taught, assert_taught_by_others
from emoview.errors import InputError
from emoview.face.align import CROP_SIZE
from emoview.fusion.late import LateFusion, softmax
from emoview.metrics.calibration import fit_scale
from emoview.metrics.figures import GainFigures, LabelFigures
from emoview.metrics.labels import measure_labels
from emoview.networks.face_cnn import exported_model
from emoview.networks.half import round_to_half, save_weights
from emoview.networks.saved import load_weights, save_whole
from emoview.networks.shipped import BUILTIN_BRANCHES, build_voice_clip, build_voice_tcn
from emoview.networks.weights import write_manifest
from emoview.pipeline.engines import FACE_OUTPUTS, Network, OnnxNetwork
from emoview.pipeline.inference import run_stills
from emoview.timeline.labels import LABELS, VOICE_LABELS
from emoview.training import fusion, fusion_rules, voice
from emoview.training.clips import Clip, read_clips
from emoview.training.face import CUT_OUT_VALID, labels_of, train_face, votes_of
from emoview.training.personal import PersonalFaces, stored_layer
from emoview.training.pictures import read_faces7, read_fer2013, with_cut_out
from emoview.training.speakers import SpeakerRecipe, train_speakers
from emoview.training.speech import MOST_ALIKE, TAUGHT, SpeechFeatures, Variant, describe_speech
from emoview.training.systems.events import OnEvent
from emoview.training.voice_folds import VoiceAnswers
from emoview.voice.features import VoiceFeatures

# The corpus whose speakers act in the clips, under the same names.
_CORPUS_OF_CLIPS = "javanese"
_ANSWERS_FILE = "voice_answers.npz"
_ANEW = "name another folder with -o, and all is trained anew"
_STILLS = 3000


def ship_face(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Train the face network, calibrate and measure it on the given validation parts, and ship it."""
    both = train_face(data, run / "face", on_epoch=on_event)
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
) -> None:
    """Train the voice networks, measure them on speakers left out, and ship them."""
    recipe, networks_of = _recipe(features), _voice_networks(features)
    noted = {**asdict(recipe), "variants": TAUGHT}
    noted["local"] = noted.pop("branches")
    if features is not VoiceFeatures.OPENSMILE:
        noted["features"] = features
    _same_recipe(run / "voice_recipe.json", noted)
    speech = _speech(data, run, on_event, features)
    in_room = _speech(data, run, on_event, features, (Variant.IN_ROOM,))
    answers, answers_in_room = [], []
    folds = list(voice.folds_of_all_corpora(speech))
    for train, test in folds:
        assert_taught(speech.labels, train, test, VOICE_LABELS, "recordings")
    for number, (train, test) in enumerate(folds):
        rest, asked = speech.select(train), speech.select(test)
        networks = {
            name: _trained(_of_fold(run, name, number), build, fit, rest, recipe)
            for name, (build, fit) in networks_of.items()
        }
        answers.append(_asked(networks, asked, number))
        # The same utterances: those as recorded come first.
        answers_in_room.append(_asked(networks, in_room.select(test[: len(in_room.labels)]), number))
        on_event({"trained": "voice networks", "fold": number + 1})
    told = VoiceAnswers.joined(answers)
    told.save(run / _ANSWERS_FILE)
    for name, (build, fit) in networks_of.items():
        model = _trained(run / f"{name}.weights.h5", build, fit, speech, recipe)
        _ship(model, name + features.suffix, ship)
        on_event({"trained": name})
    write_manifest(ship)
    heard_in_room = VoiceAnswers.joined(answers_in_room).figures(told)
    figures = told.figures() | {f"{name}_in_room": heard_in_room[name] for name in ("speakers", "ravdess")}
    _write_figures(run / "voice_metrics.json", figures, drawn=("ravdess", "speakers"))
    for name, figure in figures.items():
        on_event({"part": name, "accuracy": str(figure.accuracy), "uar": str(figure.uar)})


def ship_fusion(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Train the temporal face network and both fusions on clips, measure all of them, and ship them."""
    if not (run / _ANSWERS_FILE).exists():
        raise InputError(f"{run} has no {_ANSWERS_FILE}: train the voice there first")
    told = VoiceAnswers.read(run / _ANSWERS_FILE)
    network = OnnxNetwork(ship / "face_cnn.onnx", FACE_OUTPUTS)
    clips = read_clips(data / "clips", run / "features", on_file=_every(50, "clips described", on_event))
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
    _write_figures(
        run / "fusion_metrics.json", measured.named, drawn=("late_face", "late_voice", "late_both", "early")
    )
    for name, figure in figures.items():
        on_event({"model": name, "uar": str(figure.uar), "calibration_error": figure.calibration_error.value})
    for name, gain in measured.gains.items():
        on_event(
            {"model": name, "gains": str(gain.uar), "by_actors": str(gain.uar_by_people), "over": gain.over}
        )
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
    return {
        "without_baseline": {name: _plain(rule) for name, rule in without.items()},
        "with_baseline": {
            name: _plain(fusion_rules.fit_rule(of_both, models)) for name, models in rules.items()
        },
        "with_face_baseline": {"both": _plain(fusion_rules.fit_rule(of_face, rules["both"]))},
        "usual": {name: [round(float(v), 5) for v in values] for name, values in usual.items()},
        "personal_face": stored_layer(faces.without()),
    }


def ship_speakers(data: Path, run: Path, ship: Path, *, on_event: OnEvent) -> None:
    """Train the network that tells voices apart, measure it on strangers, and ship it."""
    network, figures = train_speakers(data, run, SpeakerRecipe(), on_event=on_event)
    _ship(network, "speaker", ship)
    write_manifest(ship)
    _write(run / "speakers_metrics.json", figures)
    on_event({"equal error": f"{figures['test']:.1f} %"})


def _same_recipe(file: Path, recipe: Mapping[str, Any]) -> None:
    """Note the recipe of a run folder, so that nothing of another one is taken for its result.

    Raises:
        InputError: The folder holds networks of another recipe.
    """
    recipe = json.loads(json.dumps(recipe))
    stored = read_numbers(file, dict[str, Any], _ANEW) if file.exists() else None
    fresh = stored is None and not any(file.parent.glob("voice_*.weights.h5"))
    if not fresh and stored != recipe:
        raise InputError(f"{file.parent} holds voice networks of another recipe: name another folder with -o")
    _write(file, recipe)


def _ship(model: keras.Model, name: str, folder: Path) -> None:
    """Write a network for both engines, in half precision."""
    from emoview.networks.onnx_export import export_onnx

    folder.mkdir(parents=True, exist_ok=True)
    round_to_half(model)
    save_weights(model, folder / f"{name}.weights.h5")
    export_onnx(exported_model(model) if name == "face_cnn" else model, folder / f"{name}.onnx")


def _recipe(features: VoiceFeatures) -> voice.VoiceRecipe:
    if features is VoiceFeatures.OPENSMILE:
        return voice.VoiceRecipe()
    return voice.VoiceRecipe(branches=BUILTIN_BRANCHES)


def _voice_networks(
    features: VoiceFeatures,
) -> dict[str, tuple[Callable[[], keras.Model], Callable[..., keras.Model]]]:
    """Tell how each voice network is built, and trained."""
    tcn = partial(build_voice_tcn, features.descriptors, _recipe(features).branches)
    return {
        "voice_clip": (partial(build_voice_clip, features.functionals), voice.train_clip),
        "voice_tcn": (tcn, voice.train_ticks),
    }


def _speech(
    data: Path,
    run: Path,
    on_event: OnEvent,
    features: VoiceFeatures,
    variants: Sequence[Variant] = TAUGHT,
) -> SpeechFeatures:
    return describe_speech(
        data / "speech", run / "features", most=MOST_ALIKE, variants=variants, features=features,
        on_file=_every(500, "utterances described", on_event),
    )  # fmt: skip


def _asked(networks: Mapping[str, keras.Model], speech: SpeechFeatures, fold: int) -> VoiceAnswers:
    """Ask both voice networks about utterances."""
    clip, tcn = networks["voice_clip"], networks["voice_tcn"]
    people = np.array([u.person for u in speech.utterances])
    return VoiceAnswers(
        people, speech.labels, np.full(len(people), fold),
        voice_clip=voice.predict_clip(clip, speech),
        voice_tcn=voice.predict_ticks(tcn, speech),
    )  # fmt: skip


def _trained(
    file: Path,
    build: Callable[[], keras.Model],
    fit: Callable[[SpeechFeatures, voice.VoiceRecipe], keras.Model],
    speech: SpeechFeatures,
    recipe: voice.VoiceRecipe,
) -> keras.Model:
    """Read back what an earlier call trained, or train it."""
    model = build()
    if file.exists():
        load_weights(model, file, _ANEW)
        return model
    model.set_weights(fit(speech, recipe).get_weights())
    save_whole(model, file)
    model.load_weights(file)
    return model


def _of_fold(run: Path, name: str, fold: int) -> Path:
    """Name the file of a network that was trained without a fold of speakers."""
    return run / f"{name}_fold_{fold}.weights.h5"


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
        load_weights(clip_network, _of_fold(run, "voice_clip", fold), _ANEW)
        load_weights(tcn, _of_fold(run, "voice_tcn", fold), _ANEW)
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


def _plain(rule: LateFusion) -> dict[str, Any]:
    def rounded(values: NDArray[np.float64]) -> list[float]:
        return [round(float(v), 5) for v in values]

    return {
        "weights": {name: rounded(values) for name, values in rule.weights.items()},
        "bias": rounded(rule.bias),
    }


def _every(count: int, what: str, on_event: OnEvent) -> Callable[[int, int], None]:
    def on_file(done: int, total: int) -> None:
        if done % count == 0 or done == total:
            on_event({what: f"{done}/{total}"})

    return on_file


def _write_figures(
    path: Path, figures: Mapping[str, LabelFigures | GainFigures], *, drawn: Iterable[str]
) -> None:
    """Write all figures to `path`, and draw some of them beside it."""
    from emoview.metrics.plot import plot_figures

    _write(path, {name: asdict(figure) for name, figure in figures.items()})
    picture = path.with_suffix(".png")
    write_whole(picture, plot_figures({name: figures[name] for name in drawn}, picture))


def _write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(value, indent=2) + "\n")
