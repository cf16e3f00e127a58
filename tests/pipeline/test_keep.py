"""Faces and features kept on the way."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Make
from expected import PLAIN

from emoview import InputError, OutputError
from emoview.pipeline.analysis import analyze
from emoview.pipeline.keep import Keeper, keeping
from emoview.timeline.options import Options


def test_faces_and_features_are_those_of_the_rows(made: Make, tmp_path: Path):
    faces, features = tmp_path / "new" / "faces", tmp_path / "features.npz"
    with keeping(faces, features) as keep:
        result = analyze(made(PLAIN), keep=keep)
        assert not faces.exists()
    rows = [row for row in result.timeline if row.face]
    assert sorted(p.name for p in faces.iterdir()) == [f"{r.tick:06}_{r.face_id}.png" for r in rows]
    assert [p.name for p in faces.parent.iterdir()] == ["faces"]
    picture = cv2.imread(str(faces / "000010_0.png"))
    assert picture.shape == (112, 112, 3)
    # Skin is redder than blue; OpenCV reads blue first.
    assert picture[..., 2].mean() > picture[..., 0].mean()
    arrays = np.load(features)
    assert len(arrays) == 7
    assert arrays["face_ticks"].tolist() == [row.tick for row in rows]
    assert arrays["face_embeddings"].shape == (len(rows), 256)
    assert arrays["voice_descriptors"].shape == (result.media.ticks, 105)
    assert arrays["voice_speech"].mean() == pytest.approx(result.media.speech_share, abs=1e-3)
    windows = arrays["window_times_s"]
    assert arrays["window_functionals"].shape == (len(windows), 6373)
    assert 0 <= windows.min() < windows.max() <= result.media.duration_s


def test_windows_are_kept_however_many_go_through_at_a_time(sample: Path, monkeypatch: pytest.MonkeyPatch):
    kept = []
    for batch in (8, 2):
        monkeypatch.setattr("emoview.pipeline.voice.WINDOW_BATCH", batch)
        keeper = Keeper(None, features=True)
        result = analyze(sample, options=Options(modality="voice"), keep=keeper)
        kept.append((result.timeline, keeper.arrays()))
    assert len(kept[0][1]["window_times_s"]) > 2
    np.testing.assert_array_equal(kept[0][1]["window_times_s"], kept[1][1]["window_times_s"])
    # Pitch is tracked from a little before the first window on, so the last digits differ there.
    many, few = (arrays["window_functionals"] for _, arrays in kept)
    assert many.shape == few.shape
    assert np.isclose(many, few, rtol=1e-3, atol=1e-6).mean() > 0.9
    said = [np.array([row.voice for row in timeline if row.voice]) for timeline, _ in kept]
    assert said[0].std() > 0.1
    np.testing.assert_allclose(*said, atol=0.05)


def test_silent_pictures_have_no_voice(made: Make, tmp_path: Path):
    with keeping(None, tmp_path / "f.npz") as keep:
        analyze(made("one.mp4", "-frames:v", "1", "-an"), options=Options(), keep=keep)
    arrays = np.load(tmp_path / "f.npz")
    assert len(arrays["face_embeddings"]) == 1
    assert len(arrays["voice_descriptors"]) == len(arrays["window_functionals"]) == 0


def test_a_failure_leaves_nothing(tmp_path: Path):
    with pytest.raises(InputError), keeping(tmp_path / "faces", tmp_path / "f.npz") as keep:
        analyze(tmp_path / "missing.mp4", keep=keep)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"), keeping(tmp_path / "file" / "x", None):
        pass
