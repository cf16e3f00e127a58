"""How progress leaves the core: one small hook, and no screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Progress:
    """A stage has come further.

    Examples:
        >>> stages = set()
        >>> part = analyze("clip.mp4", end_s=0.2, on_event=lambda event: stages.add(event.stage))
        >>> sorted(stages)
        ['face', 'fusion', 'voice']

    Attributes:
        stage: `voice`, `face`, `fusion`, `explain`; `baseline`, a step a recording.
        done: Ticks, or steps, done.
        total: Of how many; None where that is not known yet.
    """

    stage: str
    done: int
    total: int | None


EventHook: TypeAlias = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """The hook of those who do not want to know."""
