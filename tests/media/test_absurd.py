"""Absurd clocks, sizes and samples cost little, and what is lost of them is told."""

from __future__ import annotations

import io
import os
import re
import signal
import struct
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from emoview.errors import DecodeError, InputError
from emoview.media.decode import FullPictureDecoder, PictureDecoder
from emoview.media.probe import Stretch, probe
from emoview.media.process import DecodeLog
from emoview.media.sound import read_sound
from emoview.media.tool import start
from emoview.pipeline.analysis import analyze
from emoview.pipeline.lost import of_stream
from emoview.timeline.clock import LONGEST_S
from emoview.timeline.options import Options
from tests.media.clock_clips import make_base, run

_H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("absurd"))


def _ticks(clip: Path) -> tuple[list[int], DecodeLog]:
    with PictureDecoder(probe(clip), longest_side=64) as decoder:
        return [tick for tick, _ in decoder], decoder.log


def test_an_hour_without_pictures_is_a_gap(base: Path, tmp_path: Path):
    clip = tmp_path / "jump.mkv"
    later = "setpts='PTS+if(gte(T,2),3600/TB,0)'"
    run("-i", base, "-vf", later, "-an", "-fps_mode", "passthrough", *_H264, clip)
    ticks, log = _ticks(clip)
    # Two seconds, one more in which the last picture holds, and the four behind the gap.
    assert len(ticks) == 75 + 100
    assert ticks[75] == 25 * 3602
    assert log.gaps == [(pytest.approx(3.0, abs=0.05), 3602.0)]
    assert list(of_stream(probe(clip), "pictures", log, ticks[-1] + 1)) == [
        "no pictures from 3.0 to 3602.0 s: the face cells are empty there"
    ]


@pytest.mark.parametrize("name", ["gap.ts", "gap.mkv"])
def test_of_a_gap_what_lies_in_the_stretch_is_told(base: Path, tmp_path: Path, name: str):
    """Whether ffmpeg can jump in the container or not."""
    clip = tmp_path / name
    select = "select='not(between(t,1,3.99))'"
    run("-i", base, "-vf", select, "-fps_mode", "passthrough", *_H264, "-bf", "0", "-c:a", "aac", clip)
    for begin, end, gap in (
        (0.0, None, (2.0, 4.0)),
        (1.5, None, (0.5, 2.5)),
        (3.0, None, (0.0, 1.0)),
        (3.5, None, (0.0, 0.5)),
        (1.5, 3.0, (0.5, 1.5)),
        (4.5, None, None),
    ):
        with PictureDecoder(probe(clip, Stretch(begin, end)), longest_side=64) as decoder:
            slots = [slot for slot, _ in decoder]
            expected = [] if gap is None else [pytest.approx(gap, abs=0.081)]
            assert decoder.log.gaps == expected, (begin, end)
            assert bool(slots) or end == 3.0


def test_a_slow_sequence_shows_each_picture_for_a_second(base: Path, tmp_path: Path):
    """The last one, too."""
    clip = tmp_path / "slow.mp4"
    run("-i", base, "-vf", "fps=0.5", "-an", *_H264, clip)
    ticks, _ = _ticks(clip)
    assert ticks == [*range(25), *range(50, 75), *range(100, 125)]


def test_an_overlay_repeats_the_last_picture_over_a_gap(base: Path, tmp_path: Path):
    clip = tmp_path / "gap.mkv"
    run(
        "-i", base, "-vf", "select='not(between(n,100,249))'", "-an", "-fps_mode", "passthrough", *_H264, clip
    )
    with FullPictureDecoder(probe(clip)) as decoder:
        times = [time_s for time_s, _ in decoder]
    assert times == pytest.approx(list(np.arange(300) / 50), abs=1e-6)


def test_an_hour_without_sound_is_silence(base: Path, tmp_path: Path):
    clip = tmp_path / "jump.mka"
    run("-i", base, "-af", "asetpts='PTS+if(gte(T,2),3600/TB,0)'", "-vn", "-c:a", "flac", clip)
    with read_sound(probe(clip)) as sound:
        assert len(sound) / 16_000 == pytest.approx(3606, abs=0.1)
        assert not sound[slice(100 * 16_000, 101 * 16_000)].any()
        assert sound[slice(3603 * 16_000, 3604 * 16_000)].any()
        assert len(sound.log.gaps) == 1


