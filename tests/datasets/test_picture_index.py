"""Faces out of clips keep clip and actor, and are split by these."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoview.datasets.clips import read_clip_index
from emoview.datasets.pictures import open_pictures
from emoview.datasets.splits import stratified_split
from emoview.errors import DatasetError
from emoview.training.parts import split_pictures
from emoview.training.prepare import prepare


def _quiet(_: object) -> None:
    pass


@pytest.fixture
def faces_of_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(path: Path, _: list[str]) -> Iterator[SimpleNamespace]:
        rng = np.random.default_rng(list(str(path).encode()))
        for tick in range(0, 40, 5):
            yield SimpleNamespace(tick=tick, face=rng.integers(0, 255, (8, 8, 3), np.uint8))

    monkeypatch.setattr("emoview.training.prepare.faces_of", found)


def _clips(folder: Path, actors: bool) -> Path:
    rows = ["path,actor,sentence,corpus,label"]
    for actor in "abcd":
        for label in ("happy", "sad"):
            name = f"{actor}, {label}.mp4" if actors else f"Train/{label}/{actor}.avi"
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"x")
            rows.append(f'"{name}",{actor},1,mine,{label}')
    (folder / "Val").mkdir(exist_ok=True)
    if actors:
        (folder / "index.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.usefixtures("faces_of_clips")
@pytest.mark.parametrize("actors", [True, False])
def test_frames_of_clips_are_split_by_actor_or_clip(tmp_path: Path, actors: bool):
    data = _clips(tmp_path / "clips", actors)
    frames = tmp_path / "frames"
    done = prepare(data, frames, part=None, every=10, balance=True, seed=1, on_event=_quiet)
    assert done.counts == {"happy": 16, "sad": 16}
    with (frames / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32
    named = {"path", "label", "clip", "time_s"} | ({"actor", "corpus", "sentence"} if actors else {"part"})
    assert set(rows[0]) == named
    assert {row["time_s"] for row in rows} == {"0.00", "0.40", "0.80", "1.20"}
    assert all((frames / row["path"]).is_file() for row in rows)
    pictures, parts = split_pictures(frames, "random", 1)
    assert pictures.subjects is not None
    people = {clip.person(data) for clip in read_clip_index(data)}
    assert people == ({f"mine/{a}" for a in "abcd"} if actors else set(pictures.subjects))
    assert set(pictures.subjects) == people
    sides = [{pictures.subjects[i] for i in part} for part in parts]
    assert sum(map(len, sides)) == len(people)
    # Prepared once more, they are still of the same.
    prepare(frames, tmp_path / "again", part=None, every=1, balance=False, seed=2, on_event=_quiet)
    assert sorted(open_pictures(tmp_path / "again").subjects or ()) == sorted(pictures.subjects)


@pytest.mark.usefixtures("faces_of_clips")
def test_parts_of_clips_are_parts_of_their_frames(tmp_path: Path):
    data = _clips(tmp_path / "clips", actors=False)
    (data / "Val" / "happy").mkdir()
    (data / "Val" / "happy" / "z.avi").write_bytes(b"x")
    frames = tmp_path / "frames"
    prepare(data, frames, part=None, every=10, balance=False, seed=1, on_event=_quiet)
    assert len(open_pictures(frames, "valid")) == 4
    assert open_pictures(frames, "val").subjects == ("clip Val/happy/z.avi",) * 4
    pictures, (train, choose, test) = split_pictures(frames, "given", 1)
    assert (len(train) + len(choose), len(test), len(pictures)) == (32, 4, 36)
    with pytest.raises(DatasetError, match="has the parts train and valid"):
        open_pictures(frames)


def _index(folder: Path, text: str) -> Path:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(folder / name), np.zeros((4, 4), np.uint8))
    (folder / "c.txt").write_text("x")
    (folder / "index.csv").write_text(text)
    return folder


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,label\na.png,happy\n", "neither the column actor nor clip"),
        ("path,label,actor\na.png,happy,1\nb.png,sad,\n", "line 3: the actor and the clip are empty"),
        ("path,label,clip\na.png,bored,1\n", "line 2: the label 'bored'"),
        ("path,label,clip\nd.png,sad,1\n", "line 2: there is no file"),
        ("path,label,clip\nc.txt,sad,1\n", "line 2: c.txt does not end like a picture"),
        ("path,label,clip\n../index/a.png,sad,1\n", "line 2: the path leads out"),
        ("path,label,clip,part\na.png,sad,1,train\nb.png,sad,2,\n", "line 3: the part is empty"),
        ("path,label,clip\n", "names no pictures"),
    ],
)
def test_an_index_that_does_not_fit(tmp_path: Path, text: str, said: str):
    folder = tmp_path / "index"
    folder.mkdir()
    with pytest.raises(DatasetError, match=said):
        open_pictures(_index(folder, text))


def test_whoever_is_named_counts(tmp_path: Path):
    text = "path,label,actor,clip,corpus\na.png,happy,1,x,c\nb.png,sad,,y,\n"
    assert open_pictures(_index(tmp_path, text)).subjects == ("c/1", "clip y")


@pytest.mark.parametrize("groups", [3, 4, 5, 8, 9])
def test_few_persons_fill_every_part(groups: int):
    people = np.repeat(np.arange(groups), 14)
    labels = np.tile(np.arange(7), 2 * groups)
    parts = stratified_split(labels, (0.7, 0.2, 0.1), 1, groups=list(people))
    held = [len(set(people[part])) for part in parts]
    assert sum(held) == groups
    assert min(held) >= 1
    assert held[0] >= groups // 2
    with pytest.raises(DatasetError, match="2 groups cannot fill 3 parts"):
        stratified_split(labels[:28], (0.7, 0.2, 0.1), 1, groups=list(people[:28]))
