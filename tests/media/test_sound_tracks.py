"""Tracks and channels of a sound as they are read."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from conftest import Make, ffmpeg

from emoview.errors import InputError
from emoview.media.facts import SoundTrack
from emoview.media.listing import channels_in, sound_named, sounds_in
from emoview.media.probe import probe
from emoview.media.process import DecodeLog
from emoview.media.sound import Sound, read_sound

LISTING = """Input #0, matroska,webm, from 'file:x':
  Stream #0:0: Video: h264 (High), yuv420p, 640x480, 25 fps
    Metadata:
      title           : not a sound
  Stream #0:1(eng): Audio: aac (LC), 48000 Hz, stereo, fltp (default)
    Metadata:
      title           : Room
      handler_name    : SoundHandler
  Stream #0:2[0x81](deu): Audio: ac3, 48000 Hz, 5.1(side), fltp, 384 kb/s
  Stream #0:3(und): Audio: pcm_s16le, 48000 Hz, mono, s16, 768 kb/s
    Metadata:
      handler_name    : Mic/Aux
"""


def test_tracks_are_named_as_the_file_names_them():
    tracks = sounds_in(LISTING)
    assert tracks == (
        SoundTrack(1, 1, ("Room", "eng")),
        SoundTrack(2, 2, ("deu",)),
        SoundTrack(3, 3, ("Mic/Aux",)),
    )
    assert [str(track) for track in tracks] == ["1 (Room, eng)", "2 (deu)", "3 (Mic/Aux)"]
    for wanted, number in (("2", 2), ("room", 1), ("ENG", 1), ("mic/aux", 3)):
        assert sound_named(Path("x"), tracks, wanted).number == number
    for wanted in ("4", "0", "video", "\x1b[31m"):
        with pytest.raises(
            InputError, match=r"has no sound track .+: it has 1 \(Room, eng\), 2 \(deu\), 3 \(Mic"
        ) as e:
            sound_named(Path("x"), tracks, wanted)
        assert "\x1b" not in str(e.value)
    with pytest.raises(InputError, match="more than one sound track eng"):
        sound_named(Path("x"), (*tracks, SoundTrack(4, 4, ("eng",))), "eng")
    with pytest.raises(InputError, match="it has no sound"):
        sound_named(Path("x"), (), "1")


@pytest.mark.parametrize(
    ("layout", "count"),
    [("mono", 1), ("stereo", 2), ("5.1", 6), ("5.1(side)", 6), ("7.1.4", 12), ("4.0", 4), ("12 channels", 12),
     ("2 channels (FL+LFE)", 2), ("1 channels (FL)", 1), ("quad(side)", 4), ("ambisonic 1", None)],
)  # fmt: skip
def test_channels_are_counted(layout: str, count: int | None):
    assert channels_in(layout) == count


def test_a_track_is_chosen_by_number_and_name(tmp_path: Path):
    path = tmp_path / "two.mkv"
    tones = [word for hertz in (300, 900) for word in ("-f", "lavfi", "-i", f"sine={hertz}:r=16000:d=1")]
    ffmpeg(*tones, "-map", "0", "-map", "1", "-metadata:s:a:1", "title=Mic", "-c:a", "pcm_s16le", str(path))

    def hertz(track: str | None) -> int:
        with read_sound(probe(path, audio_track=track)) as sound:
            return int(np.abs(np.fft.rfft(sound[:16000])).argmax())

    assert [hertz(track) for track in (None, "1", "2", "mic")] == [300, 300, 900, 900]


def test_what_is_off_zero_all_the_time_is_taken_off_but_from_silence():
    rng = np.random.default_rng(0)
    voice = 0.1 * rng.standard_normal((8000, 2)).astype("<f4")
    voice -= voice.mean(axis=0)
    with Sound(DecodeLog(), 2) as sound:
        sound.add_silence(500)
        sound.add((voice + np.float32([0.3, 0.0001])).tobytes())
        sound.add_silence(700)
        sound.flush()
        assert len(sound) == 9200
        np.testing.assert_allclose(sound[500:8500], voice.mean(axis=1), atol=1e-3)
        np.testing.assert_allclose(sound[400:600][100:], voice[:100].mean(axis=1), atol=1e-3)
        # What lies by chance so near to zero is left as it is.
        assert sound.apart(slice(500, 8500))[:, 1].mean() == pytest.approx(0.0001, abs=1e-6)
        assert not sound[:500].any()
        assert not sound[8500:9200].any()
        assert not sound.apart(slice(8400, 9200))[100:].any()


@pytest.mark.parametrize("piece", [777, 16000])
def test_what_is_off_zero_and_jumps_is_taken_off_where_it_is(piece: int):
    rng = np.random.default_rng(0)
    voice = 0.1 * rng.standard_normal((10 * 16000, 2)).astype("<f4")
    offset = np.zeros_like(voice)
    offset[4 * 16000 :, 0], offset[:, 1] = 0.3, 0.2
    with Sound(DecodeLog(), 2) as sound:
        sound.add_silence(3 * 16000)
        for first in range(0, len(voice), piece):
            sound.add((voice + offset)[first : first + piece].tobytes())
        sound.flush()
        assert not sound[: 3 * 16000].any()
        heard = sound.apart(slice(3 * 16000, None))
        off = np.abs((heard - voice).reshape(-1, 1600, 2).mean(axis=1))
        # Around the jump, a quarter of a second may be off.
        assert (off > 0.01).sum() <= 3
        assert off[:35].max() < 0.01
        assert off[45:].max() < 0.01
        np.testing.assert_array_equal(sound.apart(slice(50_001, 90_001)), heard[2001:42_001])


def test_many_channels_stay_apart_and_their_mix_is_not_cut_off(made: Make, tmp_path: Path):
    whole = probe(made("mono.wav", "-vn", "-ac", "1", "-ar", "16000", "-filter:a", "volume=1.8"))
    path = tmp_path / "many.wav"
    # The fourth channel of this layout is that of the bass, which a mix leaves out.
    ffmpeg("-i", str(whole.path), "-af", "pan=5.1|c0=0.9*c0|c1=0.9*c0|c2=0.9*c0|c3=0.5*c0|c4=0.9*c0",
           "-c:a", "pcm_f32le", str(path))  # fmt: skip
    media = probe(path)
    assert media.audio is not None
    assert media.audio.count == 6
    with read_sound(whole) as one, read_sound(media, 6) as six, read_sound(media) as mix:
        voice = one[: len(one)]
        parts = [0.9, 0.9, 0.9, 0.5, 0.9, 0]
        np.testing.assert_allclose(six.apart(slice(None)), voice[:, None] * np.float32(parts), atol=1e-4)
        mixed = mix[:]
        assert np.abs(mixed).max() > 1
        assert np.corrcoef(mixed, voice)[0, 1] > 0.9999


@pytest.mark.parametrize(("count", "last"), [(3, 1), (6, 3), (8, 3), (10, 9), (24, 23), (32, 20)])
def test_recordings_of_many_microphones_are_mixed(tmp_path: Path, count: int, last: int):
    """No channel is taken for that of the bass, nor left out."""
    voice = np.sin(np.arange(16_000) / 20)
    parts = np.zeros((len(voice), count))
    parts[:, 2], parts[:, last] = 0.4 * voice, 0.1 * voice
    path = tmp_path / "many.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((count, 2, 16_000, 0, "NONE", ""))
        file.writeframes((32_767 * parts).astype("<i2").tobytes())
    with read_sound(probe(path)) as mix:
        np.testing.assert_allclose(mix[:], 0.5 * voice, atol=1e-3)


def test_the_mix_of_two_channels_is_their_mean(made: Make, tmp_path: Path):
    mono = made("mono.wav", "-vn", "-ac", "1", "-ar", "16000")
    path = tmp_path / "two.wav"
    ffmpeg("-i", str(mono), "-af", "pan=stereo|c0=c0|c1=0.5*c0", str(path))
    with read_sound(probe(mono)) as one, read_sound(probe(path)) as two:
        np.testing.assert_allclose(two[: len(one)], 0.75 * one[: len(one)], atol=1e-3)
