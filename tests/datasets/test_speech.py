"""Recordings of speech, by file names and by an index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
from made_data import refused, write

from emoview.datasets.speech import read_speech

NAMES = {
    "Actor_12/03-01-06-01-02-01-12.wav": ("ravdess", "12", "fear"),
    "Actor_12/03-01-02-01-02-01-12.wav": ("ravdess", "12", "calm"),
    "tess/OAF_Pleasant/OAF_back_ps.wav": ("tess", "OAF", "surprise"),
    "tess/YAF_angry/YAF_dog_angry.wav": ("tess", "YAF", "anger"),
    "emodb/03a01Fa.wav": ("emodb", "03", "happy"),
    "emodb/16b10Lb.wav": ("emodb", "16", "boredom"),
    "crema/1001_DFA_ANG_XX.wav": ("crema-d", "1001", "anger"),
    "crema/1091_IEO_HAP_HI.wav": ("crema-d", "1091", "happy"),
    "savee/DC_a01.wav": ("savee", "DC", "anger"),
    "savee/KL_su15.wav": ("savee", "KL", "surprise"),
    "savee/JE/sa03.wav": ("savee", "JE", "sad"),
}


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(160), 16000)
    return path


def test_speech_by_file_names(tmp_path: Path):
    for name in [*NAMES, "Actor_12/03-02-06-01-02-01-12.wav"]:
        sound(tmp_path / name)
    write(tmp_path / "README.txt")
    found = {
        u.path.relative_to(tmp_path).as_posix(): (u.corpus, u.speaker, u.label) for u in read_speech(tmp_path)
    }
    assert found == NAMES
    songs = {u.path.name: u for u in read_speech(tmp_path, songs=True)}
    assert len(songs) == len(NAMES) + 1
    song = songs["03-02-06-01-02-01-12.wav"]
    assert (song.person, song.label) == ("ravdess/12", "fear")
    assert [u.label for u in read_speech(tmp_path / "emodb", layout="emodb")] == ["happy", "boredom"]
    with refused("03a01Fa.wav", "ravdess"):
        read_speech(tmp_path / "emodb", layout="ravdess")
    odd = sound(tmp_path / "crema" / "1001_DFA_XXX_XX.wav")
    with refused(str(odd), "index.csv"):
        read_speech(tmp_path)


def test_speech_by_index(tmp_path: Path):
    sound(tmp_path / "a.wav")
    index = write(tmp_path / "index.csv", "path,corpus,speaker,label\na.wav,mine,1,calm\n")
    (utterance,) = read_speech(tmp_path)
    assert (utterance.path, utterance.person, utterance.label) == (tmp_path / "a.wav", "mine/1", "calm")
    for text, words in [
        ("path,corpus,label\na.wav,mine,sad\n", ("line 1", "'speaker'")),
        ("path,corpus,speaker,label\na.wav,mine,1,sad\na.wav,mine,1,shy\n", ("line 3", "'shy'")),
        ("path,corpus,speaker,label\na.wav,mine,1,sad\nb.wav,mine,1,sad\n", ("line 3", "b.wav")),
        ("path,corpus,speaker,label\na.wav,mine,,sad\n", ("line 2", "speaker")),
        ("path,corpus,speaker,label\n", ("no recordings",)),
    ]:
        index.write_text(text)
        with refused("index.csv", *words):
            read_speech(tmp_path)


def test_speech_that_is_not_there(tmp_path: Path):
    with refused("neither index.csv nor recordings"):
        read_speech(tmp_path)
    with refused("index.csv"):
        read_speech(tmp_path, layout="index")
    with refused("absent"):
        read_speech(tmp_path / "absent")
    with refused("'other'"):
        read_speech(tmp_path, layout="other")
