"""Every tick's picture and sound are those of its time, whatever the container says about time and how."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from _pytest.mark import ParameterSet

from emoview.media import tool as tools
from emoview.media.decode import PictureDecoder
from emoview.media.probe import WHOLE, Stretch, probe
from emoview.media.sound import read_sound
from emoview.timeline.clock import SAMPLES_PER_TICK
from tests.media.clock_clips import RATE, SECONDS, make_base, number_in, run, shown_at, time_in


@dataclass(frozen=True)
class Case:
    """How a clip is made of the base, and where its pictures and its sound lie.

    Attributes:
        container: Its ending, with what writes it.
        select: Expression of `n`, the number of a picture at 50 a second, for those that are kept.
        keep: The same in Python.
        sound: Expression of `t` for the sound that is kept.
        sound_from: Second at which it begins.
        hole: Seconds between which it is silent.
        options: Further ones for the output.
        rate: A constant rate of pictures, made of the 50 by dropping the others.
    """

    container: str
    name: str
    select: str = "1"
    keep: Callable[[int], bool] = lambda n: True
    sound: str = "1"
    sound_from: float = 0.0
    hole: tuple[float, float] = (0.0, 0.0)
    options: tuple[str, ...] = field(default=())
    rate: str = ""

    def __str__(self) -> str:
        return f"{self.container}-{self.name}"


_CODECS = {
    "mp4": "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac",
    "mov": "-c:v mpeg4 -q:v 2 -c:a pcm_s16le",
    "3gp": "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a aac",
    "mkv": "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a libmp3lame",
    "webm": "-c:v libvpx -deadline realtime -cpu-used 8 -b:v 1M -g 25 -c:a libopus",
    "ts": "-c:v libx264 -preset ultrafast -bf 2 -g 25 -pix_fmt yuv420p -c:a aac",
    "mts": "-f mpegts -c:v mpeg2video -q:v 2 -g 12 -c:a ac3",
    "mpg": "-f vob -c:v mpeg2video -q:v 2 -g 12 -c:a mp2",
    "flv": "-c:v flv1 -q:v 2 -c:a aac -ar 44100",
    "nut": "-c:v mpeg4 -q:v 2 -c:a pcm_s16le",
    "asf": "-c:v wmv2 -q:v 2 -c:a wmav2",
    "m2ts": "-mpegts_m2ts_mode 1 -c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -c:a ac3",
    "vob": "-c:v mpeg2video -q:v 2 -g 12 -c:a mp2",
    "mxf": "-c:v mpeg2video -q:v 2 -g 12 -pix_fmt yuv422p -c:a pcm_s16le -ar 48000",
    "ogv": "-c:v libtheora -q:v 9 -g 25 -c:a libvorbis",
    "wmv": "-c:v msmpeg4 -q:v 2 -g 25 -c:a wmav2",
    "mjpeg.mkv": "-c:v mjpeg -q:v 2 -pix_fmt yuvj420p -c:a pcm_mulaw -ar 8000",
    "avi": "-c:v mpeg4 -q:v 2 -c:a pcm_s16le",
}
_KINDS = (
    {"name": "plain"},
    {"name": "sound-late", "sound": "gte(t,1.5)", "sound_from": 1.5},
    {"name": "pictures-late", "select": "gte(n,71)", "keep": lambda n: n >= 71},
    {
        "name": "gap", "select": "not(between(n,100,199))", "keep": lambda n: not 100 <= n <= 199,
    },
    {"name": "varying", "select": "lt(mod(n*n,7),2)", "keep": lambda n: n * n % 7 < 2},
    {"name": "slow", "select": "not(mod(n,20))", "keep": lambda n: n % 20 == 0},
    {"name": "ntsc", "rate": "30000/1001"},
    {"name": "sound-gap", "sound": "not(between(t,2,3.5))", "hole": (2.0, 3.6)},
)  # fmt: skip
# Their pictures have a constant rate, or no times at all; AVI and MXF have none for sound, that of ASF begins
# 86 ms late by itself, and MOV holds plain samples without gaps.
_CONSTANT = {"avi", "mts", "mpg", "vob", "mxf", "ogv"}
_UNFIT = {"avi-sound-late", "asf-pictures-late", "wmv-pictures-late", "mov-sound-gap", "mxf-sound-late"}
_CASES = [
    Case(container, **kind)
    for container in _CODECS
    for kind in _KINDS
    if container not in _CONSTANT or kind["name"] in ("plain", "sound-late", "ntsc")
    if f"{container}-{kind['name']}" not in _UNFIT
]  # fmt: skip
_CASES += [
    Case(container, "from-600", options=("-output_ts_offset", "600"))
    for container in ("mkv", "mp4", "ts", "nut")
]
_CASES += [Case("ts", "wrap", options=("-output_ts_offset", "95440"))]
_CASES += [
    Case(
        container, "fragments", options=("-movflags", "frag_keyframe+empty_moov", "-flags", "+global_header")
    )
    for container in ("mp4", "mov")
]


_PACKAGED = imageio_ffmpeg.get_ffmpeg_exe()
_SYSTEM = shutil.which("ffmpeg")
# The whole matrix runs before a release; daily every second case, and every sixth with the system's.
_EVERY = {_PACKAGED: 2, **({_SYSTEM: 6} if _SYSTEM else {})}
_NAMES = {_PACKAGED: "packaged", _SYSTEM: "system"}


def _matrix() -> Iterator[ParameterSet]:
    for path, every in _EVERY.items():
        for number, case in enumerate(_CASES):
            # The kinds of a container are a row: shifted, so that each kind comes up.
            daily = (number + number // len(_KINDS)) % every == 0
            marks = () if daily else pytest.mark.release
            yield pytest.param(path, case, id=f"{_NAMES[path]}-{case}", marks=marks)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("clock"))


@pytest.fixture(
    params=[
        pytest.param(path, id=_NAMES[path], marks=pytest.mark.release if path == _SYSTEM else ())
        for path in _EVERY
    ]
)
def ffmpeg(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    found = tools._asked(request.param)
    assert found is not None
    monkeypatch.setattr(tools, "tool", lambda: found)
    monkeypatch.setattr("emoview.media.decode.tool", lambda: found)
    return str(request.param)


@pytest.mark.parametrize(("ffmpeg", "case"), [*_matrix()], indirect=["ffmpeg"])
@pytest.mark.usefixtures("ffmpeg")
def test_ticks_hold_what_their_time_shows_and_sounds(case: Case, base: Path, tmp_path: Path):
    clip = tmp_path / f"clip.{case.container}"
    mode = "cfr" if case.container in _CONSTANT else "passthrough"
    pictures = f"select='{case.select}'" + (f",fps={case.rate}" if case.rate else "")
    run(
        "-i", base, "-vf", pictures, "-af", f"aselect='{case.sound}'", "-fps_mode", mode,
        *_CODECS[case.container].split(), *case.options, clip,
    )  # fmt: skip
    times = [n / RATE for n in range(RATE * SECONDS) if case.keep(n)]
    _check(clip, times, case.sound_from, case.hole)


@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("from_s", [0.7, 1.2])
@pytest.mark.parametrize("container", ["mp4", "mov", "3gp"])
def test_edit_lists_leave_out_what_comes_before(container: str, from_s: float, base: Path, tmp_path: Path):
    whole, cut = tmp_path / f"whole.{container}", tmp_path / f"cut.{container}"
    run("-i", base, *_CODECS[container].split(), whole)
    # The pictures from the key picture on are kept, and a list says that they are not shown.
    run("-ss", from_s, "-i", whole, "-c", "copy", cut)
    times = [n / RATE for n in range(RATE * SECONDS) if n / RATE >= from_s - 1e-6]
    _check(cut, times, sound_from=from_s)


@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("stretch", [Stretch(0.5, 1.5), Stretch(2.34, 5.0), Stretch(4.4)], ids=str)
@pytest.mark.parametrize("container", ["mp4", "webm", "ts", "mpg", "mkv"])
def test_stretches_begin_and_end_where_they_say(container: str, stretch: Stretch, base: Path, tmp_path: Path):
    clip = tmp_path / f"clip.{container}"
    run("-i", base, *_CODECS[container].split(), clip)
    _check(clip, [n / RATE for n in range(RATE * SECONDS)], stretch=stretch, least=20)


@pytest.mark.usefixtures("ffmpeg")
@pytest.mark.parametrize("container", ["webm", "ts", "mkv"])
@pytest.mark.parametrize("size", ["32x24", "96x72", "128x48"])
def test_pictures_that_change_their_size_stay_at_their_time(
    container: str, size: str, base: Path, tmp_path: Path
):
    pictures, sound = _CODECS[container].split("-c:a")
    parts = [tmp_path / f"{number}.{container}" for number in range(3)]
    for number, scale in enumerate(["64x48", size, "64x48"]):
        run("-ss", 2 * number, "-t", 2, "-i", base, "-an", "-s", scale, *pictures.split(), parts[number])
    listed = tmp_path / "parts.txt"
    listed.write_text("".join(f"file {part.name}\nduration 2\n" for part in parts))
    clip = tmp_path / f"clip.{container}"
    streams = ("-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", *sound.split())
    run("-f", "concat", "-i", listed, "-i", base, *streams, clip)
    _check(clip, [n / RATE for n in range(RATE * SECONDS)])


def _check(
    clip: Path,
    times: list[float],
    sound_from: float = 0.0,
    hole: tuple[float, float] = (0.0, 0.0),
    stretch: Stretch = WHOLE,
    least: int = 50,
) -> None:
    """Hold every tick against its time."""
    media = probe(clip, stretch)
    zero = min(times[0], sound_from) + media.stretch.start_s
    seen = set()
    with PictureDecoder(media, longest_side=64) as decoder:
        for tick, picture in decoder:
            moment = zero + 0.04 * (tick + 0.5)
            shown = number_in(picture) / RATE
            expected = [shown_at(times, moment + off) for off in (-0.04, 0, 0.04)]
            assert any(e is not None and abs(shown - e) < 0.021 for e in expected), (tick, shown, expected)
            seen.add(tick)
    ticks = [round((t - zero) / 0.04) for t in np.arange(zero, times[-1], 0.04)]
    ticks = ticks if stretch.ticks is None else [t for t in ticks if t < (media.stretch.ticks or 1e9)]
    for tick in ticks:
        around = [shown_at(times, zero + 0.04 * (tick + 0.5) + off) for off in (-0.04, 0.04)]
        if None not in around:
            assert tick in seen, tick
        if around == [None, None]:
            assert tick not in seen, tick
    heard = 0
    with read_sound(media) as sound:
        for tick in range(len(sound) // SAMPLES_PER_TICK):
            moment = zero + 0.04 * (tick + 0.5)
            told = time_in(sound[tick * SAMPLES_PER_TICK : (tick + 1) * SAMPLES_PER_TICK])
            if any(edge and abs(moment - edge) < 0.12 for edge in hole):
                # Frames of encoders hold sound of both sides.
                continue
            if told is not None:
                assert abs(told - moment) < 0.04, (tick, told, moment)
                heard += 1
            else:
                silent = moment < sound_from + 0.06 or hole[0] - 0.06 < moment < hole[1] + 0.06
                assert silent or moment > SECONDS - 0.1, (tick, moment)
    assert heard > least
