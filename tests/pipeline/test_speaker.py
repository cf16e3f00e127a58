"""Who speaks, who is who, and stretches of a file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from conftest import Make, ffmpeg
from expected import SILENT

from emoview import analyze
from emoview.face.find import FaceFinder
from emoview.face.follow import FaceFollower
from emoview.media.decode import PictureDecoder
from emoview.media.probe import Media, Stretch, probe
from emoview.media.sound import read_sound
from emoview.output.contact_sheet import ContactSheet
from emoview.pipeline.speaker import correlation, find_speaker, loudness
from emoview.timeline.clock import SAMPLES_PER_TICK
from emoview.timeline.results import FaceFound
from emoview.voice.level import level_db


def _voice(ticks: int = 200) -> tuple[np.ndarray, np.ndarray]:
    speech = np.zeros(ticks, bool)
    speech[20:80] = speech[110:170] = True
    syllables = -20 + 12 * np.sin(np.arange(ticks) / 3.0)
    return speech, np.where(speech, syllables, -80).astype(np.float32)


def _lips(course: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(course)), course


def test_the_lips_that_move_with_the_voice_speak():
    rng = np.random.default_rng(0)
    speech, level = _voice()
    voice = loudness(speech, level)
    talking = 0.05 + 0.05 * voice * (np.arange(200) % 4 < 2) + rng.normal(0, 0.001, 200)
    chewing = 0.05 + 0.05 * np.roll(voice, 60)[::-1] * (np.arange(200) % 4 < 2)
    still = np.full(200, 0.02) + rng.normal(0, 0.001, 200)
    speaker = find_speaker({0: _lips(still), 1: _lips(chewing), 2: _lips(talking)}, speech, level)
    assert speaker is not None
    assert speaker.face_id == 2
    assert speaker.correlation > 0.6
    # Seen now and then, it is still the one.
    seen = np.flatnonzero(np.arange(200) % 50 < 40)
    part = find_speaker({5: (seen, talking[seen]), 6: _lips(still)}, speech, level)
    assert part is not None
    assert part.face_id == 5


def test_nobody_speaks_where_no_lips_move_with_the_voice():
    rng = np.random.default_rng(1)
    speech, level = _voice()
    still = _lips(np.full(200, 0.02))
    assert find_speaker({0: still}, speech, level) is None
    against = 0.05 + 0.05 * (1 - loudness(speech, level)) * (np.arange(200) % 4 < 2)
    assert find_speaker({0: _lips(against)}, speech, level) is None
    talking = 0.05 + 0.05 * loudness(speech, level) * rng.uniform(0, 1, 200)
    assert find_speaker({0: _lips(talking)}, np.zeros(200, bool), level) is None
    assert find_speaker({0: (np.arange(30, 40), talking[30:40])}, speech, level) is None


def test_lips_that_move_by_chance_are_not_heard():
    rng = np.random.default_rng(0)
    voice = np.clip(np.sin(np.arange(40) / 3), 0, 1)
    found = [correlation(np.arange(40), rng.uniform(0, 1, 40), voice) for _ in range(200)]
    # One standard error is passed by a sixth of what is chance.
    assert sum(value is not None for value in found) < 0.25 * len(found)


def _talk(picture: np.ndarray, points: np.ndarray, opening: float) -> np.ndarray:
    """Pull the lower half of the mouth down."""
    import cv2

    height, width = picture.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    mouth, chin = points[13], points[152]
    reach = np.linalg.norm(chin - mouth)
    below = np.clip((y - mouth[1]) / (0.15 * reach), 0, 1)
    near = np.exp(-(((x - mouth[0]) / (0.9 * reach)) ** 2))
    fades = np.exp(-(((y - points[17][1]) / (1.2 * reach)) ** 2))
    return cv2.remap(picture, x, y - opening * reach * below * near * fades, cv2.INTER_LINEAR)


@pytest.fixture(scope="session")
def pair(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large face that is still beside a smaller one that moves its lips with the voice."""
    import cv2

    media = probe(sample)
    with PictureDecoder(media, longest_side=480) as decoder:
        picture = next(iter(decoder))[1]
    with FaceFinder(max_faces=1, stills=True) as finder:
        points = finder.find(picture)[0][:, :2]
    with read_sound(media) as sound:
        samples = sound[: 110 * SAMPLES_PER_TICK]
    level = level_db(samples)
    voice = loudness(level > -45, level)
    path = tmp_path_factory.mktemp("pair") / "pair.mp4"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", "960x480", "-r", "25", "-i", "-", "-i", str(sample), "-map", "0:v", "-map", "1:a", "-t", "4.4",
        "-pix_fmt", "yuv420p", str(path),
    ]  # fmt: skip
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for tick in range(110):
            opening = 0.5 * voice[tick] * (0.5 + 0.5 * np.sin(tick * 2 * np.pi / 6))
            small = cv2.resize(_talk(picture, points, opening), (400, 400), interpolation=cv2.INTER_AREA)
            framed = cv2.copyMakeBorder(small, 40, 40, 40, 40, cv2.BORDER_REPLICATE)
            process.stdin.write(np.hstack([picture, framed]).tobytes())
        process.stdin.close()
    assert process.returncode == 0
    return path


