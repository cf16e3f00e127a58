"""Which channels of a sound are analysed."""

from __future__ import annotations

import copy
import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import Make, ffmpeg

from emoview import analyze
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound
from emoview.pipeline import channels
from emoview.pipeline.channels import sound_of
from emoview.pipeline.evidence import FaceTrack, Look
from emoview.timeline.options import Options


@pytest.fixture(scope="module")
def mono(made: Make) -> Path:
    return made("mono.wav", "-vn", "-ac", "1", "-ar", "16000", seconds=4.0)


def heard(mono: Path, folder: Path, pan: str, **options: Any) -> tuple[float, tuple[str, ...]]:
    """Tell how the sound that is analysed goes with that of the file, and what is said of it."""
    path = folder / "panned.wav"
    ffmpeg("-i", str(mono), "-af", f"pan={pan}", str(path))
    sound, notes = sound_of(probe(path), Options(**options), lambda: None)
    with sound, sound_of(probe(mono), Options(), lambda: None)[0] as alone:
        a, b = sound[:64_000], alone[:64_000]
        return float(np.dot(a, b) / np.dot(b, b)), notes


def test_opposite_phase_does_not_cancel_out(mono: Path, tmp_path: Path):
    gain, notes = heard(mono, tmp_path, "stereo|c0=c0|c1=-0.9*c0")
    assert gain == pytest.approx(0.95, abs=0.01)
    assert notes == (
        "the two channels are of opposite phase: one was turned over, so that they do not cancel out",
    )


def test_what_cancels_out_is_told_where_nothing_looks_ahead(mono: Path, tmp_path: Path):
    for turned, told in ((-1, 1), (0.9, 0)):
        path = tmp_path / f"{turned}.wav"
        ffmpeg("-i", str(mono), "-af", f"pan=stereo|c0=c0|c1={turned}*c0", str(path))
        said = [one for one in analyze(path, causal=True).warnings if "--channel left or" in one]
        assert len(said) == told
        assert all("of opposite phase for" in one for one in said)


def test_channels_that_cancel_out_for_a_while_are_not_mixed(mono: Path, tmp_path: Path):
    path = tmp_path / "half.wav"
    turned = "aeval=val(0)|val(0)*if(gt(t\\,2)\\,-1\\,1):c=stereo"
    ffmpeg("-i", str(mono), "-af", turned, str(path))
    sound, notes = sound_of(probe(path), Options(), lambda: None)
    with sound, sound_of(probe(mono), Options(), lambda: None)[0] as alone:
        np.testing.assert_allclose(sound[:64_000], alone[:64_000], atol=1e-3)
    assert len(notes) == 1
    assert "of opposite phase for" in notes[0]
    assert "the left one alone was analysed" in notes[0]


def test_an_empty_channel_takes_nothing_away(mono: Path, tmp_path: Path):
    assert heard(mono, tmp_path, "stereo|c1=c0") == (pytest.approx(1, abs=0.01), ())
    assert heard(mono, tmp_path, "stereo|c0=c0|c1=c0") == (pytest.approx(1, abs=0.01), ())


def test_a_channel_can_be_chosen(mono: Path, tmp_path: Path):
    for channel, gain in (("left", 0.2), ("right", 0.6)):
        for layout in ("stereo", "5.1"):
            pan = f"{layout}|c0=0.2*c0|c1=0.6*c0"
            assert heard(mono, tmp_path, pan, channel=channel) == (pytest.approx(gain, abs=0.01), ())
    gain, notes = heard(mono, tmp_path, "mono|c0=c0", channel="right")
    assert (round(gain, 2), notes) == (1, ("the sound has one channel alone: --channel right took it",))


def test_a_silent_channel_that_was_chosen_is_told(mono: Path, tmp_path: Path):
    for layout, channel, said in (
        ("stereo|c1=c0", "left", "the left channel is silent: --channel right takes the other"),
        ("5.1|c2=c0", "right", "the right channel is silent: --channel mix takes all 6"),
    ):
        assert heard(mono, tmp_path, layout, channel=channel) == (0, (said,))
    assert heard(mono, tmp_path, "stereo|c1=0*c0", channel="left") == (0, ())


