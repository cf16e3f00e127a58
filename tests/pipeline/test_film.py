"""A film of three shots of one person, the second mirrored and framed in red."""

from __future__ import annotations

import numpy as np
from conftest import Make

from emoview import analyze


def test_shots_and_persons_of_a_film(made: Make):
    during = "enable='between(t,0.99,1.99)'"
    clip = made("film.mp4", "-an", "-vf", f"hflip={during},drawbox=t=90:c=red:{during}", seconds=3.0)
    result = analyze(clip, modality="face")
    np.testing.assert_allclose(result.cuts, [1.0, 2.0], atol=0.05)
    assert [(face.face_id, face.person) for face in result.faces] == [(0, 0), (1, 0), (2, 0)]
    assert result.media.persons == 1
    # A person has rows in all shots: one a tick, and no stretch of one label over a cut.
    assert {row.face_id for row in result.timeline} == {0, 1, 2}
    assert [row.tick for row in result.timeline] == list(range(result.media.ticks))
    assert not any(s.start_s < cut < s.end_s for s in result.segments for cut in result.cuts)
    apart = analyze(clip, modality="face", split=True)
    assert [face.person for face in apart.faces] == [0, 1, 2]
    assert len({row.face_id for row in apart.timeline} - {None}) == 1
