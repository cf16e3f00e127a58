"""What each system notes of its training, joined data sets, and data that cannot be learned from."""

from __future__ import annotations

import wave
import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from emoview.datasets.affect import read_affect
from emoview.datasets.clips import ClipFile
from emoview.datasets.files import digest_of
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech
from emoview.datasets.splits import assert_taught, assert_taught_by_others, folds_by_group
from emoview.errors import DatasetError, InputError
from emoview.evaluation.clips import evaluate_clips_by_actor
from emoview.evaluation.voices import evaluate_voices
from emoview.networks.runs import Run, read_run
from emoview.networks.seen import Seen, note_seen, read_seen
from emoview.timeline.labels import LABELS
from emoview.training.face import train_face
from emoview.training.late_fusion import Predictions
from emoview.training.parts import learned_from, split_pictures
from emoview.training.systems import clip_fusion, clip_sequences, image_landmark, sound
from emoview.training.systems.catalog import system_named
from emoview.training.systems.sound import _random_split

SYSTEMS = "emoview.training.systems"


class StoppedError(Exception):
    pass


def _stop(*_: Any, **__: Any) -> None:
    raise StoppedError


def _nobody(_: Any) -> None:
    pass


def _picture(file: Path, seed: int) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), np.random.default_rng(seed).integers(0, 255, (8, 8), np.uint8))
    return file


def _faces(folder: Path, parts: dict[str, int], labels: tuple[str, ...] = LABELS, seed: int = 0) -> Path:
    for part, count in parts.items():
        for label in labels:
            for i in range(count):
                seed += 1
                _picture(folder / part / label / f"{i}.png", seed)
    return folder


def _speech(folder: Path, labels: tuple[int, ...] = (1, 3, 5), actors: int = 6) -> Path:
    folder.mkdir(exist_ok=True)
    for actor in range(1, actors + 1):
        for label in labels:
            with wave.open(str(folder / f"03-01-{label:02d}-01-01-01-{actor:02d}.wav"), "wb") as file:
                file.setparams((1, 2, 16_000, 0, "NONE", ""))
                file.writeframes(bytes([actor, label] * 20))
    return folder


