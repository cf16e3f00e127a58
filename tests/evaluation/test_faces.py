"""Faces measured: networks of a run and those that ship, on crops and on photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import ffmpeg
from trained import quiet

from emoview import LABELS, InputError
from emoview.datasets.pictures import open_pictures
from emoview.evaluation.faces import _shipped, evaluate_faces
from emoview.face.align import align, box_of
from emoview.face.find import FaceFinder
from emoview.face.still import StillFaces
from emoview.metrics.figures import GroupedFigures
from emoview.networks.runs import read_metrics
from emoview.pipeline.inference import run_faces, run_stills
from emoview.pipeline.models import Models


def test_a_run_measured_again_gives_the_same_figures(picture_run: Path, faces: Path):
    again = evaluate_faces(str(picture_run), faces, "valid", truth="original", on_event=quiet)["frame-cnn"]
    stored = read_metrics(picture_run)["frame-cnn"]
    assert again.accuracy.value == stored["accuracy"]["value"]
    assert [list(row) for row in again.confusion] == stored["confusion"]


def test_the_shipped_network_is_measured_on_any_part(faces: Path):
    figures = evaluate_faces("shipped", faces, "valid", truth="original", on_event=quiet)
    (one,) = figures.values()
    assert one.examples == 42
    assert sum(map(sum, one.confusion)) == 42
    assert one.accuracy.low <= one.accuracy.value <= one.accuracy.high


def test_groups_are_measured_beside_all(faces: Path, tmp_path: Path):
    rows = [f"happy/{i}.png,{'dark' if i < 4 else 'light'}" for i in range(6)]
    table = tmp_path / "groups.csv"
    table.write_text("\n".join(["id,light", *rows, "happy/9.png,dark"]) + "\n")
    events: list[Any] = []
    (one,) = evaluate_faces(
        "shipped", faces, "valid", truth="original", groups=table, on_event=events.append
    ).values()
    assert isinstance(one, GroupedFigures)
    assert one.examples == 42
    groups = one.groups["light"]
    assert {value: group.examples for value, group in groups.items()} == {"dark": 4, "light": 2}
    assert {group.expected.value for group in groups.values()} == {one.recalls["happy"].value}
    hits = one.confusion[LABELS.index("happy")][LABELS.index("happy")]
    assert sum(group.examples * group.accuracy.value for group in groups.values()) == pytest.approx(
        100 * hits
    )
    (note,) = (event["note"] for event in events if "note" in event)
    assert "1 ids" in note
    assert "happy/9.png" in note


def test_what_ships_sees_small_pictures_as_a_video_would(sample: Path, tmp_path: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "frame.png"))
    frame = cv2.imread(str(tmp_path / "frame.png"))
    with FaceFinder(max_faces=1, stills=True) as finder:
        left, top, width, height = map(int, box_of(finder.find(cv2.cvtColor(frame, cv2.COLOR_BGR2RGB))[0]))
    crop = cv2.resize(
        frame[top : top + height, left : left + width], (100, 100), interpolation=cv2.INTER_AREA
    )
    folder = tmp_path / "pictures" / "valid" / "happy"
    folder.mkdir(parents=True)
    for name, one in (("1", crop), ("2", np.full((48, 48, 3), 90, np.uint8))):
        cv2.imwrite(str(folder / f"{name}.png"), one)
    pictures = open_pictures(tmp_path / "pictures", "valid")
    with StillFaces() as stills:
        cut = stills.cut(pictures.original(0))
    assert cut is not None
    events: list[Any] = []
    as_they_come = _shipped(pictures, "original", quiet)
    as_in_video = _shipped(pictures, "original", events.append, cut_out=True)
    network = Models().face_cnn
    np.testing.assert_allclose(as_in_video[:1], run_stills(network, [cut])[1], atol=1e-3)
    assert np.abs(as_in_video[0] - as_they_come[0]).max() > 0.2
    np.testing.assert_allclose(as_in_video[1], as_they_come[1], atol=1e-3)
    assert events[-1] == {"no face found in": "1 pictures, which were taken as they are"}


def test_networks_of_a_run_see_pictures_as_they_are(picture_run: Path, faces: Path):
    with pytest.raises(InputError, match="works with the shipped networks only"):
        evaluate_faces(str(picture_run), faces, "valid", truth="original", cut_out=True, on_event=quiet)


def test_for_votes_the_answer_that_learned_them_is_asked(faces: Path):
    pictures = open_pictures(faces, "valid")
    labels, votes = (_shipped(pictures, truth, quiet) for truth in ("original", "votes"))
    assert labels.shape == votes.shape == (42, 7)
    crops = [pictures.original(i, colour=False) for i in range(4)]
    embeddings, logits = run_faces(Models().face_cnn, crops)
    np.testing.assert_allclose(labels[:4], logits, atol=1e-4)
    np.testing.assert_allclose(votes[:4], Models().face_votes.predict_on_batch(embeddings), atol=1e-4)
    assert np.abs(labels - votes).max() > 0.1


def test_faces_are_cut_out_of_photographs_and_crops_taken_as_they_are(sample: Path, tmp_path: Path):
    ffmpeg("-i", str(sample), "-frames:v", "1", str(tmp_path / "frame.png"))
    frame = cv2.imread(str(tmp_path / "frame.png"))
    height, width = frame.shape[:2]
    photograph = cv2.copyMakeBorder(frame, 0, 0, width // 3, width // 5, cv2.BORDER_REPLICATE)
    with FaceFinder(max_faces=1, stills=True) as finder:
        picture = cv2.cvtColor(photograph, cv2.COLOR_BGR2RGB)
        expected = align(picture, finder.find(picture)[0])
    cut_out = cv2.cvtColor(expected, cv2.COLOR_RGB2BGR)
    plain = np.full((height, width, 3), 90, np.uint8)
    pictures = tmp_path / "pictures" / "valid" / "happy"
    pictures.mkdir(parents=True)
    for name, one in (("1", photograph), ("2", cut_out), ("3", plain)):
        cv2.imwrite(str(pictures / f"{name}.png"), one)
    events: list[Any] = []
    logits = _shipped(open_pictures(tmp_path / "pictures", "valid"), "original", events.append)
    network = Models().face_cnn
    (wanted,), (whole,) = (run_faces(network, [face])[1] for face in (expected, plain))
    np.testing.assert_allclose(logits[0], wanted, atol=0.5)
    np.testing.assert_allclose(logits[1], wanted, atol=1e-3)
    np.testing.assert_allclose(logits[2], whole, atol=1e-3)
    assert np.abs(whole - wanted).max() > 1
    assert events[-1] == {"no face found in": "1 pictures, which were taken as they are"}
