"""Nothing is measured on what it was learned from, unless that is asked for."""

from __future__ import annotations

import io
import json
import wave
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from emoview.cli.console import Screen
from emoview.cli.evaluate import SeenInTraining, What, evaluate
from emoview.datasets.affect import read_affect
from emoview.datasets.files import digest_of
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech
from emoview.errors import InputError
from emoview.evaluation.affect import evaluate_affect
from emoview.evaluation.clips import evaluate_clips
from emoview.evaluation.faces import evaluate_faces
from emoview.evaluation.seen import SeenCheck
from emoview.evaluation.voices import evaluate_voices
from emoview.networks.seen import Seen, note_seen
from emoview.timeline.labels import LABELS

INCLUDE, LEAVE_OUT = (lambda: SeenCheck("include")), (lambda: SeenCheck("leave-out"))


def _quiet(_: Any) -> None:
    pass


class Sure:
    """A network that says the first label of everything."""

    def __init__(self, width: int) -> None:
        self._width = width

    def predict_on_batch(self, values: Any) -> np.ndarray:
        return np.eye(1, self._width, dtype=np.float32).repeat(len(values), axis=0)

    def predict(self, values: Any, **_: Any) -> np.ndarray:
        return self.predict_on_batch(values)


@pytest.fixture(autouse=True)
def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("faces", "voices", "affect"):
        monkeypatch.setattr(
            f"emoview.evaluation.{module}.load_network", lambda _, network: Sure(len(network.labels))
        )