def _indexed(folder: Path, people: str, seed: int) -> Path:
    """Pictures of persons, three of each with each of two labels."""
    rows = ["path,label,actor"]
    for person in people:
        for label in ("happy", "sad"):
            for i in range(3):
                seed += 1
                name = f"{person}{label}{i}.png"
                _picture(folder / name, seed)
                rows.append(f"{name},{label},{person}")
    (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


def _learned(system: str, data: Any, run: Path, **changes: Any) -> dict[str, Seen]:
    """Train until the first network begins to learn, and read what was noted."""
    chosen = system_named(system)
    options = chosen.options(changes)
    with pytest.raises(StoppedError):
        chosen.train(options, data, Run(run, system, options, data), _nobody)
    return read_seen(run)


@pytest.fixture(autouse=True)
def stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("image_landmark", "sound", "clip_fusion"):
        monkeypatch.setattr(f"{SYSTEMS}.{module}.fit", _stop)
    for module in ("pictures", "affect"):
        monkeypatch.setattr(f"{SYSTEMS}.{module}.fit_head_first", _stop)
    monkeypatch.setattr(f"{SYSTEMS}.sound.describe", lambda u, *_: np.zeros((len(u), 40), np.float32))
    monkeypatch.setattr(
        f"{SYSTEMS}.image_landmark._landmarks", lambda images, _: np.zeros((len(images), 68, 2), np.float32)
    )


@pytest.mark.parametrize("system", ["frame-cnn", "picture-cnn", "shallow-deep"])
def test_pictures_that_are_learned_from_are_noted(tmp_path: Path, system: str):
    data = _faces(tmp_path / "faces", {"train": 10, "valid": 2})
    noted = _learned(system, data, tmp_path / "run", split="given", network="frame-cnn")
    # Those that choose the epoch count, too; those that are measured do not.
    assert noted == {"frame-cnn": Seen.of(open_pictures(data, "train").digests(), None)}


def test_the_landmark_system_notes_what_it_finds_faces_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = _faces(tmp_path / "faces", {"train": 10})
    pictures, parts = split_pictures(data, "random", 1, image_landmark.SHARES)
    landmarks = np.zeros((len(pictures), 68, 2), np.float32)
    missed = parts[0][0]
    landmarks[missed] = np.nan
    monkeypatch.setattr(f"{SYSTEMS}.image_landmark._landmarks", lambda *_: landmarks)
    noted = _learned("image-landmark", data, tmp_path / "run")
    expected = [d for i, d in enumerate(pictures.digests()) if i not in {*parts[2], missed}]
    assert noted == dict.fromkeys(image_landmark.PLANS, Seen.of(expected, None))


def test_recordings_and_speakers_are_noted_by_protocol(tmp_path: Path):
    data = _speech(tmp_path / "speech")
    noted = _learned("mfcc-cnn", data, tmp_path / "run", folds=2)
    every = read_speech(data)
    digests = [digest_of(u.path) for u in every]
    options = system_named("mfcc-cnn").options({"folds": 2})
    labels = np.array([("neutral", "happy", "anger").index(u.label) for u in every])
    learned, _ = _random_split(labels, digests, options)
    assert 0 < len(learned) < len(every)
    assert noted == {
        "mfcc-cnn-random-split": Seen.of([digests[i] for i in learned], [every[i].person for i in learned]),
        # Its answers were calibrated on all.
        "mfcc-cnn-speaker-folds": Seen.of(digests, [f"ravdess/{i:02d}" for i in range(1, 7)]),
    }


def _frames(folder: Path, seed: int = 0, video: str = "") -> Path:
    rows = ["path,valence,arousal,video"]
    for i in range(8):
        _picture(folder / f"{i}.png", seed + i)
        rows.append(f"{i}.png,{i / 10},0.1,{video}{i // 2}")
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder / "table.csv"


@pytest.mark.parametrize("apart", [False, True])
def test_videos_of_the_fold_that_is_kept_are_noted(tmp_path: Path, apart: bool):
    table = _frames(tmp_path)
    other = {"test": str(_frames(tmp_path / "other", 50, "other "))} if apart else {}
    noted = _learned("valence-arousal", table, tmp_path / "run", network="resnet18", folds=2, **other)
    data = read_affect(table)
    known = range(8) if apart else folds_by_group(data.videos, 2, 1)[0][0]
    assert len(known) == (8 if apart else 4)
    people = {f"video {data.videos[i]}" for i in known}
    assert noted == {"resnet18": Seen.of(data.digests(known), people)}
    # The same pictures have the same digests in a data set of faces.
    _picture(tmp_path / "faces" / "happy" / "0.png", 3)
    assert open_pictures(tmp_path / "faces").digests() == data.digests([3])


def test_values_are_not_measured_on_videos_that_are_learned_from(tmp_path: Path):
    table = _frames(tmp_path / "one")
    with pytest.raises(InputError, match="all videos to learn from are in"):
        _learned("valence-arousal", table, tmp_path / "same", network="resnet18", test=str(table))
    # A frame of video 1 under another name, and another frame of a video 3.
    rows = (_frames(tmp_path / "two", 50, "other ")).read_text().replace("other 3", "3")
    (tmp_path / "two" / "table.csv").write_text(rows)
    (tmp_path / "two" / "0.png").write_bytes((tmp_path / "one" / "2.png").read_bytes())
    other = str(tmp_path / "two" / "table.csv")
    noted = _learned("valence-arousal", table, tmp_path / "run", network="resnet18", test=other)
    assert noted["resnet18"].people == {"video 0", "video 2"}
    # In folds, copies are on one side.
    (tmp_path / "one" / "7.png").write_bytes((tmp_path / "one" / "0.png").read_bytes())
    for seed in range(4):
        noted = _learned(
            "valence-arousal", table, tmp_path / f"{seed}", network="resnet18", folds=2, seed=seed
        )
        assert len({"video 0", "video 3"} & noted["resnet18"].people) != 1


def _described(folder: Path, parts: str = "") -> tuple[list[Any], clip_sequences.Sequences]:
    labels, actors = [4, 5] * 3, ["a", "a", "b", "b", "c", "c"]
    files = []
    for i, (label, actor) in enumerate(zip(labels, actors, strict=True)):
        path = folder / f"{i}.mp4"
        path.write_bytes(bytes([i]))
        part = {"t": "train", "v": "valid", "x": "test"}[parts[i]] if parts else None
        files.append(ClipFile(path, LABELS[label], None if parts else actor, part=part))
    values = tuple(np.ones((4, 3 + clip_fusion.DESCRIPTORS), np.float32) for _ in labels)
    summaries = np.zeros((len(labels), clip_sequences.FUNCTIONALS), np.float32)
    names = tuple(actors if not parts else map(str, range(6)))
    sequences = clip_sequences.Sequences(
        values, summaries, np.array(labels), names, tuple(f.part for f in files)
    )
    return [SimpleNamespace(file=file) for file in files], sequences


@pytest.mark.parametrize("parts", ["", "ttvvxx"])
def test_clips_and_the_faces_below_them_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: str
):
    described, sequences = _described(tmp_path, parts)
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.read_clips", lambda *_, **__: described)
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.sequences_of", lambda *_: sequences)
    faces = Seen.of(["f" * 64], ["of the faces"])
    note_seen(tmp_path / "faces", "resnet50", faces)
    changes = {"networks": ["sound-gru"], "faces": str(tmp_path / "faces")}
    noted = _learned("clip-fusion", tmp_path, tmp_path / "run", **changes)
    # The clips of the test part took no part; of AFEW nobody is named, but every clip is.
    count = 4 if parts else 6
    people = [f"clip {i}.mp4" for i in range(4)] if parts else ["a", "b", "c"]
    digests = [digest_of(tmp_path / f"{i}.mp4") for i in range(count)]
    assert noted == {"sound-gru": faces | Seen.of(digests, people)}