@pytest.mark.parametrize("late", ["pictures", "sound"])
def test_what_begins_days_later_is_left_out(base: Path, tmp_path: Path, late: str):
    clip = tmp_path / "late.mkv"
    order = ("0:v", "1:a") if late == "pictures" else ("1:v", "0:a")
    run("-itsoffset", 950_400, "-i", base, "-i", base, "-map", order[0], "-map", order[1], "-c", "copy", clip)
    result = analyze(clip)
    assert result.media.ticks == 150
    verb = "begin" if late == "pictures" else "begins"
    assert any(w.startswith(f"the {late} {verb} after {LONGEST_S // 3600} hours") for w in result.warnings)


def test_an_absurd_duration_of_one_picture(base: Path, tmp_path: Path):
    clip = tmp_path / "stts.mp4"
    run("-i", base, *_H264, "-c:a", "aac", clip)
    content = bytearray(clip.read_bytes())
    at = content.find(b"stts")
    content[at + 16 : at + 20] = struct.pack(">I", 0x7FFFFFFF)
    clip.write_bytes(content)
    result = analyze(clip)
    assert result.media.ticks < 200
    assert any("the pictures end" in warning for warning in result.warnings)


@pytest.mark.parametrize("matrix", [3, 8, 10, 14])
def test_colours_that_ffmpeg_cannot_be_asked_for_are_seen(base: Path, tmp_path: Path, matrix: int):
    plain, odd = tmp_path / "plain.mp4", tmp_path / "odd.mp4"
    run("-i", base, "-an", *_H264, plain)
    run("-i", plain, "-c", "copy", "-bsf:v", f"h264_metadata=matrix_coefficients={matrix}", odd)
    assert _ticks(odd)[0] == _ticks(plain)[0]


def test_pixels_of_an_absurd_shape_are_square(base: Path, tmp_path: Path):
    clip = tmp_path / "wide.mp4"
    run("-i", base, "-an", "-vf", "setsar=1000/1", *_H264, clip)
    media = probe(clip)
    assert media.video is not None
    assert (media.video.width, media.video.height) == (64, 48)
    assert len(_ticks(clip)[0]) == 150


def test_pictures_too_large_are_refused_by_their_size(tmp_path: Path):
    clip = tmp_path / "huge.png"
    run("-f", "lavfi", "-i", "color=size=9000x9000:rate=1", "-frames:v", 1, clip)
    with pytest.raises(InputError, match="9000x9000 pixels, more than 67 million"):
        probe(clip)


def test_samples_that_are_no_numbers_are_told(tmp_path: Path):
    tone = np.sin(np.arange(48_000) / 10).astype("<f4")
    tone[12_000:24_000] = np.nan
    tone[30_000:30_100] = np.inf
    tone[30_050] = 1e30
    (tmp_path / "tone.raw").write_bytes(tone.tobytes())
    clip = tmp_path / "tone.wav"
    raw = ("-f", "f32le", "-ar", 16_000, "-ac", 1)
    run(*raw, "-i", tmp_path / "tone.raw", "-c:a", "pcm_f32le", clip)
    with read_sound(probe(clip)) as sound:
        assert sound.log.bad_samples == 12_100
        assert not sound[slice(12_000, 24_000)].any()
        assert np.abs(sound[slice(0, 12_000)]).max() > 0.9
    assert any("0.76 s of the sound are not numbers" in warning for warning in analyze(clip).warnings)


@pytest.mark.parametrize("modality", ["face", "voice"])
def test_a_killed_decoder_is_an_error(sample: Path, monkeypatch: pytest.MonkeyPatch, modality: str):
    def started_and_killed(command: list[str], **pipes: object) -> object:
        process = start(command, **pipes)
        if "rawvideo" in command or "f32le" in command:
            os.kill(process.pid, signal.SIGKILL)
        return process

    monkeypatch.setattr("emoview.media.process.start", started_and_killed)
    with pytest.raises(
        DecodeError, match=r"at 0\.0 s of 8\.0 s \(ffmpeg was ended by SIGKILL\): run it again"
    ):
        analyze(sample, options=Options(modality=modality))


