"""Valence and arousal: AFEW-VA and tables."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from made_data import picture, refused, write

from emoview.datasets.affect import read_affect


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
