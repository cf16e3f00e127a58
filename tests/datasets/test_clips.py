"""Clips, by an index and in the layout of AFEW."""

from __future__ import annotations

from pathlib import Path

from made_data import refused, write

from emoview.datasets.clips import ClipFile, clips_of, read_clip_index


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


def test_parts_are_called_by_several_words(tmp_path: Path):
    for name in "abc":
        (tmp_path / f"{name}.mp4").touch()
    rows = ["path,label,part", "a.mp4,happy,Train", "b.mp4,sad,Val", "c.mp4,sad,testing"]
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    assert [clip.part for clip in read_clip_index(tmp_path)] == ["train", "valid", "test"]
    assert [clip.path.name for clip in clips_of(tmp_path, "validation")] == ["b.mp4"]


def test_a_part_that_there_is_not(tmp_path: Path):
    for name in "ab":
        (tmp_path / f"{name}.mp4").touch()
    (tmp_path / "index.csv").write_text("path,label,part\na.mp4,happy,train\nb.mp4,sad,valid\n")
    assert [clip.path.name for clip in clips_of(tmp_path, "valid")] == ["b.mp4"]
    assert len(clips_of(tmp_path, None)) == 2
    with refused("has no part 'tets', only train and valid; name one of these"):
        clips_of(tmp_path, "tets")
