"""Standard input, numbered pictures and addresses become a file; slow motion gets its own clock."""

from __future__ import annotations

import functools
import io
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from emoview.errors import InputError
from emoview.media.created import created_in
from emoview.media.decode import PictureDecoder
from emoview.media.facts import Stretch
from emoview.media.listing import captured_in
from emoview.media.pictures import jpegs_at
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.media.source import opened, stem_name
from emoview.pipeline.warnings import of_modality
from emoview.timeline.options import Options
from tests.media.clock_clips import RATE, make_base, number_in, picture_of, run, time_in

_SLOWED = 4
_APPLE = "com.apple.quicktime.creationdate"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("source"))


@pytest.fixture
def numbered(tmp_path: Path) -> Path:
    import cv2

    folder = tmp_path / "100% frames"
    folder.mkdir()
    for number in range(8, 28):
        if number not in (12, 13):
            cv2.imwrite(str(folder / f"shot2_{number}.png"), picture_of(number))
    (folder / "notes.txt").touch()
    return folder


def _numbers(path: Path) -> list[tuple[int, int]]:
    with PictureDecoder(probe(path), longest_side=64) as decoder:
        return [(tick, number_in(picture)) for tick, picture in decoder]


@pytest.mark.parametrize("name", ["", "shot2_%d.png"])
def test_numbered_pictures_by_their_numbers(name: str, numbered: Path):
    source = f"{numbered}/{name}" if name else numbered
    with opened(source, rate=25) as found:
        assert found.warnings == (
            "2 of the numbered pictures are missing: the one before stands in the place of each",
        )
        assert found.name == str(source)
        expected = [n if n not in (12, 13) else 11 for n in range(8, 28)]
        assert _numbers(found.path) == list(enumerate(expected))
        content = found.path.read_bytes()
    assert not found.path.exists()
    with opened(source, rate=25) as again:
        assert again.path.read_bytes() == content
    assert stem_name(source).stem == ("shot2" if name else "100% frames")


@pytest.mark.parametrize("kind", ["jpg", "bmp", "tiff", "ppm"])
def test_pictures_of_other_kinds(kind: str, tmp_path: Path):
    import cv2

    for number in range(1, 6):
        cv2.imwrite(str(tmp_path / f"{number}.{kind}"), np.dstack([picture_of(number)] * 3))
    with opened(tmp_path / f"%d.{kind}", rate=5) as found:
        assert _numbers(found.path)[::5] == [(0, 1), (5, 2), (10, 3), (15, 4), (20, 5)]


