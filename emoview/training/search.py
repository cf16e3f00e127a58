"""Search of options: every combination of a grid, or some of them at random."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from emoview.common.files import write_whole
from emoview.common.stored import quoted
from emoview.errors import InputError
from emoview.networks.runs import Run, nested
from emoview.training.loop import read_history
from emoview.training.systems.catalog import System
from emoview.training.systems.events import OnEvent

_MOST = 1_000_000
_FOLDS = 5


def search(
    system: System,
    data: Path,
    grid: Mapping[str, list[Any]],
    folder: Path,
    *,
    draws: int | None,
    seed: int,
    folds: int | None = None,
    changes: Mapping[str, Any],
    on_event: OnEvent,
) -> list[dict[str, Any]]:
    """Train a system with many options, and rank these by the validation part, or by folds.

    The part that is measured in the end takes no part in the ranking; where options are ranked by folds, it
    is not measured at all.

    Args:
        system: Which.
        data: Its data.
        grid: Values to try for each option; `plan.rate` means the option `rate` of `plan`.
        folder: For a run folder each, and `search.json`; searched again, it goes on.
        draws: Combinations drawn at random; None for all of them.
        seed: Of the draw.
        folds: Of the training part, each left out once, for systems that hold no validation part out; None
            for five there.
        changes: Options that all share.
        on_event: Told what goes on.

    Returns:
        For each combination its options, run folder, and best watched figure, or the mean of its folds, and
        these; the best first.

    Raises:
        InputError: The system holds nothing out to rank by, or has a validation part and no folds.
    """
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    if system.cross_validated is None:
        if system.data not in ("faces", "frames of clips"):
            raise InputError(
                f"{system.name} holds nothing out to rank by: search a system of faces or speech"
            )
        if folds is not None:
            raise InputError(f"{system.name} is ranked by its validation part: leave --folds out")
    for name, values in grid.items():
        if not values:
            raise InputError(f"the grid's {quoted(name)} must be a list of values to try")
    if math.prod(map(len, grid.values())) > _MOST:
        raise InputError(f"the grid has more than {_MOST:,} combinations: leave values out")
    every = ParameterGrid(dict(grid))
    if draws is not None and draws < len(every):
        combinations = list(ParameterSampler(dict(grid), draws, random_state=seed))
    else:
        combinations = list(every)
    rows = []
    for combination in combinations:
        name = ",".join(f"{key.split('.')[-1]}={value}" for key, value in sorted(combination.items()))
        on_event({"trying": name})
        options = system.options(nested({**changes, **combination}, "the grid"), "the grid")
        run = folder / name.replace("/", "-")
        row = {"options": combination, "run": str(run)}
        if system.cross_validated is not None:
            figures = system.cross_validated(
                options, data, Run(run, system.name, options, data), folds or _FOLDS, on_event
            )
            rows.append({**row, "figure": fmean(figures), "folds": list(figures)})
        else:
            system.train(options, data, Run(run, system.name, options, data), on_event)
            rows.append({**row, "figure": _best(run)})
        rows.sort(key=lambda row: -row["figure"])
        write_whole(folder / "search.json", json.dumps(rows, indent=2) + "\n")
    return rows


def _best(run: Path) -> float:
    """Give the best figure on validation data over the networks of a run, the last network counting."""
    histories = [
        read_history(folder, "validation_accuracy") for folder in sorted(run.iterdir()) if folder.is_dir()
    ]
    figures = [max(row["validation_accuracy"] for row in history) for history in histories if history]
    if not figures:
        raise InputError(f"{run} has no history of a validation part to rank by")
    return float(max(figures))
