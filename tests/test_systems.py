"""The systems on small data made here: run folders, going on after a stop, measuring, and use."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import cv2
import keras
import numpy as np
import pytest
from conftest import Make, ffmpeg

from emoview import LABELS, InputError, analyze
from emoview.cli import render_training
from emoview.cli.console import Screen, Terminal
from emoview.cli.fuse import fuse
from emoview.datasets.affect import read_affect
from emoview.datasets.labelled import decode
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import Utterance
from emoview.errors import DatasetError
from emoview.evaluation.affect import _derived, evaluate_affect
from emoview.evaluation.clips import evaluate_clips_by_actor
from emoview.evaluation.comparison import compared
from emoview.evaluation.faces import _shipped, evaluate_faces
from emoview.evaluation.seen import SeenCheck
from emoview.evaluation.timelines import evaluate_timelines, flicker_of, measured
from emoview.evaluation.voices import _shared, evaluate_voices
from emoview.face.align import align, box_of
from emoview.face.find import FaceFinder
from emoview.face.still import StillFaces
from emoview.fusion.late import softmax
from emoview.fusion.rules import PUBLISHED_RULES, RULES, linear_regression
from emoview.metrics.figures import LabelFigures
from emoview.metrics.labels import measure_gain, measure_labels
from emoview.metrics.plot import plot_figures
from emoview.metrics.values import measure_folds, measure_values
from emoview.networks.early_fusion import EARLY_VARIANTS, early_network
from emoview.networks.runs import Run, configured, load_network, networks_of, read_metrics, read_run
from emoview.pipeline.inference import run_faces, run_stills
from emoview.pipeline.models import Models
from emoview.timeline.labels import valence_arousal
from emoview.training import voice
from emoview.training.augmentation import augmented_face, augmented_resize
from emoview.training.batches import DecodedPictures
from emoview.training.late_fusion import Predictions
from emoview.training.loop import Optimizer, Plan, fit
from emoview.training.losses import MulticlassHinge
from emoview.training.precision import policy
from emoview.training.prepare import prepare
from emoview.training.search import search
from emoview.training.ship import ship_voice
from emoview.training.speech import TAUGHT, SpeechFeatures, Variant, describe_speech
from emoview.training.systems.catalog import SYSTEMS, system_named
from emoview.training.systems.clip_sequences import input_variance
from emoview.training.systems.image_landmark import SHARES
from emoview.training.systems.pictures import (
    dropout_of,
    group_names,
    grouped,
    input_shape,
    regrouped,
    split_pictures,
)
from emoview.training.voice import RAVDESS_FOLDS, VoiceRecipe
from emoview.voice.features import VoiceFeatures


def quiet(_: Any) -> None:
    pass


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of pictures in which a bright band stands where the label says."""
    folder = tmp_path_factory.mktemp("faces")
    rng = np.random.default_rng(0)
    for part, count in (("train", 20), ("valid", 6)):
        for position, label in enumerate(LABELS):
            (folder / part / label).mkdir(parents=True)
            for i in range(count):
                image = rng.integers(0, 60, (48, 48), dtype=np.uint8)
                image[48 * position // 8 :][:12] = 200
                cv2.imwrite(str(folder / part / label / f"{i}.png"), image)
    return folder


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings named like RAVDESS, whose pitch follows the label."""
    folder = tmp_path_factory.mktemp("speech")
    rng = np.random.default_rng(0)
    time = np.arange(9600) / 16_000
    for actor in range(1, 7):
        for label in (1, 3, 5):
            for take in (1, 2):
                tone = np.sin(2 * np.pi * (200 + 400 * label) * time) + 0.1 * rng.standard_normal(len(time))
                name = f"03-01-{label:02d}-01-01-{take:02d}-{actor:02d}.wav"
                with wave.open(str(folder / name), "wb") as file:
                    file.setparams((1, 2, 16_000, 0, "NONE", ""))
                    file.writeframes((8000 * tone).astype("<i2").tobytes())
    return folder


def test_what_ships_is_trained_anew_for_a_protocol(speech: Path, monkeypatch: pytest.MonkeyPatch):
    taught: list[SpeechFeatures] = []

    def train_ticks(features: SpeechFeatures, recipe: VoiceRecipe) -> Any:
        taught.append(features)
        return voice.train_ticks(features, recipe)

    monkeypatch.setattr(
        "emoview.evaluation.voices.VoiceRecipe", lambda: VoiceRecipe(clip_epochs=6, tick_epochs=2, batch=8)
    )
    monkeypatch.setattr("emoview.evaluation.voices.train_ticks", train_ticks)
    monkeypatch.setattr("emoview.evaluation.voices.RAVDESS_FOLDS", RAVDESS_FOLDS[:2])
    figures = evaluate_voices("shipped", speech, "ravdess-folds", seed=1, on_event=quiet)
    assert figures["ravdess-folds"].examples == 24
    # Loud tones of three heights: any network that has learned from its training part tells them apart.
    assert figures["ravdess-folds, voice_clip alone"].accuracy.value > 60
    assert figures["ravdess-folds"].accuracy.value > 60
    # Each as it is and altered, and nobody's of the fold that is asked about.
    folds = [{f"ravdess/{actor}" for actor in actors} for actors in RAVDESS_FOLDS[:2]]
    everybody = {f"ravdess/{actor:02d}" for actor in range(1, 7)}
    left_out = [everybody & fold for fold in folds if everybody & fold]
    assert [{u.person for u in part.utterances} for part in taught] == [everybody - out for out in left_out]
    assert [len(part.utterances) / (~part.altered).sum() for part in taught] == [len(TAUGHT)] * len(left_out)


def test_affect_is_derived_of_the_frames_with_a_face(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # As long as the longest that are not shrunk.
    wide = "pad=iw*16/9:ih:(ow-iw)/2,scale=640:360,fps=0.6"
    ffmpeg("-i", str(sample), "-vf", wide, "-frames:v", "4", str(tmp_path / "%d.png"))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((90, 90, 3), 40, np.uint8))
    table = tmp_path / "t.csv"
    table.write_text("frame,valence,arousal,video\n" + "".join(f"{i}.png,0,0.5,v\n" for i in (1, 2, 3, 4)))
    affect = read_affect(table)
    expected = np.full((4, 2), np.nan)
    with FaceFinder(max_faces=1, stills=True) as finder:
        for i in (0, 2, 3):
            # As wide as it is: what is squashed to a square shows another face.
            picture = decode(affect.frames[i], colour=True)
            _, logits = run_stills(Models().face_cnn, [align(picture, finder.find(picture)[0])])
            expected[i] = valence_arousal(softmax(logits))[0]
    assert np.nanstd(expected, axis=0).max() > 0.005
    monkeypatch.setattr("emoview.evaluation.affect._TOGETHER", 3)
    np.testing.assert_allclose(_derived(affect, quiet), expected, atol=2e-3)
    events: list[Any] = []
    figures = evaluate_affect("shipped", table, on_event=events.append)
    assert figures["valence"].examples == 3
    assert {"faces found": "3 of 4 frames; the others are left out"} in events


def test_described_speech_is_read_back_with_what_was_altered(speech: Path, tmp_path: Path):
    names = sorted(path.name for path in speech.iterdir())[:4]
    data = tmp_path / "speech"
    data.mkdir()
    lines = ["path,corpus,speaker,language,label,extra"]
    for i, name in enumerate(names):
        shutil.copy(speech / name, data / name)
        lines.append(f"{name},mine,{i // 2},en,happy,")
    (data / "index.csv").write_text("\n".join(lines) + "\n")
    first = describe_speech(data, tmp_path / "cache", variants=[*Variant])
    assert first.altered.tolist() == [False] * 4 + [True] * 16
    kinds = np.array_split(first.functionals, 5)
    assert [u.person for u in first.utterances] == [u.person for u in first.utterances[:4]] * 5
    for one, other in itertools.combinations(kinds, 2):
        assert np.abs(one - other).max(axis=1).min() > 0.1
    for name in names:
        (data / name).unlink()
    again = describe_speech(data, tmp_path / "cache", variants=[*Variant])
    np.testing.assert_array_equal(again.functionals, first.functionals)
    for one, other in zip(again.ticks, first.ticks, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    "features",
    [VoiceFeatures.OPENSMILE, pytest.param(VoiceFeatures.BUILTIN, marks=pytest.mark.release)],
)
def test_voices_that_ship_are_measured_on_speakers_left_out_in_rooms_too(
    features: VoiceFeatures, speech: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "emoview.training.voice.VoiceRecipe",
        lambda **given: VoiceRecipe(clip_epochs=6, tick_epochs=1, batch=8, **given),
    )
    monkeypatch.setattr("emoview.training.voice.RAVDESS_FOLDS", RAVDESS_FOLDS[:2])
    files = sorted(speech.iterdir())
    labels = {"01": "neutral", "03": "happy", "05": "anger"}
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += [f"{f.name},ravdess,{f.stem[-2:]},en,{labels[f.stem[6:8]]}," for f in files]
    data = tmp_path / "data" / "speech"
    shutil.copytree(speech, data)
    (data / "index.csv").write_text("\n".join(lines) + "\n")
    run, ship = tmp_path / "run", tmp_path / "ship"
    ship_voice(data.parent, run, ship, on_event=quiet, features=features)
    figures = json.loads((run / "voice_metrics.json").read_text())
    # Loud tones of three heights, by actors of two folds.
    for name in ("speakers", "ravdess", "speakers_in_room", "ravdess_in_room"):
        assert figures[name]["examples"] == 24
    assert figures["speakers"]["accuracy"]["value"] > 60
    assert figures["speakers"]["calibration"] != figures["speakers_in_room"]["calibration"]
    names = [f"{name}{features.suffix}" for name in ("voice_clip", "voice_tcn")]
    assert {f"{name}.{kind}" for name in names for kind in ("weights.h5", "onnx")} <= {
        file.name for file in ship.iterdir()
    }
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(
            data.parent, run, ship, on_event=quiet, features=next(f for f in VoiceFeatures if f != features)
        )


def test_a_run_of_another_recipe_is_not_gone_on_with(tmp_path: Path):
    data, run = tmp_path / "no-data", tmp_path / "run"
    run.mkdir()
    (run / "voice_clip.weights.h5").touch()
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(data, run, tmp_path, on_event=quiet)
    (run / "voice_clip.weights.h5").unlink()
    # A new folder notes its recipe, and then looks for the data.
    for _ in range(2):
        with pytest.raises(DatasetError, match="no-data"):
            ship_voice(data, run, tmp_path, on_event=quiet)
    noted = json.loads((run / "voice_recipe.json").read_text())
    (run / "voice_recipe.json").write_text(json.dumps({**noted, "seed": 2}))
    with pytest.raises(InputError, match="another recipe"):
        ship_voice(data, run, tmp_path, on_event=quiet)


def _trained(system: str, data: Path, folder: Path, on_event: Any = quiet, **changes: Any) -> Path:
    chosen = system_named(system)
    options = chosen.options(changes)
    chosen.train(options, data, Run(folder, system, options, data), on_event)
    return folder


@pytest.fixture(scope="module")
def picture_run(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "frame-cnn"
    return _trained(
        "frame-cnn", faces, folder, network="frame-cnn", batch=16, plan={"epochs": 3, "rate": 3e-3}
    )


@pytest.fixture(scope="module")
def sound_run(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "mfcc"
    plan = {"epochs": 12, "rate": 3e-3}
    return _trained("mfcc-cnn", speech, folder, corpora=["ravdess"], batch=8, folds=2, plan=plan)


def test_a_run_learns_and_says_how(picture_run: Path):
    facts = read_run(picture_run)
    assert facts["system"] == "frame-cnn"
    assert facts["config"]["network"] == "frame-cnn"
    assert facts["versions"]["keras"]
    metrics = read_metrics(picture_run)
    assert metrics["frame-cnn"]["accuracy"]["value"] > 50
    assert metrics["frame-cnn"]["examples"] == 42
    assert metrics["frame-cnn, 3 labels after training"]["labels"] == ["neutral", "negative", "positive"]
    for name in ("frame-cnn-curves.png", "frame-cnn-figures.png"):
        assert cv2.imread(str(picture_run / name)) is not None
    history = read_history_of(picture_run / "frame-cnn")
    for of in ("", "validation_"):
        assert history[-1][f"{of}accuracy"] > history[0][f"{of}accuracy"]
        assert history[-1][f"{of}loss"] < history[0][f"{of}loss"]
    (network,) = networks_of(picture_run)
    assert (network.size, network.colour, network.labels) == (48, False, LABELS)


def test_stopped_and_resumed_equals_uninterrupted(faces: Path, tmp_path: Path):
    changes = {"network": "frame-cnn", "batch": 16, "plan": {"epochs": 3, "rate": 1e-3, "keep": "last"}}
    whole = _trained("frame-cnn", faces, tmp_path / "whole", **changes)

    class StoppedError(Exception):
        pass

    def stop(event: Any) -> None:
        # In the middle of the second epoch.
        if event.get("step") == 4 and len(read_history_of(tmp_path / "parts" / "frame-cnn")) == 1:
            raise StoppedError

    with pytest.raises(StoppedError):
        _trained("frame-cnn", faces, tmp_path / "parts", stop, **changes)
    parts = _trained("frame-cnn", faces, tmp_path / "parts", **changes)
    losses = [[row["loss"] for row in read_history_of(run / "frame-cnn")] for run in (whole, parts)]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    assert len(losses[1]) == 3
    with pytest.raises(InputError, match="another config"):
        _trained("frame-cnn", faces, tmp_path / "parts", **{**changes, "batch": 8})
    file = tmp_path / "parts" / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "backend": "another"}))
    with pytest.raises(InputError, match="another backend"):
        _trained("frame-cnn", faces, tmp_path / "parts", **changes)


def read_history_of(run: Path) -> list[dict[str, Any]]:
    file = run / "history.json"
    return json.loads(file.read_text()) if file.exists() else []


def test_a_run_measured_again_gives_the_same_figures(picture_run: Path, faces: Path):
    again = evaluate_faces(str(picture_run), faces, "valid", truth="original", on_event=quiet)["frame-cnn"]
    stored = read_metrics(picture_run)["frame-cnn"]
    assert again.accuracy.value == stored["accuracy"]["value"]
    assert [list(row) for row in again.confusion] == stored["confusion"]


def test_the_shipped_network_is_measured_on_any_part(faces: Path):
    figures = evaluate_faces("shipped", faces, "valid", truth="original", on_event=quiet)
    (one,) = figures.values()
    assert one.examples == 42
    assert sum(map(sum, one.confusion)) == 42
    assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high


def test_what_ships_sees_small_pictures_as_a_video_would(sample: Path, tmp_path: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "frame.png"))
    frame = cv2.imread(str(tmp_path / "frame.png"))
    with FaceFinder(max_faces=1, stills=True) as finder:
        left, top, width, height = map(int, box_of(finder.find(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))[0]))
    crop = cv2.resize(
        frame[top : top + height, left : left + width], (100, 100), interpolation=cv2.INTER_AREA
    )
    folder = tmp_path / "pictures" / "valid" / "happy"
    folder.mkdir(parents=True)
    for name, one in (("1", crop), ("2", np.full((48, 48, 3), 90, np.uint8))):
        cv2.imwrite(str(folder / f"{name}.png"), one)
    pictures = open_pictures(tmp_path / "pictures", "valid")
    with StillFaces() as stills:
        cut = stills.cut(pictures.original(0))
    assert cut is not None
    events: list[Any] = []
    as_they_come = _shipped(pictures, "original", quiet)
    as_in_video = _shipped(pictures, "original", events.append, cut_out=True)
    network = Models().face_cnn
    np.testing.assert_allclose(as_in_video[:1], run_stills(network, [cut])[1], atol=1e-3)
    assert np.abs(as_in_video[0] - as_they_come[0]).max() > 0.2
    np.testing.assert_allclose(as_in_video[1], as_they_come[1], atol=1e-3)
    assert events[-1] == {"no face found in": "1 pictures, which were taken as they are"}


def test_networks_of_a_run_see_pictures_as_they_are(picture_run: Path, faces: Path):
    with pytest.raises(InputError, match="works with the shipped networks only"):
        evaluate_faces(str(picture_run), faces, "valid", truth="original", cut_out=True, on_event=quiet)


def test_for_votes_the_answer_that_learned_them_is_asked(faces: Path):
    pictures = open_pictures(faces, "valid")
    labels, votes = (_shipped(pictures, truth, quiet) for truth in ("original", "votes"))
    assert labels.shape == votes.shape == (42, 7)
    crops = [pictures.original(i, colour=False) for i in range(4)]
    embeddings, logits = run_faces(Models().face_cnn, crops)
    np.testing.assert_allclose(labels[:4], logits, atol=1e-4)
    np.testing.assert_allclose(votes[:4], Models().face_votes.predict_on_batch(embeddings), atol=1e-4)
    assert np.abs(labels - votes).max() > 0.1


def test_faces_are_cut_out_of_photographs_and_crops_taken_as_they_are(sample: Path, tmp_path: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "frame.png"))
    frame = cv2.imread(str(tmp_path / "frame.png"))
    height, width = frame.shape[:2]
    photograph = cv2.copyMakeBorder(frame, 0, 0, width // 3, width // 5, cv2.BORDER_REPLICATE)
    with FaceFinder(max_faces=1, stills=True) as finder:
        picture = cv2.cvtColor(photograph, cv2.COLOR_BGR2RGB)
        expected = align(picture, finder.find(picture)[0])
    cut_out = cv2.cvtColor(expected, cv2.COLOR_RGB2BGR)
    plain = np.full((height, width, 3), 90, np.uint8)
    pictures = tmp_path / "pictures" / "valid" / "happy"
    pictures.mkdir(parents=True)
    for name, one in (("1", photograph), ("2", cut_out), ("3", plain)):
        cv2.imwrite(str(pictures / f"{name}.png"), one)
    events: list[Any] = []
    logits = _shipped(open_pictures(tmp_path / "pictures", "valid"), "original", events.append)
    network = Models().face_cnn
    (wanted,), (whole,) = (run_faces(network, [face])[1] for face in (expected, plain))
    np.testing.assert_allclose(logits[0], wanted, atol=0.5)
    np.testing.assert_allclose(logits[1], wanted, atol=1e-3)
    np.testing.assert_allclose(logits[2], whole, atol=1e-3)
    assert np.abs(whole - wanted).max() > 1
    assert events[-1] == {"no face found in": "1 pictures, which were taken as they are"}


@pytest.mark.parametrize(
    ("what", "options", "said"),
    [
        ("face", ["--plot", "x.bmp"], "end its name in"),
        ("timeline", ["--plot", "x.png"], "draws labels"),
        ("voice", ["--cut-out"], "is for faces, not for voice"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_measuring(
    what: str, options: list[str], said: str, tmp_path: Path
):
    # Nothing to measure is there: what is refused first is the option.
    done = subprocess.run(
        [sys.executable, "-m", "emoview", "evaluate", what, "shipped", str(tmp_path), *options],
        capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 1
    assert said in done.stderr


def test_a_picture_run_stands_in_for_the_face(picture_run: Path, made: Make):
    result = analyze(made("plain.mp4"), weights=picture_run)
    names = {weight.name for weight in result.weights}
    assert "frame-cnn.keras" in names
    assert not any("face" in name for name in names)
    assert result.overall.face is not None
    assert sum(result.overall.face.probabilities) == pytest.approx(1, abs=1e-5)
    with pytest.raises(InputError, match="early fusion"):
        analyze(made("plain.mp4"), weights=picture_run, fusion="early")
    with pytest.raises(InputError, match="no run folder"):
        analyze(made("plain.mp4"), weights=made("plain.mp4").parent)


def test_a_sound_run_knows_both_protocols_and_stands_in_for_the_voice(
    sound_run: Path, speech: Path, made: Make
):
    metrics = read_metrics(sound_run)
    assert set(metrics) == {"mfcc-cnn-random-split", "mfcc-cnn-speaker-folds"}
    assert metrics["mfcc-cnn-speaker-folds"]["examples"] == 36
    assert metrics["mfcc-cnn-speaker-folds"]["accuracy"]["value"] > 60
    for part in ("mfcc-cnn-random-split", "mfcc-cnn-speaker-folds/1"):
        assert {"loss", "accuracy", "validation_loss", "validation_accuracy"} <= read_history_of(
            sound_run / part
        )[0].keys()
    again = evaluate_voices(
        str(sound_run), speech, "given", seed=1, on_event=quiet, check=SeenCheck("include")
    )
    assert again["mfcc-cnn-speaker-folds"].examples == 36
    result = analyze(made("plain.mp4"), weights=sound_run)
    assert "mfcc-cnn-speaker-folds.keras" in {weight.name for weight in result.weights}
    assert result.overall.voice is not None
    # It has never heard of disgust, and so never says it.
    assert result.overall.voice.probabilities[LABELS.index("disgust")] < 1e-6


def test_runs_beside_each_other(picture_run: Path, sound_run: Path):
    rows = compared([picture_run, sound_run], measure_time=True)
    networks = [row for row in rows if row.parameters]
    assert networks[0].name == "frame-cnn"
    assert all(row.milliseconds and row.milliseconds > 0 and row.flops for row in networks)
    assert all(row.megabytes and row.megabytes > 0.01 for row in networks)


def test_search_ranks_by_the_part_held_out(faces: Path, tmp_path: Path):
    shared = {"network": "frame-cnn", "batch": 16, "plan.epochs": 1}
    grid = {"plan.rate": [1e-6, 3e-3]}
    rows = search(
        SYSTEMS["frame-cnn"], faces, grid, tmp_path, draws=None, seed=1, changes=shared, on_event=quiet
    )
    assert [row["options"]["plan.rate"] for row in rows] == [3e-3, 1e-6]
    assert json.loads((tmp_path / "search.json").read_text()) == rows


def test_search_ranks_voices_by_folds_of_the_training_part(speech: Path, tmp_path: Path):
    """Giordano 2020, section 4.5: grids of options with cross-validation."""
    shared = {"corpora": ["ravdess"], "batch": 8, "plan.epochs": 8, "test": 0.25}
    system = SYSTEMS["mfcc-cnn"]
    rows = search(
        system, speech, {"plan.rate": [1e-6, 3e-3]}, tmp_path,
        draws=None, seed=1, folds=3, changes=shared, on_event=quiet,
    )  # fmt: skip
    assert [row["options"]["plan.rate"] for row in rows] == [3e-3, 1e-6]
    assert [len(row["folds"]) for row in rows] == [3, 3]
    assert rows[0]["figure"] == pytest.approx(np.mean(rows[0]["folds"]))


def test_the_random_split_of_voices_leaves_a_third_out(sound_run: Path):
    """Giordano 2020, section 4.8: a third of the recordings is measured on."""
    assert SYSTEMS["mfcc-cnn"].options({}).test == 0.33
    assert SYSTEMS["mfcc-cnn"].options({}).songs
    assert read_metrics(sound_run)["mfcc-cnn-random-split"]["examples"] == 12


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_optimizers_learn(name: Any, tmp_path: Path):
    """Giordano 2020, figures 4.4 and 4.5: what is tried beside Adam."""
    plan = Plan(4, 1.0 if name == "adadelta" else 0.05, optimizer=name)
    values = np.random.default_rng(0).normal(size=(4, 8, 3)).astype(np.float32)

    def build_line() -> keras.Model:
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

    fit(
        build_line, lambda _: iter([(v, v.sum(axis=1, keepdims=True)) for v in values]),
        lambda _: {"validation_accuracy": 0.0}, plan, tmp_path, loss="mse", seed=1,
    )  # fmt: skip
    losses = [row["loss"] for row in read_history_of(tmp_path)]
    assert losses[-1] < losses[0]


def test_momentum():
    sgd = Plan(1, 0.001, optimizer="sgd", momentum=0.9).new_optimizer()
    assert (sgd.momentum, float(sgd.learning_rate)) == (0.9, pytest.approx(0.001))
    with pytest.raises(InputError, match="adam takes no momentum"):
        Plan(1, 0.001, momentum=0.9)


def test_valence_and_arousal_are_measured_fold_by_fold(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Ulloa 2019: figures of five folds averaged, in -10 to 10 (sections 3.3 and 5.1); settings of 4.1."""
    usual = SYSTEMS["valence-arousal"].options({})
    assert (usual.network, usual.batch, usual.folds) == ("resnet152", 50, 5)
    assert (usual.plan.optimizer, usual.plan.rate, usual.plan.momentum) == ("sgd", 0.001, 0.9)
    assert usual.plan.epochs == 100
    lines = ["frame,valence,arousal,video"]
    for i in range(12):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((32, 32, 3), 20 * i, np.uint8))
        lines.append(f"{i}.png,{i / 12},{-i / 24},{i // 3}")
    table = tmp_path / "t.csv"
    table.write_text("\n".join(lines) + "\n")
    small = {"network": "vgg11-bn", "size": 32, "batch": 4, "folds": 2, "plan": {"epochs": 1}}
    monkeypatch.setattr("emoview.networks.vgg.WIDTHS", (2, 2, 4, 4, 4))
    monkeypatch.setattr("emoview.networks.vgg.DENSE", 8)
    run = _trained("valence-arousal", table, tmp_path / "run", **small)
    metrics = read_metrics(run)
    assert set(metrics) == {"vgg11-bn, valence", "vgg11-bn, arousal"}
    one = metrics["vgg11-bn, valence"]
    assert one["scale"] == 10
    assert len(one["folds"]) == 2
    for what in ("rmse", "pcc", "icc", "ccc"):
        assert one[what]["value"] == pytest.approx(np.mean([f[what] for f in one["folds"]]), abs=1e-3)
    monkeypatch.setenv("COLUMNS", "180")
    render_training.comparison(Terminal(), compared([run]))
    shown = capfd.readouterr().out
    assert all(heading in shown for heading in ("RMSE (-10 to 10)", "PCC", "ICC", "CCC"))
    assert "accuracy" not in shown
    # Another training may begin where this one ended; of a run, it must be of the same network.
    _trained("valence-arousal", table, tmp_path / "file", **small, start=str(run / "vgg11-bn.keras"))
    with pytest.raises(InputError, match="another network"):
        _trained("valence-arousal", table, tmp_path / "no", **{**small, "size": 64}, start=str(run))


