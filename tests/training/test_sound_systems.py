"""Systems trained on sound."""

from __future__ import annotations

from pathlib import Path

from conftest import Make
from expected import PLAIN
from trained import quiet, read_history_of

from emoview import LABELS, analyze
from emoview.evaluation.seen import SeenCheck
from emoview.evaluation.voices import evaluate_voices
from emoview.networks.runs import read_metrics
from emoview.training.systems.catalog import SYSTEMS


def test_a_sound_run_knows_both_protocols_and_stands_in_for_the_voice(
    sound_run: Path, speech: Path, made: Make
):
    metrics = read_metrics(sound_run)
    assert set(metrics) == {"mfcc-cnn-random-split", "mfcc-cnn-speaker-folds"}
    assert metrics["mfcc-cnn-speaker-folds"]["examples"] == 36
    assert metrics["mfcc-cnn-speaker-folds"]["accuracy"]["value"] > 60
    for part in ("mfcc-cnn-random-split", "mfcc-cnn-speaker-folds/1"):
        assert {"loss", "accuracy", "validation_loss", "validation_accuracy"} <= read_history_of(
            sound_run / part
        )[0].keys()
    again = evaluate_voices(
        str(sound_run), speech, "given", seed=1, on_event=quiet, check=SeenCheck("include")
    )
    assert again["mfcc-cnn-speaker-folds"].examples == 36
    result = analyze(made(PLAIN), weights=sound_run)
    assert "voice/mfcc-cnn-speaker-folds.keras" in {weight.name for weight in result.weights}
    assert result.overall.voice is not None
    # It has never heard of disgust, and so never says it.
    assert result.overall.voice.probabilities[LABELS.index("disgust")] < 1e-6


def test_the_random_split_of_voices_leaves_a_third_out(sound_run: Path):
    """Giordano 2020, section 4.8: a third of the recordings is measured on."""
    assert SYSTEMS["mfcc-cnn"].options({}).test == 0.33
    assert SYSTEMS["mfcc-cnn"].options({}).songs
    assert read_metrics(sound_run)["mfcc-cnn-random-split"]["examples"] == 12
