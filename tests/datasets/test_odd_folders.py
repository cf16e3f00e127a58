"""What lies beside the data in folders: hidden files, links, other kinds, parts that are there twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_data import pack, picture, refused, shown, write

from emoview.datasets.affect import read_affect
from emoview.datasets.clips import read_clip_index
from emoview.datasets.overview import overview
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech

# What a Mac leaves beside each file on a disk that is not its own.
OF_A_MAC = b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(60)


def _cohn_kanade(folder: Path) -> Path:
    for i in range(1, 5):
        write(folder / "cohn-kanade-images" / "S1" / "001" / f"{i:08d}.png", picture(i))
    write(folder / "Emotion" / "S1" / "001" / "S1_001_00000004_emotion.txt", "   3.0000000e+00\n")
    return folder


def _archive(folder: Path) -> Path:
    write(folder / "train.csv", "image,label\na.png,sad\n")
    pack(folder / "train.zip", {"a.png": picture(0)})
    return folder


def _folders(folder: Path) -> Path:
    write(folder / "train" / "sad" / "a.png", picture(0))
    return folder


def _affectnet(folder: Path) -> Path:
    write(folder / "train_set" / "images" / "1.jpg", picture(0, ending=".jpg"))
    (folder / "train_set" / "annotations").mkdir()
    for kind, value in (("exp", "1"), ("val", "0.5"), ("aro", "0.5")):
        np.save(folder / "train_set" / "annotations" / f"1_{kind}.npy", np.array(value))
    return folder


def _speech(folder: Path) -> Path:
    write(folder / "Actor_01" / "03-01-05-01-01-01-01.wav", b"x")
    return folder


def _afew_va(folder: Path) -> Path:
    frame = {"landmarks": [[i, i] for i in range(68)], "valence": 1, "arousal": 2}
    write(folder / "001" / "00000.png", picture(0))
    write(folder / "001" / "001.json", json.dumps({"frames": {"00000": frame}}))
    return folder


def _afew(folder: Path) -> Path:
    write(folder / "Train" / "Happy" / "a.avi", b"x")
    return folder


EVERY = [_cohn_kanade, _archive, _folders, _affectnet, _speech, _afew_va, _afew]


@pytest.mark.parametrize("made", EVERY)
def test_hidden_files_are_nothing(tmp_path: Path, made):
    plain, with_hidden = made(tmp_path / "plain"), made(tmp_path / "hidden" / "set")
    for path in sorted(with_hidden.rglob("*")):
        if path.is_file():
            write(path.with_name(f"._{path.name}"), OF_A_MAC)
            relative = path.relative_to(with_hidden)
            write(with_hidden / "__MACOSX" / relative.with_name(f"._{path.name}"), OF_A_MAC)
            write(with_hidden / ".Trash-0" / relative, b"x")
            write(path.with_name("Thumbs.db"), b"x")
    assert [held.counts for held in overview(with_hidden)] == [held.counts for held in overview(plain)]


@pytest.mark.parametrize("made", EVERY)
def test_links_to_folders_are_followed(tmp_path: Path, made):
    real, linked = made(tmp_path / "real"), tmp_path / "linked"
    for path in sorted(real.rglob("*")):
        # Each folder that holds files, as where several disks make one data set.
        place = linked / path.relative_to(real)
        if path.is_file() and path.parent == real:
            place.parent.mkdir(exist_ok=True)
            place.symlink_to(path)
        elif path.is_dir() and any(one.is_file() for one in path.iterdir()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(path)
    assert [held.counts for held in overview(linked)] == [held.counts for held in overview(real)]


def test_a_link_to_a_folder_above_is_not_followed(tmp_path: Path):
    folder = _speech(tmp_path)
    (folder / "Actor_01" / "all").symlink_to(folder)
    assert len(read_speech(folder)) == 1


def test_pictures_of_another_kind_are_not_left_out_unsaid(tmp_path: Path):
    folders = _folders(tmp_path / "folders")
    write(folders / "train" / "happy" / "b.JFIF", picture(1, ending=".jpg"))
    assert shown(open_pictures(folders)) == ["happy", "sad"]
    write(folders / "train" / "happy" / "c.gif", b"GIF89a")
    with refused("train", "happy/c.gif", "convert it"):
        open_pictures(folders)
    write(_affectnet(tmp_path / "affectnet") / "train_set" / "images" / "2.heic", b"x")
    with refused("train_set", "images/2.heic", "convert it"):
        open_pictures(tmp_path / "affectnet")
    pack(tmp_path / "packed" / "train.zip", {"sad/a.png": picture(0), "sad/b.avif": b"x"})
    with refused("train.zip", "sad/b.avif", "convert it"):
        open_pictures(tmp_path / "packed")


def test_a_part_that_is_there_packed_and_unpacked(tmp_path: Path):
    pack(_folders(tmp_path) / "train.zip", {"happy/b.png": picture(1)})
    with refused("train and train.zip", "take one"):
        open_pictures(tmp_path)


def test_parts_that_are_spelt_in_several_ways_are_one(tmp_path: Path):
    rows = [f"{i}.png,happy,{i},{part}" for i, part in enumerate(("Train", "train", "Training", "val"))]
    for i in range(4):
        write(tmp_path / "index" / f"{i}.png", picture(i))
    write(tmp_path / "index" / "index.csv", "\n".join(["path,label,clip,part", *rows]) + "\n")
    assert len(open_pictures(tmp_path / "index", "train")) == 3
    (found,) = overview(tmp_path / "index")
    assert found.counts == {"train": {"happy": 3}, "valid": {"happy": 1}}
    for part in ("train", "Training"):
        write(tmp_path / "folders" / part / "sad" / f"{part}.png", picture(0))
    with refused("Training and train", "one part"):
        open_pictures(tmp_path / "folders", "train")


def test_no_clip_of_afew_is_left_out_unsaid(tmp_path: Path):
    folder = _afew(tmp_path / "afew")
    write(folder / "Train" / "Happy" / "_b.flv", b"y")
    write(folder / "Validation" / "Sad" / "c.wmv", b"z")
    assert [(clip.path.name, clip.part) for clip in read_clip_index(folder)] == [
        ("_b.flv", "train"), ("a.avi", "train"), ("c.wmv", "valid"),
    ]  # fmt: skip
    write(folder / "Train" / "Happy" / "film" / "d.avi", b"z")
    with refused("Train/Happy/film/d.avi", "move it"):
        read_clip_index(folder)
    write(tmp_path / "two" / "Val" / "Sad" / "c.avi", b"z")
    write(tmp_path / "two" / "Val_AFEW" / "Sad" / "d.avi", b"z")
    with refused("Val and Val_AFEW", "join"):
        read_clip_index(tmp_path / "two")


def test_columns_of_one_name_are_refused(tmp_path: Path):
    write(tmp_path / "a.png", picture(0))
    table = write(tmp_path / "index.csv", "path,label,clip,,,label\na.png,happy,1,,,sad\n")
    with refused("index.csv, line 1", "'label'", "twice"):
        open_pictures(tmp_path)
    table.write_text("path,label,clip,,\na.png,happy,1,,\n")
    assert shown(open_pictures(tmp_path)) == ["happy"]


def test_actors_of_several_corpora_are_told_apart(tmp_path: Path):
    for i in range(4):
        write(tmp_path / f"{i}.mp4", str(i))
    rows = [f"{i}.mp4,happy,{i % 2},{'ab'[i // 2]}" for i in range(4)]
    write(tmp_path / "index.csv", "\n".join(["path,label,actor,corpus", *rows]) + "\n")
    (found,) = overview(tmp_path)
    assert found.people == ("actors", 4)


def test_a_table_of_frames_tells_people_and_what_is_broken(tmp_path: Path):
    rows = [f"{i}.png,{i},0,0,v{i},{'ab'[i % 2]}" for i in range(3)]
    for i in range(3):
        write(tmp_path / f"{i}.png", picture(i) if i else b"no picture")
    write(tmp_path / "index.csv", "\n".join(["path,frame,valence,arousal,video,actor", *rows]) + "\n")
    assert len(read_affect(tmp_path)) == 3
    (found,) = overview(tmp_path)
    assert found.people == ("people", 2)
    assert (found.counts, found.duplicates) == ({"all": {"frames": 3}}, 0)
    assert [Path(name).name for name in found.broken] == ["0.png"]