def test_folds_of_values_by_hand():
    """Ulloa 2019, section 3.3: RMSE, PCC, and ICC as twice the covariance over the sum of the variances."""
    said, true = np.array([1.0, 2, 3, 0, 0, 6]), np.array([2.0, 4, 6, 1, 0, 5])
    folds = [np.arange(3), np.arange(3, 6)]
    figures = measure_folds(said, true, folds, scale=10)
    icc = [2 * np.cov(said[f], true[f])[0, 1] / (said[f].var(ddof=1) + true[f].var(ddof=1)) for f in folds]
    rmse = [np.sqrt(14 / 3), np.sqrt(2 / 3)]
    assert [fold["icc"] for fold in figures.folds] == pytest.approx(icc, abs=1e-4)
    assert [fold["rmse"] for fold in figures.folds] == pytest.approx(rmse, abs=1e-4)
    assert figures.icc.value == pytest.approx(np.mean(icc), abs=1e-4)
    assert figures.rmse.value == pytest.approx(np.mean(rmse), abs=1e-4)
    assert figures.folds[0]["pcc"] == 1


def test_options_are_checked():
    with pytest.raises(InputError, match="no option 'netwrk'"):
        SYSTEMS["frame-cnn"].options({"netwrk": "frame-cnn"})
    with pytest.raises(InputError, match="not of the kind"):
        configured(Plan(1, 1.0), {"epochs": "many"}, "file")
    with pytest.raises(InputError, match="no system"):
        system_named("nothing")


