"""Where the networks run."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from emoview.errors import DeviceError
from emoview.pipeline import device


def test_any_one_of_several_cards_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(device, "_DEVICES", tmp_path)
    (tmp_path / "nvidiactl").touch()
    assert not device._may_have_cards()
    (tmp_path / "nvidia3").touch()
    assert device._may_have_cards()


def test_back_ends_are_told_to_leave_memory_of_a_card_to_others(monkeypatch: pytest.MonkeyPatch):
    told = ("TF_FORCE_GPU_ALLOW_GROWTH", "XLA_PYTHON_CLIENT_PREALLOCATE")
    for name in (*told, "TF_CPP_MIN_LOG_LEVEL"):
        # Set first, so that what was there before comes back in the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(backend=SimpleNamespace(backend=lambda: "")))
    with pytest.raises(DeviceError, match="no GPU is visible"):
        device.select_device(device.Device.GPU)
    assert [os.environ[name] for name in told] == ["true", "false"]