def test_faces_that_know_the_actors_are_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    described, sequences = _described(tmp_path)
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.read_clips", lambda *_, **__: described)
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.sequences_of", lambda *_: sequences)
    note_seen(tmp_path / "faces", "resnet50", Seen.of([], ["b"]))
    options = system_named("clip-fusion").options({"faces": str(tmp_path / "faces")})
    events: list[Any] = []
    with pytest.raises(StoppedError):
        clip_fusion.train(options, tmp_path, Run(tmp_path / "run", "x", options, tmp_path), events.append)
    (note,) = (event["note"] for event in events if "note" in event)
    assert "learned from 2 of these 6 clips" in note


def test_copies_of_clips_are_on_one_side(tmp_path: Path):
    _, sequences = _described(tmp_path)
    copied = replace(sequences, digests=tuple("abcdef"))
    assert [known.tolist() for known, _ in copied.splits()] == [[2, 3, 4, 5], [0, 1, 4, 5], [0, 1, 2, 3]]
    copied = replace(sequences, digests=tuple("abcbef"))
    assert [known.tolist() for known, _ in copied.splits()] == [[2, 4, 5], [0, 4, 5], [0, 1, 2, 3]]
    # Without a part for validation that of the test is measured, as of pictures.
    _, sequences = _described(tmp_path, "tttxxx")
    assert [[part.tolist() for part in split] for split in sequences.splits()] == [[[0, 1, 2], [3, 4, 5]]]