def test_every_system_has_options():
    for system in SYSTEMS.values():
        assert system.options({"seed": 5}).seed == 5


def test_rates_of_a_plan():
    assert Plan(20, 1.0, schedule="step", factor=0.2, step_at=10).rate_at(10, []) == pytest.approx(0.2)
    stairs = Plan(20, 1.0, schedule="staircase", factor=0.95, step_at=2)
    assert stairs.rate_at(5, []) == pytest.approx(0.95**2)
    plateau = Plan(20, 1.0, schedule="plateau", factor=0.2, patience=2)
    assert plateau.rate_at(3, [50, 60, 61]) == 1.0
    assert plateau.rate_at(4, [60, 59, 58, 57]) == pytest.approx(0.2)
    assert plateau.rate_at(5, [60, 59, 58, 57, 56]) == pytest.approx(0.04)


def test_what_a_plateau_watches():
    row = {"loss": 1.0, "accuracy": 60.0, "validation_loss": 2.0, "validation_accuracy": 50.0}
    chooses = "validation_accuracy"
    watched = [
        Plan(1, 1.0, watch=what).watched(row, chooses) for what in ("accuracy", "loss", "training-loss")
    ]
    assert watched == [50, -2, -1]
    # Where nothing is held out, the part that is measured decides nothing.
    assert Plan(1, 1.0, watch="loss").watched(row, "accuracy") == -1


