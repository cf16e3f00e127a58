"""What holds for all data sets, and the real ones where they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from made_data import shown

from emoview import LABELS
from emoview.datasets.clips import read_clip_index
from emoview.datasets.names import label_named
from emoview.datasets.pictures import open_pictures
from emoview.datasets.speech import read_speech
from emoview.errors import DatasetError, InputError


def test_words_for_labels():
    assert [label_named(w) for w in ("Angry", "NEUTRALITY", "sadness", "contempt", "")] == [
        "anger", "neutral", "sad", None, None,
    ]  # fmt: skip
    assert all(label_named(label) == label for label in LABELS)
    assert issubclass(DatasetError, InputError)


def test_reading_data_needs_no_network_library():
    modules = ["affect", "clips", "pictures", "speech", "splits"]
    code = "import sys\n" + "\n".join(f"import emoview.datasets.{m}" for m in modules)
    code += "\nprint(*sorted({'keras', 'tensorflow', 'librosa'} & set(sys.modules)))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == ""


def real(name: str) -> Path:
    """Give a folder of the real data, whose place the environment names."""
    root = os.environ.get("EMOVIEW_DATA")
    if not root or not (Path(root) / name).is_dir():
        pytest.skip(f"no {name} under EMOVIEW_DATA")
    return Path(root) / name


@pytest.mark.parametrize("name", ["fer2013", "faces7"])
def test_real_pictures(name: str):
    pictures = open_pictures(real(name), "valid")
    assert set(shown(pictures)) == set(LABELS)
    assert pictures.check() == []
    assert pictures.picture(0, size=48).shape == (48, 48)


def test_real_speech():
    utterances = read_speech(real("speech"))
    assert {"ravdess", "emodb"} <= {u.corpus for u in utterances}
    # Where the names tell too, they tell the same.
    for corpus in {"ravdess", "tess", "emodb"} & {p.name for p in real("speech").iterdir()}:
        assert set(read_speech(real("speech") / corpus)) == {u for u in utterances if u.corpus == corpus}


def test_real_clips():
    clips = read_clip_index(real("clips"))
    assert len(clips) == 192
    assert set(Counter(clip.actor for clip in clips).values()) == {24}
