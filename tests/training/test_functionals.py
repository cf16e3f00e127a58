"""System D's network over functionals: its options, and the sets that it can take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from emoview import InputError
from emoview.networks.catalog import build
from emoview.networks.flops import flops
from emoview.networks.runs import FEATURE_WIDTHS, NetworkOfRun, Run, load_network
from emoview.training.systems.catalog import SYSTEMS
from emoview.training.systems.sound import _FUNCTIONS
from emoview.voice.descriptors import functionals
from emoview.voice.smile import FunctionalSet


def test_layers_of_the_dense_network():
    """Norman 2019, section 6.4, table 1: units, batch normalisation, dropout of 0.5."""
    plain = build("functionals-dnn", input_shape=(988,))
    assert plain.count_params() - 2 * 988 - 1 == 988 * 1024 + 1024 + 1024 * 7 + 7
    two = build("functionals-dnn", input_shape=(988,), units=(256, 64), batch_norm=True)
    kinds = [type(layer).__name__ for layer in two.layers]
    step = ["Dense", "BatchNormalization", "Activation", "Dropout"]
    assert kinds == ["InputLayer", "Normalization", *step, *step, "Dense"]
    assert [layer.units for layer in two.layers if isinstance(layer, keras.layers.Dense)] == [256, 64, 7]
    assert {layer.rate for layer in two.layers if isinstance(layer, keras.layers.Dropout)} == {0.5}


def test_settings_are_the_published_ones():
    options = SYSTEMS["functionals-dnn"].options({})
    plan = options.plan
    assert (plan.epochs, plan.rate, options.batch, plan.step_in) == (100, 1e-5, 16, "batches")
    assert SYSTEMS["functionals-dnn"].options({"units": 512}).units == 512
    assert SYSTEMS["functionals-dnn"].options({"units": [256, 64]}).units == (256, 64)
    for wrong in ({"units": 0}, {"units": []}, {"dropout": 1.0}, {"features": "emo_large"}):
        with pytest.raises(InputError, match="is not"):
            SYSTEMS["functionals-dnn"].options(wrong)


@pytest.mark.parametrize("which", FunctionalSet)
def test_sets_of_functionals(which: FunctionalSet):
    time = np.arange(16_000) / 16_000
    tone = (0.5 * np.sin(2 * np.pi * 220 * time * (1 + 0.2 * time))).astype(np.float32)
    said = functionals(tone, which)
    assert said.shape == (which.width,)
    assert np.isfinite(said).all()
    assert np.std(said) > 0
    assert functionals(np.zeros(100, np.float32), which).shape == (which.width,)


def test_widths_of_what_networks_take(tmp_path: Path):
    assert FEATURE_WIDTHS.keys() == _FUNCTIONS.keys()
    network = build("functionals-dnn", input_shape=(988,), units=2)
    for takes, fits in (("emobase", True), ("is10", False)):
        stored = NetworkOfRun("a", "voice", takes, ("x",) * 7, None, False, 1.0, 9, flops(network))
        Run(tmp_path / takes, "functionals-dnn", {}, tmp_path).add(stored, network, None)
        if fits:
            assert load_network(tmp_path / takes, stored).count_params() == network.count_params()
        else:
            with pytest.raises(InputError, match="does not match the inputs"):
                load_network(tmp_path / takes, stored)


def test_options_of_another_network_are_refused_before_anything_is_described(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def none(*_: Any) -> Any:
        raise AssertionError("described")

    monkeypatch.setattr("emoview.training.systems.sound.describe", none)
    for label in ("happy", "sad"):
        (tmp_path / f"{label}.wav").write_bytes(label.encode())
    rows = [f"{label}.wav,a,{i},{label}" for i, label in enumerate(("happy", "sad"))]
    (tmp_path / "index.csv").write_text("\n".join(["path,corpus,speaker,label", *rows]) + "\n")
    system = SYSTEMS["mfcc-cnn"]
    options = system.options({"units": 512, "corpora": []})
    with pytest.raises(InputError, match="mfcc-cnn has no option units"):
        system.train(options, tmp_path, Run(tmp_path / "run", "mfcc-cnn", options, tmp_path), lambda _: None)
