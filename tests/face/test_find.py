"""Faces found, and followed from tick to tick."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Make

from emoview.face.detect import DOZEN, SIX, Detector
from emoview.face.find import FaceFinder
from emoview.face.follow import MEMORY_TICKS, FaceFollower
from emoview.face.networks import Square
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


@pytest.fixture(scope="module")
def pictures(sample: Path) -> list[np.ndarray]:
    with PictureDecoder(probe(sample), longest_side=480) as decoder:
        return [picture for _, (_, picture) in zip(range(40), decoder, strict=False)]


def desktop() -> np.ndarray:
    """A window with text on a wallpaper, and painted smiles."""
    y, x = np.mgrid[:360, :640]
    screen = np.stack([x // 4, y // 2, 160 - x // 8], axis=-1).astype(np.uint8)
    cv2.rectangle(screen, (180, 60), (560, 300), (250, 250, 250), -1)
    for line in range(75, 300, 12):
        cv2.putText(screen, "notes of the meeting on Monday " * 2, (186, line), 0, 0.3, (40, 40, 40), 1, 16)
    for top in range(12, 330, 32):
        cv2.circle(screen, (16, top), 8, (250, 210, 60), -1, 16)
        cv2.circle(screen, (13, top - 2), 1, (30, 30, 30), -1, 16)
        cv2.circle(screen, (19, top - 2), 1, (30, 30, 30), -1, 16)
        cv2.ellipse(screen, (16, top + 1), (4, 3), 0, 10, 170, (30, 30, 30), 1, 16)
    return screen


def with_windows(picture: np.ndarray, side: int, *corners: tuple[int, int]) -> np.ndarray:
    """Show the sample, whose face is a third as wide, on a desktop: upper left corners of its windows."""
    screen, small = desktop(), cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA)
    for x, y in corners:
        screen[y : y + side, x : x + side] = small
    return screen


def windows_with_faces(faces: list[np.ndarray], side: int, *corners: tuple[int, int]) -> list[int]:
    """Give, for each window, how many faces lie in it; every face must lie in one."""
    places = [face[:, :2].mean(axis=0) for face in faces]
    held = [sum((place > corner).all() and (place < np.add(corner, side)).all() for place in places)
            for corner in corners]  # fmt: skip
    assert sum(held) == len(faces)
    return [int(count) for count in held]


CORNERS = [(150, 50), (400, 180), (420, 40), (130, 240)]


# The faces are 20 and 24 pixels wide: 60 and 72 of a screen of 1,920.
@pytest.mark.parametrize("side", [60, 72])
@pytest.mark.parametrize("corner", [(4, 4), (560, 280), (290, 140), (130, 90)])
def test_a_face_on_a_screen_is_there_from_the_first_picture_on(
    pictures: list[np.ndarray], side: int, corner: tuple[int, int]
):
    with FaceFinder(max_faces=4) as finder:
        for picture in pictures[:8]:
            found = finder.find(with_windows(picture, side, corner))
            assert windows_with_faces(found, side, corner) == [1]


@pytest.mark.parametrize(
    "corners", [[(150, 100), (400, 180)], [(100, 40), (400, 40), (100, 240), (400, 240)]]
)
def test_all_faces_of_a_call_on_a_screen_are_found(
    pictures: list[np.ndarray], corners: list[tuple[int, int]]
):
    with FaceFinder(max_faces=4) as finder:
        for picture in pictures[:8]:
            found = finder.find(with_windows(picture, 72, *corners))
            assert windows_with_faces(found, 72, *corners) == [1] * len(corners)


def test_whoever_comes_onto_a_screen_is_seen_within_two_seconds(pictures: list[np.ndarray]):
    first, second = (150, 100), (420, 200)
    with FaceFinder(max_faces=4) as finder:
        assert not any(finder.find(desktop()) for _ in range(60))
        found = [finder.find(with_windows(picture, 60, first)) for picture in (pictures * 2)[:55]]
        assert windows_with_faces(found[-1], 60, first) == [1]
        found = [finder.find(with_windows(picture, 60, first, second)) for picture in (pictures * 2)[:55]]
        assert windows_with_faces(found[-1], 60, first, second) == [1, 1]


def test_a_small_face_that_was_covered_is_found_again_soon(pictures: list[np.ndarray]):
    with FaceFinder(max_faces=4) as finder:
        for picture in pictures[:30]:
            assert finder.find(with_windows(picture, 60, (290, 140)))
        assert not any(finder.find(desktop()) for _ in range(8))
        again = [finder.find(with_windows(picture, 60, (290, 140))) for picture in pictures[:10]]
        assert again[-1]


def test_small_faces_are_looked_for_only_where_there_is_no_large_one(
    pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    looks = []
    detect = Detector.detect

    def watched(self: Detector, picture: np.ndarray, *, part: float | None = None, **how: object) -> object:
        looks.append(f"{part}" if part else "far" if self._side == 192 else "near")
        return detect(self, picture, part=part, **how)

    monkeypatch.setattr(Detector, "detect", watched)
    with FaceFinder(max_faces=4) as finder:
        for picture in pictures[:20]:
            assert len(finder.find(picture)) == 1
        # Once, and then seldom: see below.
        assert [look for look in looks if look != "near"] == [f"{DOZEN}"]
        finder.cut()
        looks.clear()
        for _ in range(101):
            assert not finder.find(desktop())
    # Often at first, and in the end every two seconds.
    assert [looks.count(f"{DOZEN}"), looks.count("far")] == [5, 16]


def speaker_view(picture: np.ndarray, side: int, *corners: tuple[int, int], large: int = 240) -> np.ndarray:
    """Show the sample large, with a face of a third of its width, and in a strip of small pictures."""
    screen = with_windows(picture, side, *corners)
    top = 359 - large
    shown = cv2.resize(picture, (large, large), interpolation=cv2.INTER_AREA)
    screen[top : top + large, 160 : 160 + large] = shown
    return screen


# The faces are 20, 24 and 30 pixels wide: 60, 72 and 90 of a screen of 1,920.
@pytest.mark.parametrize("side", [60, 72, 90])
@pytest.mark.parametrize("where", ["top", "side"])
def test_the_strip_beside_a_large_face_is_found(pictures: list[np.ndarray], where: str, side: int):
    places = [(20 + i * (side + 8), 4) if where == "top" else (540, 20 + i * (side + 8)) for i in range(3)]
    with FaceFinder(max_faces=9) as finder:

        def shares(large: int) -> list[float]:
            """Tell in how many pictures each small face is seen; the large one must always be."""
            held = []
            for picture in pictures:
                faces = finder.find(speaker_view(picture, side, *places, large=large))
                widest, *small = sorted(faces, key=lambda face: -np.ptp(face[:, 0]))
                assert np.ptp(widest[:, 0]) > 64
                held.append(windows_with_faces(small, side, *places))
            return np.mean(held[10:], axis=0).tolist()

        seen = shares(240)
        assert min(seen) > 0.2
        assert np.mean(seen) > 0.6
        # Another speaks: the strip stays, and is there again soon.
        finder.cut()
        seen = shares(225)
        assert min(seen) > 0.2
        assert np.mean(seen) > 0.6


def test_beside_a_large_face_small_ones_are_looked_for_ever_less_often(
    pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
):
    looks = []
    detect = Detector.detect

    def watched(self: Detector, picture: np.ndarray, *, part: float | None = None, **how: object) -> object:
        if part is not None:
            looks.append((len(found), part))
        return detect(self, picture, part=part, **how)

    monkeypatch.setattr(Detector, "detect", watched)
    large = np.ascontiguousarray(pictures[0])
    with FaceFinder(max_faces=4) as finder:
        found: list[int] = []
        while len(found) < 900:
            found.append(len(finder.find(large)))
        assert set(found) == {1}
        assert looks == [(1, DOZEN), (101, SIX), (301, SIX), (551, SIX), (801, SIX)]
        looks.clear()
        # Cuts that follow one upon the other make it no more often than every hundred pictures.
        for tick in range(300):
            if tick % 20 == 0:
                finder.cut()
            finder.find(large)
        assert len(looks) <= 3
    looks.clear()
    with FaceFinder(max_faces=1) as finder:
        for _ in range(120):
            finder.find(large)
    assert not looks


def test_no_part_of_a_large_face_is_taken_for_a_small_one():
    face = Square(300, 200, 150)
    assert face.holds(Square(320, 230, 20))
    assert not face.holds(Square(380, 200, 20))
    # Somebody large behind whose middle is elsewhere is another.
    assert not Square(320, 230, 20).holds(face)


def test_no_more_faces_than_asked_for(pictures: list[np.ndarray]):
    corners = [(x, y) for y in (0, 120, 240) for x in (40, 240, 440)]
    with FaceFinder(max_faces=4) as finder:
        for gone in range(len(corners)):
            screen = with_windows(pictures[gone], 110, *corners[gone:])
            for _ in range(6):
                assert len(finder.find(screen)) <= 4


def test_a_face_on_a_filmed_screen_is_there_from_the_first_tick_on(made: Make):
    clip = made("screen.mp4", "-vf", "scale=216:-1,pad=1920:1080:1200:500:gray", seconds=0.5)
    found = list(find_faces(probe(clip), max_faces=2, timings=Timings(), log=DecodeLog()))
    assert [len(faces) for _, faces in found] == [1] * len(found)
    assert all(face.scale == 1 and 60 < face.box.width < 84 for _, (face,) in found)


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


def test_a_track_that_may_go_on_is_not_ended_while_faces_wait():
    """Just as long as a track is remembered, and as the faces of that tick are asked about in two calls."""
    own = SimpleNamespace(faces=lambda faces: np.zeros((len(faces), 7), np.float32))
    models: Any = SimpleNamespace(stand_ins={"face": own})
    branch = FaceBranch(lambda: models, keep_embeddings=lambda: False, timings=Timings())
    points, picture = np.zeros((468, 3), np.float32), np.zeros((112, 112, 3), np.uint8)
    seen = {0: range(45), 1: (*range(19), 18 + MEMORY_TICKS + 1)}
    for tick in range(45):
        branch.add(tick, [
            Found(tick, face_id, FaceBox(1, 2, 30, 40), points, picture, 1.0, (1.0, 1.0))
            for face_id, ticks in seen.items() if tick in ticks
        ])  # fmt: skip
    tracks = branch.end(DecodeLog()).tracks
    assert {i: track.ticks.tolist() for i, track in tracks.items()} == {i: [*t] for i, t in seen.items()}