def test_a_decoder_that_is_killed_on_the_way_is_an_error(sample: Path, monkeypatch: pytest.MonkeyPatch):
    def started(command: list[str], **pipes: object) -> object:
        process = start(command, **pipes)
        if "rawvideo" in command:
            os.kill(process.pid, signal.SIGSTOP)
            threading.Timer(0.5, lambda: os.kill(process.pid, signal.SIGKILL)).start()
            time.sleep(0.1)
        return process

    monkeypatch.setattr("emoview.media.process.start", started)
    with pytest.raises(DecodeError, match="ended by SIGKILL"):
        analyze(sample)


@pytest.mark.parametrize(
    ("name", "codecs"),
    [
        ("a.wav", "-vn -c:a pcm_s16le"),
        ("a.avi", "-c:v mpeg4 -c:a pcm_s16le"),
        ("a.mp4", "-c:v mpeg4 -c:a aac -movflags +faststart"),
        ("a.mkv", "-c:v mpeg4 -c:a aac"),
        ("a.webm", "-an -c:v libvpx -deadline realtime -cpu-used 8"),
    ],
)
def test_a_file_cut_off_is_told(base: Path, tmp_path: Path, name: str, codecs: str):
    clip = tmp_path / name
    run("-i", base, *codecs.split(), clip)
    assert probe(clip).missing_bytes == 0
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 2 // 3])
    assert probe(clip).missing_bytes == len(content) - len(content) * 2 // 3
    said = [warning for warning in analyze(clip).warnings if "cut off" in warning or "damaged" in warning]
    assert sum("is cut off" in one for one in said) == 1
    assert not any("prematurely" in one for one in said)


def test_further_tracks_are_told(base: Path, tmp_path: Path):
    clip = tmp_path / "tracks.mkv"
    run("-i", base, "-map", "0:v", "-map", "0:a", "-map", "0:a", "-c", "copy", clip)
    assert (
        "the file has 2 sound tracks; track 1 was analysed: --audio-track takes 2" in analyze(clip).warnings
    )


def test_a_track_that_cannot_be_decoded_is_not_recommended(base: Path, tmp_path: Path):
    clip = tmp_path / "tracks.mkv"
    run("-i", base, "-map", "0:a", "-map", "0:a", "-c:a", "aac", clip)
    content = clip.read_bytes()
    for names, own in ((b"A_XYZ", b"A_AAC"), 2), ((b"A_AAC", b"A_XYZ"), 1):
        first, second = content.split(b"A_AAC", 1)
        clip.write_bytes(first + names[0] + second.replace(b"A_AAC", names[1]))
        assert [track.decodes for track in probe(clip).sounds] == [name == b"A_AAC" for name in names]
        said = analyze(clip).warnings
        assert f"the file has 2 sound tracks; track {own} was analysed" in said
        assert f"sound track {3 - own} cannot be decoded" in said
    clip.write_bytes(content.replace(b"A_AAC", b"A_XYZ"))
    with pytest.raises(InputError, match="sound track 2 cannot be decoded: none of them can"):
        probe(clip, audio_track="2")


def test_pictures_without_times_are_told(base: Path, tmp_path: Path):
    for name, timeless in (("a.h264", True), ("a.mjpeg", True), ("a.jpg", False), ("a.mkv", False)):
        clip = tmp_path / name
        codec = ("-c:v", "mjpeg", "-pix_fmt", "yuvj420p") if "jp" in name else _H264
        one = ("-frames:v", "1", "-update", "1") if name == "a.jpg" else ()
        run("-i", base, "-an", *codec, *one, clip)
        assert probe(clip).timeless == timeless, name


