"""Faces out of clips."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Make
from trained import quiet

from emoview import InputError
from emoview.datasets.pictures import open_pictures
from emoview.training.prepare import prepare


def test_faces_out_of_clips_and_broken_files_left_out(made: Make, tmp_path: Path):
    for label, second in (("happy", 0), ("sad", 3)):
        (tmp_path / "data" / "Train" / label).mkdir(parents=True)
        clip = made(f"{label}.mp4", "-ss", str(second), seconds=1.0 if label == "sad" else 1.6)
        (tmp_path / "data" / "Train" / label / clip.name).write_bytes(clip.read_bytes())
    (tmp_path / "data" / "Val").mkdir()
    (tmp_path / "data" / "Train" / "sad" / "broken.mp4").write_bytes(b"no video")
    done = prepare(
        tmp_path / "data", tmp_path / "faces", part="train", every=5, balance=True, seed=1, on_event=quiet
    )
    assert done.counts == {"happy": 5, "sad": 5}
    assert len(done.broken) == 1
    assert "broken.mp4" in done.broken[0]
    assert len(open_pictures(tmp_path / "faces")) == 10
    with pytest.raises(InputError, match="not empty"):
        prepare(
            tmp_path / "data", tmp_path / "faces", part=None, every=5, balance=False, seed=1, on_event=quiet
        )
