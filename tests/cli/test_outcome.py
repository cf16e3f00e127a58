"""What a training prints in the end."""

from __future__ import annotations

import io
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from emoview.cli.console import Screen
from emoview.cli.render_training import outcome
from emoview.errors import InputError
from emoview.evaluation.comparison import compared
from emoview.metrics.values import measure_folds
from emoview.networks.runs import Run, networks_of


@pytest.mark.parametrize("width", [80, 100, 140])
def test_names_and_figures_are_whole_in_a_narrow_terminal(
    tmp_path: Path, width: int, monkeypatch: pytest.MonkeyPatch
):
    run = Run(tmp_path, "valence-arousal", {}, tmp_path)
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 5, (2, 30))
    figures = measure_folds(one, other, [np.arange(30)], ["a"] * 30, scale=10.0)
    run.measured("resnet152, arousal", asdict(figures))
    text = io.StringIO()
    monkeypatch.setattr("emoview.networks.runs.networks_of", lambda _: [])
    outcome(Screen(text, width=width), tmp_path)
    assert "resnet152, arousal" in text.getvalue()
    assert "…" not in text.getvalue()


def test_a_run_without_a_network_is_told(tmp_path: Path):
    Run(tmp_path / "run", "frame-cnn", {}, tmp_path).save()
    with pytest.raises(InputError, match="run has no network: its training was stopped"):
        networks_of(tmp_path / "run")
    # Beside others it has no figures.
    assert compared([tmp_path / "run"]) == []