@pytest.mark.parametrize("kind", ["png", "jpg", "bmp", "tiff"])
def test_pictures_of_several_sizes_keep_their_shape(kind: str, tmp_path: Path):
    import cv2

    for number, (high, wide) in enumerate([(120, 160), (120, 160), (160, 120), (60, 60)]):
        picture = np.zeros((high, wide, 3), np.uint8)
        cv2.circle(picture, (wide // 2, high // 2), high // 4, (255, 255, 255), -1)
        cv2.imwrite(str(tmp_path / f"{number}.{kind}"), picture)
    with opened(tmp_path, rate=25) as found, PictureDecoder(probe(found.path), longest_side=160) as pictures:
        shown = [np.nonzero(picture.max(axis=2) > 128) for _, picture in pictures]
    extents = [(np.ptp(across), np.ptp(down)) for down, across in shown]
    assert len(extents) == 4
    assert all(abs(across - down) <= 2 for across, down in extents)


def test_a_picture_that_is_cut_off_takes_none_along(numbered: Path):
    cut = numbered / "shot2_20.png"
    cut.write_bytes(cut.read_bytes()[:-40])
    with opened(numbered, rate=25) as found:
        assert "1 of the numbered pictures is cut off: the one before stands in" in found.warnings[1]
        expected = [{12: 11, 13: 11, 20: 19}.get(n, n) for n in range(8, 28)]
        assert _numbers(found.path) == list(enumerate(expected))


def test_pictures_that_cannot_be_joined(numbered: Path):
    def refused(source: Path | str, words: str, rate: float | None = 25) -> None:
        with pytest.raises(InputError, match=words), opened(source, rate=rate):
            pass

    refused(numbered / "shot2_%d.png", "with --rate", rate=None)
    refused(numbered, "stands for numbered pictures: say how many a second with --rate", rate=None)
    refused(numbered / "shot2_%d.png", "no rate of pictures", rate=1e5)
    refused(numbered / "no_%d.png", "no numbered pictures")
    refused(numbered / "shot2_8.png", "leave it out")
    refused(numbered / "shot2_%d.png", "12 to 13 are missing, more than a second", rate=0.5)
    (numbered / "shot2_020.png").touch()
    refused(numbered, "two pictures have the number")
    (numbered / "a1.jpg").touch()
    refused(numbered, "keep one kind")


@pytest.mark.parametrize("source", ["clip.mp4", "file:///clip.mp4", "-"])
def test_a_length_is_for_addresses_alone(source: str):
    with pytest.raises(InputError, match="--seconds is how much of an address"), opened(source, seconds=1):
        pass


def test_standard_input_is_read_to_its_end(base: Path, monkeypatch: pytest.MonkeyPatch):
    content = io.BytesIO(base.read_bytes())
    content.isatty = lambda: False  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=content))
    with opened("-") as found:
        assert (found.name, found.path.read_bytes()) == ("standard input", base.read_bytes())
    with pytest.raises(InputError, match="is empty"), opened("-"):
        pass
    assert stem_name("-").stem == "stdin"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address(base: Path) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(base.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://user:secret@127.0.0.1:{server.server_port}/base.mkv"
        server.shutdown()
        thread.join()


def test_addresses_are_opened_with_leave_alone(address: str, base: Path):
    with pytest.raises(InputError, match="add --allow-network") as refused, opened(address):
        pass
    assert "secret" not in str(refused.value)
    with opened(address, allow_network=True) as found:
        assert found.path.read_bytes() == base.read_bytes()
        assert "secret" not in found.name
    with opened(address, allow_network=True, seconds=1) as found:
        assert 24 <= len(_numbers(found.path)) <= 27
    gone = address.replace("base", "gone")
    with pytest.raises(InputError, match="cannot be read") as refused, opened(gone, allow_network=True):
        pass
    assert "secret" not in str(refused.value)
    for odd in ("concat://a|b", "subfile://x", "s3://bucket/a.mp4"):
        with pytest.raises(InputError, match="are not read"), opened(odd, allow_network=True):
            pass
    assert str(stem_name(f"{address}?token=1/2")) == "base.mkv"
    # Of a file all would be analysed.
    for file in (str(base), f"file://{base}", "-"):
        with pytest.raises(InputError, match="--seconds is how much of an address"), opened(file, seconds=1):
            pass


@pytest.fixture(scope="module")
def slowed(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The base four times slower, as phones store slow motion."""
    clip = tmp_path_factory.mktemp("slowed") / "slow.mp4"
    graph = f"[0:v]setpts=PTS*{_SLOWED}[v];[0:a]asetrate={48_000 // _SLOWED}[a]"
    run(
        "-i", base, "-filter_complex", graph, "-map", "[v]", "-map", "[a]", "-r", RATE / 2, "-g", "10",
        "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ar", "48000",
        "-movflags", "use_metadata_tags", "-metadata", f"com.android.capture.fps={RATE * 2}",
        "-metadata", "creation_time=2024-05-01T12:00:00Z", clip,
    )  # fmt: skip
    return clip


@pytest.mark.parametrize("stretch", [Stretch(), Stretch(2.0, 4.0)], ids=["whole", "stretch"])
def test_slow_motion_on_the_clock_of_its_capture(stretch: Stretch, slowed: Path):
    media = probe(slowed, stretch, capture_rate=RATE * 2)
    assert media.duration_s == pytest.approx(6 if stretch.end_s is None else 2, abs=0.1)
    with PictureDecoder(media, longest_side=64) as decoder:
        for tick, picture in decoder:
            middle = stretch.start_s + 0.04 * (tick + 0.5)
            assert number_in(picture) / RATE == pytest.approx(middle, abs=0.041)
    assert tick > 45
    assert not decoder.log.complaints
    with read_sound(media) as sound:
        for tick in range(10, 40):
            heard = time_in(sound[640 * tick : 640 * (tick + 1)])
            assert heard == pytest.approx(stretch.start_s + 0.04 * (tick + 0.5), abs=0.04)


def test_single_pictures_of_slow_motion_are_those_of_the_time(slowed: Path):
    import cv2

    (jpeg,) = jpegs_at(probe(slowed, capture_rate=RATE * 2), [3.0], width=64)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert number_in(shown) / RATE == pytest.approx(3.0, abs=0.041)


def test_single_pictures_are_those_on_screen_then(base: Path, tmp_path: Path):
    """Of five pictures a second the next one may show something else."""
    import cv2

    clip = tmp_path / "few.mkv"
    choose = r"select=not(mod(n\,10))"
    run("-i", base, "-vf", choose, "-fps_mode", "passthrough", "-c:v", "ffv1", "-an", clip)
    times = [0.0, 0.12, 0.2, 0.36, 1.0, 2.32]
    for time_s, jpeg in zip(times, jpegs_at(probe(clip), times, width=64), strict=True):
        assert jpeg is not None
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert number_in(shown) == int((time_s + 0.02) * RATE) // 10 * 10


def test_slow_motion_is_told(slowed: Path):
    (said,) = of_modality(probe(slowed), Options())
    assert said == (
        "slow motion: captured at 100 pictures a second, stored at 25, so all times are 4.0 times too long: "
        "--capture-rate 100 gives the real ones"
    )
    asked = Options(capture_rate=100.0)
    assert not of_modality(probe(slowed, capture_rate=100.0), asked)
    with pytest.raises(InputError, match="cannot be right"):
        probe(slowed, capture_rate=1e5)


@pytest.mark.parametrize(
    ("line", "rate"),
    [
        ("com.android.capture.fps: 240.000000", 240), ("com.sony.captureFrameRate: 120", 120),
        ("capture_rate    : 1000", 1000), ("captured by: 240", None), ("com.android.capture.fps: 0", None),
    ],
)  # fmt: skip
def test_rates_of_capture(line: str, rate: float | None):
    assert captured_in(f"Input #0\n  Metadata:\n    {line}\n") == rate


@pytest.mark.parametrize(
    ("lines", "created"),
    [
        (["creation_time   : 2024-05-01T12:00:00.000000Z"], "2024-05-01T12:00:00.000+00:00"),
        (["creation_time   : 2024-05-01T12:00:00Z;2024-05-01T12:00:00Z"], "2024-05-01T12:00:00.000+00:00"),
        (
            ["creation_time : 2024-05-01T12:00:00.0Z", f"{_APPLE}: 2024-05-01T14:00:00+0200"],
            "2024-05-01T14:00:00.000+02:00",
        ),
        (["date            : 2024-05-01", "creation_time   : 12:00:05"], "2024-05-01T12:00:05.000"),
        (["date            : 2024-05-01 12:00:05"], "2024-05-01T12:00:05.000"),
        (["date            : 2024"], None), (["creation_time   : 1904-01-01T00:00:00.000000Z"], None),
        (["creation_time   : 1970-01-01T00:00:00.000000Z"], None), (["creation_time   : soon"], None),
    ],
)  # fmt: skip
def test_times_of_creation(lines: list[str], created: str | None):
    assert created_in("Input #0\n  Metadata:\n" + "".join(f"    {line}\n" for line in lines)) == created


def test_a_file_is_meant_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rtsp:").mkdir()
    for name in ("-", "clip%d.mp4", "rtsp://a.mp4"):
        Path(name).touch()
        with opened(name) as found:
            assert str(found.path) == found.name == str(Path(name))
