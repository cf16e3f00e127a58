"""The training loop of every system: epochs, schedules, checkpoints, and going on after a stop."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import keras
import numpy as np
from msgspec import Meta

from emoview.common.files import held, write_whole
from emoview.common.stored import read_numbers
from emoview.errors import InputError
from emoview.networks.saved import MOST_WITH_OPTIMIZER, load_saved, load_weights, save_whole
from emoview.pipeline.stage import Stage
from emoview.training.plan import Plan
from emoview.training.precision import compiled, quick_precision
from emoview.training.systems.events import OnEvent

Batch = tuple[Any, ...]
"""`(inputs, targets)` or `(inputs, targets, weights)`."""

_Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
_BEST = "best.weights.h5"
_ANEW = "remove its folder, and the training starts anew"


def fit(
    build: Callable[[], keras.Model],
    batches: Callable[[int], Iterator[Batch]],
    judge: Callable[[keras.Model], dict[str, float]],
    plan: Plan,
    run: Path,
    *,
    loss: Any,
    seed: int,
    watch: str = "validation_accuracy",
    metrics: Sequence[str] = ("accuracy",),
    name: str = "",
    of: int | None = None,
    on_event: OnEvent = lambda event: None,
) -> keras.Model:
    """Train a network; called again with the same `run`, go on behind the last whole epoch.

    The batches of an epoch must depend on its number alone; then a training that was stopped, and one
    that was not, end at the same weights.

    Args:
        build: Makes the network.
        batches: Makes the batches of an epoch, all of one shape; they are made in a thread of their
            own, while the network learns.
        judge: Gives figures of the network as it is: `validation_loss` and `validation_accuracy`, or others.
        plan: How long and how fast.
        run: Folder for `checkpoint-EPOCH.keras`, `best.weights.h5` and `history.json`.
        loss: Keras loss.
        seed: Of the weights at the start, and of dropout.
        watch: The figure that decides what is best, in which more is better: of `judge`, or of `metrics`.
        metrics: Of Keras, measured of the training batches while the network learns from them; shares
            come in percent.
        name: Of the network, for the events.
        of: Steps in an epoch, for the events.
        on_event: Told every step and the figures of each epoch.

    Returns:
        The network, not compiled, with the weights that `plan.keep` says.

    Raises:
        InputError: Another process trains in `run`, or what is there is damaged.
    """
    run.mkdir(parents=True, exist_ok=True)
    with held(run) as alone:
        if not alone:
            raise InputError(
                f"{run} is being trained by another process: wait for it, or name a new folder with -o"
            )
        history = read_history(run, watch)
        keras.utils.set_random_seed(seed)
        model = _begun(build, plan, run, len(history), loss, metrics)
        for epoch in range(len(history), plan.epochs):
            start = time.perf_counter()
            watched, before = [plan.watched(row, watch) for row in history], _batches_of(history)
            rates = (plan.rate_at(epoch, watched, batches=before + done) for done in count())
            rate = next(rates)
            model.optimizer.learning_rate = rate
            _seed_dropout(model, seed, epoch)
            learned, steps, waited = _epoch(model, batches(epoch), rates, plan.steps, of, on_event)
            figures = judge(model)
            row: dict[str, Any] = {
                "epoch": epoch + 1, "rate": rate, "steps": steps, **learned, **figures,
                "seconds": round(time.perf_counter() - start, 1), "waiting": round(waited, 3),
            }  # fmt: skip
            history.append(row)
            _store(model, history, run, better=all(row[watch] > other[watch] for other in history[:-1]))
            on_event({"network": name, **row})
        if plan.keep == "best":
            load_weights(model, run / _BEST, _ANEW)
    # Built anew it has no optimizer, and the precision of everybody's processor.
    bare = build()
    bare.set_weights(model.get_weights())
    return bare


def _begun(
    build: Callable[[], keras.Model], plan: Plan, run: Path, epochs: int, loss: Any, metrics: Sequence[str]
) -> keras.Model:
    """Build the network, or load it as it was after `epochs`."""
    if epochs:
        return load_saved(_checkpoint(run, epochs), _ANEW, compile=True, most=MOST_WITH_OPTIMIZER)
    with quick_precision():
        model = build()
    model.compile(plan.new_optimizer(), loss, metrics=list(metrics), jit_compile=compiled())
    return model


def _store(model: keras.Model, history: list[dict[str, Any]], run: Path, *, better: bool) -> None:
    """Store the network after an epoch, and its history."""
    if better:
        save_whole(model, run / _BEST)
    save_whole(model, _checkpoint(run, len(history)))
    # From here on the new checkpoint counts; before, a stop leads back to the old one.
    write_whole(run / "history.json", json.dumps(history, indent=1) + "\n")
    _checkpoint(run, len(history) - 1).unlink(missing_ok=True)


def fit_head_first(
    build: Callable[[], keras.Model],
    freeze: Callable[[keras.Model], None],
    head_epochs: int,
    batches: Callable[[int], Iterator[Batch]],
    judge: Callable[[keras.Model], dict[str, float]],
    plan: Plan,
    run: Path,
    *,
    name: str,
    **options: Any,
) -> keras.Model:
    """Train a part of a network for some epochs, and then the whole.

    Args:
        build: Makes the network.
        freeze: Makes all that the first epochs leave alone not trainable.
        head_epochs: How many these are; with none the whole network learns at once.
        batches: As of `fit`, like all that follows.
        judge: Likewise.
        plan: Of the whole network; the part has the same, but for the epochs.
        run: Folder of the whole network; that of the part lies beside it.
        name: Of the network.
        options: More of `fit`.
    """
    if not head_epochs:
        return fit(build, batches, judge, plan, run, name=name, **options)

    def part() -> keras.Model:
        model = build()
        freeze(model)
        return model

    head = fit(
        part, batches, judge, replace(plan, epochs=head_epochs), run.with_name(f"{run.name}-head"),
        name=f"{name}, last layers", **options,
    )  # fmt: skip

    def whole() -> keras.Model:
        model = build()
        model.set_weights(head.get_weights())
        return model

    return fit(whole, batches, judge, plan, run, name=name, **options)


def _batches_of(history: list[dict[str, Any]]) -> int:
    """Count the batches of the epochs that are done."""
    return sum(int(row.get("steps") or 0) for row in history)


def _epoch(
    model: keras.Model,
    batches: Iterator[Batch],
    rates: Iterator[float],
    most: int | None,
    of: int | None,
    on_event: OnEvent,
) -> tuple[dict[str, float], int, float]:
    """Learn from every batch once: mean loss and metrics, the steps, and the share of time spent waiting.

    The optimizer has the rate of the first batch; `rates` are those of the batches after it.
    """
    rows: list[dict[str, float]] = []
    begin = last = time.perf_counter()
    waited = 0.0
    for batch in Stage(batches):
        waited += time.perf_counter() - last
        model.reset_metrics()
        said = model.train_on_batch(*batch, return_dict=True)
        rows.append({name: float(value) for name, value in said.items()})
        on_event({"step": len(rows), "of": most or of, "loss": rows[-1]["loss"]})
        model.optimizer.learning_rate = next(rates)
        last = time.perf_counter()
        if most is not None and len(rows) >= most:
            break
    if not rows:
        raise InputError("too few examples for one batch: use more data or a smaller batch")
    if not np.isfinite(rows[-1]["loss"]):
        raise InputError("the loss is not a number any more: use a lower learning rate")
    means = {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}
    percent = {name: value if name == "loss" else 100 * value for name, value in means.items()}
    return percent, len(rows), waited / (last - begin)


def read_history(run: Path, watch: str = "loss") -> list[dict[str, Any]]:
    """Read the rows of the epochs that are done; none where there is no run yet.

    Args:
        run: The folder of a network.
        watch: A figure that must be there.

    Raises:
        InputError: The history is damaged.
    """
    file = run / "history.json"
    if not file.exists():
        return []
    history = read_numbers(file, list[dict[str, _Whole | float | None]], _ANEW)
    for number, row in enumerate(history, start=1):
        if row.get("epoch") != number or any(row.get(name) is None for name in (watch, "loss", *history[0])):
            raise InputError(f"{file} is damaged at epoch {number} (its figures are not whole): {_ANEW}")
    return [dict(row) for row in history]


def _checkpoint(run: Path, epochs: int) -> Path:
    return run / f"checkpoint-{epochs}.keras"


def _seed_dropout(model: keras.Model, seed: int, epoch: int) -> None:
    """Let dropout depend on the seed and the epoch alone: checkpoints do not hold its state."""
    for number, layer in enumerate(model._flatten_layers()):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign(np.array([seed + 1000 * number, epoch], np.uint32))
