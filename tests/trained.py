"""Small systems trained at test time, and what tests ask of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from conftest import Make

from emoview.networks.runs import Run
from emoview.training.systems.catalog import system_named


def quiet(_: Any) -> None:
    pass


def trained(system: str, data: Path, folder: Path, on_event: Any = quiet, **changes: Any) -> Path:
    chosen = system_named(system)
    options = chosen.options(changes)
    chosen.train(options, data, Run(folder, system, options, data), on_event)
    return folder


def said_by(network: Any, inputs: Any) -> Any:
    """What a Keras network says; `predict` compiles it anew for each shape, which takes seconds."""
    answer = network(inputs, training=False)
    if isinstance(answer, list | tuple):
        return [keras.ops.convert_to_numpy(part) for part in answer]
    return np.asarray(keras.ops.convert_to_numpy(answer))


def read_history_of(run: Path) -> list[dict[str, Any]]:
    file = run / "history.json"
    return json.loads(file.read_text()) if file.exists() else []


def clips_of_three(made: Make, tmp_path: Path) -> None:
    with (tmp_path / "index.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "actor", "sentence", "label"])
        for actor in range(3):
            for i, label in enumerate(("happy", "sad")):
                made(f"{actor}{i}.mp4", "-ss", f"{actor + 1.5 * i}", seconds=1.2).rename(
                    tmp_path / f"{actor}{i}.mp4"
                )
                table.writerow([f"{actor}{i}.mp4", str(actor), "1", label])
