"""FER2013, FER+ and the layout of Kaggle, made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_data import HEADING, VOTES, pack, picture, refused, shown, write

from emoview import LABELS
from emoview.datasets.pictures import open_pictures


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
