"""Faces out of clips."""

from __future__ import annotations

import csv
import shutil
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from conftest import Make, ffmpeg
from made_data import picture, write
from trained import quiet

from emoview import InputError
from emoview.datasets.pictures import open_pictures
from emoview.errors import DatasetError
from emoview.face.find import FaceFinder
from emoview.face.ibug import points_of_crop
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.media.sound import read_sound
from emoview.training.clips import faces_of, read_clips
from emoview.training.prepare import Beside, prepare

USUAL = {"part": None, "every": 5, "balance": False, "seed": 1, "on_event": quiet}


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


def test_a_clip_that_is_cut_off_is_told(made: Make, tmp_path: Path):
    whole, copied = made("whole.mp4", seconds=3.0), tmp_path / "whole.mkv"
    ffmpeg("-i", str(whole), "-c", "copy", str(copied))
    write(tmp_path / "data" / "cut.mkv", copied.read_bytes()[: copied.stat().st_size // 2])
    write(tmp_path / "data" / "whole.mp4", whole.read_bytes())
    write(tmp_path / "data" / "index.csv", "path,label\ncut.mkv,happy\nwhole.mp4,sad\n")
    done = prepare(tmp_path / "data", tmp_path / "out", **USUAL)
    assert 0 < done.counts["happy"] < done.counts["sad"]
    assert done.broken == ()
    assert len(done.partial) == 1
    assert "cut.mkv: its pictures end at 1." in done.partial[0]
    assert "of 3." in done.partial[0]


def test_where_there_is_no_face_nothing_is_written(tmp_path: Path):
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / "data" / name, b"no video")
    write(tmp_path / "data" / "index.csv", "path,label\na.mp4,happy\nb.mp4,sad\n")
    with pytest.raises(InputError, match=r"no face .*a\.mp4.*and 1 more"):
        prepare(tmp_path / "data", tmp_path / "out", **USUAL)
    assert not (tmp_path / "out").exists()


def test_a_training_does_not_learn_from_what_a_decoder_left(made: Make, monkeypatch: pytest.MonkeyPatch):
    clip = made("whole.mp4", seconds=3.0)

    def ended(*_: object, log: DecodeLog, **__: object) -> Iterator[tuple[int, list[object]]]:
        yield 0, []
        log.failure = "it was ended by signal 9"

    assert list(faces_of(clip))
    monkeypatch.setattr("emoview.training.clips.find_faces", ended)
    with pytest.raises(InputError, match="signal 9"):
        list(faces_of(clip))
    lost: list[str] = []
    assert list(faces_of(clip, lost)) == []
    assert "its pictures end at 0.0 of 3." in lost[0]


def test_a_seed_below_zero_is_wrong_usage(tmp_path: Path):
    command = [sys.executable, "-m", "emoview", "prepare", str(tmp_path), "-o", "out", "--seed", "-1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--seed" in done.stderr


@pytest.fixture
def clips(made: Make, tmp_path: Path) -> Path:
    """A clip with its sound from 0.4 s on, and one without sound."""
    plain = made("plain.mp4", seconds=1.0)
    (tmp_path / "data").mkdir()
    late = ("-itsoffset", "0.4", "-i", str(plain), "-map", "0:v", "-map", "1:a", "-c", "copy")
    ffmpeg("-i", str(plain), *late, str(tmp_path / "data" / "late.mp4"))
    ffmpeg("-i", str(plain), "-an", "-c", "copy", str(tmp_path / "data" / "mute.mp4"))
    write(tmp_path / "data" / "index.csv", "path,label,actor\nlate.mp4,happy,a\nmute.mp4,sad,b\n")
    return tmp_path / "data"


def test_a_training_wants_clips_with_sound(clips: Path, tmp_path: Path):
    write(clips / "index.csv", "path,label,actor\nmute.mp4,sad,b\n")
    with pytest.raises(DatasetError, match=r"mute\.mp4 has no sound; leave it out"):
        read_clips(clips, tmp_path / "cache")


def test_sound_and_landmarks_lie_beside_each_face(clips: Path, tmp_path: Path):
    done = prepare(clips, tmp_path / "out", **USUAL, beside=Beside(sound=True, landmarks=True))
    assert done.counts == {"happy": 5}
    assert len(done.broken) == 1
    assert "mute.mp4: it has no sound" in done.broken[0]
    with (tmp_path / "out" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    files = {
        p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.*") if p.is_file()
    }
    assert files == {"index.csv", *(row[c] for row in rows for c in ("path", "sound", "landmarks"))}
    with read_sound(probe(clips / "late.mp4")) as sound:
        every = np.rint(32768 * sound[:])
    errors = []
    with FaceFinder(max_faces=1, stills=True) as finder:
        for row in rows:
            with wave.open(str(tmp_path / "out" / row["sound"])) as file:
                assert file.getparams()[:4] == (1, 2, 16_000, 640)
                chunk = np.frombuffer(file.readframes(640), "<i2")
            # The sound of the picture's own 40 ms; before it begins there is silence.
            first = round(float(row["time_s"]) * 16_000)
            whole = np.zeros(640, np.int16)
            whole[: len(every[first : first + 640])] = every[first : first + 640]
            np.testing.assert_array_equal(chunk, whole)
            assert bool(chunk.any()) == (float(row["time_s"]) >= 0.4)
            points = np.loadtxt(tmp_path / "out" / row["landmarks"], delimiter=",", skiprows=1)
            assert points.shape == (68, 2)
            again = points_of_crop(
                finder, cv2.imread(str(tmp_path / "out" / row["path"]), cv2.IMREAD_GRAYSCALE)
            )
            errors.append(np.abs(points - again).mean())
    # They lie on the aligned face of 112 pixels: the mesh, asked about that, says nearly the same.
    assert max(errors) < 4


def test_landmarks_of_pictures_and_what_has_none(made: Make, tmp_path: Path):
    frame = tmp_path / "frame.png"
    ffmpeg("-i", str(made("plain.mp4", seconds=1.0)), "-frames:v", "1", "-vf", "scale=480:360", str(frame))
    for name in ("happy", "contempt"):
        (tmp_path / "data" / name).mkdir(parents=True)
        shutil.copy(frame, tmp_path / "data" / name / "1.png")
    write(tmp_path / "data" / "sad" / "1.png", picture(0))
    kinds = {"beside": Beside(landmarks=True)}
    done = prepare(tmp_path / "data", tmp_path / "out", **USUAL, **kinds, contempt=True)
    assert (done.counts, done.unmarked, done.broken) == ({"contempt": 1, "happy": 1}, 1, ())
    pictures = open_pictures(tmp_path / "out", contempt=True)
    # Nobody is named: each stands for itself.
    assert len(set(pictures.subjects)) == 2
    (points,) = (tmp_path / "out" / "happy").glob("*.csv")
    x, y = np.loadtxt(points, delimiter=",", skiprows=1).T
    # Of a picture of 480 by 360 pixels; brows above the chin.
    assert 0 < x.min() < 240 < x.max() < 480
    assert 0 < y[17:27].max() < y[8] < 360
    assert prepare(tmp_path / "data", tmp_path / "seven", **USUAL).counts == {"happy": 1, "sad": 1}
    with pytest.raises(InputError, match="no sound"):
        prepare(tmp_path / "data", tmp_path / "no", **USUAL, beside=Beside(sound=True))
    assert not (tmp_path / "no").exists()


def test_clips_that_are_called_alike_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    long = "語" * 80
    names = ["a.mp4", "a.mkv", "b/c.mp4", "b-c.mp4", f"{long}.mp4"]
    lines = ["path,label"]
    for number, name in enumerate(names):
        write(tmp_path / "data" / name, str(number))
        lines.append(f"{name},happy")
    write(tmp_path / "data" / "index.csv", "\n".join(lines) + "\n")

    def faces(path: Path, _: list[str]) -> Iterator[SimpleNamespace]:
        grey = np.full((8, 8, 3), 10 * int(path.read_text()), np.uint8)
        yield from (SimpleNamespace(tick=tick, face=grey) for tick in (0, 5))

    monkeypatch.setattr("emoview.training.prepare.faces_of", faces)
    done = prepare(tmp_path / "data", tmp_path / "out", **USUAL)
    assert (done.counts, done.broken) == ({"happy": 10}, ())
    with (tmp_path / "out" / "index.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            shown = cv2.imdecode(np.fromfile(tmp_path / "out" / row["path"], np.uint8), cv2.IMREAD_GRAYSCALE)
            assert int(shown.mean()) == 10 * names.index(row["clip"])


def test_what_was_found_in_a_clip_is_known_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, content in (("a.mp4", "1"), ("a.mkv", "2")):
        write(tmp_path / "data" / name, content)
    write(tmp_path / "data" / "index.csv", "path,label,actor\na.mp4,happy,a\na.mkv,sad,b\n")

    def described(path: Path) -> dict[str, np.ndarray]:
        return {
            "face_ticks": np.array([0]), "faces": np.full((1, 112, 112), int(path.read_text()), np.uint8),
            "features": np.zeros((1, 105), np.float32), "speech": np.ones(1, bool),
            "windows": np.zeros((0, 2), int), "functionals": np.zeros((0, 6373), np.float32),
        }  # fmt: skip

    monkeypatch.setattr("emoview.training.clips._describe", described)
    for expected in ([1, 2], [1, 3]):
        clips = read_clips(tmp_path / "data", tmp_path / "cache")
        assert [int(clip.faces.max()) for clip in clips] == expected
        # It is replaced by another.
        (tmp_path / "data" / "a.mkv").write_text("3")


def test_nothing_is_left_of_what_was_stopped(clips: Path, tmp_path: Path):
    class StoppedError(Exception):
        pass

    def stop(_: object) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        prepare(clips, tmp_path / "out", **{**USUAL, "on_event": stop})
    assert [p.name for p in tmp_path.iterdir()] == ["data"]