def _run(folder: Path, task: str, takes: str, *names: str, labels: tuple[str, ...] = LABELS) -> Path:
    folder.mkdir()
    shared = {"task": task, "takes": takes, "labels": list(labels), "size": 8, "colour": task == "va"}
    costs = {"scale": 1.0, "parameters": 1, "flops": 1}
    networks = [{"name": name, **shared, **costs} for name in names]
    facts = {
        "system": "x", "config": {}, "data": "", "backend": "", "versions": {}, "seconds": 1.0,
        "peak_megabytes": 1, "networks": networks,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(facts))
    return folder


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Five pictures of each of two labels and persons, a and b."""
    rows = ["path,label,actor"]
    for i in range(10):
        image = np.random.default_rng(i).integers(0, 255, (8, 8), np.uint8)
        (tmp_path / "faces").mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / "faces" / f"{i}.png"), image)
        rows.append(f"{i}.png,{LABELS[i % 2]},{'ab'[i // 5]}")
    (tmp_path / "faces" / "index.csv").write_text("\n".join(rows) + "\n")
    return tmp_path / "faces"


@pytest.fixture
def face_run(tmp_path: Path) -> Path:
    return _run(tmp_path / "run", "face", "pictures", "net")


def _measure_faces(run: Path, faces: Path, check: SeenCheck | None = None, on_event: Any = _quiet) -> int:
    return evaluate_faces(
        str(run), faces, None, truth="original", on_event=on_event, check=check
    )["net"].examples  # fmt: skip


def test_pictures_and_persons_are_refused_counted_or_left_out(face_run: Path, faces: Path):
    digests = open_pictures(faces).digests()
    for seen, count, people in (
        (Seen.of(digests[:3], None), 3, ""),
        (Seen.of(["0" * 64], ["b", "c"]), 5, r" or their people \(b\)"),
        (Seen.of(digests[:3], ["b"]), 8, r" or their people \(b\)"),
    ):
        (face_run / "seen.npz").unlink(missing_ok=True)
        note_seen(face_run, "net", seen)
        said = rf"learned from {count} of these 10 examples{people}: .*the {10 - count} unseen ones"
        with pytest.raises(InputError, match=said):
            _measure_faces(face_run, faces)
        check = INCLUDE()
        assert _measure_faces(face_run, faces, check) == 10
        assert check.counts == {"net": (count, 10)}
        check = LEAVE_OUT()
        assert _measure_faces(face_run, faces, check) == 10 - count
        assert check.counts == {"net": (0, 10 - count)}


def test_where_all_was_seen_nothing_is_left(face_run: Path, faces: Path):
    note_seen(face_run, "net", Seen.of([], ["a", "b"]))
    with pytest.raises(InputError, match=r"10 of these 10 examples or their people \(a and b\)") as refused:
        _measure_faces(face_run, faces)
    assert "leave-out" not in str(refused.value)
    with pytest.raises(InputError, match="learned from all 10 examples or their people: name other data"):
        _measure_faces(face_run, faces, LEAVE_OUT())


def test_where_no_landmarks_are_found_nothing_is_asked(
    tmp_path: Path, faces: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "emoview.evaluation.faces._landmarks", lambda p, _: np.full((len(p), 68, 2), np.nan, np.float32)
    )
    run = _run(tmp_path / "run", "face", "landmarks", "nn2")
    events: list[Any] = []
    with pytest.raises(InputError, match="about none of the pictures of"):
        _measure_faces(run, faces, None, events.append)
    assert {"left out": "nn2, which can be asked about none of the pictures"} in events


def test_other_data_is_measured_without_a_word(face_run: Path, faces: Path):
    note_seen(face_run, "net", Seen.of(["1" * 64], ["c"]))
    events: list[Any] = []
    check = SeenCheck()
    assert _measure_faces(face_run, faces, check, events.append) == 10
    assert check.counts == {"net": (0, 10)}
    assert not [event for event in events if "note" in event]


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (None, "does not say what it learned from"),
        (Seen(whole=False), "what its teacher, or the weights it began with"),
    ],
)
def test_a_run_that_does_not_know_says_so(face_run: Path, faces: Path, seen: Seen | None, said: str):
    if seen is not None:
        note_seen(face_run, "net", seen)
    events: list[Any] = []
    assert _measure_faces(face_run, faces, None, events.append) == 10
    assert [said in event["note"] for event in events if "note" in event] == [True]


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    folder = tmp_path / "speech"
    folder.mkdir()
    for actor in (1, 2):
        for label in (3, 5):
            with wave.open(str(folder / f"03-01-{label:02d}-01-01-01-{actor:02d}.wav"), "wb") as file:
                file.setparams((1, 2, 16_000, 0, "NONE", ""))
                file.writeframes(bytes([actor, label] * 20))
    return folder


def test_each_network_of_voices_is_asked_about_strangers(
    tmp_path: Path, speech: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        "emoview.training.systems.sound.vectors", lambda u, *_: np.zeros((len(u), 40), np.float32)
    )
    run = _run(tmp_path / "run", "voice", "mfcc-means", "split", "folds", labels=("happy", "anger"))
    utterances = read_speech(speech)
    note_seen(run, "split", Seen.of([digest_of(utterances[0].path)], None))
    note_seen(run, "folds", Seen.of([], ["ravdess/01", "ravdess/02"]))

    def measured(check: SeenCheck | None, on_event: Any = _quiet) -> dict[str, int]:
        found = evaluate_voices(str(run), speech, "given", seed=1, on_event=on_event, check=check)
        return {name: figures.examples for name, figures in found.items()}

    with pytest.raises(InputError, match=r"4 of these 4 examples or their people .*the 3 unseen ones"):
        measured(None)
    assert measured(INCLUDE()) == {"split": 4, "folds": 4}
    events: list[Any] = []
    assert measured(LEAVE_OUT(), events.append) == {"split": 3}
    assert {"left out": "folds, which learned from all examples or their people"} in events


def _frames_of(videos: str, folder: Path) -> Path:
    """Write a table of frames with valence and arousal, one of each letter's video in turn."""
    rows = ["path,valence,arousal,video"]
    for i, video in enumerate(videos):
        cv2.imwrite(str(folder / f"{i}.png"), np.full((8, 8), 9 * i, np.uint8))
        rows.append(f"{i}.png,{i / 10},{(i % 3) / 10},{video}")
    table = folder / "t.csv"
    table.write_text("\n".join(rows) + "\n")
    return table