def test_one_measured_actor_does_not_end_a_training(tmp_path: Path):
    said = {name: np.zeros((2, 7), np.float32) for name in ("a", "b")}
    predictions = Predictions(("0", "1"), np.array([0, 1]), ("x", "x"), said)
    events: list[Any] = []
    clip_fusion._fuse(predictions, ["a", "b"], Run(tmp_path / "run", "x", {}, tmp_path), events.append)
    assert "one actor is measured" in events[0]["note"]


def test_a_start_hands_on_what_it_saw(tmp_path: Path):
    data = _faces(tmp_path / "faces", {"train": 10, "valid": 2})
    before = Seen.of(["f" * 64], ["somebody"])
    note_seen(tmp_path / "first", "frame-cnn", before)
    own = Seen.of(open_pictures(data, "train").digests(), None)
    start = {"start": str(tmp_path / "first")}
    assert _learned("frame-cnn", data, tmp_path / "run", **start) == {"frame-cnn": before | own}
    (tmp_path / "old").mkdir()
    old = {"start": str(tmp_path / "old")}
    assert _learned("frame-cnn", data, tmp_path / "again", **old) == {"frame-cnn": own | Seen(whole=False)}
    table = _frames(tmp_path)
    changes = {"network": "frame-cnn", "folds": 2, **start}
    assert _learned("valence-arousal", table, tmp_path / "va", **changes)["frame-cnn"].people > before.people


def test_what_begins_or_teaches_must_not_know_what_is_measured(tmp_path: Path):
    data = _faces(tmp_path / "faces", {"train": 10, "valid": 2})
    measured = open_pictures(data, "valid").digests()
    note_seen(tmp_path / "first", "frame-cnn", Seen.of([*measured[:3], "f" * 64], None))
    first = str(tmp_path / "first")
    for option in ("start", "teacher"):
        with pytest.raises(InputError, match="first learned from 3 of the 14 examples that would be"):
            _learned("frame-cnn", data, tmp_path / option, **{option: first})
        assert read_seen(tmp_path / option) == {}
    # It may know what is learned from, but not what is left out in the folds of a search.
    note_seen(tmp_path / "third", "frame-cnn", Seen.of(open_pictures(data, "train").digests()[:5], None))
    system, third = system_named("frame-cnn"), {"start": str(tmp_path / "third")}
    _learned("frame-cnn", data, tmp_path / "run", **third)
    options = system.options(third)
    with pytest.raises(InputError, match="third learned from 5 of the 70 examples"):
        system.cross_validated(options, data, Run(tmp_path / "s", "x", options, data), 2, _nobody)
    table = _frames(tmp_path / "va")
    note_seen(tmp_path / "second", "frame-cnn", Seen.of([], ["video 2"]))
    for more in ({"folds": 2}, {"test": str(table)}):
        with pytest.raises(InputError, match=r"learned from 2 of the 8 .*\(such as 'video 2'; a column"):
            _learned(
                "valence-arousal", table, tmp_path / "values", network="frame-cnn",
                start=str(tmp_path / "second"), **more,
            )  # fmt: skip


@pytest.mark.parametrize("indexed", [False, True])
def test_a_random_split_is_of_all_parts(tmp_path: Path, indexed: bool):
    data = _faces(tmp_path / "faces", {"train": 6, "valid": 2, "test": 3}, ("happy", "sad"))
    if indexed:
        files = sorted(data.rglob("*.png"))
        rows = [f"{f.relative_to(data)},{f.parent.name},{i},{f.parts[-3]}" for i, f in enumerate(files)]
        (data / "index.csv").write_text("\n".join(["path,label,clip,part", *rows]) + "\n")
    assert sum(map(len, split_pictures(data, "random", 1)[1])) == 22
    assert sum(map(len, split_pictures(data, "given", 1)[1])) == 16