def test_the_speaking_face_is_measured_and_gets_the_voice(pair: Path):
    result = analyze(pair, face="speaking")
    assert result.media.faces == 2
    faces = {row.face_id: row.box for row in result.timeline if row.box}
    assert len(faces) == 1
    (box,) = faces.values()
    assert box.x > 480
    assert not any("no lips clearly move" in warning for warning in result.warnings)
    assert any(row.voice and row.face for row in result.timeline)

    everyone = analyze(pair, face="all")
    heard = {row.face_id for row in everyone.timeline if row.voice and row.face_id is not None}
    assert heard == set(faces)
    assert everyone.overall == result.overall

    # The other one is larger, but does not move at all.
    largest = analyze(pair, face="largest")
    assert next(row.box.x for row in largest.timeline if row.box) > 480
    assert any("does not move at all, as on a photograph, and is passed over" in w for w in largest.warnings)
    (photograph,) = {face.person for face in largest.faces if face.still}
    named = analyze(pair, face=photograph)
    assert next(row.box.x for row in named.timeline if row.box) < 480


def test_without_a_speaker_the_largest_face_stands_in(made: Make):
    silent = analyze(made(SILENT), face="speaking")
    assert silent.overall.face is not None
    assert "no sound was analysed: the overall result is that of the only face, 0" in silent.warnings
    still = made("still.mp4", "-vf", "select=eq(n\\,0),loop=-1:1,setpts=N/25/TB", "-r", "25")
    result = analyze(still, face="speaking")
    assert any("no lips clearly move with the voice" in warning for warning in result.warnings)


def _face(x: float, y: float = 0.0) -> np.ndarray:
    points = np.random.default_rng(0).uniform(0, 100, (468, 3)).astype(np.float32)
    return points + np.array([x, y, 0], np.float32)


