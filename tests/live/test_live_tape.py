"""The recorded pictures: one a tick, whatever is missing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from emoview.media.tape import Tape


@pytest.fixture
def taped(monkeypatch):
    """A tape whose pictures are kept; gives it, and the brightness of each."""
    shown: list[int] = []
    pipe = SimpleNamespace(write=lambda content: shown.append(content[0]), close=lambda: None)

    def opened(self, picture) -> None:
        self._size = picture.shape[1], picture.shape[0]
        self._process = SimpleNamespace(stdin=pipe, wait=lambda: 0)

    monkeypatch.setattr(Tape, "_open", opened)
    return Tape(Path("never-written.mkv")), shown


def grey(value: int, width: int = 8) -> np.ndarray:
    return np.full((6, width, 3), value, np.uint8)


def test_after_a_long_gap_the_pictures_go_on_at_their_ticks(taped):
    tape, shown = taped
    gap = 200
    tape.add(None)
    tape.add(grey(10))
    for _ in range(gap):
        tape.add(None)
    tape.add(grey(20))
    tape.add(grey(30))
    tape.close()
    assert shown == [0, 10, *[10] * gap, 20, 30]


def test_a_wider_picture_is_brought_to_the_size_of_the_first(taped):
    tape, _ = taped
    tape.add(grey(10))
    tape.close()
    half = np.concatenate([grey(0), grey(200)], axis=1)
    assert tape._fitted(half).shape == (6, 8, 3)
    assert tape._fitted(half)[0, -1, 0] == 200, "the right half is there, too"