def test_data_sets_are_joined_with_duplicates_on_one_side(tmp_path: Path):
    one = _faces(tmp_path / "one", {"train": 10, "valid": 3})
    other = _faces(tmp_path / "other", {"train": 10, "test": 3}, seed=1000)
    # Learned from in one set, measured in the other.
    shared = one / "train" / "happy" / "0.png"
    (other / "test" / "happy" / "0.png").write_bytes(shared.read_bytes())
    pictures, (train, choose, test) = split_pictures((one, other), "given", 1)
    assert len(test) == 2 * 3 * 7
    assert len(train) + len(choose) == 2 * 10 * 7 - 1
    digests = pictures.digests()
    assert len({digests[i] for i in (*train, *choose)} & {digests[i] for i in test}) == 0
    run = tmp_path / "run"
    noted = _learned("picture-cnn", (one, other), run, network="frame-cnn", size=48)["frame-cnn"]
    assert noted == learned_from(pictures, (train, choose, test))
    assert read_run(run)["data"] == f"{one} + {other}"


@pytest.mark.parametrize("how", ["given", "random"])
def test_persons_of_a_joined_set_stay_together(tmp_path: Path, how: str):
    plain = _faces(tmp_path / "plain", {"train": 10, "valid": 3}, ("happy", "sad"))
    persons = _indexed(tmp_path / "persons", "abcdefghij", 2000)
    pictures, parts = split_pictures((plain, persons), how, 1)
    assert pictures.subjects is not None
    on_side = [{pictures.subjects[i] for i in part} - {None} for part in parts]
    assert set.union(*on_side) == set("abcdefghij")
    assert sum(map(len, on_side)) == 10
    assert on_side[2]
    assert sum(map(len, parts)) == len(pictures) == 26 + 60


def test_speech_is_joined(tmp_path: Path):
    one = _speech(tmp_path / "one", actors=3)
    other = tmp_path / "other"
    other.mkdir()
    rows = ["path,corpus,speaker,label"]
    for file in sorted(one.iterdir()):
        # The same recordings under another name, as speakers of another corpus.
        label = {"01": "neutral", "03": "happy", "05": "anger"}[file.stem[6:8]]
        (other / f"x{file.name}").write_bytes(file.read_bytes())
        rows.append(f"x{file.name},mine,{file.stem[-2:]},{label}")
    (other / "index.csv").write_text("\n".join(rows) + "\n")
    noted = _learned("mfcc-cnn", (one, other), tmp_path / "run", folds=3, corpora=[])
    people = [f"{corpus}/{i:02d}" for corpus in ("ravdess", "mine") for i in (1, 2, 3)]
    assert noted["mfcc-cnn-speaker-folds"].people == set(people)
    assert len(noted["mfcc-cnn-speaker-folds"].digests) == 9
    folds = folds_by_group(people, 3, duplicates=["x", "y", "z"] * 2)
    assert all({p[-2:] for p in np.array(people)[test]}.isdisjoint(
        p[-2:] for p in np.array(people)[train]) for train, test in folds)  # fmt: skip


def test_a_corpus_that_is_not_there_is_told(tmp_path: Path):
    data, system, events = _speech(tmp_path / "speech"), system_named("mfcc-cnn"), []
    options = system.options({"corpora": ["ravdess", "tses"], "folds": 2})
    with pytest.raises(StoppedError):
        system.train(options, data, Run(tmp_path / "run", "x", options, data), events.append)
    assert {"note": "nothing is there of tses"} in events


