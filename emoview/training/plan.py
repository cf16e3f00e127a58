"""How long and how fast a network learns."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta

from emoview.errors import InputError
from emoview.training.options import Number

if TYPE_CHECKING:
    import keras

VALIDATION = "validation_"
"""What the names of figures begin with that are of examples held out of the training."""

Schedule = Literal["constant", "step", "plateau", "staircase", "cosine"]
Optimizer = Literal["adam", "adamw", "adamax", "nadam", "adagrad", "adadelta", "sgd", "rmsprop"]


@dataclass(frozen=True)
class Plan:
    """How long and how fast a network learns.

    Attributes:
        epochs: Passes over the data.
        rate: Learning rate at the start.
        optimizer: By its name in Keras: `adam`, `adamw`, `adamax`, `nadam`, `adagrad`, `adadelta`, `sgd` or
            `rmsprop`.
        schedule: What becomes of the rate: `step` multiplies it once, at `step_at`; `plateau` whenever what
            it watches has not become better for `patience` epochs; `staircase` every `step_at`; `cosine`
            brings it to zero, an epoch at a time.
        factor: What the rate is multiplied with.
        step_at: When the step comes, or the length of a stair.
        step_in: What `step_at` counts: `epochs`, or `batches`.
        patience: Epochs of `plateau`.
        keep: Weights that are kept in the end: of the `best` epoch, or the `last`.
        steps: Batches after which an epoch is cut short; None for all.
        watch: What `plateau` watches: `accuracy`, or whatever else chooses the best epoch; the `loss`, both
            of the validation part where one is held out; or the `training-loss`.
        momentum: Of `sgd` and `rmsprop`.
    """

    epochs: Number
    rate: Annotated[float, Meta(gt=0, le=1e3)]
    optimizer: Optimizer = "adam"
    schedule: Schedule = "constant"
    factor: Annotated[float, Meta(gt=0, le=1e3)] = 0.2
    step_at: Number = 10
    step_in: Literal["epochs", "batches"] = "epochs"
    patience: Number = 5
    keep: Literal["best", "last"] = "best"
    steps: Number | None = None
    watch: Literal["accuracy", "loss", "training-loss"] = "accuracy"
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.0

    def __post_init__(self) -> None:
        """Refuse a momentum where there is none."""
        if self.momentum and self.optimizer not in ("sgd", "rmsprop"):
            raise InputError(f"{self.optimizer} takes no momentum: use sgd or rmsprop, or leave it at 0")

    def new_optimizer(self) -> keras.optimizers.Optimizer:
        """Make the optimizer, at its first rate."""
        config = {"learning_rate": self.rate}
        if self.momentum:
            config["momentum"] = self.momentum
        import keras

        return keras.optimizers.get({"class_name": self.optimizer, "config": config})

    def rate_at(self, epoch: int, watched: list[float], *, batches: int = 0) -> float:
        """Give the rate of the next batch.

        Args:
            epoch: It is in, counted from 0.
            watched: What the plan watches, of each epoch before; more is better.
            batches: Learned from before it, in all epochs.
        """
        done = batches if self.step_in == "batches" else epoch
        if self.schedule == "step":
            return self.rate * (self.factor if done >= self.step_at else 1.0)
        if self.schedule == "staircase":
            return float(self.rate * self.factor ** (done // self.step_at))
        if self.schedule == "cosine":
            return float(self.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * epoch / self.epochs)) / 2))
        if self.schedule == "plateau":
            return float(self.rate * self.factor ** _plateaus(watched, self.patience))
        return self.rate

    def watched(self, row: Mapping[str, Any], best_by: str) -> float:
        """Figure of an epoch that `plateau` watches, where `best_by` names the one that chooses the best."""
        if self.watch == "accuracy":
            return float(row[best_by])
        held_out = self.watch == "loss" and "validation_loss" in row and best_by.startswith(VALIDATION)
        return -float(row["validation_loss" if held_out else "loss"])


def _plateaus(watched: list[float], patience: int) -> int:
    """Count how often `patience` epochs in a row brought nothing better."""
    count, waited, best = 0, 0, -math.inf
    for value in watched:
        if value > best:
            best, waited = value, 0
        else:
            waited += 1
        if waited == patience:
            count, waited = count + 1, 0
    return count
