"""Data sets in every layout, made here: what is read, and how what does not fit is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile

from emoview import LABELS
from emoview.datasets.affect import read_affect
from emoview.datasets.clips import ClipFile, read_clip_index
from emoview.datasets.names import label_named
from emoview.datasets.pictures import LabelledPictures, open_pictures
from emoview.datasets.speech import read_speech
from emoview.datasets.splits import (
    assert_disjoint,
    folds_by_group,
    leave_one_group_out,
    stratified_split,
)
from emoview.errors import DatasetError, InputError

VOTES = "neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
HEADING = "image,label," + ",".join(f"votes_{word}" for word in VOTES.split(","))


def picture(seed: int, size: int = 48, ending: str = ".png") -> bytes:
    image = np.random.default_rng(seed).integers(0, 255, (size, size, 3), dtype=np.uint8)
    return cv2.imencode(ending, image)[1].tobytes()


def write(path: Path, content: bytes | str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def pack(path: Path, content: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in content.items():
            archive.writestr(name, data)
    return path


def refused(*words: str):
    """Expect one sentence that holds all the words, in order."""
    pattern = ".*".join(re.escape(word) for word in words)
    return pytest.raises(DatasetError, match=f"(?s)^[^\n]*{pattern}[^\n]*\\.$")


def shown(pictures: LabelledPictures) -> list[str]:
    return [LABELS[i] for i in pictures.labels]


# --- FER2013 ---------------------------------------------------------------------------------------


@pytest.fixture
def fer(tmp_path: Path) -> Path:
    rows = ["a.png,anger,4,0,0,1,3,2,0,0,0,0", "b.png,,0,9,0,0,0,0,0,1,0,0", "c.png,sad,1,0,0,2,0,0,0,7,0,0",
            "d.png,fear,5,0,0,5,0,0,0,0,0,0", "e.png,fear,0,0,0,0,0,0,0,10,0,0"]  # fmt: skip
    write(tmp_path / "fer" / "test.csv", "\n".join([HEADING, *rows]) + "\n")
    pack(tmp_path / "fer" / "test.zip", {f"{n}.png": picture(i) for i, n in enumerate("abcde")})
    return tmp_path / "fer"


@pytest.mark.parametrize("part", ["test", None])
def test_fer2013_original_labels(fer: Path, part: str | None):
    pictures = open_pictures(fer, part)
    assert shown(pictures) == ["anger", "sad", "fear", "fear"]
    assert pictures.names == ("a.png", "c.png", "d.png", "e.png")
    np.testing.assert_allclose(pictures.votes[0], [0.4, 0.3, 0.2, 0, 0, 0.1, 0])
    # Nobody voted for any of the seven: the original label stands.
    np.testing.assert_allclose(pictures.votes[3], np.eye(7)[LABELS.index("fear")])


def test_fer2013_majority_leaves_ties_and_contempt_out(fer: Path):
    pictures = open_pictures(fer, truth="votes")
    assert shown(pictures) == ["neutral", "happy"]
    assert pictures.names == ("a.png", "b.png")


def test_fer2013_without_votes(fer: Path):
    write(fer / "test.csv", "\ufeffimage,label\r\na.png,angry\r\n\r\nb.png,Happiness\r\n")
    pictures = open_pictures(fer)
    assert shown(pictures) == ["anger", "happy"]
    assert pictures.votes is None
    with refused("test.csv", "votes_"):
        open_pictures(fer, truth="votes")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,emotion\na.png,sad\n", ("test.csv, line 1", "'label'")),
        ("", ("test.csv, line 1", "'image'")),
        ("image,label\na.png,sad\nb.png,bored\n", ("test.csv, line 3", "'bored'")),
        ("image,label\n\nz.png,sad\n", ("test.csv, line 3", "z.png")),
        ("image,label\na.png\n", ("test.csv, line 2", "1 fields")),
        ("image,label\n", ("test.csv", "no picture")),
        (HEADING + "\na.png,sad,x,0,0,0,0,0,0,0,0,0\n", ("line 2", "votes_neutral", "'x'")),
        (HEADING.replace("votes_fear", "votes_fright") + "\n", ("line 1", "'votes_fear'")),
    ],
)
def test_fer2013_table_that_does_not_fit(fer: Path, text: str, words: tuple[str, ...]):
    write(fer / "test.csv", text)
    with refused(*words):
        open_pictures(fer, "test", layout="fer2013")


def test_fer2013_files_that_do_not_fit(fer: Path):
    with refused("no part 'train'", "test"):
        open_pictures(fer, "train", layout="fer2013")
    write(fer / "test.csv", b"image,label\n\xff\xfe\xff,sad\n")
    with refused("test.csv", "UTF-8"):
        open_pictures(fer)
    write(fer / "test.csv", "image,label\na.png,sad\n")
    write(fer / "test.zip", b"PK not an archive")
    with refused("test.zip", "zip archive"):
        open_pictures(fer)


@pytest.fixture
def kaggle(tmp_path: Path) -> Path:
    def pixels(i: int) -> str:
        return " ".join(map(str, np.random.default_rng(i).integers(0, 256, 48 * 48)))

    usages = ["Training", "Training", "PublicTest", "PrivateTest"]
    lines = [f"{e},{pixels(i)},{u}" for i, (e, u) in enumerate(zip([0, 3, 6, 5], usages, strict=True))]
    write(tmp_path / "fer2013.csv", "\n".join(["emotion,pixels,Usage", *lines]) + "\n")
    votes = ["4,0,0,1,3,2,0,0,0,0", "0,0,9,0,0,0,0,1,0,0", "10,0,0,0,0,0,0,0,0,0", "0,0,0,0,0,0,0,0,0,10"]
    rows = [f"{u},fer{i}.png,{v}" for i, (u, v) in enumerate(zip(usages, votes, strict=True))]
    write(tmp_path / "fer2013new.csv", "\n".join([f"Usage,Image name,{VOTES}", *rows]) + "\n")
    return tmp_path


def test_kaggle_layout(kaggle: Path):
    train = open_pictures(kaggle, "train")
    assert shown(train) == ["anger", "happy"]
    assert train.picture(0, size=48).shape == (48, 48)
    np.testing.assert_array_equal(
        train.picture(0, size=48)[0, :3], np.random.default_rng(0).integers(0, 256, 3)
    )
    assert shown(open_pictures(kaggle, "train", truth="votes")) == ["neutral", "surprise"]
    assert shown(open_pictures(kaggle, "valid")) == ["neutral"]
    with refused("no picture"):
        open_pictures(kaggle, "PrivateTest", truth="votes")
    with refused("PrivateTest, PublicTest and Training"):
        open_pictures(kaggle)
    (kaggle / "fer2013new.csv").unlink()
    assert open_pictures(kaggle, "test").votes is None
    with refused("fer2013new.csv"):
        open_pictures(kaggle, "test", truth="votes")


def test_kaggle_tables_that_do_not_fit(kaggle: Path):
    table, plus = kaggle / "fer2013.csv", kaggle / "fer2013new.csv"
    whole = table.read_text()
    plus.write_text("\n".join(plus.read_text().splitlines()[:-1]))
    with refused("fer2013new.csv, line 5"):
        open_pictures(kaggle, "train")
    plus.unlink()
    for old, new, words in [("3,", "9,", "'9'"), ("3,", "3,1 ", "pixels"), ("3,", "3,x", "pixels")]:
        table.write_text(whole.replace("\n" + old, "\n" + new, 1))
        with refused("fer2013.csv, line 3", words):
            open_pictures(kaggle, "train")


# --- Folders ---------------------------------------------------------------------------------------


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
        ("word", "contempt/1.png", ("test.zip", "'contempt'")),
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


# --- Pictures --------------------------------------------------------------------------------------


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


# --- AffectNet, RAF-DB, CK+ ------------------------------------------------------------------------


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


# --- Speech ----------------------------------------------------------------------------------------


NAMES = {
    "Actor_12/03-01-06-01-02-01-12.wav": ("ravdess", "12", "fear"),
    "Actor_12/03-01-02-01-02-01-12.wav": ("ravdess", "12", "calm"),
    "tess/OAF_Pleasant/OAF_back_ps.wav": ("tess", "OAF", "surprise"),
    "tess/YAF_angry/YAF_dog_angry.wav": ("tess", "YAF", "anger"),
    "emodb/03a01Fa.wav": ("emodb", "03", "happy"),
    "emodb/16b10Lb.wav": ("emodb", "16", "boredom"),
    "crema/1001_DFA_ANG_XX.wav": ("crema-d", "1001", "anger"),
    "crema/1091_IEO_HAP_HI.wav": ("crema-d", "1091", "happy"),
    "savee/DC_a01.wav": ("savee", "DC", "anger"),
    "savee/KL_su15.wav": ("savee", "KL", "surprise"),
    "savee/JE/sa03.wav": ("savee", "JE", "sad"),
}


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(160), 16000)
    return path


def test_speech_by_file_names(tmp_path: Path):
    for name in [*NAMES, "Actor_12/03-02-06-01-02-01-12.wav"]:
        sound(tmp_path / name)
    write(tmp_path / "README.txt")
    found = {
        u.path.relative_to(tmp_path).as_posix(): (u.corpus, u.speaker, u.label) for u in read_speech(tmp_path)
    }
    assert found == NAMES
    songs = {u.path.name: u for u in read_speech(tmp_path, songs=True)}
    assert len(songs) == len(NAMES) + 1
    song = songs["03-02-06-01-02-01-12.wav"]
    assert (song.person, song.label) == ("ravdess/12", "fear")
    assert [u.label for u in read_speech(tmp_path / "emodb", layout="emodb")] == ["happy", "boredom"]
    with refused("03a01Fa.wav", "ravdess"):
        read_speech(tmp_path / "emodb", layout="ravdess")
    odd = sound(tmp_path / "crema" / "1001_DFA_XXX_XX.wav")
    with refused(str(odd), "index.csv"):
        read_speech(tmp_path)


def test_speech_by_index(tmp_path: Path):
    sound(tmp_path / "a.wav")
    index = write(tmp_path / "index.csv", "path,corpus,speaker,label\na.wav,mine,1,calm\n")
    (utterance,) = read_speech(tmp_path)
    assert (utterance.path, utterance.person, utterance.label) == (tmp_path / "a.wav", "mine/1", "calm")
    for text, words in [
        ("path,corpus,label\na.wav,mine,sad\n", ("line 1", "'speaker'")),
        ("path,corpus,speaker,label\na.wav,mine,1,sad\na.wav,mine,1,shy\n", ("line 3", "'shy'")),
        ("path,corpus,speaker,label\na.wav,mine,1,sad\nb.wav,mine,1,sad\n", ("line 3", "b.wav")),
        ("path,corpus,speaker,label\na.wav,mine,,sad\n", ("line 2", "speaker")),
        ("path,corpus,speaker,label\n", ("no recordings",)),
    ]:
        index.write_text(text)
        with refused("index.csv", *words):
            read_speech(tmp_path)


def test_speech_that_is_not_there(tmp_path: Path):
    with refused("neither index.csv nor recordings"):
        read_speech(tmp_path)
    with refused("index.csv"):
        read_speech(tmp_path, layout="index")
    with refused("absent"):
        read_speech(tmp_path / "absent")
    with refused("'other'"):
        read_speech(tmp_path, layout="other")


# --- Clips -----------------------------------------------------------------------------------------


def test_clips_by_index(tmp_path: Path):
    write(tmp_path / "a.mp4", b"x")
    index = write(tmp_path / "index.csv", "path,actor,sentence,label\na.mp4,01,,angry\n")
    assert read_clip_index(tmp_path) == (ClipFile(tmp_path / "a.mp4", "anger", "01", None, None),)
    for text, words in [
        ("path,actor\na.mp4,01\n", ("line 1", "'label'")),
        ("path,label\nb.mp4,sad\n", ("line 2", "b.mp4")),
        ("path,label\na.mp4,calm\n", ("line 2", "'calm'")),
    ]:
        index.write_text(text)
        with refused("index.csv", *words):
            read_clip_index(tmp_path)


def test_clips_in_the_layout_of_afew(tmp_path: Path):
    with refused("index.csv"):
        read_clip_index(tmp_path)
    for name in ("Train/Angry/1.avi", "Val/Happy/2.avi", "Val/Happy/2.txt", "Test/3.avi"):
        write(tmp_path / name, b"x")
    found = [(c.path.name, c.label, c.part) for c in read_clip_index(tmp_path)]
    assert found == [("1.avi", "anger", "train"), ("2.avi", "happy", "valid")]
    write(tmp_path / "Val/Grumpy/4.avi", b"x")
    with refused("Grumpy"):
        read_clip_index(tmp_path)


# --- Affect ----------------------------------------------------------------------------------------


@pytest.fixture
def afew_va(tmp_path: Path) -> Path:
    image = np.zeros((60, 80, 3), np.uint8)
    image[20:40, 50:70] = (0, 0, 255)
    x, y = np.meshgrid(np.linspace(50, 69, 17), np.linspace(20, 39, 4))
    landmarks = np.stack([x.ravel(), y.ravel()], axis=1).tolist()
    frames = {}
    for i in range(2):
        write(tmp_path / "001" / f"{i:05d}.png", cv2.imencode(".png", image)[1].tobytes())
        frames[f"{i:05d}"] = {"landmarks": landmarks, "arousal": -10.0, "valence": 5.0 * i}
    write(tmp_path / "001" / "001.json", json.dumps({"video_id": "001", "frames": frames}))
    return tmp_path


def test_afew_va(afew_va: Path):
    affect = read_affect(afew_va)
    np.testing.assert_allclose(affect.values, [[0, -1], [0.5, -1]])
    assert affect.values.dtype == np.float32
    assert affect.videos == ("001", "001")
    assert affect.landmarks.shape == (2, 68, 2)
    face = affect.crop(0, 24)
    assert face.shape == (24, 24, 3)
    # Red in the middle, and little else: the face fills the crop.
    np.testing.assert_array_equal(face[12, 12], [255, 0, 0])
    assert 0.6 < (face[..., 0] > 128).mean() < 0.9


def test_crop_may_leave_the_picture(afew_va: Path):
    affect = read_affect(afew_va)
    affect.landmarks[0] += (20, -25)
    assert affect.crop(0, 24).shape == (24, 24, 3)
    write(affect.frames[1], b"no picture")
    with refused("00001.png"):
        affect.crop(1, 24)


def test_afew_va_that_does_not_fit(afew_va: Path):
    file = afew_va / "001" / "001.json"
    whole = json.loads(file.read_text())
    for key, value, words in [
        ("arousal", 11, "-10 and 10"),
        ("landmarks", [[0, 0]], "68 landmarks"),
        ("valence", None, "landmarks, valence"),
    ]:
        changed = json.loads(json.dumps(whole))
        changed["frames"]["00001"][key] = value
        file.write_text(json.dumps(changed))
        with refused("001.json, frame 00001", words):
            read_affect(afew_va)
    file.write_text(json.dumps(whole))
    (afew_va / "001" / "00001.png").unlink()
    with refused("001.json, frame 00001", "no picture"):
        read_affect(afew_va)
    file.write_text("{")
    with refused("001.json", "JSON"):
        read_affect(afew_va)
    file.unlink()
    with refused("looked for"):
        read_affect(afew_va)


def test_affect_table(tmp_path: Path):
    write(tmp_path / "1.png", picture(0, size=64))
    table = write(tmp_path / "t.csv", "frame,valence,arousal,video\n1.png,-0.5,1,v1\n")
    affect = read_affect(table)
    np.testing.assert_allclose(affect.values, [[-0.5, 1]])
    assert (affect.landmarks, affect.videos, len(affect)) == (None, ("v1",), 1)
    assert affect.crop(0, 32).shape == (32, 32, 3)
    for text, words in [
        ("path,valence,arousal,video\n1.png,0,5,v\n", ("line 2", "arousal is 5", "-1 and 1")),
        ("path,valence,arousal,video\n1.png,nan,0,v\n", ("line 2", "valence")),
        ("path,valence,video\n1.png,0,v\n", ("line 1", "'arousal'")),
        ("path,valence,arousal,video\n2.png,0,0,v\n", ("line 2", "2.png")),
        ("path,valence,arousal,video\n1.png,0,0,\n", ("line 2", "video")),
    ]:
        table.write_text(text)
        with refused("t.csv", *words):
            read_affect(table)


# --- Splits ----------------------------------------------------------------------------------------


def test_stratified_split_keeps_the_mix():
    labels = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [500, 300, 50]))
    parts = stratified_split(labels, seed=4)
    assert [len(part) for part in parts] == [595, 170, 85]
    assert sorted(np.concatenate(parts)) == list(range(850))
    for part in parts:
        np.testing.assert_allclose(
            np.bincount(labels[part]) / len(part), [10 / 17, 6 / 17, 1 / 17], atol=0.01
        )
    for one, other in zip(parts, stratified_split(labels, seed=4), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(parts[0], stratified_split(labels, seed=5)[0])


def test_stratified_split_keeps_groups_and_duplicates_together():
    rng = np.random.default_rng(0)
    labels, people = rng.integers(0, 7, 600), [f"p{i % 30}" for i in range(600)]
    digests = [f"d{i}" for i in range(600)]
    digests[1] = digests[0]
    train, valid, test = stratified_split(labels, (0.6, 0.2, 0.2), 1, groups=people, duplicates=digests)
    assert (len(train), len(valid), len(test)) == (360, 120, 120)
    assert_disjoint(train, np.concatenate([valid, test]), people, digests)
    assert_disjoint(valid, test, people, digests)
    with refused("sum to 1"):
        stratified_split(labels, (0.5, 0.2))
    with refused("3 groups or duplicates for 600"):
        stratified_split(labels, groups=["a", "b", "c"])
    with refused("1 groups cannot fill 3 parts"):
        stratified_split(labels, groups=["same"] * 600)


def test_folds_by_group():
    people = [f"p{i % 22}" for i in range(440)]
    folds = folds_by_group(people, 5, seed=1)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(440))
    assert {len(test) for _, test in folds} == {80, 100}
    for train, test in [*folds, *leave_one_group_out(people)]:
        assert_disjoint(train, test, people)
        assert len(train) + len(test) == 440
    assert len(leave_one_group_out(people)) == 22
    with refused("22 groups", "23 folds"):
        folds_by_group(people, 23)
    with refused("One group"):
        leave_one_group_out(["a", "a"])


def test_both_sides_are_told_apart():
    people, digests = ["ann", "bob", "cid", "ann"], ["x", "y", "y", "z"]
    assert_disjoint([0, 3], [1, 2], people, digests)
    with refused("ann", "both sides", "items 0 and 3"):
        assert_disjoint([0, 1], [2, 3], people)
    with refused("exact duplicate (y)", "items 1 and 2"):
        assert_disjoint(np.array([True, True, False, True]), [2], people, digests)
    with refused("Item 1"):
        assert_disjoint([0, 1], [1, 2], None)


def test_exact_duplicates_are_found_in_other_encodings(tmp_path: Path):
    image = np.random.default_rng(0).integers(0, 255, (48, 48), dtype=np.uint8)
    for part, ending in (("train", ".png"), ("test", ".bmp")):
        write(tmp_path / part / "sad" / f"1{ending}", cv2.imencode(ending, image)[1].tobytes())
    digests = [open_pictures(tmp_path, part).digest(0) for part in ("train", "test")]
    with refused("exact duplicate", "items 0 and 1"):
        assert_disjoint([0], [1], None, digests)


# --- All -------------------------------------------------------------------------------------------


def test_words_for_labels():
    assert [label_named(w) for w in ("Angry", "NEUTRALITY", "sadness", "contempt", "")] == [
        "anger", "neutral", "sad", None, None,
    ]  # fmt: skip
    assert all(label_named(label) == label for label in LABELS)
    assert issubclass(DatasetError, InputError)


def test_reading_data_needs_no_network_library():
    modules = ["affect", "clips", "pictures", "speech", "splits"]
    code = "import sys\n" + "\n".join(f"import emoview.datasets.{m}" for m in modules)
    code += "\nprint(*sorted({'keras', 'tensorflow', 'librosa'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""


def real(name: str) -> Path:
    """Give a folder of the real data, whose place the environment names."""
    root = os.environ.get("EMOVIEW_DATA")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"no {name} under EMOVIEW_DATA")
    return Path(root) / name


@pytest.mark.parametrize("name", ["fer2013", "faces7"])
def test_real_pictures(name: str):
    pictures = open_pictures(real(name), "valid")
    assert set(shown(pictures)) == set(LABELS)
    assert pictures.check() == []
    assert pictures.picture(0, size=48).shape == (48, 48)


def test_real_speech():
    utterances = read_speech(real("speech"))
    assert {"ravdess", "emodb"} <= {u.corpus for u in utterances}
    # Where the names tell too, they tell the same.
    for corpus in {"ravdess", "tess", "emodb"} & {p.name for p in real("speech").iterdir()}:
        assert set(read_speech(real("speech") / corpus)) == {u for u in utterances if u.corpus == corpus}


def test_real_clips():
    clips = read_clip_index(real("clips"))
    assert len(clips) == 192
    assert set(Counter(clip.actor for clip in clips).values()) == {24}
