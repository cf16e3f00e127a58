"""The training loop: optimizers, rates, losses and precision."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np
import pytest
from conftest import ROOT
from trained import read_history_of, trained

from emoview import InputError
from emoview.networks.runs import load_network, networks_of
from emoview.training.loop import fit
from emoview.training.losses import MulticlassHinge
from emoview.training.plan import Optimizer, Plan
from emoview.training.precision import policy


@pytest.mark.parametrize("name", get_args(Optimizer))
def test_optimizers_learn(name: Any, tmp_path: Path):
    """Giordano 2020, figures 4.4 and 4.5: what is tried beside Adam."""
    plan = Plan(4, 1.0 if name == "adadelta" else 0.05, optimizer=name)
    values = np.random.default_rng(0).normal(size=(4, 8, 3)).astype(np.float32)

    def build_line() -> keras.Model:
        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])

    fit(
        build_line, lambda _: iter([(v, v.sum(axis=1, keepdims=True)) for v in values]),
        lambda _: {"validation_accuracy": 0.0}, plan, tmp_path, loss="mse", seed=1,
    )  # fmt: skip
    losses = [row["loss"] for row in read_history_of(tmp_path)]
    assert losses[-1] < losses[0]


def test_momentum():
    sgd = Plan(1, 0.001, optimizer="sgd", momentum=0.9).new_optimizer()
    assert (sgd.momentum, float(sgd.learning_rate)) == (0.9, pytest.approx(0.001))
    with pytest.raises(InputError, match="adam takes no momentum"):
        Plan(1, 0.001, momentum=0.9)


def test_rates_of_a_plan():
    assert Plan(20, 1.0, schedule="step", factor=0.2, step_at=10).rate_at(10, []) == pytest.approx(0.2)
    stairs = Plan(20, 1.0, schedule="staircase", factor=0.95, step_at=2)
    assert stairs.rate_at(5, []) == pytest.approx(0.95**2)
    plateau = Plan(20, 1.0, schedule="plateau", factor=0.2, patience=2)
    assert plateau.rate_at(3, [50, 60, 61]) == 1.0
    assert plateau.rate_at(4, [60, 59, 58, 57]) == pytest.approx(0.2)
    assert plateau.rate_at(5, [60, 59, 58, 57, 56]) == pytest.approx(0.04)


def test_what_a_plateau_watches():
    row = {"loss": 1.0, "accuracy": 60.0, "validation_loss": 2.0, "validation_accuracy": 50.0}
    chooses = "validation_accuracy"
    watched = [
        Plan(1, 1.0, watch=what).watched(row, chooses) for what in ("accuracy", "loss", "training-loss")
    ]
    assert watched == [50, -2, -1]
    # Where nothing is held out, the part that is measured decides nothing.
    assert Plan(1, 1.0, watch="loss").watched(row, "accuracy") == -1


def test_hinge_by_hand():
    """System E, equation 33; the scores of the first example are those of its equation 4."""
    targets, scores = np.eye(3, dtype=np.float32)[[1, 0]], np.array([[6, 14, 9], [2, 1, 4]], np.float32)
    # With a margin of 10 the first lacks 2 and 5, and the second 9 and 12.
    assert float(MulticlassHinge(10.0)(targets[:1], scores[:1])) == pytest.approx(np.sqrt(2**2 + 5**2))
    both = float(MulticlassHinge(10.0)(targets, scores))
    assert both == pytest.approx(np.sqrt(2**2 + 5**2 + 9**2 + 12**2) / 2)
    # With the usual margin of 1, the first lacks nothing; of the second, the label 4 stands 3 too high.
    assert float(MulticlassHinge()(targets, scores)) == pytest.approx(3 / 2)
    weighted = float(MulticlassHinge()(targets, scores, sample_weight=np.array([1, 4], np.float32)))
    assert weighted == pytest.approx(2 * 3 / 2)
    assert float(MulticlassHinge()(targets[:1], scores[:1])) == 0
    # Of probabilities it is the expectation over the labels they may be.
    labels = np.eye(3, dtype=np.float32)
    each = [float(MulticlassHinge(10.0).call(one[None], scores[:1])[0]) for one in labels]
    assert each == pytest.approx([18**2 + 13**2, 2**2 + 5**2, 7**2 + 15**2])
    said = np.array([[0.2, 0.7, 0.1]], np.float32)
    assert float(MulticlassHinge(10.0)(said, scores[:1])) == pytest.approx(np.sqrt(said[0] @ each))


def test_bfloat16_where_the_processor_has_it(faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    flags = tmp_path / "cpuinfo"
    monkeypatch.setattr("emoview.training.precision._CPU_INFO", flags)
    assert policy() == "float32"
    flags.write_text("flags : fma avx2")
    assert policy() == "float32"
    flags.write_text("flags : fma avx2 amx_bf16 amx_tile")
    assert policy() == "mixed_bfloat16"
    run = trained("frame-cnn", faces, tmp_path / "run", network="frame-cnn", batch=16, plan={"epochs": 1})
    stored = load_network(run, networks_of(run)[0])
    assert {layer.compute_dtype for layer in stored.layers} == {"float32"}
    checkpoint = keras.models.load_model(run / "frame-cnn" / "checkpoint-1.keras")
    assert "bfloat16" in {layer.compute_dtype for layer in checkpoint.layers}


def test_every_network_that_learns_is_compiled_by_one_rule():
    """Keras' own choice, or a fixed one, is wrong for one of its back ends."""
    calls = [
        (path.name, next((ast.unparse(k.value) for k in node.keywords if k.arg == "jit_compile"), None))
        for path in sorted((ROOT / "emoview" / "training").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if node.func.attr == "compile" and ast.unparse(node.func) != "re.compile"
    ]
    assert len(calls) >= 4
    assert {how for _, how in calls} == {"compiled()"}, calls


def test_two_processes_never_train_in_one_folder(tmp_path: Path):
    code = (
        "import sys, pathlib, emoview.common.files as files\n"
        "with files.held(pathlib.Path(sys.argv[1])) as alone:\n    print(alone, flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def learn() -> None:
        fit(
            lambda: keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]),
            lambda _: iter([(np.ones((2, 3), np.float32), np.ones((2, 1), np.float32))]),
            lambda _: {"validation_accuracy": 0.0}, Plan(1, 0.1), tmp_path, loss="mse", seed=1,
        )  # fmt: skip

    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with pytest.raises(InputError, match="being trained by another process"):
            learn()
        assert list(tmp_path.iterdir()) == []
        other.communicate("")
    learn()
    assert len(read_history_of(tmp_path)) == 1