def test_a_length_that_is_guessed_is_no_claim(base: Path, tmp_path: Path):
    """Of files without a header ffmpeg takes the rate of the first packets for that of all."""
    clip = tmp_path / "a.aac"
    for order in ("[1:a][0:a]", "[0:a][1:a]"):
        run("-i", base, "-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=8", "-filter_complex",
            f"{order}concat=n=2:v=0:a=1", "-c:a", "aac", clip)  # fmt: skip
        media = probe(clip, Stretch(10.0, 12.0))
        assert media.duration_s is None
        assert analyze(clip, stretch=Stretch(10.0, 12.0)).media.ticks == 50
        assert not any("claims" in one for one in analyze(clip).warnings), order
        with pytest.raises(DecodeError, match="has no sound from 30 to 40 s: choose another stretch"):
            analyze(clip, stretch=Stretch(30.0, 40.0))


@pytest.mark.parametrize(
    ("lines", "complaints", "headless"),
    [
        (["[hevc @ 0x1] CABAC_MAX_BIN : 7"], 1, 0),
        (["[aac @ 0x1] Input buffer exhausted", "    Last message repeated 3 times"], 0, 0),
        (["[hevc @ 0x1] CABAC_MAX_BIN : 7", "    Last message repeated 3 times"], 2, 0),
        (["[hevc @ 0x1] PPS id out of range: 0", "    Last message repeated 3 times",
          "[hevc @ 0x1] Could not find ref with POC 7", "[hevc @ 0x1] Error constructing the frame RPS."],
         0, 3),
        # Packets that were lost.
        (["[hevc @ 0x1] Could not find ref with POC 7"], 1, 0),
        (["[h264 @ 0x1] non-existing PPS 0 referenced", "[h264 @ 0x1] decode_slice_header error",
          "[h264 @ 0x1] no frame!", "[h264 @ 0x1] error while decoding MB 3 2", "[h264 @ 0x1] no frame!"],
         2, 3),
        (["[h264 @ 0x1] mmco: unref short failure"], 1, 0),
    ],
)  # fmt: skip
def test_what_is_no_damage_of_a_stream(lines: list[str], complaints: int, headless: int):
    log = DecodeLog(foreign=frozenset({"aac"}))
    log.read(io.BytesIO("".join(f"{line}\n" for line in lines).encode()))
    assert (log.complaints, log.headless) == (complaints, headless)


def test_a_jump_leaves_references_behind():
    log = DecodeLog(jumped=True)
    log.read(
        io.BytesIO(b"[h264 @ 0x1] mmco: unref short failure\n[h264 @ 0x1] error while decoding MB 3 2\n")
    )
    assert log.lines == ["[h264] error while decoding MB 3 2"]


