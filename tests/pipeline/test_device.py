"""Where the networks run."""

from __future__ import annotations

from pathlib import Path

import pytest

from emoview.pipeline import device


def test_any_one_of_several_cards_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device, "_DEVICES", tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert not device._may_have_cards()
    (tmp_path / "nvidia3").touch()
    assert device._may_have_cards()
