"""A cover that is stored as if it were a film, before the film."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Make, ffmpeg

from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe


@pytest.fixture(scope="module")
def film(made: Make) -> Path:
    return made("film.mp4", "-s", "160x160", seconds=1.0)


@pytest.fixture(scope="module")
def covers(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("covers")
    for name in ("cover.jpg", "cover.png"):
        ffmpeg("-i", str(film), "-vf", "negate", "-frames:v", "1", str(folder / name))
    return folder


def _join(one: Path, other: Path, *options: str, to: Path) -> None:
    ffmpeg("-i", str(one), "-i", str(other), *options, "-c", "copy", str(to))


@pytest.mark.parametrize(
    ("cover", "name"),
    [("cover.jpg", "a.mp4"), ("cover.jpg", "a.mov"), ("cover.jpg", "a.mkv"), ("cover.png", "a.mkv")],
)
def test_the_film_behind_a_cover_is_taken(cover: str, name: str, film: Path, covers: Path, tmp_path: Path):
    both = tmp_path / name
    _join(covers / cover, film, "-map", "0:v", "-map", "1:v", to=both)
    media = probe(both)
    assert media.video is not None
    assert (media.video.index, media.video.codec) == (1, "h264")
    with PictureDecoder(media, longest_side=160) as decoder:
        assert [tick for tick, _ in decoder] == list(range(25))


def test_of_two_films_the_first_is_taken(film: Path, tmp_path: Path):
    both = tmp_path / "both.mkv"
    _join(film, film, "-map", "0:v", "-map", "1:v", to=both)
    video = probe(both).video
    assert video is not None
    assert video.index == 0


def test_a_cover_alone_is_a_picture(film: Path, covers: Path, tmp_path: Path):
    song = tmp_path / "song.mkv"
    _join(covers / "cover.jpg", film, "-map", "0:v", "-map", "1:a", to=song)
    video = probe(song).video
    assert video is not None
    assert video.codec == "mjpeg"
