"""A film of three shots of one person, the second mirrored and framed in red."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from conftest import Make

from emoview import analyze
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.pipeline.finding import FaceSearch
from emoview.pipeline.timings import Timings


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


def test_a_shot_in_another_light_shows_the_same_person(made: Make):
    during = "enable='between(t,0.99,1.99)'"
    light = f"hflip={during},colorchannelmixer=rr=0.85:gg=0.7:bb=0.5:{during}"
    result = analyze(made("lit.mp4", "-an", "-vf", light, seconds=3.0), modality="face")
    assert [(face.face_id, face.person) for face in result.faces] == [(0, 0), (1, 0), (2, 0)]


def test_hair_and_clothes_are_described_beside_the_skin(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    tinted = (picture * np.array([0.85, 0.7, 0.5])).astype(np.uint8)
    with FaceSearch(max_faces=1, timings=Timings()) as search:
        (one,), (other,) = (
            search.faces_in(i, shown, 1.0, cut=True) for i, shown in enumerate((picture, tinted))
        )
    assert one.surroundings is not None
    assert other.surroundings is not None
    assert np.linalg.norm(one.surroundings - other.surroundings, axis=1).max() < 0.3