def test_speech_beside_a_louder_noise_is_found(mono: Path, tmp_path: Path):
    path = tmp_path / "noise.wav"
    noise = "anoisesrc=a=0.3:r=16000:d=4:seed=1,tremolo=f=0.7:d=0.9[n];[0:a]volume=-20dB[s]"
    for inputs, side in (("[n][s]", "right"), ("[s][n]", "left")):
        ffmpeg("-i", str(mono), "-filter_complex", f"{noise};{inputs}amerge=inputs=2", str(path))
        sound, notes = sound_of(probe(path), Options(), lambda: None)
        sound.close()
        assert sound.weights.tolist() == ([0, 1] if side == "right" else [1, 0])
        assert notes == (f"speech was found on the {side} channel, not in the mix: it alone was analysed",)


@pytest.mark.parametrize("level_db", [0, -30])
def test_a_voice_is_not_mixed_with_a_time_code(mono: Path, tmp_path: Path, level_db: int):
    """Together, speech is found in the tone."""
    path = tmp_path / "code.wav"
    code = f"aevalsrc=0.3*(2*gt(sin(2*PI*1200*t)\\,0)-1):s=16000:d=4,volume={level_db}dB[c];[0:a]anull[s]"
    for inputs, side in (("[c][s]", "right"), ("[s][c]", "left")):
        ffmpeg("-i", str(mono), "-filter_complex", f"{code};{inputs}amerge=inputs=2", str(path))
        sound, notes = sound_of(probe(path), Options(), lambda: None)
        sound.close()
        assert sound.weights.tolist() == ([0, 1] if side == "right" else [1, 0])
        assert len(notes) == 1
        assert f"such as a time code or hum: the {side} one alone was analysed" in notes[0]


@pytest.mark.parametrize("number", [4, 6])
def test_speech_is_found_on_a_further_channel(mono: Path, tmp_path: Path, number: int):
    # The fourth is the one for bass; of the sixth the mix has a part, but in opposite phase to the fifth.
    opposite = "|c4=-1*c0" if number == 6 else ""
    gain, notes = heard(mono, tmp_path, f"5.1|c{number - 1}=c0{opposite}")
    assert abs(gain) == pytest.approx(1, abs=0.01)
    first = 5 if opposite else 4
    assert notes == (f"speech was found on channel {first} of 6, not in the mix: it alone was analysed",)