@pytest.mark.parametrize("speed", [2, 5, 12])
@pytest.mark.parametrize("hidden", [0, 40])
def test_faces_that_cross_keep_their_ids(speed: int, hidden: int):
    follower = FaceFollower()
    for tick in range(600 // speed):
        left, right = speed * tick, 600 - speed * tick
        # Whoever is behind is not seen while they overlap.
        faces = [_face(left)] + ([_face(right, 10)] if abs(left - right) >= hidden else [])
        ids = follower.follow(tick, faces)
        assert ids == [0, 1][: len(ids)]


def test_a_face_that_is_lost_for_a_second_keeps_its_id():
    follower = FaceFollower()
    for tick in range(10):
        assert follower.follow(tick, [_face(3 * tick), _face(400)]) == [0, 1]
    for tick in range(10, 35):
        assert follower.follow(tick, [_face(400)]) == [1]
    assert follower.follow(35, [_face(80), _face(400)]) == [0, 1]


def _decoded(media: Media) -> tuple[dict[int, np.ndarray], np.ndarray]:
    with PictureDecoder(media, longest_side=64) as decoder:
        pictures = {tick: picture.copy() for tick, picture in decoder}
    with read_sound(media) as sound:
        return pictures, sound[:]


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv", "whole.ts", "late-pictures.mkv"])
def test_a_stretch_is_what_the_whole_holds_there(made: Make, name: str):
    options = ("-vf", "setpts=PTS+1/TB") if name == "late-pictures.mkv" else ()
    path = made(name, "-s", "160x160", *options, seconds=4.0)
    pictures, sound = _decoded(probe(path))
    for start, end in ((0.0, 1.0), (0.6, 2.2), (2.52, 3.52)):
        cut, heard = _decoded(probe(path, Stretch(start, end)))
        first, ticks = round(start * 25), round((end - start) * 25)
        assert list(cut) == [t - first for t in pictures if first <= t < first + ticks]
        for tick, picture in cut.items():
            np.testing.assert_array_equal(picture, pictures[tick + first])
        whole = sound[first * SAMPLES_PER_TICK :][: len(heard)]
        assert len(heard) == ticks * SAMPLES_PER_TICK
        assert np.abs(whole - heard).mean() < 0.02 * np.abs(whole).max()


def test_a_contact_sheet_tells_how_long_each_face_is_there(monkeypatch: pytest.MonkeyPatch):
    written = []

    def text_row(lines: list[str]) -> np.ndarray:
        written.append(lines)
        return np.zeros((118, 898, 3), np.uint8)

    monkeypatch.setattr("emoview.output.contact_sheet._text_row", text_row)
    sheet = ContactSheet()
    for face_id, ticks in ((3, 25), (7, 150)):
        for _ in range(ticks):
            sheet.add(face_id, np.zeros((112, 112, 3), np.uint8))
    sheet.png(200, [FaceFound(3, 3, 0, 1, 25), FaceFound(7, 7, 1, 7, 150)])
    assert written == [["face 3", "12% of the time"], ["face 7", "75% of the time"]]


def test_a_contact_sheet_shows_each_face_over_time_in_little_memory(tmp_path: Path):
    import cv2

    sheet = ContactSheet()
    for tick in range(3000):
        sheet.add(0, np.full((112, 112, 3), tick * 255 // 3000, np.uint8))
        sheet.add(1 + tick // 10, np.zeros((112, 112, 3), np.uint8))
    kept = [len(track.pictures) for track in sheet._tracks.values()]
    assert sum(kept) <= 13 * 81
    tracks = [FaceFound(i, i, 0.0, 1.0, 10) for i in range(301)]
    (tmp_path / "sheet.png").write_bytes(sheet.png(3000, tracks))
    picture = cv2.imread(str(tmp_path / "sheet.png"))
    assert picture.shape[0] == 40 * 118
    shades = [int(picture[56, 190 + i * 118 + 56, 0]) for i in range(6)]
    assert shades == sorted(shades)
    assert shades[0] < 40
    assert shades[-1] > 190
    # The tracks of one person share a row, each in its turn; what is no face has none.
    both = [FaceFound(0, 0, 0.0, 1.0, 10), FaceFound(300, 0, 2.0, 3.0, 10)]
    (tmp_path / "both.png").write_bytes(sheet.png(3000, both))
    picture = cv2.imread(str(tmp_path / "both.png"))
    assert picture.shape[0] == 118
    assert picture[56, 190 + 56, 0] < 255
    assert ContactSheet().png(10, [])


def test_stretches_of_a_file_that_is_over_by_then(made: Make):
    from emoview import InputError

    path = made("whole.mp4", "-s", "160x160", seconds=4.0)
    with pytest.raises(InputError, match="nothing can start at 9 s"):
        probe(path, Stretch(9.0))
    ffmpeg("-i", str(path), "-c", "copy", "-f", "h264", "-an", str(path.with_suffix(".h264")))
    with pytest.raises(InputError, match="has no pictures after 9 s: choose another stretch"):
        analyze(path.with_suffix(".h264"), start_s=9.0)
