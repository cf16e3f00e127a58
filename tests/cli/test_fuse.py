"""What `fuse` prints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emoview import InputError
from emoview.cli.fuse import fuse
from emoview.fusion.rules import RULES
from emoview.training.late_fusion import Predictions, late_fusions, read_predictions


def test_fuse_shows_models_alone_and_their_mean(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Norman 2019, section 6.5, whose tables hold the models' average accuracy beside the fused."""
    labels = np.arange(28) % 7
    right = np.eye(7, dtype=np.float32)[labels]
    half = np.where((np.arange(28) < 14)[:, None], right, np.roll(right, 1, axis=1))
    clips = tuple(f"{i}.mp4" for i in range(28))
    Predictions(clips, labels, tuple("abcd" * 7), {"a": right, "b": half}).save(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    fuse([tmp_path])
    rows = {line.strip().split("  ")[0]: line for line in capfd.readouterr().out.splitlines()}
    assert "100.0" in rows["a"]
    assert "50.0" in rows["b"]
    assert "75.0" in rows["mean of the networks"]
    assert set(RULES) <= set(rows)


@pytest.mark.parametrize("actors", ["", "a", "ab", "aab", "aabb", "abcd"])
def test_few_clips_are_fused_or_refused_in_a_sentence(actors: str):
    logits = np.random.default_rng(0).normal(size=(len(actors), 7)).astype(np.float32)
    clips, labels = tuple(map(str, range(len(actors)))), np.arange(len(actors)) % 2
    predictions = Predictions(clips, labels, tuple(actors), {"x": logits, "y": -logits})
    if len(set(actors)) > 1:
        assert set(late_fusions(predictions, ["x", "y"])) == set(RULES)
    else:
        with pytest.raises(InputError, match="add recordings of somebody else"):
            late_fusions(predictions, ["x", "y"])


def test_networks_of_runs_that_are_called_alike_are_fused_all(tmp_path: Path):
    clips, labels, actors = tuple("0123"), np.arange(4) % 2, tuple("aabb")
    runs = [tmp_path / place / "run" for place in ("a", "b")]
    for number, run in enumerate(runs):
        run.mkdir(parents=True)
        logits = np.full((4, 7), number, np.float32)
        Predictions(clips, labels, actors, {"net": logits}).save(run)
    found = read_predictions(runs)
    assert {name: values[0, 0] for name, values in found.logits.items()} == {
        f"{run}/net": number for number, run in enumerate(runs)
    }
    with pytest.raises(InputError, match="is named twice"):
        read_predictions([runs[0], runs[0]])
    # The same names of clips, which show something else.
    Predictions(clips, labels[::-1], actors, {"net": logits}).save(runs[1])
    with pytest.raises(InputError, match="for different clips"):
        read_predictions(runs)
