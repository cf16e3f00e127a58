"""Speech described for training, kept and read back."""

from __future__ import annotations

import itertools
import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile
from made_data import refused, write

from emoview import LABELS
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.speech import (
    Variant,
    describe_speech,
    load_samples,
    read_index,
)


def test_described_speech_is_read_back_with_what_was_altered(speech: Path, tmp_path: Path):
    names = sorted(path.name for path in speech.iterdir())[:4]
    data = tmp_path / "speech"
    data.mkdir()
    lines = ["path,corpus,speaker,language,label,extra"]
    for i, name in enumerate(names):
        shutil.copy(speech / name, data / name)
        lines.append(f"{name},mine,{i // 2},en,happy,")
    (data / "index.csv").write_text("\n".join(lines) + "\n")
    first = describe_speech(data, tmp_path / "cache", variants=[*Variant])
    assert first.altered.tolist() == [False] * 4 + [True] * 20
    kinds = np.array_split(first.functionals, 6)
    assert [u.person for u in first.utterances] == [u.person for u in first.utterances[:4]] * 6
    for one, other in itertools.combinations(kinds, 2):
        assert np.abs(one - other).max(axis=1).min() > 0.1
    for name in names:
        (data / name).unlink()
    again = describe_speech(data, tmp_path / "cache", variants=[*Variant])
    np.testing.assert_array_equal(again.functionals, first.functionals)
    for one, other in zip(again.ticks, first.ticks, strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_does_not_speak_is_left_out_and_language_and_sentence_are_read(tmp_path: Path):
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += ["a.opus,deeply,1,,nv_laughing,", "b.opus,ased,1,am,sad,take=01;sentence=common06;sex=f"]
    lines += ["c.opus,ravdess,1,en,calm,int01_stm01_rep01"]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    read = [(u.corpus, u.label, u.language, u.sentence) for u in read_index(tmp_path)]
    assert read == [("ased", "sad", "am", "common06"), ("ravdess", "calm", "en", "")]


def test_index_is_thinned_evenly(tmp_path: Path):
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += [f"{i}.opus,tess,OAF,en,{LABELS[i % 2]}," for i in range(100)]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    assert len(list(read_index(tmp_path))) == 100
    some = [int(u.path.stem) for u in read_index(tmp_path, most=5)]
    assert len(some) == 10
    assert max(some) >= 80
    assert VOICE_LABELS[: len(LABELS)] == LABELS


def test_a_recording_that_cannot_be_heard_is_named(tmp_path: Path):
    for name, content in (("damaged.wav", b"RIFF"), ("empty.flac", b"")):
        with refused(name, "cannot be decoded"):
            load_samples(write(tmp_path / name, content))
    for name, samples in (("nothing.wav", np.zeros(0)), ("odd.wav", np.full(100, np.nan))):
        soundfile.write(tmp_path / name, samples.astype(np.float32), 16_000, subtype="FLOAT")
        with refused(name, "take it out"):
            load_samples(tmp_path / name)


def test_a_recording_is_not_blamed_for_a_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Librosa(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise RuntimeError(f"cannot cache function {name!r}: no locator available")

    soundfile.write(tmp_path / "fine.wav", np.full(100, 0.1), 16_000)
    monkeypatch.setitem(sys.modules, "librosa", Librosa("librosa"))
    with pytest.raises(RuntimeError, match="cannot cache"):
        load_samples(tmp_path / "fine.wav")