def test_image_landmark_is_trained_as_published():
    """System A, sections 5.2.2 to 5.2.4, listings 4 and 6."""
    options = SYSTEMS["image-landmark"].options({})
    plans = [options.image, options.landmark, options.decisions, options.features]
    assert [plan.epochs for plan in plans] == [16] * 4
    assert [plan.rate for plan in plans] == [1e-4, 1e-3, 5e-4, 5e-5]
    assert {plan.optimizer for plan in plans} == {"adam"}
    assert [plan.schedule for plan in plans] == ["step", "plateau", "constant", "constant"]
    assert [options.image.rate_at(epoch, []) for epoch in (9, 10)] == pytest.approx([1e-4, 2e-5])
    landmark = options.landmark
    assert (landmark.watch, landmark.factor, landmark.patience) == ("loss", 0.2, 5)
    assert options.batch == 32


def test_image_landmark_learns_from_seven_tenths(faces: Path):
    pictures, (train, choose, test) = split_pictures(faces, "random", 1, SHARES)
    assert [round(len(part) / len(pictures), 1) for part in (train, choose, test)] == [0.7, 0.2, 0.1]


def test_hinge_by_hand():
    """System E, equation 33; the scores of the first example are those of its equation 4."""
    targets, scores = np.eye(3, dtype=np.float32)[[1, 0]], np.array([[6, 14, 9], [2, 1, 4]], np.float32)
    # With a margin of 10 the first lacks 2 and 5, and the second 9 and 12.
    assert float(MulticlassHinge(10.0)(targets[:1], scores[:1])) == pytest.approx(np.sqrt(2**2 + 5**2))
    both = float(MulticlassHinge(10.0)(targets, scores))
    assert both == pytest.approx(np.sqrt(2**2 + 5**2 + 9**2 + 12**2) / 2)
    # With the usual margin of 1, the first lacks nothing; of the second, the label 4 stands 3 too high.
    assert float(MulticlassHinge()(targets, scores)) == pytest.approx(3 / 2)
    weighted = float(MulticlassHinge()(targets, scores, sample_weight=np.array([1, 4], np.float32)))
    assert weighted == pytest.approx(2 * 3 / 2)
    assert float(MulticlassHinge()(targets[:1], scores[:1])) == 0