def test_frames_and_videos_are_refused_or_left_out(tmp_path: Path):
    table = _frames_of("00112233", tmp_path)
    run = _run(tmp_path / "run", "va", "pictures", "resnet18", labels=("valence", "arousal"))
    note_seen(run, "resnet18", Seen.of(read_affect(table).digests([7]), ["video 0"]))
    with pytest.raises(InputError, match=r"3 of these 8 examples or their people \(video 0\)"):
        evaluate_affect(str(run), table, on_event=_quiet)
    check = LEAVE_OUT()
    assert evaluate_affect(str(run), table, on_event=_quiet, check=check)["valence"].examples == 5
    assert check.counts == {"valence": (0, 5), "arousal": (0, 5)}


def test_a_frame_of_each_video_is_of_that_video(tmp_path: Path):
    table = _frames_of("abcd", tmp_path)
    run = _run(tmp_path / "run", "va", "pictures", "resnet18", labels=("valence", "arousal"))
    note_seen(run, "resnet18", Seen.of(["0" * 64], ["video b"]))
    with pytest.raises(InputError, match=r"1 of these 4 examples or their people \(video b\)"):
        evaluate_affect(str(run), table, on_event=_quiet)


def test_clips_of_whomever_any_network_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def analyze(path: Path, **_: Any) -> Any:
        asked.append(path.name)
        return SimpleNamespace(overall=SimpleNamespace(face=None, voice=None, fused=None))

    monkeypatch.setattr("emoview.pipeline.analysis.analyze", analyze)
    rows = ["path,actor,label"]
    for i, actor in enumerate(["01", "02", "03", ""]):
        (tmp_path / f"{i}.mp4").write_bytes(bytes([i]))
        rows.append(f"{i}.mp4,{actor},{LABELS[i % 2]}")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    run = _run(tmp_path / "run", "face", "pictures", "frames", "other")
    # Trained on frames, whose digests are none of a clip's: the people tell.
    note_seen(run, "frames", Seen.of([], ["01", "clip 3.mp4"]))
    note_seen(run, "other", Seen.of([digest_of(tmp_path / "1.mp4")], None))
    with pytest.raises(InputError, match=r"3 of these 4 examples or their people \(01 and clip 3.mp4\)"):
        evaluate_clips(str(run), tmp_path, None, fusion="auto", on_event=_quiet)
    assert asked == []
    check = LEAVE_OUT()
    figures = evaluate_clips(str(run), tmp_path, None, fusion="auto", on_event=_quiet, check=check)
    assert asked == ["2.mp4"]
    assert {name: one.examples for name, one in figures.items()} == {"face": 1, "voice": 1, "fused": 1}
    evaluate_clips(str(run), tmp_path, None, fusion="auto", on_event=_quiet, check=(check := INCLUDE()))
    assert check.counts["fused"] == (3, 4)


def test_the_command_refuses_counts_and_stores(
    face_run: Path, faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text = io.StringIO()
    screen = Screen(text)
    monkeypatch.setattr(
        "emoview.cli.evaluate.Terminal",
        lambda: SimpleNamespace(console=screen, printer=lambda: screen, reporting=nullcontext),
    )
    note_seen(face_run, "net", Seen.of([], ["b"]))
    with pytest.raises(InputError, match="--seen leave-out"):
        evaluate(What.FACE, str(face_run), faces)
    with pytest.raises(InputError, match="--seen is for a run"):
        evaluate(What.FACE, "shipped", faces, seen=SeenInTraining.LEAVE_OUT)
    file = tmp_path / "figures.json"
    evaluate(What.FACE, str(face_run), faces, seen=SeenInTraining.INCLUDE, file=file)
    assert "seen in training" in text.getvalue()
    assert "5 of 10" in text.getvalue()
    stored = json.loads(file.read_text())["net"]
    assert (stored["examples"], stored["seen_in_training"]) == (10, 5)
