"""Contempt, the eighth label of some data sets of faces."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_data import HEADING, pack, picture, write

from emoview.datasets.overview import overview
from emoview.datasets.pictures import open_pictures
from emoview.timeline.labels import CONTEMPT, FACE_LABELS, LABELS, group_of


def _affectnet(folder: Path) -> None:
    for i, expression in enumerate((0, 7, 8)):
        write(folder / "train_set" / "images" / f"{i}.jpg", picture(i, ending=".jpg"))
        (folder / "train_set" / "annotations").mkdir(exist_ok=True)
        np.save(folder / "train_set" / "annotations" / f"{i}_exp.npy", np.array(str(expression)))


def _cohn_kanade(folder: Path) -> None:
    for sequence, emotion in (("001", 3), ("002", 2)):
        for i in range(2):
            write(
                folder / "cohn-kanade-images" / "S1" / sequence / f"{i}.png",
                picture(i + (10 if emotion == 2 else 0)),
            )
        write(folder / "Emotion" / "S1" / sequence / "1_emotion.txt", f"{emotion}.0\n")


def _folders(folder: Path) -> None:
    for i, name in enumerate(("Happiness", "Contempt")):
        write(folder / name / "1.png", picture(i))


def _index(folder: Path) -> None:
    write(folder / "index.csv", "path,label,actor\n1.png,happy,a\n2.png,contempt,b\n")
    for i in (1, 2):
        write(folder / f"{i}.png", picture(i))


def _raf_db(folder: Path) -> None:
    write(folder / "basic" / "EmoLabel" / "list_patition_label.txt", "train_1.jpg 4\n")
    write(folder / "basic" / "Image" / "aligned" / "train_1_aligned.jpg", picture(0, ending=".jpg"))


@pytest.mark.parametrize(
    ("make", "shown"),
    [(_affectnet, 1), (_cohn_kanade, 1), (_folders, 1), (_index, 1), (_raf_db, 0)],
)
def test_it_is_given_where_it_is_asked_for_and_left_out_elsewhere(
    tmp_path: Path, make: Callable[[Path], None], shown: int
):
    make(tmp_path)
    seven, eight = (open_pictures(tmp_path, contempt=asked) for asked in (False, True))
    assert set(seven.labels) <= set(range(7))
    assert np.sum(eight.labels == FACE_LABELS.index(CONTEMPT)) == shown
    # The same pictures have the same labels in both.
    labels = dict(zip(eight.digests(), eight.labels, strict=True))
    assert [labels[digest] for digest in seven.digests()] == seven.labels.tolist()
    if make is not _index:
        (held, *_) = overview(tmp_path)
        assert held.total.get(CONTEMPT, 0) == shown


def test_votes_for_it_can_have_the_majority(tmp_path: Path):
    rows = [
        "a.png,anger,4,0,0,1,3,2,0,0,0,0",
        "b.png,sad,0,0,0,1,0,0,0,8,1,0",
        "c.png,sad,0,0,0,4,0,0,0,4,0,0",
    ]
    write(tmp_path / "train.csv", "\n".join([HEADING, *rows]) + "\n")
    pack(tmp_path / "train.zip", {f"{n}.png": picture(i) for i, n in enumerate("abc")})
    pictures = open_pictures(tmp_path, truth="votes", contempt=True)
    assert [FACE_LABELS[i] for i in pictures.labels] == ["neutral", "contempt"]
    np.testing.assert_allclose(pictures.votes[1], [0, 0, 0, 0, 0, 1 / 9, 0, 8 / 9])
    assert pictures.votes.shape == (2, 8)
    original = open_pictures(tmp_path, contempt=True)
    assert CONTEMPT not in {FACE_LABELS[i] for i in original.labels}
    (held,) = overview(tmp_path, truth="votes")
    assert held.total == {"neutral": 1, "contempt": 1}


def test_its_groups_are_those_of_the_work():
    """Table 7 of the Lund thesis: contempt is negative, and not positive."""
    assert [group_of(CONTEMPT, count) for count in (8, 7, 3, 2)] == [
        "contempt",
        "contempt",
        "negative",
        "other",
    ]
    assert FACE_LABELS[:7] == LABELS