def test_a_recording_that_begins_between_key_pictures_is_not_damaged(base: Path, tmp_path: Path):
    """Neither are its sound, nor a stretch of an open group of pictures."""
    whole, clip = tmp_path / "whole.ts", tmp_path / "clip.ts"
    run("-i", base, "-c:v", "mpeg2video", "-g", "100", "-pix_fmt", "yuv420p", "-c:a", "mp2", whole)
    content = whole.read_bytes()
    clip.write_bytes(content[len(content) // 3 // 188 * 188 :])
    (said,) = [one for one in analyze(clip).warnings if "key" in one or "damaged" in one]
    assert re.match(r"the recording begins between key pictures: its pictures before \d\.\d s", said)
    behind = analyze(clip, stretch=Stretch(2.5, 3.0)).warnings
    assert not any("key" in one or "damaged" in one for one in behind)
    opened, group = tmp_path / "open.mp4", "open-gop=1:keyint=100:bframes=3"
    run("-i", base, "-c:v", "libx264", "-x264-params", group, "-pix_fmt", "yuv420p", opened)
    for begin in (2.5, 3.1, 4.5):
        log = DecodeLog()
        with PictureDecoder(probe(opened, Stretch(begin, begin + 1)), longest_side=64, log=log) as decoder:
            assert len(list(decoder)) == 25
        assert not log.lines


def test_a_live_recording_that_was_never_finished_is_told(base: Path, tmp_path: Path):
    """Its container does not say how long it is."""
    clip = tmp_path / "a.mkv"
    run("-i", base, "-c:v", "mpeg4", "-c:a", "aac", "-f", "matroska", "-live", "1", clip)
    content = clip.read_bytes()
    clip.write_bytes(content[: len(content) * 2 // 3])
    assert probe(clip).missing_bytes == 0
    assert [one for one in analyze(clip).warnings if "cut" in one or "damaged" in one] == [
        "the file is cut off: its end is missing"
    ]


def test_words_in_metadata_are_not_taken_for_those_of_ffmpeg(base: Path, tmp_path: Path):
    clip = tmp_path / "says.mkv"
    lines = (
        "x",
        "[Parsed_showinfo_1 @ 0x5] n:0 pts: 900000000 pts_time:900",
        "  Duration: 99:00:00.00, start: 5",
        "Input #0, dash, from 'x':",
    )
    lie = "\n".join(lines)
    run("-i", base, "-c", "copy", "-metadata", f"comment={lie}", "-metadata:s:v", f"title={lie}", clip)
    media = probe(clip)
    assert media.start_s == 0
    assert media.duration_s == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:6,\n{}\n#EXT-X-ENDLIST\n"),
        ("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:6,\n{}\n#EXT-X-ENDLIST\n"),
        ("script.mp4", "ffconcat version 1.0\nfile '{}'\n"),
        ("script.ffconcat", "ffconcat version 1.0\nfile '{}'\n"),
    ],
)
def test_files_that_name_others_are_refused(base: Path, tmp_path: Path, name: str, text: str):
    (tmp_path / name).write_text(text.format(base))
    with pytest.raises(InputError):
        probe(tmp_path / name)


def test_numbered_pictures_are_not_opened_for_one(base: Path, tmp_path: Path):
    run("-i", base, "-frames:v", 3, tmp_path / "p%02d.jpg")
    named = tmp_path / "p%02d.png"
    named.write_bytes((tmp_path / "p01.jpg").read_bytes())
    assert len(_ticks(named)[0]) == 1


@pytest.mark.parametrize(("frames", "ticks"), [(1, 1), (20, 50)])
def test_a_moving_png_is_seen_to_its_end(base: Path, tmp_path: Path, frames: int, ticks: int):
    moving = tmp_path / "moving.png"
    run("-i", base, "-an", "-r", 10, "-frames:v", frames, "-f", "apng" if frames > 1 else "image2", moving)
    assert abs(len(_ticks(moving)[0]) - ticks) <= 2
    # Cut off within its first chunks, it is refused like any other.
    moving.write_bytes(moving.read_bytes()[:30])
    with pytest.raises(InputError):
        probe(moving)


@pytest.mark.parametrize("size", ["1x1", "3x3", "33x31", "101x57", "853x481", "1281x721", "2x400"])
def test_pictures_of_odd_sizes_are_seen(tmp_path: Path, size: str):
    clip = tmp_path / "odd.mkv"
    run("-f", "lavfi", "-i", f"testsrc=size={size}:rate=25", "-frames:v", 10, "-c:v", "ffv1", clip)
    with PictureDecoder(probe(clip), longest_side=640) as decoder:
        pictures = [picture for _, picture in decoder]
    assert len(pictures) == 10
    assert decoder.log.failure is None
    # Nothing beside them.
    assert all(picture[:, -1].any() and picture[-1].any() for picture in pictures) or size in ("1x1", "3x3")


@pytest.mark.parametrize(
    ("late", "stretch", "said"),
    [
        ("0:v", Stretch(0.0, 2.0), "there are no pictures in this stretch"),
        ("0:v", Stretch(7.0, 9.0), None),
        ("0:a", Stretch(0.0, 2.0), None),
        ("0:a", Stretch(7.0, 9.0), "there are no pictures in this stretch"),
    ],
)
def test_a_stretch_beside_a_stream_is_not_called_damaged(
    base: Path, tmp_path: Path, late: str, stretch: Stretch, said: str | None
):
    clip = tmp_path / "late.mkv"
    other = "1:a" if late == "0:v" else "1:v"
    run("-itsoffset", 4, "-i", base, "-i", base, "-map", late, "-map", other, "-c", "copy", clip)
    warnings = analyze(clip, stretch=stretch).warnings
    assert not any("could not be decoded" in warning for warning in warnings)
    assert said is None or any(warning.startswith(said) for warning in warnings)