def test_hinge_is_learned_and_taken_up_again(faces: Path, tmp_path: Path):
    changes = {"network": "frame-cnn", "batch": 16, "loss": "hinge", "delta": 2.0}
    for epochs in (1, 3):
        options = system_named("frame-cnn").options({**changes, "plan": {"epochs": epochs, "rate": 3e-3}})
        run = Run(tmp_path / str(epochs), "frame-cnn", options, faces)
        if epochs == 3:
            shutil.copytree(tmp_path / "1" / "frame-cnn", tmp_path / "3" / "frame-cnn")
        system_named("frame-cnn").train(options, faces, run, quiet)
    history = read_history_of(tmp_path / "3" / "frame-cnn")
    assert len(history) == 3
    assert history[-1]["loss"] < history[0]["loss"]
    assert read_metrics(tmp_path / "3")["frame-cnn"]["accuracy"]["value"] > 30


def test_shallow_deep_has_the_settings_of_its_work():
    """System E, sections 6.2.2, 7.1 and 8.1."""
    system = SYSTEMS["shallow-deep"]
    options = system.options({})
    assert (options.network, options.preparation, options.loss) == ("bkvgg12", "both", "cross-entropy")
    assert (options.plan.optimizer, options.plan.rate, options.plan.schedule) == ("adadelta", 1.0, "constant")
    shapes = {
        name: input_shape(system.options({"network": name})) for name in ("bkmin", "resnet18", "andreas100")
    }
    assert shapes == {"bkmin": (42, 42, 1), "resnet18": (42, 42, 1), "andreas100": (100, 100, 3)}
    changed = system.options({"network": "densenet121", "size": 100, "colour": True, "dropout": [0, 0, 0, 0]})
    assert input_shape(changed) == (100, 100, 3)
    assert changed.dropout == (0, 0, 0, 0)
    # Rising, unless something else is asked for.
    for name, stages in (("resnet18", 4), ("densenet161-reduced", 3), ("densenet-small", 3)):
        assert dropout_of(system.options({"network": name})) == (0.05, 0.2, 0.2, 0.3)[:stages]
    assert dropout_of(system.options({"network": "resnet18", "dropout": 0.1})) == 0.1
    assert dropout_of(system.options({"network": "bkmin"})) is None


