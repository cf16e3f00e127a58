"""Pixels that change their shape in the midst of a file."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emoview.media import packets, shape
from emoview.media.decode import FullPictureDecoder, PictureDecoder
from emoview.media.pictures import jpegs_at
from emoview.media.probe import Media, Stretch, probe
from emoview.media.process import DecodeLog
from emoview.media.shape import _changes, _told, shapes_of
from tests.media.clock_clips import run
from tests.media.joined import with_two_descriptions

WIDE, NARROW, HIGH = ("720x576", "64/45"), ("720x576", "16/15"), ("320x180", "1/1")
SQUARE = ("720x576", "1/1")
"""Size and shape of pixels: of 16:9, of 4:3, and of pictures with square pixels."""
_SECONDS = 2
_CODECS = {
    "ts": "-c:v libx264 -bf 0 -g 10 -f mpegts", "mkv": "-c:v libx264 -bf 0 -g 10 -f mpegts",
    "mp4": "-c:v libx264 -g 10 -f mpegts", "mpg": "-c:v mpeg2video -b:v 4M -g 10 -f vob",
    "m2.ts": "-c:v mpeg2video -b:v 4M -g 10 -f mpegts", "dv": "-c:v dvvideo -pix_fmt yuv420p -f dv",
    "dv.avi": "-c:v dvvideo -pix_fmt yuv420p -f dv", "dv.mov": "-c:v dvvideo -pix_fmt yuv420p -f dv",
    "dv.mkv": "-c:v dvvideo -pix_fmt yuv420p -f dv", "4.avi": "-c:v mpeg4 -g 10 -f mpegts",
    "4.ts": "-c:v mpeg4 -g 10 -f mpegts", "4.mkv": "-c:v mpeg4 -g 10 -f mpegts",
    "4.mp4": "-c:v mpeg4 -g 10 -f mpegts", "1.mpg": "-c:v mpeg1video -b:v 4M -g 10 -f vob",
    "b.avi": "-c:v mpeg4 -bf 2 -g 10 -f avi",
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
    # Sound stands between the pictures of tapes, and lets their places tell times less exactly.
    tone: tuple[str, ...] = ()
    if "dv" in container:
        tone = ("-f", "lavfi", "-i", f"sine=d={_SECONDS * len(parts)}:r=48000")
    run("-f", "concat", "-safe", "0", "-i", listed, *tone, "-c:v", "copy", *kind, clip)
    return clip


def _squareness(picture: np.ndarray) -> float:
    """Give the width of what is white over its height."""
    white = picture.max(axis=2) > 128
    return float(white.any(axis=0).sum() / white.any(axis=1).sum())


@pytest.mark.parametrize(
    ("container", "shapes"),
    [
        *((container, [WIDE, NARROW, WIDE]) for container in _CODECS),
        *((container, [WIDE, NARROW, HIGH]) for container in _CODECS if "dv" not in container),
        *((container, [HIGH, NARROW, WIDE]) for container in ("ts", "m2.ts", "mpg", "4.ts", "1.mpg")),
        *((container, [SQUARE, NARROW, WIDE]) for container in ("4.avi", "4.ts", "4.mkv", "4.mp4", "1.mpg")),
        *((container, [NARROW, WIDE]) for container in _CODECS),
    ],
)
def test_each_part_is_shown_in_its_own_shape(container: str, shapes: list[tuple[str, str]], tmp_path: Path):
    media = probe(_joined(tmp_path, container, shapes))
    assert len(shapes_of(media)) == len(shapes) - 1
    with PictureDecoder(media, longest_side=320) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert len(found) > 0.9 * 25 * _SECONDS * len(shapes)
    wrong = [one for one in found if one != pytest.approx(1.0, abs=0.05)]
    # In AVI and others, where a picture of a tape stands in the file tells its time, to within one; and in
    # AVI pictures out of order have but the time at which they are decoded.
    assert len(wrong) <= (len(shapes) - 1 if container.startswith(("dv.", "b.")) else 0)


@pytest.mark.parametrize("container", ["ts", "mkv", "mp4", "mpg", "dv", "dv.avi", "dv.mov", "4.avi", "4.mp4"])
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
        # It is told by its own name, not as damage.
        assert decoder.log.back_s > 1
        assert (decoder.log.complaints, decoder.log.lines) == (0, [])
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


def test_headers_that_say_nothing_of_the_shape_are_of_square_pixels():
    ours = b"[trace_headers @ 0x5f] "
    said = b"  Stream #0:0: Video: h264, 25 fps, 1k tbn\n"
    for pts, fields in enumerate(
        (b"66 vui_parameters_present_flag 0 = 0", b"68 aspect_ratio_idc 00001110 = 14")
    ):
        said += ours + b"Packet: 28 bytes, key frame, pts %d, dts NOPTS, duration 40.\n" % (2000 * pts)
        said += ours + b"Sequence Parameter Set\n" + ours + fields + b"\n"
        said += ours + b"Picture Parameter Set\n" + ours + b"8 pic_parameter_set_id 1 = 0\n"
    # A packet without headers.
    said += ours + b"Packet: 28 bytes, pts 4000, dts 4000.\n"
    assert list(_told(BytesIO(said), 0, None)) == [(0.0, 1.0), (2.0, pytest.approx(4 / 3))]


def test_usual_files_are_not_read_for_it(monkeypatch: pytest.MonkeyPatch, sample: Path):
    monkeypatch.setattr("emoview.media.shape.start", lambda *_, **__: pytest.fail("it was read"))
    assert shapes_of(probe(sample)) == ()


@pytest.mark.parametrize("codec", ["libx264", "libx265 -tag:v hvc1 -x265-params log-level=none"])
@pytest.mark.parametrize("shapes", [(SQUARE, WIDE), (WIDE, NARROW)])
def test_joined_recordings_in_one_track(codec: str, shapes: tuple[tuple[str, str], ...], tmp_path: Path):
    parts = [
        _part(tmp_path / f"{i}.mp4", one, f"-c:v {codec} -bf 0 -g 1000").read_bytes()
        for i, one in enumerate(shapes)
    ]
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(with_two_descriptions(*parts))
    with PictureDecoder(probe(clip), longest_side=320) as decoder:
        found = [_squareness(picture) for _, picture in decoder]
    assert found == pytest.approx([1.0] * 2 * 25 * _SECONDS, abs=0.05)


def _decoded(media: Media) -> tuple[list[float], DecodeLog]:
    log = DecodeLog()
    with PictureDecoder(media, longest_side=320, log=log) as decoder:
        return [_squareness(picture) for _, picture in decoder], log


@pytest.mark.parametrize(
    "codec", ["libx264", "libx264 -x264-params keyint=1", "libx265 -x265-params log-level=none"]
)
@pytest.mark.parametrize("container", ["mkv", "mp4"])
def test_what_begins_with_square_pixels_is_told(
    codec: str, container: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(_CODECS, container, f"-c:v {codec} -bf 0 -g 10 -f mpegts")
    clip = _joined(tmp_path, container, [SQUARE, WIDE, NARROW])
    found, log = _decoded(probe(clip))
    assert found[:50] == pytest.approx([1.0] * 50, abs=0.05)
    # That is why it has to be told.
    assert found[60] < 0.8
    assert log.reshaped_s == pytest.approx([2.0, 4.0], abs=0.05)
    assert (log.complaints, log.failure) == (0, None)
    found, log = _decoded(probe(clip, Stretch(3.0, 5.0)))
    assert len(found) == 50
    assert [time_s for time_s in log.reshaped_s if time_s > 0] == pytest.approx([1.0], abs=0.05)
    # The way that is recommended.
    run("-i", clip, "-c", "copy", tmp_path / "clip.ts")
    found, log = _decoded(probe(tmp_path / "clip.ts"))
    assert found == pytest.approx([1.0] * len(found), abs=0.05)
    assert log.reshaped_s == []


def test_only_errors_about_the_pictures_are_complaints():
    log = DecodeLog()
    said = (
        b"[h264 @ 0x5f] [error] bad block\n    Last message repeated 2 times\n"
        b"[info]   Stream #0:0: Video: h264, 25 tbn\n    Last message repeated 1 times\n"
        b"[vost#1:0/copy @ 0x5f] [error] Error applying bitstream filters to a packet: "
        b"Invalid data found when processing input\n"
        b"[vost#1:0/copy @ 0x5f] [error] Error applying bitstream filters to a packet: "
        b"Invalid data found when processing inputMissing picture\n"
        b"[trace_headers @ 0x5f] [error] Invalid header\n[trace_headers @ 0x5f] [info] Extradata\n"
        b"[vist#0:0/h264 @ 0x5f] [dec:h264 @ 0x60] [fatal] no memory\n"
    )
    kept = list(log.sift(BytesIO(said)))
    bad, again, glued, worse = log.lines
    assert (bad, again, glued) == ("[h264] bad block", "Last message repeated 2 times", "Missing picture")
    assert worse == "[vist#0:0/h264] [dec:h264] no memory"
    assert kept[0] == b"  Stream #0:0: Video: h264, 25 tbn\n"
    assert b"[trace_headers @ 0x5f] Extradata\n" in kept


@pytest.mark.parametrize("number", [7, "nonsense"])
def test_headers_that_cannot_be_read_keep_no_picture_back(
    number: object, sample: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(shape._HEADERS, "h264", number)  # type: ignore[arg-type]
    log = DecodeLog()
    with PictureDecoder(probe(sample), longest_side=160, log=log) as decoder:
        assert len(list(decoder)) == 200
    assert (log.reshaped_s, log.complaints, log.lines, log.failure) == ([], 0, [], None)


def test_headers_are_read_once_for_each_state_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clip = _joined(tmp_path, "ts", [WIDE, NARROW])
    times = 0

    def start(*args: Any, **options: Any) -> Any:
        nonlocal times
        times += 1
        return process_of(*args, **options)

    process_of = shape.start
    monkeypatch.setattr(shape, "start", start)
    assert len(shapes_of(probe(clip))) == len(shapes_of(probe(clip))) == times == 1
    with clip.open("ab") as file:
        file.write((tmp_path / "0.part").read_bytes())
    assert len(shapes_of(probe(clip))) == times == 2


@pytest.mark.parametrize(
    ("codec", "pixel", "shape"),
    [
        ("mpeg4", "1/1", 1.0), ("mpeg4", "12/11", 12 / 11), ("mpeg4", "40/33", 40 / 33),
        ("mpeg4", "3/4", 3 / 4), ("libxvid", "16/11", 16 / 11), ("mpeg1video", "1/1", 1.0),
        ("mpeg1video", "16/15", 1 / 0.9375),
    ],
)  # fmt: skip
def test_headers_that_ffmpeg_does_not_print(codec: str, pixel: str, shape: float, tmp_path: Path):
    clip = _part(tmp_path / "clip.avi", ("720x576", pixel), f"-c:v {codec} -g 10")
    name = "mpeg1video" if codec == "mpeg1video" else "mpeg4"
    told = list(packets.told_by_packets(clip, 0, name))
    assert [time_s for time_s, _ in told] == pytest.approx(np.arange(5) * 0.4, abs=0.05)
    # MPEG-1 has but fourteen shapes.
    assert [said for _, said in told] == pytest.approx([shape] * 5, rel=0.03)


@pytest.mark.parametrize("packet", [b"", bytes(9), b"\0\0\1\x20\0", b"\0\0\1\xb6\0\0\1\x20" + bytes(9)])
def test_packets_without_a_header_tell_nothing(packet: bytes):
    assert packets.of_mpeg4(packet) is packets.of_mpeg1(packet) is None


@pytest.mark.parametrize("container", ["mkv", "mp4"])
def test_the_aspect_of_the_container_counts(container: str, tmp_path: Path):
    clip = tmp_path / f"clip.{container}"
    run("-i", _part(tmp_path / "made.mp4", WIDE, "-c:v libx264"), "-c", "copy", "-aspect", "4:3", clip)
    video = probe(clip).video
    assert video is not None
    assert (video.width, video.height) == (768, 576)
