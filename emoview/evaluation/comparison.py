"""Runs beside each other: how good, how large, how fast."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from emoview.errors import InputError
from emoview.networks.runs import (
    NetworkOfRun,
    load_network,
    network_behind,
    read_metrics,
    read_run,
    told_apart,
)
from emoview.training.loop import read_history

_BATCH = 32


@dataclass(frozen=True)
class Compared:
    """A network, or a rule, of a run.

    Attributes:
        run: Name of the folder; its path where several are called alike.
        name: Of the network.
        figures: As `metrics.json` holds them.
        parameters: How many; None for a rule.
        flops: For one input.
        megabytes: Of its file.
        milliseconds: For one input, in batches of 32; None where it was not measured.
        seconds: That the whole run took.
    """

    run: str
    name: str
    figures: dict[str, Any]
    parameters: int | None
    flops: int | None
    megabytes: float | None
    milliseconds: float | None
    seconds: float

    @property
    def accuracy(self) -> float:
        """In percent; 0 where it is none of the figures."""
        return float(self.figures.get("accuracy", {"value": 0})["value"])


def compared(runs: Sequence[Path], *, measure_time: bool = False) -> list[Compared]:
    """Collect every network and rule of the runs, in their order."""
    rows = []
    for run, called in zip(runs, told_apart(runs), strict=True):
        facts = read_run(run)
        networks = {network.name: network for network in facts["networks"]}
        seconds = float(facts["seconds"])
        for name, figures in read_metrics(run).items():
            network = network_behind(name, networks)
            if network is None:
                rows.append(Compared(called, name, figures, None, None, None, None, seconds))
                continue
            file = run / f"{network.name}.keras"
            if not file.is_file():
                raise InputError(f"{file} is missing: the run is not complete; train again to go on")
            size = file.stat().st_size / 1e6
            took = _milliseconds(run, network) if measure_time else None
            rows.append(
                Compared(called, name, figures, network.parameters, network.flops, size, took, seconds)
            )
    return rows


def curves(runs: Sequence[Path]) -> dict[str, list[dict[str, float]]]:
    """Give loss and figures by epoch of every network of the runs, by run and network.

    Where a network was trained in folds, each row is the mean of the folds that have reached the epoch.

    Raises:
        InputError: No run has a history of its training, or one is damaged.
    """
    found = {}
    for run, called in zip(runs, told_apart(runs), strict=True):
        for network in read_run(run)["networks"]:
            folder = run / network.name
            parts = [folder, *sorted(path for path in folder.glob("*") if path.is_dir())]
            histories = [rows for part in parts if (rows := read_history(part))]
            if histories:
                name = called if called == network.name else f"{called}, {network.name}"
                found[name] = _mean_rows(histories)
    if not found:
        raise InputError("the runs keep no history of their training: name runs of emoview train")
    return found


def _mean_rows(histories: Sequence[Sequence[Mapping[str, float]]]) -> list[dict[str, float]]:
    rows = []
    for epoch in zip_longest(*histories):
        reached = [row for row in epoch if row is not None]
        names = [name for name in reached[0] if all(name in row for row in reached)]
        rows.append({name: statistics.fmean(row[name] for row in reached) for name in names})
    return rows


def _milliseconds(run: Path, network: NetworkOfRun) -> float:
    """Measure the median of seven batches after two, on one core where the system lets us choose."""
    import numpy as np

    # TensorFlow makes its threads at its first computation, and they stay on the cores allowed then.
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        model = load_network(run, network)
        inputs = [
            np.zeros([_BATCH] + [80 if side is None else side for side in given.shape[1:]], given.dtype)
            for given in model.inputs
        ]
        values = inputs[0] if len(inputs) == 1 else inputs
        spent = []
        for _ in range(9):
            start = time.perf_counter()
            model.predict_on_batch(values)
            spent.append(time.perf_counter() - start)
    finally:
        os.sched_setaffinity(0, cores)
    return 1000 * statistics.median(spent[2:]) / _BATCH
