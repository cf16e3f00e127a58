"""Search of options: every combination of a grid, or some of them at random."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from emoview.common.files import write_whole
from emoview.common.interrupts import interrupted_as
from emoview.common.stored import quoted
from emoview.errors import EmoviewError, InputError
from emoview.networks.runs import Run
from emoview.training.loop import read_history
from emoview.training.options import nested
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
    seeds: int = 1,
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
        folds: Of what is not measured in the end, each left out once; None for the validation part of systems
            that hold one out, those of faces, and five folds for the others.
        seeds: So many trainings with each of the options, which differ in their seeds alone, from that of the
            options on.
        changes: Options that all share.
        on_event: Told what goes on.

    Returns:
        For each combination its options, first run folder, and best watched figure, or the mean of its folds
        and seeds; these, and their sample standard deviation, which is that of the seeds where there are
        several; the best first.  One that failed has why in place of figures, and stands last.

    Raises:
        InputError: The grid is none, tries seeds itself while several are asked for, or tries what to omit
            without folds; or all failed.
        KeyboardInterrupt: It was stopped; says what is done.
    """
    if folds is None and system.data != "faces":
        folds = _FOLDS
    if seeds > 1 and "seed" in grid:
        raise InputError("the grid tries seeds: leave it out of the grid, or --seeds")
    if folds is None and "omit" in grid:
        raise InputError(
            "the validation part lacks what is omitted, so that it cannot rank omit: add --folds"
        )
    # A wrong value must not wait for its turn, which may come after hours.
    tries = [
        (combination, system.options(nested({**changes, **combination}, "the grid"), "the grid"))
        for combination in _combinations(grid, draws, seed)
    ]
    for _, options in tries:
        system.check(options)
    # Nor must what another search has left.
    opened = [_opened(system, data, folder / _name(one), options, seeds) for one, options in tries]
    rows: list[dict[str, Any]] = []
    failures: list[EmoviewError] = []
    with interrupted_as(
        lambda: f"{len(rows)} of {len(tries)} combinations are done; the same command goes on"
    ):
        for (combination, _), runs in zip(tries, opened, strict=True):
            on_event({"trying": _name(combination)})
            try:
                tried = [_figures(system, data, run, own, folds, on_event) for run, own in runs]
                found = _summary(tried, folds)
            except EmoviewError as error:
                # Others may do well: a rate that is too high must not end the search.
                failures.append(error)
                on_event({"failed": str(error)})
                found = {"figure": None, "failed": str(error)}
            rows.append({"options": combination, "run": str(folder / _name(combination)), **found})
            rows.sort(key=lambda row: -math.inf if row["figure"] is None else row["figure"], reverse=True)
            write_whole(folder / "search.json", json.dumps(rows, indent=2) + "\n")
    if len(failures) == len(rows):
        raise failures[0]
    return rows


def _name(combination: Mapping[str, Any]) -> str:
    """Name the run folder of a combination."""
    said = ",".join(f"{key.split('.')[-1]}={value}" for key, value in sorted(combination.items()))
    # Of an empty grid, too, the runs lie in the folder of the search.
    return said.replace("/", "-") or "as-set"


def _opened(system: System, data: Path, run: Path, options: Any, seeds: int) -> list[tuple[Run, Any]]:
    """Open a run for each seed; gives its options, too.

    Raises:
        InputError: There is one with other options, or of other data.
    """
    result = []
    for number in range(seeds):
        seeded = replace(options, seed=options.seed + number)
        # The first goes on where a search with a single seed was.
        place = run.with_name(f"{run.name},seed={seeded.seed}") if number else run
        result.append((Run(place, system.name, seeded, data), seeded))
    return result


def _combinations(grid: Mapping[str, list[Any]], draws: int | None, seed: int) -> list[dict[str, Any]]:
    """Give all combinations of the grid, or some drawn at random."""
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    for name, values in grid.items():
        if not values:
            raise InputError(f"the grid's {quoted(name)} must be a list of values to try")
    if math.prod(map(len, grid.values())) > _MOST:
        raise InputError(f"the grid has more than {_MOST:,} combinations: leave values out")
    every = ParameterGrid(dict(grid))
    if draws is not None and draws < len(every):
        return list(ParameterSampler(dict(grid), draws, random_state=seed))
    return list(every)


def _figures(
    system: System, data: Path, run: Run, options: Any, folds: int | None, on_event: OnEvent
) -> tuple[float, ...]:
    """Train with some options: the figure of each fold, or the best of the validation part."""
    with run.learning():
        if folds is not None:
            # Other options, or other data, must not take over what these came to.
            run.save()
            return system.cross_validated(options, data, run, folds, on_event)
        system.train(options, data, run, on_event)
    return (_best(run.folder, system, options),)


def _summary(tried: Sequence[Sequence[float]], folds: int | None) -> dict[str, Any]:
    """Say what a combination came to: figures `tried[seed][fold]`."""
    means = [fmean(figures) for figures in tried]
    spread = means if len(means) > 1 else tried[0]
    return {
        "figure": fmean(means),
        **({"deviation": stdev(spread)} if len(spread) > 1 else {}),
        **({"folds": [figure for figures in tried for figure in figures]} if folds is not None else {}),
        **({"seeds": means} if len(means) > 1 else {}),
    }


def _best(run: Path, system: System, options: Any) -> float:
    """Give the best network's figure on validation data, in the epoch whose weights are kept."""
    # Of layers that learned alone first, what counts is what the whole network comes to.
    parts = [one for one in sorted(run.iterdir()) if one.is_dir() and not one.name.endswith("-head")]
    figures = []
    for part in parts:
        history = [row["validation_accuracy"] for row in read_history(part, "validation_accuracy")]
        if history:
            is_last = system.plan_of(options, part.name).keep == "last"
            figures.append(history[-1] if is_last else max(history))
    if not figures:
        raise InputError(f"{run} has no history of a validation part to rank by")
    return float(max(figures))
