"""Speech described for training, kept and read back."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import numpy as np

from emoview import LABELS
from emoview.timeline.labels import VOICE_LABELS
from emoview.training.speech import (
    Variant,
    describe_speech,
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


def test_index_is_thinned_evenly(tmp_path: Path):
    lines = ["path,corpus,speaker,language,label,extra"]
    lines += [f"{i}.opus,tess,OAF,en,{LABELS[i % 2]}," for i in range(100)]
    (tmp_path / "index.csv").write_text("\n".join(lines) + "\n")
    assert len(list(read_index(tmp_path))) == 100
    some = [int(u.path.stem) for u in read_index(tmp_path, most=5)]
    assert len(some) == 10
    assert max(some) >= 80
    assert VOICE_LABELS[: len(LABELS)] == LABELS