def test_shallow_deep_learns(faces: Path, tmp_path: Path):
    run = _trained(
        "shallow-deep", faces, tmp_path, network="bkmin", batch=16, augmentation="none", colour=True,
        dropout=[0, 0, 0.2], plan={"epochs": 6},
    )  # fmt: skip
    assert read_metrics(run)["bkmin"]["accuracy"]["value"] > 40
    assert networks_of(run)[0].colour
    network = load_network(run, networks_of(run)[0])
    assert network.input_shape == (None, 42, 42, 3)


def test_no_duplicate_stands_on_both_sides(faces: Path, tmp_path: Path):
    for part in ("train", "valid"):
        for label in LABELS:
            (tmp_path / part / label).mkdir(parents=True)
            for source in sorted((faces / part / label).iterdir()):
                (tmp_path / part / label / source.name).write_bytes(source.read_bytes())
    same = (tmp_path / "valid" / "sad" / "0.png").read_bytes()
    (tmp_path / "train" / "sad" / "again.png").write_bytes(same)
    for how in ("given", "random"):
        pictures, (train, choose, test) = split_pictures(tmp_path, how, seed=1)
        digests = pictures.digests()
        sides = [{digests[i] for i in part} for part in (train, choose, test)]
        assert not sides[0] & sides[1]
        assert not sides[0] & sides[2]
        assert not sides[1] & sides[2]


def test_groups_of_labels():
    assert group_names(3) == ("neutral", "negative", "positive")
    assert grouped(np.arange(7), 2).tolist() == [0, 0, 0, 0, 1, 0, 0]


def test_changed_pictures_keep_their_shape_and_range(faces: Path):
    pictures = DecodedPictures.of(open_pictures(faces, "valid"), size=48, colour=True)
    rng = np.random.default_rng(0)
    for result in (augmented_face(pictures[0], 40, rng), augmented_resize(pictures[0], rng)):
        assert result.shape[-1] == 3
        assert 0 <= result.min() < result.max() <= 1


@pytest.mark.parametrize("variant", EARLY_VARIANTS)
def test_early_fusions_ignore_padding(variant: Any):
    network = early_network(variant, embedding=6, descriptors=4, units=8, sound_units=4)
    values = np.random.default_rng(0).normal(size=(1, 5, 10)).astype(np.float32)
    whole, ticks = network.predict_on_batch((values, np.ones((1, 5), bool)))
    assert ticks.shape == (1, 5, 7)
    longer = np.concatenate([values, np.full((1, 7, 10), 9, np.float32)], axis=1)
    padded, _ = network.predict_on_batch((longer, np.arange(12)[None] < 5))
    np.testing.assert_allclose(whole, padded, atol=1e-5)


@pytest.mark.parametrize("rule", [rule for rule in RULES if not rule.startswith("three")])
def test_late_rules_trust_the_better_model(rule: str):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 210)
    good = 3 * np.eye(7)[np.where(rng.random(210) < 0.8, labels, rng.integers(0, 7, 210))]
    noise = [3 * np.eye(7)[rng.integers(0, 7, 210)] for _ in range(2)]
    logits = np.stack([noise[0], good, noise[1]])
    scores = RULES[rule](logits[:, :140], labels[:140], logits[:, 140:])
    assert scores.shape == (70, 7)
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=0.02)
    assert np.mean(scores.argmax(axis=1) == labels[140:]) > 0.7


def test_late_rules_by_hand():
    """Norman 2019, section 6.5, the five methods of late fusion and the scaling of logits."""
    # Right in 3, 2 and 1 of 4; of the first label are 4 examples, of the second 1, of the third none.
    labels = np.array([0, 0, 0, 1, 0])
    said = np.array([[0, 0, 0, 1, 0], [0, 0, 1, 2, 1], [0, 1, 2, 2, 1]])
    known = np.eye(3)[said]
    accuracies = np.array([1.0, 0.4, 0.2])
    logits = np.array([[[1.0, 2.0, 0.0]], [[0.0, -6.0, 6.0]], [[9.0, 1.0, -1.0]]])

    def scores(rule: str) -> Any:
        return PUBLISHED_RULES[rule](known, labels, logits)[0]

    # The second, the third and the first label, each with the weight of the model that says it.
    np.testing.assert_allclose(scores("one: class predictions by accuracy"), [0.125, 0.625, 0.25])
    by_accuracy = accuracies @ logits[:, 0] / 1.6
    np.testing.assert_allclose(by_accuracy * 1.6, [2.8, -0.2, 2.2])
    np.testing.assert_allclose(scores("two: class logits by accuracy"), softmax(by_accuracy))
    mean = np.array([10, -3, 5]) / 3
    np.testing.assert_allclose(scores("three: logits of equal weight"), softmax(mean))
    # 4 examples over 4, and over 1; the label without examples keeps its weight.
    weighted = by_accuracy * [1, 2, 1]
    four = "four: class logits by accuracy and root of class weight"
    np.testing.assert_allclose(scores(four), softmax(weighted))
    to_one = np.array([[0.5, 1, 0], [0.5, 0, 1], [1, 0.2, 0]])
    np.testing.assert_allclose(scores("three, logits scaled to 0..1"), softmax(to_one.mean(axis=0)))
    by_accuracy = accuracies @ to_one / 1.6
    np.testing.assert_allclose(scores("two, logits scaled to 0..1"), softmax(by_accuracy))
    np.testing.assert_allclose(scores("four, logits scaled to 0..1"), softmax(by_accuracy * [1, 2, 1]))
    # Two models whose logits, one times 2 and the other times -1, and a constant of 3 give the labels.
    first, second = np.array([[0.0, 1, 2, 5]] * 3).T, np.array([[3.0, 4, 7, 13]] * 3).T
    # 2 x first - second + 3 is 0, 1, 0, 0: the second example has the label.
    learned = linear_regression(np.stack([first, second]), np.array([0, 1, 0, 0]), np.stack([first, second]))
    np.testing.assert_allclose(learned, np.eye(3)[[0, 1, 0, 0]], atol=1e-9)


