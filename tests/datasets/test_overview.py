"""What a data set holds, and how well landmarks are found in it."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from emoview.cli import render_data
from emoview.cli.console import Screen
from emoview.datasets.overview import Holding, overview
from emoview.datasets.plot import _figure
from emoview.errors import DatasetError
from emoview.evaluation import landmarks
from emoview.evaluation.landmarks import Sampled
from emoview.evaluation.landmarks import _figure as landmarks_figure
from emoview.face.fit import _OTHER_SIDE, DOUBTFUL, misfits


def _picture(path: Path, value: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((8, 8), value, np.uint8))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Two parts; in training three of one label, one of another; three pictures are the same."""
    for i, name in enumerate(
        ("train/happy/0", "train/happy/1", "train/happy/2", "train/sad/0", "valid/sad/0")
    ):
        _picture(tmp_path / f"{name}.png", 10 * i)
    _picture(tmp_path / "valid/sad/1.png", 0)
    _picture(tmp_path / "valid/happy/1.png", 0)
    return tmp_path


def test_faces_by_part_with_weights_and_duplicates(faces: Path):
    (found,) = overview(faces)
    assert (found.kind, found.layout) == ("faces", "folders")
    assert found.counts == {"train": {"happy": 3, "sad": 1}, "valid": {"sad": 2, "happy": 1}}
    assert found.total == {"happy": 4, "sad": 3}
    # Of the training part alone.
    assert found.weights == {"happy": 1, "sad": 3}
    assert (found.duplicates, found.contradicting) == (2, 1)
    assert found.people is None


def test_weights_are_of_the_training_part_however_it_is_written():
    parts = {"Test": {"happy": 9}, "Train": {"happy": 2, "sad": 4}}
    assert Holding("faces", "folders", parts, None, 0, 0).weights == {"happy": 2, "sad": 1}


def test_broken_pictures_are_counted(faces: Path):
    (faces / "train" / "sad" / "9.png").write_bytes(b"no picture")
    (found,) = overview(faces)
    assert len(found.broken) == 1
    assert "sad/9.png" in found.broken[0]


def _sound(path: Path, value: int) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes([value]) * 64)


def test_speech_by_corpus(tmp_path: Path):
    for number, label in ((1, 1), (2, 1), (2, 5)):
        _sound(tmp_path / f"03-01-{label:02d}-01-01-01-{number:02d}.wav", number)
    (found,) = overview(tmp_path)
    assert (found.kind, found.layout) == ("speech", "file names")
    assert found.counts == {"ravdess": {"neutral": 2, "anger": 1}}
    assert (found.people, found.duplicates, found.contradicting) == (("speakers", 2), 1, 1)


@pytest.mark.parametrize("layout", ["index.csv", "AFEW"])
def test_clips(tmp_path: Path, layout: str):
    places = [tmp_path / part / "Happy" / f"{part}.mp4" for part in ("Train", "Val")]
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_bytes(place.name.encode())
    if layout == "index.csv":
        lines = [f"{p.relative_to(tmp_path)},happy,{i}" for i, p in enumerate(places)]
        (tmp_path / "index.csv").write_text("path,label,actor\n" + "\n".join(lines))
    (found,) = overview(tmp_path)
    assert (found.kind, found.layout, found.duplicates) == ("clips", layout, 0)
    if layout == "AFEW":
        assert (found.counts, found.people) == ({"train": {"happy": 1}, "valid": {"happy": 1}}, None)
    else:
        assert (found.counts, found.people) == ({"all": {"happy": 2}}, ("actors", 2))


@pytest.mark.parametrize("parts", [("train", "valid"), ("", "")])
def test_an_index_of_pictures_is_of_faces(tmp_path: Path, parts: tuple[str, str]):
    """As `prepare` writes it, contempt included."""
    rows = ["path,label,clip,part"]
    for i, label in enumerate(("happy", "contempt", "sad", "sad")):
        _picture(tmp_path / f"{i}.png", 40 * min(i, 2))
        rows.append(f"{i}.png,{label},{i // 2}.mp4,{parts[i // 2]}")
    (tmp_path / "index.csv").write_text("\n".join(rows) + "\n")
    (found,) = overview(tmp_path)
    assert (found.kind, found.layout, found.people) == ("faces", "index", ("people", 2))
    assert found.duplicates == 1
    assert list(found.counts) == (["train", "valid"] if parts[0] else ["all"])
    assert found.total == {"happy": 1, "sad": 2, "contempt": 1}


def test_values_of_a_table(tmp_path: Path):
    lines = ["frame,valence,arousal,video"]
    for i in range(4):
        _picture(tmp_path / f"{i}.png", 40 * i)
        lines.append(f"{i}.png,{i / 4},{-i / 8},{i // 2}")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    (found,) = overview(tmp_path / "t.csv")
    assert (found.kind, found.layout, found.people) == ("valence and arousal", "table", ("videos", 2))
    assert found.values is not None
    assert found.values[:, 0].tolist() == [0, 0.25, 0.5, 0.75]
    one, other, plane, _ = _figure([found]).axes
    assert sum(bar.get_height() for bar in one.patches) == sum(bar.get_height() for bar in other.patches) == 4
    assert np.nansum(plane.collections[0].get_array()) == 4


