"""Faces found, and followed from tick to tick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import Make

from emoview.face.find import FaceFinder
from emoview.face.follow import FaceFollower
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.pipeline.evidence import Found
from emoview.pipeline.faces import FaceBranch
from emoview.pipeline.finding import find_faces
from emoview.pipeline.inference import run_sequence
from emoview.pipeline.models import Models
from emoview.pipeline.timings import Timings
from emoview.timeline.results import FaceBox


def test_small_faces_are_found_and_large_ones_again(sample: Path):
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        _, picture = next(iter(decoder))
    empty = np.full((360, 640, 3), 128, np.uint8)
    small, large = empty.copy(), empty.copy()
    # The face is a third of the sample's width.
    small[60:180, 200:320] = cv2.resize(picture, (120, 120), interpolation=cv2.INTER_AREA)
    large[:, 100:460] = cv2.resize(picture, (360, 360), interpolation=cv2.INTER_AREA)

    def widths(*pictures: np.ndarray) -> list[list[int]]:
        with FaceFinder(max_faces=4) as finder:
            return [[round(float(np.ptp(face[:, 0]))) for face in finder.find(one)] for one in pictures]

    found = widths(*[small] * 3, *[large] * 8, *[empty] * 2, *[small] * 6)
    assert all(len(faces) == 1 and 32 < faces[0] < 46 for faces in found[:3])
    # The mesh is followed where the last one was, until that is no face any more.
    assert all(len(faces) == 1 and 100 < faces[0] < 135 for faces in found[6:11])
    assert found[11:13] == [[], []]
    assert any(faces and 32 < faces[0] < 46 for faces in found[13:])
    assert found[-1]


def test_small_faces_are_cut_out_of_larger_pictures(made: Make):
    size = "w='if(lt(t,0.6),900,240)':h=-1:eval=frame"
    clip = made("mixed.mp4", "-vf", f"scale={size},pad=1920:1080:600:60:gray:eval=frame", seconds=1.2)
    found = list(find_faces(probe(clip), max_faces=2, timings=Timings(), log=DecodeLog()))
    assert [tick for tick, _ in found] == list(range(30))
    for tick, faces in found:
        # The face is a third of 900 or 240 pixels wide; the picture was scaled down to a third.
        if faces and tick < 15:
            assert faces[0].scale == 3
            assert 250 < faces[0].box.width < 340
        elif faces and tick > 20:
            assert faces[0].scale == 1
            assert 65 < faces[0].box.width < 95
            assert np.ptp(faces[0].landmarks[:, 0]) == pytest.approx(faces[0].box.width, abs=0.1)
    assert all(faces for tick, faces in found if tick < 15 or tick > 20)


def test_tracks_survive_a_loss_and_a_neighbour():
    def face(x: float) -> np.ndarray:
        points = np.random.default_rng(0).uniform(0, 100, (468, 3)).astype(np.float32)
        return points + np.array([x, 0, 0], np.float32)

    follower = FaceFollower()
    assert follower.follow(0, [face(0), face(300)]) == [0, 1]
    assert follower.follow(1, [face(305), face(5)]) == [1, 0]
    assert follower.follow(2, [face(310)]) == [1]
    assert follower.follow(20, [face(20), face(312)]) == [0, 1]
    assert follower.follow(80, [face(20)]) == [2]


def test_tracks_end_when_their_face_is_lost():
    rng = np.random.default_rng(0)
    points = np.zeros((468, 3), np.float32)
    crops = rng.integers(0, 255, (200, 112, 112, 3), dtype=np.uint8)
    faces = {0: range(40), 1: range(80, 120), 2: range(90, 200)}

    def found() -> Iterator[tuple[int, list[Found]]]:
        for tick in range(200):
            yield (
                tick,
                [
                    Found(
                        tick, face_id, FaceBox(1, 2, 30 + face_id, 40), points, crops[tick], 1.0, (1.0, 1.0)
                    )
                    for face_id, ticks in faces.items()
                    if tick in ticks
                ],
            )

    models = Models()
    kept = {}
    for keep in (False, True):
        branch = FaceBranch(lambda: models, keep_embeddings=lambda keep=keep: keep, timings=Timings())
        for tick, some in found():
            branch.add(tick, some)
        result = branch.end(DecodeLog())
        assert result.ticks == 200
        assert list(result.tracks) == [0, 1, 2]
        for face_id, track in result.tracks.items():
            assert track.ticks.tolist() == list(faces[face_id])
            assert track.weight == len(faces[face_id]) * (30 + face_id) * 40
            assert track.gru is not None
            assert track.gru.ticks.shape == (len(track.ticks), 7)
        kept[keep] = result.tracks
    assert kept[False][2].embeddings is None
    embeddings = kept[True][2].embeddings
    assert embeddings is not None
    again = run_sequence(models.face_gru, embeddings)
    np.testing.assert_allclose(again.ticks, kept[False][2].gru.ticks, atol=1e-5)
