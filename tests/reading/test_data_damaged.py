"""Whatever is wrong with data sets, they are read or refused in one sentence."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.common.stored import read_number
from emoview.datasets.affect import read_affect
from emoview.datasets.clips import read_clip_index
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech
from emoview.errors import DatasetError, InputError
from tests.reading.damage import damaged_bytes, damaged_json, damaged_table, damaged_zip, survives

TIMES = 200


def _png(side: int = 48) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def _datasets(folder: Path) -> dict[str, tuple[Path, Path]]:
    """Small data sets of every layout: the file to damage, and the folder."""
    picture, found = _png(), {}
    pixels = " ".join(["7"] * 48 * 48)
    files = {
        "kaggle/fer2013.csv": f"emotion,pixels,Usage\n3,{pixels},Training\n4,{pixels},PublicTest\n",
        "kaggle/fer2013new.csv": "Usage,neutral,anger,disgust,fear,happiness,sadness,surprise\n"
        "Training,1,2,0,0,0,0,0\n"
        "PublicTest,0,0,0,0,9,0,0\n",
        "fer/train.csv": "image,label,votes_neutral,votes_anger,votes_disgust,votes_fear,votes_happiness,"
        "votes_sadness,votes_surprise,votes_NF\na.png,happy,0,0,0,0,5,0,0,1\nb.png,sad,0,0,0,0,0,9,0,0\n",
        "raf/basic/EmoLabel/list_patition_label.txt": "train_1.jpg 5\ntest_1.jpg 2\n",
        "ck/Emotion/S001/001/S001_001_emotion.txt": "   3.0000000e+00\n",
        "speech/index.csv": "path,corpus,speaker,label\na.wav,x,1,happy\nb.wav,x,2,calm\n",
        "clips/index.csv": "path,label,actor,part\na.mp4,happy,1,train\nb.mp4,sad,2,test\n",
        "table/frames.csv": "frame,valence,arousal,video\na.png,0.5,-0.5,v\nb.png,0,1,w\n",
        "afew/001/001.json": json.dumps({"video_id": "001", "frames": {"00000": {
            "landmarks": [[i % 8 * 5.0, i // 8 * 5.0] for i in range(68)], "valence": 1, "arousal": 2.0,
        }}}),
    }  # fmt: skip
    pictures = [
        "raf/basic/Image/aligned/train_1_aligned.jpg", "raf/basic/Image/aligned/test_1_aligned.jpg",
        *(f"ck/cohn-kanade-images/S001/001/{i}.png" for i in range(4)), "table/a.png", "table/b.png",
        "afew/001/00000.png", "affectnet/train_set/images/1.jpg", "folders/train/happy/1.png",
        "folders/train/sad/1.png",
    ]  # fmt: skip
    sounds = ["speech/a.wav", "speech/b.wav", "clips/a.mp4", "clips/b.mp4"]
    for name, content in {**files, **dict.fromkeys(pictures, picture), **dict.fromkeys(sounds, b"x")}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        found[name.replace("/", " ")] = (path, folder / name.split("/")[0])
    place = folder / "affectnet/train_set/annotations"
    place.mkdir()
    for kind in ("exp", "val", "aro"):
        np.save(place / f"1_{kind}.npy", np.array("1"))
        found[f"affectnet {kind}"] = (place / f"1_{kind}.npy", folder / "affectnet")
    for name, members in (
        ("fer/train.zip", ["a.png", "b.png"]),
        ("packed/train.zip", ["happy/a.png", "sad/b.png"]),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member in members:
                archive.writestr(member, picture)
        found[name.replace("/", " ")] = (folder / name, (folder / name).parent)
    return found


def _read(folder: Path) -> None:
    name = folder.name
    if name == "speech":
        read_speech(folder)
    elif name == "clips":
        for clip in read_clip_index(folder):
            clip.path.relative_to(folder)
    elif name in ("table", "afew"):
        affect = read_affect(folder / "frames.csv" if name == "table" else folder)
        for i in range(len(affect)):
            affect.crop(i, 32)
    else:
        part = {"kaggle": "train", "raf": "train"}.get(name)
        pictures = open_pictures(folder, part)
        for i in range(len(pictures)):
            pictures.picture(i, size=32)
        pictures.check()
        if name in ("kaggle", "fer"):
            open_pictures(folder, part, truth="votes")


DAMAGE = {".csv": damaged_table, ".json": damaged_json, ".zip": damaged_zip, ".txt": damaged_table}


def test_data_sets(tmp_path: Path):
    for file, folder in _datasets(tmp_path).values():
        if file.suffix not in (".wav", ".mp4"):
            damage = DAMAGE.get(file.suffix, damaged_bytes)
            survives(file, damage, lambda folder=folder: _read(folder), times=TIMES // 4)
    survives(
        tmp_path / "affectnet/train_set/annotations/1_val.npy", damaged_bytes,
        lambda: read_affect(tmp_path / "affectnet"), times=TIMES,
    )  # fmt: skip


def test_archives_that_unpack_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from emoview.datasets import files

    monkeypatch.setattr(files, "_MOST_UNPACKED", 10**6)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("happy/a.png", b"\0" * 2 * 10**6)
    (tmp_path / "train.zip").write_bytes(packed.getvalue())
    with pytest.raises(DatasetError, match="unpacks to"):
        open_pictures(tmp_path)


def test_clips_outside_the_folder_are_refused(tmp_path: Path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "a.mp4").touch()
    for path in ("../a.mp4", str(tmp_path / "a.mp4")):
        (tmp_path / "clips" / "index.csv").write_text(f"path,label\n{path},happy\n")
        with pytest.raises(DatasetError, match="line 2: the path leads out"):
            read_clip_index(tmp_path / "clips")


def test_a_number_of_affectnet(tmp_path: Path):
    file = tmp_path / "x.npy"
    for value, expected in ((np.array("3"), 3.0), (np.array(0.5), 0.5), (np.array([2]), 2.0)):
        np.save(file, value)
        assert read_number(file, "x") == expected
    np.save(file, np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="does not hold one number"):
        read_number(file, "x")


def test_pictures_that_unpack_to_gigabytes(tmp_path: Path):
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_751 * 1_000)
    (tmp_path / "happy").mkdir()
    (tmp_path / "happy" / "large.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    with pytest.raises(DatasetError, match="cannot be decoded"):
        open_pictures(tmp_path).picture(0, size=32)
