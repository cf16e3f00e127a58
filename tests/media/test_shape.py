"""Pixels that change their shape in the midst of a file."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.media.decode import FullPictureDecoder, PictureDecoder
from emoview.media.pictures import jpegs_at
from emoview.media.probe import Stretch, probe
from emoview.media.shape import _changes, shapes_of
from tests.media.clock_clips import run

WIDE, NARROW, HIGH = ("720x576", "64/45"), ("720x576", "16/15"), ("320x180", "1/1")
"""Size and shape of pixels: of 16:9, of 4:3, and of pictures with square pixels."""
_SECONDS = 2
_CODECS = {
    "ts": "-c:v libx264 -bf 0 -g 10 -f mpegts", "mkv": "-c:v libx264 -bf 0 -g 10 -f mpegts",
    "mp4": "-c:v libx264 -g 10 -f mpegts", "mpg": "-c:v mpeg2video -b:v 4M -g 10 -f vob",
    "m2.ts": "-c:v mpeg2video -b:v 4M -g 10 -f mpegts", "dv": "-c:v dvvideo -pix_fmt yuv420p -f dv",
}  # fmt: skip


def _part(path: Path, shape: tuple[str, str], codec: str) -> Path:
    """Make two seconds of a white square on black."""
    size, pixel = shape
    high = int(size.split("x")[1])
    over, under = map(int, pixel.split("/"))
    side = high // 2
    box = f"drawbox=(iw-{side * under // over})/2:ih/4:{side * under // over}:{side}:white:fill"
    run(
        "-f", "lavfi", "-i", f"color=c=black:s={size}:r=25:d={_SECONDS},{box},setsar={pixel}",
        *codec.split(), path,
    )  # fmt: skip
    return path


def _joined(folder: Path, container: str, shapes: list[tuple[str, str]]) -> Path:
    parts = [_part(folder / f"{i}.part", shape, _CODECS[container]) for i, shape in enumerate(shapes)]
    clip = folder / f"clip.{container}"
    if container == "dv":
        clip.write_bytes(b"".join(part.read_bytes() for part in parts))
        return clip
    listed = folder / "parts.txt"
    listed.write_text("".join(f"file {part.name}\nduration {_SECONDS}\n" for part in parts))
    kind = {"mpg": ("-f", "vob"), "m2.ts": ("-f", "mpegts")}.get(container, ())
    run("-f", "concat", "-safe", "0", "-i", listed, "-c", "copy", *kind, clip)
    return clip


def _squareness(picture: np.ndarray) -> float:
    """Give the width of what is white over its height."""
    white = picture.max(axis=2) > 128
    return float(white.any(axis=0).sum() / white.any(axis=1).sum())


@pytest.mark.parametrize(
    ("container", "shapes"),
    [
        *((container, [WIDE, NARROW, WIDE]) for container in _CODECS),
        *((container, [WIDE, NARROW, HIGH]) for container in _CODECS if container != "dv"),
        *((container, [HIGH, NARROW, WIDE]) for container in ("ts", "m2.ts", "mpg")),
        *((container, [NARROW, WIDE]) for container in _CODECS),
    ],
)
def test_each_part_is_shown_in_its_own_shape(container: str, shapes: list[tuple[str, str]], tmp_path: Path):
    media = probe(_joined(tmp_path, container, shapes))
    assert len(shapes_of(media)) == len(shapes) - 1
    with PictureDecoder(media, longest_side=320) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert len(found) > 0.9 * 25 * _SECONDS * len(shapes)
    assert found == pytest.approx([1.0] * len(found), abs=0.05)


@pytest.mark.parametrize("container", ["ts", "mkv", "mp4", "mpg", "dv"])
@pytest.mark.parametrize("stretch", [Stretch(0.0, 1.0), Stretch(2.5, 3.5), Stretch(3.0, 5.0)])
def test_a_stretch_knows_the_shapes_of_its_own_time(container: str, stretch: Stretch, tmp_path: Path):
    media = probe(_joined(tmp_path, container, [WIDE, NARROW, WIDE]), stretch)
    with PictureDecoder(media, longest_side=320) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert len(found) > 20
    assert found == pytest.approx([1.0] * len(found), abs=0.05)


@pytest.mark.parametrize("container", ["ts", "mkv"])
@pytest.mark.parametrize("rate", [None, 50.0])
def test_drawings_and_single_pictures_have_the_same_shape(container: str, rate: float | None, tmp_path: Path):
    media = probe(_joined(tmp_path, container, [WIDE, NARROW]), capture_rate=rate)
    with FullPictureDecoder(media) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert found == pytest.approx([1.0] * len(found), abs=0.05)
    times = [0.5 / media.speed, 3.0 / media.speed]
    for jpeg in jpegs_at(media, times, width=320):
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert _squareness(shown) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("container", ["ts", "mpg"])
def test_times_that_jump_back_at_the_change(container: str, tmp_path: Path):
    first = _joined(tmp_path, container, [WIDE])
    (tmp_path / "more").mkdir()
    second = _joined(tmp_path / "more", container, [NARROW, NARROW])
    clip = tmp_path / f"both.{container}"
    clip.write_bytes(first.read_bytes() + second.read_bytes())
    with PictureDecoder(probe(clip), longest_side=320) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert len(found) > 90
    # Which pictures are the last before the jump is known but for a group of them.
    assert np.mean(np.abs(np.array(found) - 1) < 0.05) > 0.95


@pytest.mark.parametrize(
    ("said", "changes"),
    [
        ([], []),
        ([1.0], []),
        # What the stream says of its first part is left to the container.
        ([1.0, 1.0], []),
        ([1.0, 2.0, 1.0], [2.0, 1.5]),
        ([1.5, 1.5, 1.0, 1.002], [1.0]),
    ],
)
def test_the_first_shape_is_that_of_the_container(said: list[float], changes: list[float]):
    told = [(float(i), shape) for i, shape in enumerate(said)]
    assert [shape for _, shape in _changes(told, 1.5)] == changes


def test_usual_files_are_not_read_for_it(monkeypatch: pytest.MonkeyPatch, sample: Path):
    monkeypatch.setattr("emoview.media.shape.start", lambda *_, **__: pytest.fail("it was read"))
    assert shapes_of(probe(sample)) == ()
