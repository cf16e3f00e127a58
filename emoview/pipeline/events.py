"""How progress leaves the core: one small hook, and no screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has come further.

    Attributes:
        stage: `probe`, `voice`, `face`, `fusion`, `explain`; `baseline`, a step a recording.
        done: Ticks, or steps, done.
        total: Of how many; None where that is not known yet.
    """

    stage: str
    done: int
    total: int | None


EventHook: TypeAlias = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """The hook of those who do not want to know."""
