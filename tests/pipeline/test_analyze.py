"""The main job on real media: rows, times, modalities."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Analysed, Make, ffmpeg
from expected import (
    FALLS_SILENT,
    FAR,
    ONE_PICTURE,
    PLAIN,
    SAMPLE,
    SILENT,
    SOUND,
    SQUEEZED,
    THREE_PICTURES,
    TWO_FACES,
)

from emoview import LABELS, Analysis, InputError, analyze
from emoview.media import listing
from emoview.media.probe import probe
from emoview.pipeline.inference import run_faces


def _face_rows(result: Analysis) -> list:
    return [row for row in result.timeline if row.face is not None]


def test_sample_has_a_row_for_every_tick(result: Analysis):
    assert [row.tick for row in result.timeline] == list(range(SAMPLE.ticks))
    assert result.media.duration_s == pytest.approx(SAMPLE.seconds)
    assert (result.media.width, result.media.height) == SAMPLE.size
    assert result.media.frame_rate == SAMPLE.rate
    assert result.media.faces == SAMPLE.faces
    assert result.media.face_share > 0.98
    spoken = [row.tick for row in result.timeline if row.voice]
    assert (spoken[0], spoken[-1] + 1) == (SAMPLE.speech.start, SAMPLE.speech.stop)
    assert result.media.speech_share == pytest.approx(len(spoken) / SAMPLE.ticks)


def test_probabilities_sum_to_one_and_affect_is_bounded(result: Analysis):
    for row in result.timeline:
        for values in (row.face, row.voice, row.fused):
            if values is not None:
                assert len(values) == len(LABELS)
                assert sum(values) == pytest.approx(1, abs=1e-5)
        if row.fused is not None:
            assert -1 <= row.valence <= 1
            assert -1 <= row.arousal <= 1


def test_the_smile_reads_as_happy_and_the_open_mouth_does_not_read_the_same(result: Analysis):
    smile = np.mean([result.timeline[tick].face for tick in SAMPLE.smile], axis=0)
    surprise = np.mean([result.timeline[tick].face for tick in SAMPLE.surprise], axis=0)
    assert LABELS[int(smile.argmax())] == "happy"
    position = LABELS.index("surprise")
    assert surprise[position] > smile[position]


def test_silence_says_nothing(result: Analysis):
    assert all(result.timeline[tick].voice is None for tick in SAMPLE.quiet)


def test_where_nobody_speaks_the_voice_fades_out(analysed: Analysed):
    result = analysed(FALLS_SILENT)
    last = max(row.tick for row in result.timeline if row.voice)
    assert last < FALLS_SILENT.quiet.start
    apart = {r.tick: np.abs(np.subtract(r.fused, r.face)).max() for r in _face_rows(result)}
    # Behind the last word, while its sound dies away and after.
    assert max(apart[tick] for tick in range(last - 2, last + 2)) > 0.01
    after = [apart[tick] for tick in apart if tick > last + 40]
    assert len(after) > 20
    # A model of time forgets, but never all.
    assert max(after) < 0.001


def test_same_input_gives_the_same_rows_twice(made: Make, analysed: Analysed):
    result, again = analysed(PLAIN), analyze(made(PLAIN))
    assert again.timeline == result.timeline
    assert again.overall == result.overall


def test_without_sound_the_face_rows_stay(analysed: Analysed):
    with_sound, silent = analysed(PLAIN), analysed(SILENT)
    assert silent.media.ticks == SILENT.ticks
    assert all(row.voice is None for row in silent.timeline)
    assert any("no sound" in warning for warning in silent.warnings)
    assert silent.overall.voice is None
    difference = np.abs(
        np.array([r.face for r in _face_rows(silent)]) - np.array([r.face for r in _face_rows(with_sound)])
    )
    assert difference.max() < 0.05


def test_sound_alone_gives_voice_rows(analysed: Analysed):
    result = analysed(SOUND)
    assert result.media.ticks == SOUND.ticks
    assert result.overall.face is None
    assert result.overall.voice is not None
    assert any(row.voice for row in result.timeline)
    assert any("no pictures" in warning for warning in result.warnings)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation_is_applied_once(made: Make, analysed: Analysed, turn: int):
    plain = analysed(PLAIN, modality="face")
    # The pictures are turned one way and the file asks for the other, as a phone does it.
    filters = {90: "transpose=1", 180: "hflip,vflip", 270: "transpose=2"}[turn]
    turned = made(f"turned{turn}.mp4", "-vf", filters)
    tagged = turned.with_name(f"tagged{turn}.mp4")
    ffmpeg("-display_rotation", str(turn), "-i", str(turned), "-c", "copy", str(tagged))
    result = analyze(tagged, modality="face")
    assert (result.media.width, result.media.height) == PLAIN.size
    assert result.media.face_share > 0.98
    ours, theirs = result.timeline[25].box, plain.timeline[25].box
    assert abs(ours.x - theirs.x) < 8
    assert abs(ours.y - theirs.y) < 8
    assert result.overall.face.label == plain.overall.face.label


def test_variable_frame_rate_keeps_the_times(made: Make, analysed: Analysed):
    # Every third picture of the first second is dropped, then half of them.
    choose = "select='if(lt(t,1),mod(n,3),mod(n,2))'"
    variable = made("variable.mp4", "-vf", choose, "-fps_mode", "vfr")
    plain = analysed(PLAIN, modality="face")
    result = analyze(variable, modality="face")
    assert abs(result.media.ticks - plain.media.ticks) <= 1
    x = np.array([r.box.x for r in _face_rows(plain)])[:48]
    y = np.array([r.box.x for r in _face_rows(result)])[:48]
    assert np.abs(x - y).max() < 6


def test_late_pictures_leave_their_ticks_empty(made: Make, tmp_path: Path):
    plain = made(PLAIN)
    late = tmp_path / "late.mkv"
    ffmpeg("-i", str(plain), "-itsoffset", "0.4", "-i", str(plain),
           "-map", "0:a", "-map", "1:v", "-c", "copy", str(late))  # fmt: skip
    media = probe(late)
    delay = round((media.video.start_s - media.audio.start_s) * 25)
    # Copying streams between containers may add the delay of reordered pictures.
    assert 9 <= delay <= 13
    result = analyze(late, modality="both")
    assert _face_rows(result)[0].tick == delay
    assert [row.tick for row in result.timeline] == list(range(result.media.ticks))
    assert abs(result.media.ticks - PLAIN.ticks - delay) <= 1


def test_late_sound_is_padded(made: Make, analysed: Analysed, tmp_path: Path):
    plain = made(PLAIN)
    late = tmp_path / "late.mkv"
    ffmpeg("-i", str(plain), "-itsoffset", "0.4", "-i", str(plain),
           "-map", "0:v", "-map", "1:a", "-c", "copy", str(late))  # fmt: skip

    def speech(result: Analysis) -> int:
        return next(r.tick for r in result.timeline if r.voice)

    assert abs(speech(analyze(late)) - speech(analysed(PLAIN)) - 10) <= 1


def test_lines_that_ffmpeg_writes_into_each_other_do_not_shift_the_sound(
    made: Make, monkeypatch: pytest.MonkeyPatch
):
    clip = made(PLAIN)
    real = listing._ffmpeg_log
    heads = []

    def garbled(file: Path, command: list[str]) -> str:
        # Its threads share one log: now and then the first packet's line starts within another line.
        log = real(file, command)
        if any("ashowinfo" in word for word in command) and "-filter_complex" not in command:
            log, count = re.subn(r"\[Parsed_ashowinfo_1 @ \w+\] (?=n:0 )", "", log)
            heads.append(count)
        return log

    expected = probe(clip)
    monkeypatch.setattr(listing, "_ffmpeg_log", garbled)
    assert probe(clip) == expected
    assert heads == [1]


def test_a_picture_alone_is_seen_in_all_views(made: Make, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def watched(network: Any, faces: list[np.ndarray], ticks: np.ndarray | None = None) -> Any:
        asked.append(None if ticks is None else ticks.tolist())
        return run_faces(network, faces, ticks)

    monkeypatch.setattr("emoview.pipeline.faces.run_faces", watched)
    result = analyze(made(ONE_PICTURE))
    assert result.media.ticks == ONE_PICTURE.ticks
    assert result.timeline[0].face is not None
    analyze(made(THREE_PICTURES))
    assert asked == [None, list(range(THREE_PICTURES.ticks))]


def test_surround_sound(made: Make):
    result = analyze(made("surround.mkv", "-ac", "6", "-c:v", "copy"), modality="voice")
    assert result.overall.voice is not None
    assert result.media.audio_channels.startswith("5.1")


def test_no_face_and_no_speech_is_a_result_with_warnings(tmp_path: Path):
    path = tmp_path / "grey.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=gray:size=320x240:rate=25:duration=1",
           "-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono", "-t", "1", str(path))  # fmt: skip
    result = analyze(path)
    assert result.overall.fused is None
    assert result.media.ticks in (25, 26)
    assert all(row.fused is None for row in result.timeline)
    assert any("no face" in w for w in result.warnings)
    assert any("no speech" in w for w in result.warnings)


def test_a_face_of_a_sixteenth_of_the_width(analysed: Analysed):
    result = analysed(FAR)
    assert (result.media.width, result.media.height) == FAR.size
    assert result.media.face_share == 1
    assert {row.face_id for row in result.timeline} == {0}
    assert result.overall.face is not None
    assert result.overall.face.label == "happy"


def test_a_squeezed_video_says_what_it_says_unsqueezed(made: Make):
    plain = analyze(made("plain.mp4", "-an", seconds=SQUEEZED.seconds))
    squeezed = analyze(made(SQUEEZED))
    assert [any("squeezed" in w for w in result.warnings) for result in (plain, squeezed)] == [False, True]
    one, other = plain.overall.face, squeezed.overall.face
    assert one is not None
    assert other is not None
    assert one.label == other.label
    np.testing.assert_allclose(other.probabilities, one.probabilities, atol=0.05)


def test_noise_is_not_speech(tmp_path: Path):
    path = tmp_path / "noise.wav"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=2:a=0.3:r=16000", str(path))
    assert analyze(path).media.speech_share == 0


def test_two_faces_get_two_ids_and_one_of_them_can_be_asked_for(made: Make):
    two = made(TWO_FACES)
    result = analyze(two, face="all")
    assert result.media.faces == TWO_FACES.faces
    ids = [row.face_id for row in result.timeline if row.tick == 30]
    assert ids == [0, 1]
    places = [(row.tick, row.face_id or 0) for row in result.timeline]
    assert places == sorted(places)
    left = {r.face_id: r.box.x < TWO_FACES.seam for r in result.timeline if r.tick == 30}
    later = {r.face_id: r.box.x < TWO_FACES.seam for r in result.timeline if r.tick == 49}
    assert left == later
    one = analyze(two, face=1)
    assert {row.face_id for row in one.timeline} - {None} == {1}
    with pytest.raises(InputError, match="no face 7"):
        analyze(two, face=7)


def test_modality_that_is_missing_is_an_error_when_asked_for(made: Make):
    with pytest.raises(InputError, match="no sound"):
        analyze(made(SILENT), modality="voice")
    with pytest.raises(InputError, match="no pictures"):
        analyze(made(SOUND), modality="face")


@pytest.mark.parametrize("fusion", ["late", "early"])
def test_both_fusions_run(made: Make, fusion: str):
    result = analyze(made(PLAIN), fusion=fusion)
    assert result.fusion_used == fusion
    used = {weight.name for weight in result.weights}
    assert ("early_fusion.onnx" in used) == (fusion == "early")


def test_damaged_stream_is_survived(made: Make, tmp_path: Path):
    plain = made("plain.ts", "-c:v", "mpeg2video", "-q:v", "4")
    data = bytearray(plain.read_bytes())
    rng = np.random.default_rng(0)
    for at in rng.integers(len(data) // 4, len(data) * 3 // 4, 60):
        data[at] ^= 0xFF
    damaged = tmp_path / "damaged.ts"
    damaged.write_bytes(bytes(data))
    result = analyze(damaged)
    assert abs(result.media.ticks - PLAIN.ticks) <= 4
    assert any("damaged" in warning for warning in result.warnings)


def test_dataframe(result: Analysis):
    frame = result.to_dataframe()
    assert len(frame) == SAMPLE.ticks
    assert list(frame.columns[:4]) == ["tick", "time_s", "face_id", "label"]
    assert frame["time_s"].iloc[-1] == pytest.approx(SAMPLE.seconds - 0.04)


def test_results_do_not_depend_on_how_many_threads_there_are(made: Make):
    code = (
        "import sys; from emoview import analyze; from emoview.output.csv import to_csv; "
        "sys.stdout.write(to_csv(analyze(sys.argv[1])))"
    )
    tables = [
        subprocess.run(
            [sys.executable, "-c", code, str(made("plain.mp4", seconds=1.2))],
            capture_output=True, text=True, check=True,
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
        ).stdout
        for threads in ("1", "4")
    ]  # fmt: skip
    assert tables[0].count("\n") > 25
    assert tables[0] == tables[1]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("fusion", "middle", "fusion must be late, early or auto, not 'middle'"),
        ("modality", "ear", "modality must be both, face or voice, not 'ear'"),
        ("labels", 5, "labels must be 7, 3 or 2, not 5"),
        ("labels", "3", "labels must be 7, 3 or 2, not '3'"),
        ("labels", 7.0, "labels must be 7, 3 or 2, not 7.0"),
        ("device", "tpu", "device must be auto, cpu or gpu, not 'tpu'"),
        ("device", None, "device must be auto, cpu or gpu, not None"),
        ("voice_features", [], r"voice_features must be opensmile or builtin, not \[\]"),
        ("face", "left", "face must be largest, speaking, all or a number, not 'left'"),
        ("max_faces", "4", "max_faces must be a whole number, 1 or more"),
    ],
)
def test_values_that_an_option_does_not_take_are_refused(name: str, value: Any, said: str):
    with pytest.raises(InputError, match=f"^{said}$"):
        analyze("there-is-none.mp4", **{name: value})
