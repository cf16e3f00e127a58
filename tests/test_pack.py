"""Runs that are kept small."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from trained import said_by

from emoview.networks.runs import RUN_FILE, load_network, networks_of, read_metrics, read_run
from emoview.networks.seen import read_seen
from tools.pack import main


def test_a_packed_run_says_the_same(picture_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    run, packed = shutil.copytree(picture_run, tmp_path / "run"), tmp_path / "packed"
    stored = json.loads((run / RUN_FILE).read_text())
    stored["config"]["start"] = "/somewhere/before"
    (run / RUN_FILE).write_text(json.dumps(stored))
    monkeypatch.setattr(sys, "argv", ["pack", str(run), str(packed)])
    main()
    (network,) = networks_of(packed)
    assert networks_of(picture_run) == [network]
    small, large = ((run / f"{network.name}.keras").stat().st_size for run in (packed, picture_run))
    assert small < 0.6 * large
    pictures = np.random.default_rng(3).random((4, 48, 48, 1)).astype(np.float32)
    expected, found = (said_by(load_network(run, network), pictures) for run in (picture_run, packed))
    np.testing.assert_allclose(found, expected, atol=2e-2 * np.abs(expected).max())
    assert read_metrics(packed) == read_metrics(picture_run)
    assert read_seen(packed).keys() == read_seen(picture_run).keys()
    assert "/" not in read_run(packed)["data"]
    assert read_run(packed)["config"]["start"] == "before"
    assert not (packed / network.name).exists()