def test_fuse_shows_models_alone_and_their_mean(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Norman 2019, section 6.5, whose tables hold the models' average accuracy beside the fused."""
    labels = np.arange(28) % 7
    right = np.eye(7, dtype=np.float32)[labels]
    half = np.where((np.arange(28) < 14)[:, None], right, np.roll(right, 1, axis=1))
    clips = tuple(f"{i}.mp4" for i in range(28))
    Predictions(clips, labels, tuple("abcd" * 7), {"a": right, "b": half}).save(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    fuse([tmp_path])
    rows = {line.strip().split("  ")[0]: line for line in capfd.readouterr().out.splitlines()}
    assert "100.0" in rows["a"]
    assert "50.0" in rows["b"]
    assert "75.0" in rows["mean of the networks"]
    assert set(RULES) <= set(rows)


def test_figures_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    figures = measure_labels(probabilities, np.array([0, 0, 1, 1]), ("a", "b"))
    assert figures.accuracy.value == 75
    assert figures.confusion == ((2, 0), (1, 1))
    assert figures.recalls["b"].value == 50
    # F1 of a: 2 * 2 / (3 + 2), of b: 2 * 1 / (1 + 2).
    assert figures.macro_f1.value == pytest.approx(100 * (0.8 + 2 / 3) / 2, abs=0.01)
    # Bins: 0.9 right, 0.8 right, 0.7 right, 0.6 wrong.
    assert figures.calibration_error.value == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4)
    # One example a bin, right with probability c, misses by 2c(1 - c) in the mean.
    assert figures.calibration_floor == pytest.approx((0.18 + 0.32 + 0.42 + 0.48) / 4, abs=0.03)
    assert [(b.examples, b.confidence, b.accuracy) for b in figures.calibration] == [
        (1, 0.6, 0.0), (1, 0.7, 1.0), (1, 0.8, 1.0), (1, 0.9, 1.0)
    ]  # fmt: skip
    values = measure_values(np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]))
    assert values.rmse.value == pytest.approx(1)
    assert values.pcc.value == pytest.approx(1)
    assert values.icc.value == pytest.approx(1)
    # 2 * 2/3 / (2/3 + 2/3 + 1).
    assert values.ccc.value == pytest.approx(4 / 7, abs=1e-4)


def test_gains_are_drawn_in_pairs_and_by_people():
    rng = np.random.default_rng(0)
    labels = np.tile(np.arange(6), 32)
    people = [str(i // 24) for i in range(192)]
    lucky = rng.random(192) < 0.6
    other = np.eye(7)[np.where(lucky, labels, 6)]
    nothing = measure_gain(other, other, labels, people, over="other")
    assert (nothing.examples, nothing.people, nothing.over) == (192, 8, "other")
    assert (nothing.uar.value, nothing.uar.low, nothing.uar.high) == (0, 0, 0)
    # One is right wherever the other is, and of every fifth example besides.
    one = np.where((np.arange(192) % 5 == 0)[:, None], np.eye(7)[labels], other)
    gain = measure_gain(one, other, labels, people, over="other")
    alone, beside = (measure_labels(said, labels, LABELS).uar for said in (one, other))
    assert gain.uar.value == pytest.approx(alone.value - beside.value, abs=0.02)
    assert 0 < gain.uar.low < gain.uar.value < gain.uar.high
    # The same examples are drawn for both: what they share does not widen the interval.
    assert gain.uar.high - gain.uar.low < 0.8 * (alone.high - alone.low)
    # The whole gain comes of one person: of another eight there may be no such one.
    of_one = np.where((np.array(people) == "3")[:, None], np.eye(7)[labels], other)
    gain = measure_gain(of_one, other, labels, people, over="other")
    assert gain.uar.low > 1
    assert gain.uar_by_people.low == 0
    assert gain.uar_by_people.value == gain.uar.value < gain.uar.high < gain.uar_by_people.high
    loss = measure_gain(other, one, labels, people, over="one").uar
    assert str(loss) == f"{loss.value:.1f} ({loss.low:.1f} to {loss.high:.1f})"
    printed = io.StringIO()
    # A terminal proper turns the descriptors of its process away.
    terminal = SimpleNamespace(printer=lambda: Screen(printed))
    render_training.figures(cast(Any, terminal), "made", gain)
    said = printed.getvalue()
    assert "points over" in said
    assert "other" in said
    assert str(gain.uar) in said
    assert str(gain.uar_by_people) in said
    of_labels = measure_labels(one, labels, LABELS)
    # Gains have neither confusion nor calibration to draw.
    drawn = [plot_figures(kinds, Path("x.png")) for kinds in ({"a": of_labels, "b": gain}, {"a": of_labels})]
    assert drawn[0] == drawn[1]


def test_figures_are_drawn():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 300)
    right = measure_labels(0.7 * np.eye(7)[labels] + 0.3 / 7, labels, LABELS)
    chance = measure_labels(rng.dirichlet(np.ones(7), 300), labels, LABELS)

    def dark_blue(measured: LabelFigures) -> int:
        data = plot_figures({"made": measured}, Path("x.png"))
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).astype(int)
        assert picture.shape[1] == pytest.approx(7.2 * 300, abs=2)
        # Beside the confusion there are blue curves.
        confusion = picture[:, : picture.shape[1] // 3]
        return int(((confusion[..., 2] < 40) & (confusion[..., 0] > 90)).sum())

    # Only a diagonal of full cells is dark.
    assert dark_blue(right) > 20 * dark_blue(chance)
    both = {"one": right, "other": chance}
    assert plot_figures(both, Path("x.svg")) == plot_figures(both, Path("x.svg"))


def test_labels_of_one_corpus_are_not_asked_across_corpora():
    said = [("a", "happy"), ("a", "calm"), ("b", "happy"), ("b", "sad"), ("c", "sad"), ("c", "boredom")]
    every = tuple(Utterance(Path(f"{i}.wav"), corpus, "1", label) for i, (corpus, label) in enumerate(said))
    assert [u.label for u in _shared(every)] == ["happy", "happy", "sad", "sad"]


def _clips_of_three(made: Make, tmp_path: Path) -> None:
    with (tmp_path / "index.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "actor", "sentence", "label"])
        for actor in range(3):
            for i, label in enumerate(("happy", "sad")):
                made(f"{actor}{i}.mp4", "-ss", f"{actor + 2 * i}", seconds=1.2).rename(
                    tmp_path / f"{actor}{i}.mp4"
                )
                table.writerow([f"{actor}{i}.mp4", str(actor), "1", label])


def test_flicker_counts_ticks_that_stand_alone():
    assert flicker_of(np.array([0, 0, 1, 0, 0, 2, 2, -1, 3, -1])) == pytest.approx(100 / 5)
    assert flicker_of(np.array([0, 0, 0, 1, 1, 1])) == 0
    assert flicker_of(np.array([], np.int64)) == 0


def test_the_nearest_change_is_held_against_the_joint():
    labels = np.array([4] * 50 + [5] * 50)
    assert measured(labels, 2.0)[1:3] == (1, 100)
    assert measured(labels, 2.0)[4] == pytest.approx(0)
    # One change lands within half a second of the joint by chance in a quarter of four seconds.
    assert measured(labels, 2.0)[3] == pytest.approx(25)
    late = measured(labels, 1.2)
    assert late[2] == 0
    assert late[4] == pytest.approx(0.8)
    # A gap without labels is no change, and without any change nothing is found.
    assert measured(np.array([4] * 20 + [-1] * 5 + [4] * 20), 0.9)[1:] == (0, 0, 0, np.inf)


def test_timelines_of_joined_clips(made: Make, tmp_path: Path):
    _clips_of_three(made, tmp_path)
    (tmp_path / "index.csv").write_text("path,actor,label\n00.mp4,a,happy\n01.mp4,a,sad\n10.mp4,b,sad\n")
    figures = evaluate_timelines(tmp_path, None, seed=1, on_event=quiet)
    # The clip of b has no partner; the two of a are joined.
    assert figures.examples == 1
    assert 0 <= figures.flicker.value <= 100
    assert figures.found.value in (0, 100)
    with pytest.raises(DatasetError, match="no actor has two clips"):
        evaluate_timelines(tmp_path, "valid", seed=1, on_event=quiet)


def test_loud_descriptors_do_not_drown_the_face():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=(500, 8)), 1e4 * rng.normal(size=(500, 3))], axis=1)
    values[:, 0] = 1
    variance = input_variance(values.astype(np.float32), 8)
    spread = (values / np.sqrt(variance)).std(axis=0)
    np.testing.assert_allclose(spread[1:], 1, atol=0.15)
    # What does not vary here must not count for a hundred times as much where it does.
    assert variance[0] > 0.05