def test_affectnet_holds_labels_and_values(tmp_path: Path):
    for i, expression in enumerate((1, 2)):
        _picture(tmp_path / "train_set" / "images" / f"{i}.png", 90 * i)
        (tmp_path / "train_set" / "annotations").mkdir(exist_ok=True)
        for kind, value in (("exp", expression), ("val", 0.5), ("aro", -0.5)):
            np.save(tmp_path / "train_set" / "annotations" / f"{i}_{kind}.npy", str(value))
    labels, values = overview(tmp_path)
    assert (labels.kind, labels.counts) == ("faces", {"train_set": {"happy": 1, "sad": 1}})
    assert (values.kind, values.counts) == ("valence and arousal", {"train_set": {"frames": 2}})


@pytest.mark.parametrize("width", [30, 80])
def test_figures_of_many_corpora_are_printed_whole(width: int):
    names = [f"corpus-{number}" for number in range(12)]
    counts = {name: {"happy": 1000 + i, "surprise": 40000 + i} for i, name in enumerate(names)}
    out = io.StringIO()
    terminal = SimpleNamespace(printer=lambda: Screen(out, width=width))
    render_data.holding(terminal, "speech", Holding("speech", "index.csv", counts, None, 0, 0))
    text = out.getvalue()
    assert "…" not in text
    for i, name in enumerate(names):
        assert {name, f"1,{i:03d}", f"40,{i:03d}"} <= set(text.split())
    assert "class weight" in text


def test_what_is_no_data_set_is_refused(tmp_path: Path):
    with pytest.raises(DatasetError, match="none of the known layouts"):
        overview(tmp_path)


def test_bars_stand_on_each_other():
    made = Holding("faces", "folders", {"train": {"happy": 3}, "valid": {"happy": 2, "sad": 4}}, None, 0, 0)
    (axis,) = _figure([made]).axes
    assert [bar.get_height() for bar in axis.patches] == [3, 0, 2, 4]
    assert [bar.get_y() for bar in axis.patches] == [0, 0, 3, 0]
    assert [text.get_text() for text in axis.texts] == ["5", "4"]


def _faces_of(count: int) -> np.ndarray:
    """Symmetric made-up faces with a little noise, each somewhere else, turned and of another size."""
    rng = np.random.default_rng(0)
    half = rng.normal(size=(68, 2))
    face = (half + half[_OTHER_SIDE] * [-1, 1]) / 2
    shapes = face + 0.01 * rng.normal(size=(count, 68, 2))
    angles = rng.uniform(0, 6, count)
    turns = np.stack([[np.cos(angles), np.sin(angles)], [-np.sin(angles), np.cos(angles)]]).transpose(2, 0, 1)
    return shapes @ turns * rng.uniform(1, 90, (count, 1, 1)) + rng.uniform(0, 90, (count, 1, 2))


def test_the_other_side_of_the_other_side_is_this_one():
    assert np.array_equal(_OTHER_SIDE[_OTHER_SIDE], np.arange(68))


def test_bad_landmarks_have_high_scores_wherever_they_lie():
    points = _faces_of(20)
    points[3, :30] = points[3, 30:60]  # Half of it on top of the other half.
    points[7] = np.nan
    points[9] = 5
    scores = misfits(points)
    assert np.isnan(scores[7])
    assert scores[3] > DOUBTFUL
    assert scores[9] > DOUBTFUL
    assert np.delete(scores, [3, 7, 9]).max() < 0.05
    assert np.isnan(misfits(np.full((2, 68, 2), np.nan))).all()


def test_a_face_that_is_not_like_itself_in_the_mirror():
    points = _faces_of(9)
    squeezed = points.copy()
    # All are alike, so that the typical face is as lopsided.
    squeezed[:, :17] += 0.4 * points.std(axis=(1, 2), keepdims=True)
    assert misfits(squeezed).min() > misfits(points).max() + 0.05


def test_worst_and_best_are_drawn(monkeypatch: pytest.MonkeyPatch):
    scores = np.array([0.1, np.nan, 0.9, 0.2])
    sampled = Sampled(tuple("abcd"), np.zeros((4, 8, 8), np.uint8), np.zeros((4, 68, 2), np.float32), scores)
    assert (sampled.found, sampled.doubtful) == (3, 1)
    titles = [a.get_title() for a in landmarks_figure(sampled, [2, 3], [0]).axes if a.get_title()]
    assert titles == ["0.90", "0.20", "0.10"]
    # Of three faces one is good enough to be shown as the best.
    monkeypatch.setattr(landmarks, "drawn", lambda draw, _: draw())
    assert landmarks.plot_landmarks(sampled, Path("x.png")).axes[0].get_title() == "0.90"
