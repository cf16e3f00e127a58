"""Pictures in folders and archives, AffectNet, RAF-DB and CK+, made here."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from made_data import pack, picture, refused, shown, write

from emoview.datasets.affect import read_affect
from emoview.datasets.pictures import LabelledPictures, open_pictures


def test_folders_and_archives_agree(tmp_path: Path):
    content = {f"{word}/{i}.png": picture(i) for i, word in enumerate(["Happiness", "angry", "neutral"])}
    for name, data in content.items():
        write(tmp_path / "loose" / "test" / name, data)
    write(tmp_path / "loose" / "test" / "angry" / ".hidden.png", b"")
    write(tmp_path / "loose" / "test" / "angry" / "notes.txt", "")
    pack(tmp_path / "packed" / "test.zip", {**content, "__MACOSX/x.png": b"", "LICENSE": b""})
    loose, packed = tmp_path / "loose", tmp_path / "packed"
    ways = [(loose, "test"), (loose, None), (loose / "test", None), (loose / "test", "test"),
            (packed, "test"), (packed, None)]  # fmt: skip
    opened = [open_pictures(*way) for way in ways]
    for pictures in opened:
        assert shown(pictures) == ["happy", "anger", "neutral"]
        assert pictures.digests() == opened[0].digests()
        assert pictures.check() == []


def test_folders_that_do_not_fit(tmp_path: Path):
    for case, name, words in [
        ("word", "pride/1.png", ("test.zip", "'pride'", "contempt")),
        ("deep", "happy/more/1.png", ("test.zip", "happy/more/1.png", "LABEL/PICTURE")),
        ("none", "happy/1.txt", ("test.zip", "no pictures")),
    ]:
        pack(tmp_path / case / "test.zip", {name: picture(0)})
        with refused(*words):
            open_pictures(tmp_path / case)
    for part in ("train", "test"):
        write(tmp_path / "two" / part / "sad" / "1.jpg", picture(0, ending=".jpg"))
    with refused("test and train"):
        open_pictures(tmp_path / "two")
    write(tmp_path / "two" / "test" / "sadd" / "1.jpg", picture(0))
    with refused("test", "'sadd'"):
        open_pictures(tmp_path / "two", "test")
    (tmp_path / "empty").mkdir()
    with refused("empty", "looked for", "fer2013", "affectnet", "raf-db", "ck+", "folders"):
        open_pictures(tmp_path / "empty")
    with refused("no folder", "absent"):
        open_pictures(tmp_path / "absent")
    with refused("'other'"):
        open_pictures(tmp_path, layout="other")
    with refused("folders", "no votes"):
        open_pictures(tmp_path / "two", "train", truth="votes")


def test_damaged_archive(tmp_path: Path):
    path = pack(tmp_path / "test.zip", {"sad/1.png": picture(0)})
    data = bytearray(path.read_bytes())
    data[200:400] = bytes(200)
    path.write_bytes(data)
    with refused("test.zip", "sad/1.png", "damaged"):
        open_pictures(tmp_path)


def test_broken_pictures_are_named(tmp_path: Path):
    whole = picture(0)
    pictures = LabelledPictures(
        "made", (whole, b"", b"no picture", tmp_path / "absent.png", write(tmp_path / "cut.png", whole[:9])),
        np.zeros(5, np.int64), names=tuple("abcde"),
    )  # fmt: skip
    assert pictures.check() == [f"picture {i} ({name})" for i, name in enumerate("abcde")][1:]
    with refused("made", "picture 2 (c)"):
        pictures.picture(2, size=48)


def test_pictures_of_any_source_are_the_same(tmp_path: Path):
    data = picture(3)
    rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[..., ::-1].copy()
    pictures = LabelledPictures("made", (data, write(tmp_path / "ü.png", data), rgb), np.arange(3))
    for i in range(3):
        assert pictures.picture(i, size=24, colour=True).shape == (24, 24, 3)
        np.testing.assert_array_equal(pictures.picture(i, size=48, colour=True), rgb)
        difference = pictures.picture(i, size=48).astype(int) - cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
        assert abs(difference).max() <= 1
    assert len(set(pictures.digests())) == 1
    grey = rgb[..., 0].copy()
    assert len(set(LabelledPictures("", (grey, np.dstack([grey] * 3)), np.arange(2)).digests())) == 1


def test_select_by_mask_and_by_positions():
    pictures = LabelledPictures(
        "made", (b"0", b"1", b"2"), np.arange(3), np.eye(7, dtype=np.float32)[:3], tuple("xyz"), tuple("012")
    )  # fmt: skip
    some = pictures.select([2, 0])
    assert (some.encoded, some.subjects, some.names) == ((b"2", b"0"), ("z", "x"), ("2", "0"))
    np.testing.assert_array_equal(some.votes.argmax(axis=1), [2, 0])
    assert pictures.select(np.array([False, True, False])).encoded == (b"1",)
    assert len(pictures.select([])) == 0
    with pytest.raises(ValueError, match="2 values for 1"):
        LabelledPictures("made", (b"0",), np.arange(2))


@pytest.fixture
def affectnet(tmp_path: Path) -> Path:
    for part, expressions in (("train_set", [0, 1, 7]), ("val_set", [6, 2])):
        for i, expression in enumerate(expressions):
            write(tmp_path / part / "images" / f"{i}.jpg", picture(i, ending=".jpg"))
            (tmp_path / part / "annotations").mkdir(exist_ok=True)
            for kind, value in (("exp", str(expression)), ("val", str(-0.5 * i)), ("aro", "0.25")):
                np.save(tmp_path / part / "annotations" / f"{i}_{kind}.npy", np.array(value))
    return tmp_path


def test_affectnet(affectnet: Path):
    assert shown(open_pictures(affectnet, "train")) == ["neutral", "happy"]
    assert shown(open_pictures(affectnet, "valid")) == ["anger", "sad"]
    assert shown(open_pictures(affectnet / "val_set")) == ["anger", "sad"]
    affect = read_affect(affectnet, "train")
    np.testing.assert_allclose(affect.values, [[0, 0.25], [-0.5, 0.25], [-1, 0.25]])
    assert affect.crop(0, 32).shape == (32, 32, 3)


def test_affectnet_that_does_not_fit(affectnet: Path):
    annotations = affectnet / "val_set" / "annotations"
    np.save(annotations / "1_aro.npy", np.array("3"))
    with refused("1_val.npy", "-1 and 1"):
        read_affect(affectnet, "valid")
    np.save(annotations / "1_exp.npy", np.array("12"))
    with refused("1_exp.npy", "12"):
        open_pictures(affectnet, "valid")
    write(annotations / "1_exp.npy", b"no array")
    with refused("1_exp.npy", "one number"):
        open_pictures(affectnet, "valid")
    (annotations / "1_exp.npy").unlink()
    with refused("1_exp.npy", "1.jpg"):
        open_pictures(affectnet, "valid")


def test_raf_db(tmp_path: Path):
    lines = [f"train_0000{i}.jpg {i}" for i in range(1, 8)] + ["test_0001.jpg 4"]
    table = write(tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt", "\n".join(lines) + "\n")
    for line in lines:
        name = line.split(".")[0]
        write(tmp_path / "basic" / "Image" / "aligned" / f"{name}_aligned.jpg", picture(0, ending=".jpg"))
    order = ["surprise", "fear", "disgust", "happy", "sad", "anger", "neutral"]
    assert shown(open_pictures(tmp_path, "train")) == order
    assert shown(open_pictures(tmp_path / "basic", "test")) == ["happy"]
    # As an editor of Windows stores it.
    table.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert shown(open_pictures(tmp_path, "train")) == order
    for bad, words in [
        ("test_0001.jpg 8", ("line 8", "'8'")),
        ("test_0002.jpg 1", ("line 8", "test_0002_aligned.jpg")),
        ("test_0001.jpg", ("line 8", "train_00001.jpg 5")),
    ]:
        table.write_text("\n".join([*lines[:-1], bad]))
        with refused("list_patition_label.txt", *words):
            open_pictures(tmp_path, "train")


@pytest.fixture
def cohn_kanade(tmp_path: Path) -> Path:
    for person, sequence, emotion in (("S005", "001", 3), ("S010", "002", 7), ("S010", "003", 2)):
        for i in range(1, 7):
            name = f"{person}_{sequence}_{i:08d}"
            write(tmp_path / "cohn-kanade-images" / person / sequence / f"{name}.png", picture(i))
        write(tmp_path / "cohn-kanade-images" / person / sequence / ".DS_Store")
        write(tmp_path / "Emotion" / person / sequence / f"{name}_emotion.txt", f"   {emotion}.0000000e+00\n")
    (tmp_path / "Emotion" / "S010" / "004").mkdir()
    return tmp_path


def test_cohn_kanade(cohn_kanade: Path):
    pictures = open_pictures(cohn_kanade)
    assert shown(pictures) == ["neutral", *["disgust"] * 3, "neutral", *["surprise"] * 3]
    assert pictures.subjects == ("S005",) * 4 + ("S010",) * 4
    assert [name[-5] for name in pictures.names] == list("14561456")
    with refused("no part 'train'"):
        open_pictures(cohn_kanade, "train")
    label = write(cohn_kanade / "Emotion/S005/001/S005_001_00000006_emotion.txt", "9\n")
    with refused(label.name, "'9'"):
        open_pictures(cohn_kanade)
    label.write_text("3\n")
    (cohn_kanade / "cohn-kanade-images/S005/001").rename(cohn_kanade / "elsewhere")
    with refused(label.name, "frames"):
        open_pictures(cohn_kanade)