@pytest.mark.release
def test_what_ships_is_trained_anew_without_each_actor(made: Make, tmp_path: Path):
    _clips_of_three(made, tmp_path)
    figures = evaluate_clips_by_actor(tmp_path, None, on_event=quiet)
    assert {"face_gru", "voice_clip", "early", "late_both", "late_both_gain"} <= set(figures)
    assert {figure.examples for figure in figures.values()} == {6}
    assert set(figures["early"].recalls) == {"happy", "sad"}
    with pytest.raises(DatasetError, match="three named actors"):
        evaluate_clips_by_actor(tmp_path, "valid", on_event=quiet)


def test_clip_fusion_measures_each_actor_without_them(made: Make, tmp_path: Path):
    _clips_of_three(made, tmp_path)
    changes = {
        "networks": ["functionals-dnn", "early-dense"], "batch": 4, "length": 20, "plan": {"epochs": 1},
        "sound_depth": 1, "bidirectional": False,
    }  # fmt: skip
    run = _trained("clip-fusion", tmp_path, tmp_path / "run", **changes)
    assert read_metrics(run)["early-dense"]["examples"] == 6
    folders = {path.name for path in (run / "early-dense").iterdir()}
    assert folders == {"without-0", "without-1", "without-2"}


def test_faces_out_of_clips_and_broken_files_left_out(made: Make, tmp_path: Path):
    for label, second in (("happy", 0), ("sad", 3)):
        (tmp_path / "data" / "Train" / label).mkdir(parents=True)
        clip = made(f"{label}.mp4", "-ss", str(second), seconds=1.0 if label == "sad" else 1.6)
        (tmp_path / "data" / "Train" / label / clip.name).write_bytes(clip.read_bytes())
    (tmp_path / "data" / "Val").mkdir()
    (tmp_path / "data" / "Train" / "sad" / "broken.mp4").write_bytes(b"no video")
    done = prepare(
        tmp_path / "data", tmp_path / "faces", part="train", every=5, balance=True, seed=1, on_event=quiet
    )
    assert done.counts == {"happy": 5, "sad": 5}
    assert len(done.broken) == 1
    assert "broken.mp4" in done.broken[0]
    assert len(open_pictures(tmp_path / "faces")) == 10
    with pytest.raises(InputError, match="not empty"):
        prepare(
            tmp_path / "data", tmp_path / "faces", part=None, every=5, balance=False, seed=1, on_event=quiet
        )


def test_head_first_then_all_from_another_run(picture_run: Path, faces: Path, tmp_path: Path):
    run = _trained(
        "frame-cnn", faces, tmp_path / "tuned", network="frame-cnn", batch=16, start=str(picture_run),
        head_epochs=1, plan={"epochs": 1, "rate": 1e-5},
    )  # fmt: skip
    before = read_metrics(picture_run)["frame-cnn"]["accuracy"]["value"]
    assert read_metrics(run)["frame-cnn"]["accuracy"]["value"] > before - 15
    assert len(read_history_of(run / "frame-cnn-head")) == 1
    with pytest.raises(InputError, match="no network bkmin"):
        _trained(
            "frame-cnn",
            faces,
            tmp_path / "other",
            start=str(picture_run),
            network="bkmin",
            plan={"epochs": 1},
        )


def test_bfloat16_where_the_processor_has_it(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flags = tmp_path / "cpuinfo"
    monkeypatch.setattr("emoview.training.precision._CPU_INFO", flags)
    assert policy() == "float32"
    flags.write_text("flags : fma avx2")
    assert policy() == "float32"
    flags.write_text("flags : fma avx2 amx_bf16 amx_tile")
    assert policy() == "mixed_bfloat16"
    run = _trained("frame-cnn", faces, tmp_path / "run", network="frame-cnn", batch=16, plan={"epochs": 1})
    stored = load_network(run, networks_of(run)[0])
    assert {layer.compute_dtype for layer in stored.layers} == {"float32"}
    checkpoint = keras.models.load_model(run / "frame-cnn" / "checkpoint-1.keras")
    assert "bfloat16" in {layer.compute_dtype for layer in checkpoint.layers}


def test_both_fusions_stand_on_the_frozen_networks(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def random_landmarks(images: Any, _: Any) -> Any:
        points = np.random.default_rng(0).normal(size=(len(images), 68, 2)).astype(np.float32)
        points[::10] = np.nan
        return points

    # The pictures here show no faces.
    monkeypatch.setattr("emoview.training.systems.image_landmark._landmarks", random_landmarks)
    quick = {"epochs": 8, "rate": 3e-2}
    run = _trained(
        "image-landmark", faces, tmp_path, batch=16, decisions=quick, features=quick,
        image={"epochs": 2, "rate": 3e-3}, landmark={"epochs": 1},
    )  # fmt: skip
    metrics = read_metrics(run)
    assert set(metrics) == {"nn1", "nn2", "decision-fusion", "feature-fusion"}
    assert len({m["examples"] for m in metrics.values()}) == 1
    for name in ("decision-fusion", "feature-fusion"):
        assert metrics[name]["accuracy"]["value"] > metrics["nn2"]["accuracy"]["value"] + 30
        whole = load_network(run, next(n for n in networks_of(run) if n.name == name))
        alone = load_network(run, networks_of(run)[0])
        inside = next(layer for layer in whole.layers if layer.name.startswith("nn1"))
        np.testing.assert_array_equal(inside.get_weights()[0], alone.get_weights()[0])


def test_groups_after_training_are_decided_by_their_sums():
    # Happy leads, but anger, fear and sadness together outweigh it.
    probabilities = np.array([[0.1, 0.2, 0.0, 0.2, 0.3, 0.2, 0.0]])
    assert regrouped(probabilities, np.array([LABELS.index("sad")]), 3).accuracy.value == 100