def test_one_label_teaches_nothing():
    labels = [0, 0, 0, 1, 1, 2]
    for train, test, said in (
        ([0, 1], [2], "show neutral alone, but two labels"),
        ([], [0], "are none, but two"),
        ([0, 3], [1, 5], "None of the pictures to learn from shows disgust"),
    ):
        with pytest.raises(DatasetError, match=said):
            assert_taught(labels, np.array(train, int), np.array(test), LABELS, "pictures")
    assert_taught(labels, np.array([0, 3, 5]), np.array([1, 4]), LABELS, "pictures")
    assert_taught_by_others(labels[:5], list("abcab"), LABELS, "clips")
    with pytest.raises(DatasetError, match="None of the clips to learn from shows disgust"):
        assert_taught_by_others(labels, list("abcabc"), LABELS, "clips")


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ("frame-cnn", "pictures to learn from show happy alone"),
        ("picture-cnn", "pictures to learn from show happy alone"),
        ("shallow-deep", "pictures to learn from show happy alone"),
        ("image-landmark", "pictures to learn from show happy alone"),
        ("mfcc-cnn", "recordings to learn from show happy alone"),
        ("functionals-dnn", "recordings to learn from show happy alone"),
    ],
)
def test_a_folder_of_one_label_is_refused(tmp_path: Path, system: str, said: str):
    voices = system_named(system).data == "speech"
    data = _speech(tmp_path / "s", (3,)) if voices else _faces(tmp_path / "f", {"train": 20}, ("happy",))
    chosen = system_named(system)
    options = chosen.options({})
    with pytest.raises(DatasetError, match=said):
        chosen.train(options, data, Run(tmp_path / "run", system, options, data), _nobody)
    assert read_seen(tmp_path / "run") == {}


def test_a_fold_that_lacks_a_label_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = _speech(tmp_path / "speech")
    for actor in range(1, 6):
        (data / f"03-01-05-01-01-01-{actor:02d}.wav").unlink()
    options = system_named("mfcc-cnn").options({"folds": 2})
    with pytest.raises(DatasetError, match="None of the recordings to learn from shows anger"):
        sound.train(options, data, Run(tmp_path / "run", "mfcc-cnn", options, data), _nobody)
    described, sequences = _described(tmp_path)
    sequences.labels[4:] = 6
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.read_clips", lambda *_, **__: described)
    monkeypatch.setattr(f"{SYSTEMS}.clip_fusion.sequences_of", lambda *_: sequences)
    with pytest.raises(DatasetError, match="None of the clips to learn from shows surprise"):
        _learned("clip-fusion", tmp_path, tmp_path / "clips")


def test_what_ships_is_not_trained_on_one_label(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for folder in ("fer2013", "faces7"):
        (tmp_path / folder).mkdir()
        for part in ("train", "valid"):
            _picture(tmp_path / "0.png", 0)
            with zipfile.ZipFile(tmp_path / folder / f"{part}.zip", "w") as archive:
                archive.write(tmp_path / "0.png", "sad/0.png")
            (tmp_path / "fer2013" / f"{part}.csv").write_text("image,label\nsad/0.png,sad\n")
    with pytest.raises(DatasetError, match="pictures to learn from show sad alone"):
        train_face(tmp_path, tmp_path / "run")
    speech = _speech(tmp_path / "speech")
    for actor in range(1, 6):
        (speech / f"03-01-05-01-01-01-{actor:02d}.wav").unlink()
    with pytest.raises(DatasetError, match="None of the recordings to learn from shows anger"):
        evaluate_voices("shipped", speech, "leave-one-speaker-out", seed=1, on_event=_nobody)
    clips = [
        SimpleNamespace(actor=actor, file=SimpleNamespace(actor=actor, label=LABELS[label]))
        for actor, label in (("a", 4), ("a", 5), ("b", 4), ("b", 5), ("c", 6))
    ]
    monkeypatch.setattr("emoview.training.clips.read_clips", lambda *_, **__: clips)
    with pytest.raises(DatasetError, match="None of the clips to learn from shows surprise"):
        evaluate_clips_by_actor(tmp_path, None, on_event=_nobody)


def test_one_data_set_is_enough_for_some(tmp_path: Path):
    from emoview.cli.train import _only

    assert _only("face", [tmp_path]) == tmp_path
    with pytest.raises(InputError, match="clip-fusion takes one data set"):
        _only("clip-fusion", [tmp_path, tmp_path])
    several = [system_named(name).takes_several for name in ("picture-cnn", "mfcc-cnn", "clip-fusion")]
    assert several == [True, True, False]
