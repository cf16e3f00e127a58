"""Videos with a result drawn on them."""

from __future__ import annotations

import wave
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from command import run
from conftest import Make, ffmpeg
from expected import PLAIN, SOUND
from made_up_report import made_up

from emoview.errors import InputError, OutputError
from emoview.media.decode import FullPictureDecoder
from emoview.media.encode import VideoEncoder
from emoview.media.probe import probe
from emoview.media.sound import read_sound
from emoview.output.json import to_json
from emoview.output.overlay import Overlay
from emoview.rendering.overlay import write_overlay


def _pictures(path: Path) -> list[np.ndarray]:
    with FullPictureDecoder(probe(path)) as decoder:
        return [picture.astype(int) for _, picture in decoder]


def _sound(path: Path) -> np.ndarray:
    with read_sound(probe(path)) as sound:
        return sound[:]


def test_boxes_are_drawn_and_the_sound_is_kept(made: Make, tmp_path: Path):
    clip = made(PLAIN)
    out = tmp_path / "out.mp4"
    written = write_overlay(made_up(60), clip, out)
    before, after = _pictures(clip), _pictures(out)
    assert len(before) == len(after) == written
    assert probe(out).duration_s == pytest.approx(probe(clip).duration_s or 0, abs=0.05)
    # At tick 20 the box is from (170, 100) to (335, 280); the upper left corner is left alone.
    changed = np.abs(before[20] - after[20]).mean(axis=2)
    assert changed[100:280, 168:173].mean() > 40
    assert changed[130:250, 200:310].mean() < 8
    assert changed[:80, :80].mean() < 8
    sound, copied = (_sound(file) for file in (clip, out))
    assert len(sound) == pytest.approx(len(copied), abs=700)
    shared = min(len(sound), len(copied))
    assert np.corrcoef(sound[:shared], copied[:shared])[0, 1] > 0.99
    assert [file.name for file in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize(("count", "last"), [(6, 3), (12, 10)])
def test_the_sound_of_many_microphones_is_heard(made: Make, tmp_path: Path, count: int, last: int):
    """The fourth of six channels is not made the bass of 5.1, and more are not refused."""
    mono = made("mono.wav", "-vn", "-ac", "1", "-ar", "16000")
    clip, many = tmp_path / "many.mkv", tmp_path / "many.wav"
    voice = _sound(mono)
    parts = np.zeros((len(voice), count))
    parts[:, last] = 32_767 * np.clip(voice, -1, 1)
    with wave.open(str(many), "wb") as file:
        file.setparams((count, 2, 16_000, 0, "NONE", ""))
        file.writeframes(parts.astype("<i2").tobytes())
    ffmpeg("-i", str(made(PLAIN)), "-i", str(many), "-map", "0:v", "-map", "1:a", "-c", "copy", str(clip))
    out = tmp_path / "out.mp4"
    write_overlay(made_up(60), clip, out)
    heard = _sound(out)
    shared = min(len(voice), len(heard))
    assert np.corrcoef(voice[:shared], heard[:shared])[0, 1] > 0.99


def test_boxes_follow_a_picture_of_another_size():
    picture = np.full((720, 640, 3), 90, np.uint8)
    analysis = made_up(60)
    analysis = replace(analysis, media=replace(analysis.media, width=480, height=480))
    Overlay(analysis, width=640, height=720).draw(picture, 0.8)
    edges = np.flatnonzero((np.abs(picture[:, 350].astype(int) - 90).max(axis=1) > 20)[:500])
    # The box is from (170, 100) to (335, 280) of 480; the picture is a third wider, and half as high again.
    assert abs(edges[0] - 150) <= 8
    assert abs(edges[-1] - 420) <= 8
    across = np.flatnonzero(np.abs(picture[300].astype(int) - 90).max(axis=1) > 20)
    assert abs(across[0] - 170 * 4 / 3) <= 8


def test_a_stretch_is_drawn_where_it_lies(made: Make, tmp_path: Path):
    part = made_up(10)
    part = replace(part, media=replace(part.media, start_s=1.0), timeline=made_up(60).timeline[:10])
    write_overlay(part, made(PLAIN), tmp_path / "out.mp4")
    before, after = _pictures(made(PLAIN)), _pictures(tmp_path / "out.mp4")
    drawn = [np.abs(b - a)[100:280, 140:180].mean() > 8 for b, a in zip(before, after, strict=True)]
    assert drawn[25:35] == [True] * 10
    assert not any(drawn[:24] + drawn[36:])


def test_odd_sizes_rates_and_sound_that_mp4_does_not_carry(made: Make, tmp_path: Path):
    clip = made(
        "odd.mkv", "-vf", "scale=361:271", "-pix_fmt", "yuv444p", "-r", "30", "-c:a", "pcm_s16le", seconds=1.0
    )
    analysis = made_up(30)
    analysis = replace(analysis, media=replace(analysis.media, width=361, height=271))
    write_overlay(analysis, clip, tmp_path / "out.mp4")
    media = probe(tmp_path / "out.mp4")
    assert media.video is not None
    assert media.audio is not None
    assert (media.video.width, media.video.height, media.video.rate) == (360, 270, 30.0)
    assert media.audio.codec == "aac"


def test_pictures_that_start_late_stay_with_their_sound(made: Make, tmp_path: Path):
    clip = made("late.mkv", "-vf", "setpts=PTS+0.5/TB", "-c:a", "aac", seconds=1.5)
    write_overlay(made_up(60), clip, tmp_path / "out.mp4")
    before, after = probe(clip), probe(tmp_path / "out.mp4")
    assert before.video is not None
    assert after.video is not None
    assert after.video.start_s - after.start_s == pytest.approx(
        before.video.start_s - before.start_s, abs=0.03
    )


def test_what_cannot_be_drawn_is_said_and_leaves_nothing(made: Make, tmp_path: Path):
    out = tmp_path / "out.mp4"
    with pytest.raises(InputError, match="no pictures"):
        write_overlay(made_up(), made(SOUND), out)
    with pytest.raises(InputError, match="480x480 pixels"):
        write_overlay(made_up(), made("small.mp4", "-vf", "scale=240:240", seconds=0.5), out)
    own = tmp_path / "own.mp4"
    own.write_bytes(made(PLAIN).read_bytes())
    with pytest.raises(InputError, match="would be overwritten"):
        write_overlay(made_up(), own, own)
    assert [file.name for file in tmp_path.iterdir()] == ["own.mp4"]


def test_an_encoder_that_stops_is_one_sentence(made: Make, tmp_path: Path):
    media = probe(made(PLAIN))
    picture = np.zeros((480, 480, 3), np.uint8)
    with pytest.raises(OutputError, match="could not be encoded"):  # noqa: PT012, SIM117
        with VideoEncoder(
            tmp_path / "no" / "x.mp4", width=480, height=480, rate=25, sound_of=media
        ) as encoder:
            for _ in range(100):
                encoder.write(picture)


def test_the_command(made: Make, tmp_path: Path):
    (tmp_path / "x.json").write_text(to_json(made_up(60)))
    done = run("overlay", tmp_path / "x.json", made(PLAIN), "-o", tmp_path / "out.mp4")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out.mp4").stat().st_size > 10_000
    assert run("overlay", tmp_path / "x.json", made(PLAIN), "-o", "x.avi").returncode == 2
    done = run("overlay", tmp_path / "x.json", tmp_path / "gone.mp4", "-o", tmp_path / "y.mp4")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def _named(name: str | None) -> np.ndarray:
    picture = np.full((480, 480, 3), 90, np.uint8)
    analysis = replace(made_up(60), names={} if name is None else {0: name})
    Overlay(analysis, width=480, height=480).draw(picture, 0.8)
    return picture


def test_names_are_drawn_in_their_own_letters_or_numbers_stand_for_them(monkeypatch: pytest.MonkeyPatch):
    numbered = _named(None)
    # OpenCV would draw a question mark for each byte.
    for name, wrong in (("Zoë", "Zo??"), ("Анна", "????????")):
        assert not np.array_equal(_named(name), numbered)
        assert not np.array_equal(_named(name), _named(wrong))
    # From right to left, and without a font that everybody has.
    for name in ("שלום", "\U0001f469"):
        assert np.array_equal(_named(name), numbered)
    said = []
    draw = cv2.putText
    monkeypatch.setattr(cv2, "putText", lambda *a: (said.append((a[1], a[4])), draw(*a))[1])
    _named("Bartholomew " * 5)
    ((head, scale),) = [one for one in said if "%" in one[0]]
    # A long name loses its end, and not what is said of its bearer.
    assert head.startswith("Bartholomew ")
    assert head[-10:-3] == " happy "
    assert cv2.getTextSize(head, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)[0][0] <= 480 // 36 * 17