def two_speakers(monkeypatch: pytest.MonkeyPatch) -> Sound:
    """One speaks in every other second, and the other in those between; each is heard by both a little."""
    seconds = np.arange(12 * 16_000) / 16_000
    turns = (seconds % 2 < 1).astype(np.float32)
    rng = np.random.default_rng(0)
    words = (
        0.1 * rng.standard_normal((len(seconds), 2)) * np.repeat(rng.uniform(0.2, 1, (300, 2)), 640, axis=0)
    )
    words *= np.stack([turns, 1 - turns], axis=1)
    sound = Sound(DecodeLog(), 2)
    sound.add((words + 0.1 * words[:, ::-1]).astype("<f4").tobytes())
    sound.flush()
    monkeypatch.setattr(channels, "read_sound", lambda *_: sound)
    monkeypatch.setattr(channels, "speech_probability", lambda one: np.ones(len(one) // 640, np.float32))
    return sound


def seen_face(who: int, lips: np.ndarray, first: int, *, size: float = 50) -> FaceTrack:
    look = Look(np.eye(128)[who], np.eye(512)[[who, 10 + who]], 0.03)
    ticks = np.arange(first, first + len(lips))
    boxes = np.tile([0.0, 0.0, size, size], (len(lips), 1))
    return FaceTrack(
        ticks, 0 * ticks, boxes, np.zeros((len(lips), 7), np.float32), lips, None, None, look=look
    )


def test_where_each_channel_has_a_speaker_the_lips_decide(monkeypatch: pytest.MonkeyPatch):
    media: Any = SimpleNamespace(audio=SimpleNamespace(count=2))
    for side in (0, 1):
        sound = two_speakers(monkeypatch)
        loud = np.sqrt(np.square(sound.apart(slice(None))[:, side].reshape(-1, 640)).mean(axis=1))
        # Lips that move as loudly as this one speaks.
        lips = np.cumsum(loud * np.where(np.arange(300) % 2, 1, -1))
        # Whoever speaks has two tracks, and is lost between them.
        tracks = {0: seen_face(0, lips[:140], 0), 1: seen_face(0, lips[145:], 145)}
        faces: Any = SimpleNamespace(tracks={**tracks, 2: seen_face(1, np.zeros(300), 0, size=40)})
        seen = functools.partial(copy.copy, faces)
        _, notes = sound_of(media, Options(), seen)
        assert sound.weights.tolist() == np.eye(2)[side].tolist()
        assert notes[0].startswith(
            f"each of the two channels has its own speaker: the {['left', 'right'][side]} "
        )
        assert notes[0].endswith(f"--channel {['right', 'left'][side]} analyses the other")
        # The person who is asked for, who has the third track, has still lips: nobody is there to decide.
        sound = two_speakers(monkeypatch)
        _, notes = sound_of(media, Options(face="1"), seen)
        assert sound.weights.tolist() == [0.5, 0.5]
        assert "they were mixed" in notes[0]
    sound = two_speakers(monkeypatch)
    monkeypatch.setattr(channels, "speech_probability", lambda one: np.zeros(len(one) // 640, np.float32))
    # Drums left and right are no speakers.
    assert sound_of(media, Options(), lambda: None)[1] == ()


def test_warnings_of_a_sound(mono: Path, tmp_path: Path):
    path = tmp_path / "tracks.mkv"
    ffmpeg("-f", "lavfi", "-i", "anullsrc=r=16000:cl=mono:d=4", "-i", str(mono), "-map", "0", "-map", "1",
           "-metadata:s:a:1", "title=Mic", "-af", "volume=-33dB", "-c:a", "pcm_s16le", str(path))  # fmt: skip
    silent = analyze(path).warnings
    assert "sound track 1 is silent: --audio-track takes 2 (Mic)" in silent
    assert "the file has 2 sound tracks" not in silent
    assert "no speech was found: the voice columns are empty" in silent
    found = analyze(path, audio_track="mic")
    assert found.media.speech_share > 0.3
    assert found.options.audio_track == "mic"
    assert not any("track" in warning for warning in found.warnings)
    assert f"the sound is almost silent ({found.media.audio_level_db} dBFS)" in found.warnings
    tone = tmp_path / "tone.wav"
    ffmpeg("-f", "lavfi", "-i", "sine=440:r=8000:d=1", str(tone))
    assert (
        "no speech was found, only other sounds, such as music or noise: the voice columns are empty"
        in analyze(tone).warnings
    )
    clipping = "volume=26dB,aformat=sample_fmts=s16,volume=-10dB"
    for name, options, expected in (
        ("clipped.wav", ["-af", clipping], "the sound is clipped: record at a lower level, because "),
        (
            "line.wav",
            ["-ar", "8000", "-c:a", "pcm_mulaw"],
            "the sound has 8 kHz, as on a telephone: the voice",
        ),
        ("eleven.wav", ["-ar", "11025"], "the sound has 11.025 kHz, less than the 16 that are needed: the"),
    ):
        ffmpeg("-t", "2", "-i", str(mono), *options, str(tmp_path / name))
        said = analyze(tmp_path / name).warnings
        assert [warning for warning in said if warning.startswith(expected)]
        assert len(said) == 2


def test_channels_of_two_speakers_who_are_both_seen_are_mixed(monkeypatch: pytest.MonkeyPatch):
    media: Any = SimpleNamespace(audio=SimpleNamespace(count=2))
    loud = np.sqrt(np.square(two_speakers(monkeypatch).apart(slice(None)).reshape(300, 640, 2)).mean(axis=1))
    loud *= loud > 0.5 * loud.max()
    lips = np.cumsum(loud * np.where(np.arange(300) % 2, 1, -1)[:, None], axis=0)
    # Of the right one the lips move a little less surely.
    lips[:, 1] += np.random.default_rng(1).normal(0, 0.02, 300)
    tracks = {0: seen_face(0, lips[:, 0], 0), 1: seen_face(1, lips[:, 1], 0, size=40)}
    seen = functools.partial(copy.copy, SimpleNamespace(tracks=tracks))
    for asked in ("all", "speaking"):
        sound = two_speakers(monkeypatch)
        _, notes = sound_of(media, Options(face=asked), seen)
        assert sound.weights.tolist() == [0.5, 0.5]
        assert notes == ("each of the two channels has its own speaker, and both are seen: they were mixed",)
    sound = two_speakers(monkeypatch)
    assert "the left one was analysed" in sound_of(media, Options(), seen)[1][0]
    # All that is heard was asked for.
    sound = two_speakers(monkeypatch)
    assert "they were mixed" in sound_of(media, Options(voice="all"), seen)[1][0]
    assert sound.weights.tolist() == [0.5, 0.5]
