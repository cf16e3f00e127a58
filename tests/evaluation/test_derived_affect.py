"""Valence and arousal of the shipped face network on frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import ffmpeg
from trained import quiet

from emoview.datasets.affect import read_affect
from emoview.datasets.labelled import decode
from emoview.evaluation.affect import _derived, evaluate_affect
from emoview.face.align import align
from emoview.face.find import FaceFinder
from emoview.fusion.late import softmax
from emoview.pipeline.inference import run_stills
from emoview.pipeline.models import Models
from emoview.timeline.labels import valence_arousal


def test_affect_is_derived_of_the_frames_with_a_face(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # As long as the longest that are not shrunk.
    wide = "pad=iw*16/9:ih:(ow-iw)/2,scale=640:360,fps=0.6"
    ffmpeg("-i", str(sample), "-vf", wide, "-frames:v", "4", str(tmp_path / "%d.png"))
    cv2.imwrite(str(tmp_path / "2.png"), np.full((90, 90, 3), 40, np.uint8))
    table = tmp_path / "t.csv"
    table.write_text("frame,valence,arousal,video\n" + "".join(f"{i}.png,0,0.5,v\n" for i in (1, 2, 3, 4)))
    affect = read_affect(table)
    expected = np.full((4, 2), np.nan)
    with FaceFinder(max_faces=1, stills=True) as finder:
        for i in (0, 2, 3):
            # As wide as it is: what is squashed to a square shows another face.
            picture = decode(affect.frames[i], colour=True)
            _, logits = run_stills(Models().face_cnn, [align(picture, finder.find(picture)[0])])
            expected[i] = valence_arousal(softmax(logits))[0]
    assert np.nanstd(expected, axis=0).max() > 0.005
    monkeypatch.setattr("emoview.evaluation.affect._TOGETHER", 3)
    np.testing.assert_allclose(_derived(affect, quiet), expected, atol=2e-3)
    events: list[Any] = []
    figures = evaluate_affect("shipped", table, on_event=events.append)
    assert figures["valence"].examples == 3
    assert {"faces found": "3 of 4 frames; the others are left out"} in events
