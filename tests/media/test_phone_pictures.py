"""Pictures of phones: in tiles, and beside a thumbnail and maps of depth and brightness."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest

from emoview.errors import InputError
from emoview.media.decode import PictureDecoder
from emoview.media.probe import probe
from emoview.media.tool import tool
from tests.media.clock_clips import run

_SIZE = 64


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I", 8 + len(content)) + kind + content


def _full(kind: bytes, version: int, *parts: bytes) -> bytes:
    return _box(kind, bytes([version, 0, 0, 0]), *parts)


def _coded(folder: Path) -> tuple[bytes, bytes]:
    """Give the header box and the data of a grey picture."""
    clip = folder / "one.mp4"
    run("-f", "lavfi", "-i", f"color=gray:s={_SIZE}x{_SIZE}", "-frames:v", 1, "-c:v", "libx265",
        "-x265-params", "log-level=none:info=0", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", clip)  # fmt: skip
    content = clip.read_bytes()

    def box(kind: bytes) -> bytes:
        at = content.index(kind) - 4
        return content[at : at + struct.unpack(">I", content[at : at + 4])[0]]

    return box(b"hvcC"), box(b"mdat")[8:]


def _heic(folder: Path, *, tiles: int, thumbnail: bool) -> Path:
    """Write a picture of tiles in a column, or of one piece, and a thumbnail if wanted (ISO 23008-12)."""
    header, data = _coded(folder)
    coded = list(range(1, 1 + max(1, tiles) + thumbnail))
    grid = coded[-1] + 1
    items = [(number, b"hvc1") for number in coded] + ([(grid, b"grid")] if tiles else [])
    refers = [_box(b"dimg", struct.pack(f">{2 + tiles}H", grid, tiles, *coded[:tiles]))] if tiles else []
    refers += [_box(b"thmb", struct.pack(">3H", coded[-1], 1, grid if tiles else 1))] if thumbnail else []
    sizes = [_full(b"ispe", 0, struct.pack(">II", _SIZE, high)) for high in (_SIZE, _SIZE * max(1, tiles))]
    has = [struct.pack(">HB2B", n, 2, 0x81, 2) if kind == b"hvc1" else struct.pack(">HBB", n, 1, 3)
           for n, kind in items]  # fmt: skip

    def meta(at: int) -> bytes:
        places = [
            struct.pack(">4H2I", n, 0, 0, 1, at + i * len(data), len(data)) for i, n in enumerate(coded)
        ]
        places += [struct.pack(">4H2I", grid, 1, 0, 1, 0, 8)] if tiles else []
        return _full(
            b"meta", 0,
            _full(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
            _full(b"pitm", 0, struct.pack(">H", grid if tiles else 1)),
            _full(b"iloc", 1, struct.pack(">BBH", 0x44, 0, len(places)), *places),
            _full(b"iinf", 0, struct.pack(">H", len(items)),
                  *(_full(b"infe", 2, struct.pack(">HH", n, 0), kind, b"\0") for n, kind in items)),
            _box(b"iprp", _box(b"ipco", header, *sizes),
                 _full(b"ipma", 0, struct.pack(">I", len(has)), *has)),
            *([_full(b"iref", 0, *refers)] if refers else []),
            _box(b"idat", struct.pack(">4B2H", 0, 0, tiles - 1, 0, _SIZE, _SIZE * tiles) if tiles else b""),
        )  # fmt: skip

    kind = _box(b"ftyp", b"heic", bytes(4), b"mif1heic")
    path = folder / "IMG_0001.HEIC"
    path.write_bytes(kind + meta(len(kind) + len(meta(0)) + 8) + _box(b"mdat", data * len(coded)))
    return path


@pytest.mark.parametrize("thumbnail", [False, True])
def test_no_part_of_a_picture_in_tiles_is_taken_for_the_whole(thumbnail: bool, tmp_path: Path):
    with pytest.raises(InputError, match=r"tiles.*save it as JPEG"):
        probe(_heic(tmp_path, tiles=2, thumbnail=thumbnail))


_VERSION = re.match(r"\d+", tool().version)
reads_heic = pytest.mark.skipif(
    _VERSION is not None and int(_VERSION[0]) < 7, reason="this ffmpeg reads no still HEIC"
)


@pytest.mark.skipif(_VERSION is None or int(_VERSION[0]) > 5, reason="this ffmpeg may read HEIC")
def test_an_ffmpeg_that_reads_none_is_named(tmp_path: Path):
    with pytest.raises(
        InputError, match=rf"ffmpeg {re.escape(tool().version)} does not read.*save it as JPEG"
    ):
        probe(_heic(tmp_path, tiles=0, thumbnail=False))


@reads_heic
def test_a_picture_in_one_piece_is_read(tmp_path: Path):
    video = probe(_heic(tmp_path, tiles=0, thumbnail=False)).video
    assert video is not None
    assert (video.width, video.height) == (_SIZE, _SIZE)


def _ticks(path: Path) -> list[int]:
    with PictureDecoder(probe(path), longest_side=_SIZE) as decoder:
        return [tick for tick, _ in decoder]


@reads_heic
def test_a_still_picture_is_one_tick_as_a_jpeg_is(tmp_path: Path):
    drawn = ("-f", "lavfi", "-i", f"testsrc=s={_SIZE}x{_SIZE}", "-frames:v", 1)
    av1 = ("-c:v", "libsvtav1", "-preset", 12, "-pix_fmt", "yuv420p")
    run(*drawn, tmp_path / "one.jpg")
    run(*drawn, *av1, tmp_path / "one.avif")
    pictures = [_heic(tmp_path, tiles=0, thumbnail=thumbnail) for thumbnail in (False, True)]
    for picture in (tmp_path / "one.jpg", tmp_path / "one.avif", *pictures):
        assert _ticks(picture) == [0], picture.name
    # In which the still one is a track of its own, before the others.
    run(*drawn[:-1], 5, *av1, tmp_path / "many.avif")
    assert _ticks(tmp_path / "many.avif") == list(range(5))
    # One a second, which is no still.
    run(*drawn[:-1], 2, "-r", 1, tmp_path / "slow.mp4")
    assert len(_ticks(tmp_path / "slow.mp4")) == 50


def test_one_that_is_cut_off_is_no_recording_to_repair(tmp_path: Path):
    picture = _heic(tmp_path, tiles=2, thumbnail=False)
    picture.write_bytes(picture.read_bytes()[:100])
    with pytest.raises(InputError, match="or damaged: save it as JPEG"):
        probe(picture)


@pytest.mark.parametrize(("name", "count"), [("%d.jpg", 1), ("two.mjpeg", 2)])
def test_the_map_behind_a_jpeg_is_no_second_picture(name: str, count: int, tmp_path: Path):
    run("-f", "lavfi", "-i", f"color=white:s={_SIZE}x{_SIZE}", "-frames:v", 1, tmp_path / "white.jpg")
    run("-f", "lavfi", "-i", f"color=black:s={_SIZE}x{_SIZE}", "-frames:v", 1, tmp_path / "1.jpg")
    white, black = (tmp_path / "white.jpg").read_bytes(), (tmp_path / "1.jpg").read_bytes()
    # The index of several pictures, of which it only matters that it is there.
    index = b"\xff\xe2" + struct.pack(">H", 2 + 4 + 8) + b"MPF\0" + b"MM\0*" + bytes(4)
    photo = tmp_path / name
    photo.write_bytes(white[:2] + (index if count == 1 else b"") + white[2:] + black)
    with PictureDecoder(probe(photo), longest_side=_SIZE) as decoder:
        pictures = [picture for _, picture in decoder]
    assert len(pictures) == count
    assert pictures[0].min() > 200


@pytest.mark.parametrize(("orientation", "size"), [(1, (160, 120)), (6, (120, 160)), (3, (160, 120))])
def test_a_picture_that_says_how_it_was_held_is_as_large_as_it_is_shown(
    orientation: int, size: tuple[int, int], tmp_path: Path
):
    picture = np.full((120, 160, 3), 200, np.uint8)
    content = cv2.imencode(".jpg", picture)[1].tobytes()
    said = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, orientation, 0, 0)
    path = tmp_path / "held.jpg"
    path.write_bytes(content[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(said)) + said + content[2:])
    media = probe(path)
    assert media.video is not None
    # Older ones leave such pictures as they lie.
    if not tool().version.startswith(("5.", "4.")):
        assert (media.video.width, media.video.height) == size
        assert media.video.rotation % 180 == (90 if orientation == 6 else 0)
    with PictureDecoder(media, longest_side=160) as pictures:
        (shown,) = (picture for _, picture in pictures)
    assert shown.shape[1::-1] == (media.video.width, media.video.height)
    # Nothing beside it is black.
    assert shown.min() > 150
