"""Networks that Keras saved: damaged, packed, or made by somebody with bad intent."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from emoview.errors import InputError
from emoview.networks.runs import NetworkOfRun, load_network
from emoview.networks.saved import load_saved, load_weights
from emoview.training.loop import fit
from emoview.training.plan import Plan
from tests.reading.damage import damaged_bytes, damaged_json, survives

NETWORK = NetworkOfRun("tiny", "face", "pictures", ("a", "b"), 4, False, 1.0, 1, 1)


def _tiny() -> keras.Model:
    given = keras.Input((4, 4, 1))
    return keras.Model(given, keras.layers.Dense(2, name="logits")(keras.layers.Flatten()(given)))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    file = tmp_path / "tiny.keras"
    _tiny().save(file)
    return file


def _packed(file: Path, change: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in {**members, **change}.items():
            archive.writestr(name, content)


def test_damaged_archives(saved: Path):
    survives(saved, damaged_bytes, lambda: load_network(saved.parent, NETWORK), times=20)


def test_damaged_configurations(saved: Path):
    with zipfile.ZipFile(saved) as archive:
        config = archive.read("config.json")

    def damage(content: bytes, rng: Any) -> bytes:
        packed = io.BytesIO(content)
        saved.write_bytes(content)
        _packed(saved, {"config.json": damaged_json(config, rng)})
        packed = io.BytesIO(saved.read_bytes())
        return packed.getvalue()

    survives(saved, damage, lambda: load_network(saved.parent, NETWORK), times=20)


def test_what_is_loaded_is_what_the_run_says(saved: Path):
    assert load_network(saved.parent, NETWORK).count_params() == 34
    for other in (
        replace(NETWORK, labels=("a", "b", "c")), replace(NETWORK, size=5), replace(NETWORK, colour=True),
    ):  # fmt: skip
        with pytest.raises(InputError, match="does not match the inputs or outputs"):
            load_network(saved.parent, other)


def test_packed_and_large_archives_are_refused(saved: Path):
    with pytest.raises(InputError, match="unpacks to"):
        load_saved(saved, "x", most=1000)
    _packed(saved, {}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="not a network as Keras saves it"):
        load_saved(saved, "x")
    _packed(saved, {"more.bin": b"\0" * 2_000_000}, zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="unpacks to"):
        load_saved(saved, "x", most=1_000_000)


def test_arrays_that_unpack_to_too_much(saved: Path, tmp_path: Path):
    weights = tmp_path / "bomb.h5"
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/dense/vars/0", (2**31,), "f4", chunks=True, compression="gzip")
    assert weights.stat().st_size < 100_000
    _packed(saved, {"model.weights.h5": weights.read_bytes()})
    with pytest.raises(InputError, match="unpacks to too much"):
        load_saved(saved, "x")


def test_arrays_of_other_files_are_not_read(saved: Path, tmp_path: Path):
    weights = tmp_path / "links.h5"
    with h5py.File(weights, "w") as file:
        file["a"] = h5py.ExternalLink("/etc/passwd", "/")
    _packed(saved, {"model.weights.h5": weights.read_bytes()})
    with pytest.raises(InputError, match="points to another file"):
        load_saved(saved, "x")


def test_code_is_not_run(tmp_path: Path):
    given = keras.Input((2,))
    file = tmp_path / "lambda.keras"
    keras.Model(given, keras.layers.Lambda(lambda x: x + 1)(given)).save(file)
    with pytest.raises(InputError, match="cannot be loaded"):
        load_saved(file, "x")


def test_checkpoints_and_weights_that_are_damaged(tmp_path: Path):
    def train() -> None:
        fit(
            _tiny, lambda epoch: iter([(np.ones((2, 4, 4, 1), np.float32), np.eye(2, dtype=np.float32))]),
            lambda model: {"validation_accuracy": 1.0, "validation_loss": 1.0}, Plan(1, 0.1), tmp_path,
            loss="mse", seed=1,
        )  # fmt: skip

    train()
    for name in ("checkpoint-1.keras", "best.weights.h5", "history.json"):
        survives(tmp_path / name, damaged_json if name.endswith("json") else damaged_bytes, train, times=5)
    (tmp_path / "checkpoint-1.keras").unlink()
    with pytest.raises(InputError, match="does not exist"):
        train()


def test_weights_of_another_network(tmp_path: Path):
    given = keras.Input((3,))
    keras.Model(given, keras.layers.Dense(5)(given)).save_weights(tmp_path / "x.weights.h5")
    with pytest.raises(InputError, match="cannot be loaded"):
        load_weights(_tiny(), tmp_path / "x.weights.h5", "x")


def test_a_configuration_of_deep_nesting(saved: Path):
    _packed(saved, {"config.json": b'{"a":' * 100_000})
    with pytest.raises(InputError, match="cannot be loaded"):
        load_saved(saved, "x")
    _packed(
        saved, {"config.json": json.dumps({"module": "os", "class_name": "system", "config": "ls"}).encode()}
    )
    with pytest.raises(InputError, match="cannot be loaded"):
        load_saved(saved, "x")
